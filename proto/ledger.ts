/**
 * The loss ledger: names of every stage, of every reason a thing may leave it, and the equations that must hold. Counters are
 * cumulative per (stream, boot); `stock` counters say what is inside a stage at this moment; `estimate` counters are known
 * only roughly (the kernel's own) and stand beside the equations. Sides are compared at sequence points: when a batch is
 * sealed, and when a process has stopped.
 */

export type CounterSpec = { name: string, field: number, kind: 'flow' | 'exit' | 'stock' | 'estimate', text: string }

const c = (field: number, name: string, kind: CounterSpec['kind'], text: string): CounterSpec => ({ name, field, kind, text })

/** What an agent counts; `field` is the number in message AgentLedger. Never reuse a number. */
export const agentCounters = [
  c(1, 'frames', 'flow', 'frames delivered by the source'),
  c(2, 'framesInFlows', 'flow', 'frames accounted to a flow'),
  c(3, 'notIpArp', 'exit', 'not IP: ARP'),
  c(4, 'notIpOther', 'exit', 'not IP: another ethertype or link protocol'),
  c(5, 'undecodableLink', 'exit', 'undecodable: unknown link type'),
  c(6, 'undecodableTruncated', 'exit', 'undecodable: cut before the end of the IP header'),
  c(7, 'undecodableHeader', 'exit', 'undecodable: a header contradicts itself'),
  c(8, 'undecodableNesting', 'exit', 'undecodable: too many tags, tunnels or extension headers'),
  c(9, 'undecodableRecord', 'exit', 'undecodable: the capture file is damaged here'),
  c(10, 'flowsOpened', 'flow', 'flows begun'),
  c(11, 'flowsClosed', 'flow', 'flows ended, final record made'),
  c(12, 'flowsOpen', 'stock', 'flows in the table'),
  c(13, 'flowsEvicted', 'flow', 'of the closed: exported early because the table was full'),
  c(14, 'packetsReported', 'flow', 'packets in the records made (sum of deltas)'),
  c(15, 'packetsOpen', 'stock', 'packets of open flows not yet in a record'),
  c(16, 'recordsMade', 'flow', 'records made by the flow engine'),
  c(17, 'recordsScoring', 'stock', 'records at the scorer or waiting to be sealed'),
  c(18, 'recordsSealed', 'flow', 'records sealed into batches'),
  c(19, 'recordsWaiting', 'stock', 'sealed records not yet acknowledged'),
  c(20, 'recordsAcknowledged', 'flow', 'records the sink has acknowledged'),
  c(21, 'recordsDropped', 'exit', 'sealed records dropped: spool full or refused'),
  c(22, 'recordsUnscored', 'flow', 'of the sealed: the model did not score them'),
  c(23, 'kernelDropped', 'estimate', 'packets the kernel dropped because the ring was full'),
  c(24, 'interfaceDropped', 'estimate', 'packets the interface dropped before the kernel saw them'),
  c(25, 'framesIgnored', 'exit', 'deliberately left out: loopback echoes and the sensor\'s own traffic'),
] as const satisfies readonly CounterSpec[]

export type AgentCounter = typeof agentCounters[number]['name']

/** What a collector counts. */
export const collectorCounters = [
  c(1, 'batchesReceived', 'flow', 'batches that arrived'),
  c(2, 'batchesTaken', 'flow', 'batches written to the journal'),
  c(3, 'batchesDuplicate', 'exit', 'batches seen before'),
  c(4, 'batchesRefused', 'exit', 'batches refused: undecodable, unsigned or too large'),
  c(5, 'recordsTaken', 'flow', 'records in the journal'),
  c(6, 'recordsDetected', 'flow', 'records detection has read'),
  c(7, 'recordsDetecting', 'stock', 'records in the journal that detection has not read'),
  c(8, 'recordsArchived', 'flow', 'records stored in the archive'),
  c(9, 'recordsArchiving', 'stock', 'records in the journal that the archive has not stored'),
  c(10, 'findings', 'flow', 'findings made by detectors'),
  c(11, 'findingsRaised', 'flow', 'findings that raised an alert'),
  c(12, 'findingsGrouped', 'flow', 'findings added to an alert'),
  c(13, 'findingsRepeated', 'flow', 'findings already known (after a restart)'),
  c(14, 'notificationsQueued', 'flow', 'notifications written to the outbox'),
  c(15, 'notificationsDelivered', 'flow', 'notifications a channel delivered'),
  c(16, 'notificationsRefused', 'exit', 'notifications the receiver refused for good'),
  c(17, 'notificationsWaiting', 'stock', 'notifications waiting or being retried'),
  c(18, 'recordsLost', 'exit', 'records of damaged journal batches'),
] as const satisfies readonly CounterSpec[]

export type CollectorCounter = typeof collectorCounters[number]['name']

export type Equation<Name extends string> = { name: string, left: readonly Name[], right: readonly Name[] }

export const agentEquations: readonly Equation<AgentCounter>[] = [
  { name: 'frames', left: ['frames'],
    right: ['framesInFlows', 'framesIgnored', 'notIpArp', 'notIpOther', 'undecodableLink', 'undecodableTruncated', 'undecodableHeader', 'undecodableNesting', 'undecodableRecord'] },
  { name: 'flows', left: ['flowsOpened'], right: ['flowsClosed', 'flowsOpen'] },
  { name: 'packets', left: ['framesInFlows'], right: ['packetsReported', 'packetsOpen'] },
  { name: 'records', left: ['recordsMade'], right: ['recordsScoring', 'recordsSealed'] },
  { name: 'delivery', left: ['recordsSealed'], right: ['recordsWaiting', 'recordsAcknowledged', 'recordsDropped'] },
]

export const collectorEquations: readonly Equation<CollectorCounter>[] = [
  { name: 'batches', left: ['batchesReceived'], right: ['batchesTaken', 'batchesDuplicate', 'batchesRefused'] },
  { name: 'detection', left: ['recordsTaken'], right: ['recordsDetected', 'recordsDetecting', 'recordsLost'] },
  { name: 'archive', left: ['recordsTaken'], right: ['recordsArchived', 'recordsArchiving', 'recordsLost'] },
  { name: 'findings', left: ['findings'], right: ['findingsRaised', 'findingsGrouped', 'findingsRepeated'] },
  { name: 'notifications', left: ['notificationsQueued'], right: ['notificationsDelivered', 'notificationsRefused', 'notificationsWaiting'] },
]

export type Balance = { name: string, left: number, right: number, balanced: boolean, terms: { name: string, value: number }[] }

/** Evaluates equations over counters (a missing counter is 0). The two sides are integers, so they are equal or they are not. */
export function balance<Name extends string>(equations: readonly Equation<Name>[], counters: ReadonlyMap<string, number>): Balance[] {
  const sum = (names: readonly Name[]): number => names.reduce((total, name) => total + (counters.get(name) ?? 0), 0)
  return equations.map(({ name, left, right }) => {
    const l = sum(left)
    const r = sum(right)
    return { name, left: l, right: r, balanced: l === r, terms: right.map((term) => ({ name: term, value: counters.get(term) ?? 0 })) }
  })
}

/** Counters of one process. Adding to a name is a Map write, so hot loops count in locals and add once per block. */
export class Ledger<Name extends string> {
  readonly counters = new Map<Name, number>()

  constructor(specs: readonly { name: Name }[]) {
    for (const { name } of specs) this.counters.set(name, 0)
  }

  add(name: Name, amount = 1): void {
    this.counters.set(name, (this.counters.get(name) ?? 0) + amount)
  }

  set(name: Name, value: number): void {
    this.counters.set(name, value)
  }

  get(name: Name): number {
    return this.counters.get(name) ?? 0
  }

  snapshot(): Map<string, number> {
    return new Map(this.counters)
  }
}

export type AgentLedger = Ledger<AgentCounter>
export type CollectorLedger = Ledger<CollectorCounter>
export const newAgentLedger = (): AgentLedger => new Ledger<AgentCounter>(agentCounters)
export const newCollectorLedger = (): CollectorLedger => new Ledger<CollectorCounter>(collectorCounters)
