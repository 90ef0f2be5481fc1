/**
 * The attacks of several seeds: an independent meter finds each with exactly the counts of the truth, above the
 * detectors' thresholds, and nothing benign above them.
 */
import { describe, expect, it } from 'vitest'
import { attackOf, SimulateSource } from '../../../../agent/capture/simulate/index.ts'
import type { AttackTruth, Truth } from '../../../../agent/capture/simulate/index.ts'
import { everyFrame, failed, Meter, readFrame } from './meter.ts'
import type { Metered } from './meter.ts'

async function metered(seed: number, hours: number): Promise<{ flows: Metered[], truth: Truth }> {
  const source = new SimulateSource({ seed, hours })
  const meter = new Meter()
  await everyFrame(source, (frame, micros) => { meter.take(readFrame(frame, micros)) })
  return { flows: meter.flows, truth: source.truth() }
}

function attack<Kind extends AttackTruth['kind']>({ attacks }: Truth, kind: Kind): Extract<AttackTruth, { kind: Kind }> {
  const found = attacks.find((one) => one.kind === kind)
  if (found === undefined) throw new Error(`no ${kind}`)
  return found as Extract<AttackTruth, { kind: Kind }>
}

/** Largest number of different `value`s with one `key` in ten minutes. */
function densest(flows: readonly Metered[], key: (flow: Metered) => string, value: (flow: Metered) => string): { key: string
  count: number } {
  const groups = Map.groupBy(flows, key)
  let best = { key: '', count: 0 }
  for (const [name, members] of groups) {
    for (let from = 0, to = 0; to < members.length; to++) {
      while (members[to].startMicros - members[from].startMicros > 600e6) from++
      if (to - from + 1 <= best.count) continue
      const count = new Set(members.slice(from, to + 1).map(value)).size
      if (count > best.count) best = { key: name, count }
    }
  }
  return best
}

const label = (flows: readonly Metered[], truth: Truth): Map<string, Metered[]> => {
  const of = attackOf(truth)
  return Map.groupBy(flows, ({ initiator, responder, initiatorPort, startMicros }) =>
    of({ initiatorAddress: initiator, responderAddress: responder, initiatorPort, startMicros }))
}

describe.each([[1, 1], [2, 0.25], [3, 0.25], [4, 0.25], [5, 0.5]])('attacks of seed %i in %f h', (seed, hours) => {
  it('are in the flows with the counts of the truth', async () => {
    const { flows, truth } = await metered(seed, hours)
    const between = ({ attackers: [from], victims: [to] }: AttackTruth): Metered[] => flows.filter(({ initiator,
      responder }) => initiator === from && responder === to)

    const scan = attack(truth, 'port-scan')
    const probes = between(scan).filter(({ kind }) => kind === 'tcp')
    const ports = (list: readonly Metered[]): Set<number> => new Set(list.map(({ responderPort }) => responderPort))
    expect(ports(probes.filter(failed)).size).toBe(scan.portsFailed)
    expect(ports(probes.filter((flow) => failed(flow) && flow.responderFlags !== 0)).size).toBe(scan.portsRefused)
    expect(scan.portsRefused + scan.portsSilent).toBe(scan.portsFailed)
    expect(scan.portsFailed + scan.portsOpen.length).toBe(scan.portsTried)
    expect(scan.portsTried).toBeGreaterThanOrEqual(110)
    expect(scan.endMicros - scan.startMicros).toBeLessThan(600e6)

    const sweep = attack(truth, 'host-sweep')
    const tried = flows.filter(({ kind, initiator, responderPort }) => kind === 'tcp' && initiator === sweep.attackers[0]
      && responderPort === sweep.port)
    expect(new Set(tried.map(({ responder }) => responder)).size).toBe(sweep.respondersTried)
    expect(new Set(tried.filter(failed).map(({ responder }) => responder)).size).toBe(sweep.respondersFailed)
    expect(sweep.respondersFailed).toBeGreaterThanOrEqual(40)
    expect(sweep.endMicros - sweep.startMicros).toBeLessThan(600e6)

    const guess = attack(truth, 'brute-force')
    const logins = between(guess).filter(({ responderPort }) => responderPort === 22)
    const tries = logins.filter(({ startMicros }) => startMicros < guess.success.startMicros)
    expect(tries).toHaveLength(guess.attempts)
    expect(Math.max(...tries.map(({ startMicros, endMicros }) => endMicros - startMicros))).toBeLessThan(10e6)
    const session = logins.filter(({ startMicros }) => startMicros >= guess.success.startMicros)
    expect(session.map(({ startMicros, endMicros, initiatorPort }) => ({ startMicros, endMicros,
      initiatorPort }))).toEqual([guess.success])
    expect(guess.success.endMicros - guess.success.startMicros).toBeGreaterThan(45e6)
    expect(densest(tries, () => '', ({ initiatorPort }) => String(initiatorPort)).count).toBeGreaterThanOrEqual(38)

    const tunnel = attack(truth, 'dns-tunnel')
    const names = flows.flatMap(({ names: asked }) => [...asked]).filter((name) => name.endsWith(`.${tunnel.domain}`))
    expect(names).toHaveLength(tunnel.queries)
    expect(new Set(names).size).toBe(tunnel.uniqueSubdomains)
    expect(tunnel.uniqueSubdomains).toBeGreaterThan(120)
    expect(tunnel.meanLabel).toBeGreaterThan(20)
    expect(Math.max(...names.map(({ length }) => length))).toBeLessThanOrEqual(253)

    const beacon = attack(truth, 'beacon')
    const calls = between(beacon)
    expect(calls).toHaveLength(beacon.connections)
    expect(beacon.connections).toBeGreaterThanOrEqual(20)
    expect(flows.filter(({ responder }) => responder === beacon.victims[0])).toHaveLength(beacon.connections)
    const gaps = calls.slice(1).map(({ startMicros }, i) => (startMicros - calls[i].startMicros) / 1e6)
    expect(gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length / beacon.periodSeconds).toBeCloseTo(1, 0)

    const carried = attack(truth, 'exfiltration')
    expect(between(carried)).toHaveLength(carried.connections)
    expect(between(carried).reduce((sum, { payloadOut }) => sum + payloadOut, 0)).toBe(carried.payloadOctetsOut)
    expect(carried.payloadOctetsOut).toBeGreaterThan(25e6)
    expect(carried.initiatorOctets / carried.responderOctets).toBeGreaterThan(5)

    const flood = attack(truth, 'syn-flood')
    const syns = flows.filter(({ initiator, responder, responderPort }) => initiator.startsWith('198.19.')
      && responder === flood.victims[0] && responderPort === flood.port)
    expect(syns).toHaveLength(flood.syns)
    expect(new Set(syns.map(({ initiator }) => initiator)).size).toBe(flood.sources)
    expect(syns.filter(failed)).toHaveLength(flood.unanswered)
    expect(flood.unanswered / flood.syns).toBeGreaterThan(0.8)
    expect(flood.syns / ((flood.endMicros - flood.startMicros) / 1e6)).toBeGreaterThan(100)

    const labelled = label(flows, truth)
    for (const one of truth.attacks) {
      const mine = labelled.get(one.kind) ?? []
      const sum = (pick: (flow: Metered) => number): number => mine.reduce((total, flow) => total + pick(flow), 0)
      expect({ kind: one.kind, flows: mine.length, packets: sum(({ packets }) => packets), out: sum((f) => f.initiatorOctets),
        in: sum((f) => f.responderOctets) })
        .toEqual({ kind: one.kind, flows: one.flows, packets: one.packets, out: one.initiatorOctets, in: one.responderOctets })
      expect(Math.min(...mine.map(({ startMicros }) => startMicros))).toBe(one.startMicros)
      expect(Math.max(...mine.map(({ endMicros }) => endMicros))).toBe(one.endMicros)
      expect(one.endMicros).toBeLessThan(truth.endMicros)
    }
    const attackers = truth.attacks.map(({ attackers: [from] }) => from)
    expect(new Set(attackers).size).toBe(attackers.length)

    // What looks like an attack and is none stays below the thresholds, but is there.
    const benign = labelled.get('') ?? []
    const lost = benign.filter((flow) => flow.kind === 'tcp' && failed(flow))
    expect(densest(lost, (f) => `${f.initiator} ${f.responder}`, (f) => String(f.responderPort)).count).toBeLessThan(10)
    expect(densest(lost, (f) => `${f.initiator} ${f.responderPort}`, (f) => f.responder).count).toBeLessThan(10)
    const logIns = benign.filter(({ kind, responderPort, startMicros, endMicros }) => kind === 'tcp' && responderPort === 22
      && endMicros - startMicros < 10e6)
    expect(densest(logIns, (f) => `${f.initiator} ${f.responder}`, (f) => String(f.initiatorPort)).count).toBeLessThan(12)
    const asked = benign.flatMap((flow) => [...flow.names].map((name) => ({ ...flow, name,
      domain: name.split('.').slice(-2).join('.') })))
    const users = new Map([...Map.groupBy(asked, ({ domain }) => domain)].map(([domain, list]) => [domain,
      new Set(list.map(({ initiator }) => initiator)).size]))
    const name = (f: Metered): string => [...f.names].join()
    const rare = asked.filter(({ domain }) => (users.get(domain) ?? 0) <= 3)
    expect(densest(rare, (f) => `${f.initiator} ${name(f).split('.').slice(-2).join('.')}`, name).count).toBeLessThan(50)
    const shared = densest(asked, (f) => `${f.initiator} ${name(f).split('.').slice(-2).join('.')}`, name)
    if (hours >= 1) expect(shared.count).toBeGreaterThan(50)
  }, 20_000)
})
