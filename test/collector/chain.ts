/**
 * Detection as the pipeline puts it together, over a store in memory that keeps what a commit promises: all or nothing, compare-and-set. Tests
 * feed it log entries and end it where they like.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { createAggregate } from '../../collector/aggregate/aggregate.ts'
import { Grouper } from '../../collector/alert/grouper.ts'
import { createDetectors, readDetectorSettings } from '../../collector/detect/index.ts'
import { createEnricher } from '../../collector/enrich/enricher.ts'
import { createExplainer } from '../../collector/explain/explain.ts'
import { ResumePoint } from '../../collector/resume.ts'
import { privateNetworks } from '../../proto/address.ts'
import type { Detection } from '../../collector/detect/detector.ts'
import type { DetectorSet, DetectorSettings } from '../../collector/detect/index.ts'
import type { Enricher } from '../../collector/enrich/enricher.ts'
import type { Explained } from '../../collector/explain/explain.ts'
import type { Commit, Notification, Position } from '../../collector/store/store.ts'
import type { Alert, Finding } from '../../proto/alert.ts'
import type { Flow, FlowBatch } from '../../proto/flow.ts'

/** The shipped thresholds, changed as a test asks. */
export function shippedSettings(change: (settings: DetectorSettings) => void = () => {}): DetectorSettings {
  const plain: unknown = parse(readFileSync(join(import.meta.dirname, '../../packaging/config/detectors.yaml'), 'utf8'))
  const settings = readDetectorSettings(plain)
  change(settings)
  return settings
}

export type Entry = { batch: FlowBatch, offset: number, next: number }

/** What a store keeps, without the database. */
export class MemoryStore {
  position: Position = { done: 0, resume: 0 }
  readonly rows = new Map<string, string>()
  readonly findings = new Map<string, Finding>()
  readonly alerts = new Map<string, Alert>()
  readonly outbox: Notification[] = []
  repeated = 0

  commit(commit: Commit): void {
    if (commit.expectedDone !== this.position.done) throw new Error(`position is ${this.position.done}, not ${commit.expectedDone}`)
    this.position = commit.position
    for (const finding of commit.findings) {
      if (this.findings.has(finding.id)) throw new Error('a finding was stored twice')
      this.findings.set(finding.id, finding)
    }
    for (const alert of commit.alerts) this.alerts.set(alert.id, alert)
    this.outbox.push(...commit.notifications)
    for (const [key, value] of commit.memory) {
      if (value === undefined) this.rows.delete(key)
      else this.rows.set(key, value)
    }
  }

  knownFindings(ids: readonly string[]): Set<string> {
    return new Set(ids.filter((id) => this.findings.has(id)))
  }

  openAlerts(fingerprints: readonly string[]): Map<string, Alert> {
    const open = new Map<string, Alert>()
    for (const alert of this.alerts.values()) {
      const other = open.get(alert.fingerprint)
      if (fingerprints.includes(alert.fingerprint) && alert.state !== 'closed' && (other?.lastMicros ?? -1) < alert.lastMicros) open.set(alert.fingerprint, alert)
    }
    return open
  }

  memory(prefix: string): Map<string, string> {
    return new Map([...this.rows].filter(([key]) => key.startsWith(prefix)))
  }
}

/** One run's detection, from log entries to commits. */
export class Chain {
  readonly set: DetectorSet
  readonly store: MemoryStore
  readonly #prefix = 'detect//'
  readonly #changed = new Map<string, string | undefined>()
  readonly #enrich: Enricher
  readonly #explain = createExplainer()
  readonly #grouper = new Grouper({ channels: ['log'] })
  readonly #resume = new ResumePoint()

  constructor(store = new MemoryStore(), settings = shippedSettings()) {
    this.store = store
    const aggregate = createAggregate({
      capacity: settings.limits, hosts: settings.limits.hosts, learningDays: settings.learningDays,
      remember: (key, value) => this.#changed.set(this.#prefix + key, value),
    })
    this.set = createDetectors(settings, aggregate)
    this.#enrich = createEnricher({ internal: privateNetworks })
    this.set.restore(new Map([...store.memory(this.#prefix)].map(([key, value]) => [key.slice(this.#prefix.length), value])))
  }

  /** A group of log entries: those before `done` rebuild windows, the rest count, in one commit. */
  apply(entries: readonly Entry[]): Explained[] {
    const { done } = this.store.position
    const found: Detection[] = []
    for (const { batch, offset, next } of entries) {
      this.#resume.take({ stream: batch.stream, offset, clockMicros: batch.clockMicros, appendMicros: batch.clockMicros, last: batch.last })
      for (const flow of batch.flows) {
        const seen = this.#enrich(batch, { ...flow })
        if (next <= done) this.set.rebuild(seen)
        else this.set.observe(seen, found)
      }
      if (next > done) this.set.tick(batch.stream, batch.clockMicros, batch.last, found)
    }
    const next = entries.at(-1)?.next ?? done
    if (next <= done) return []
    const explained = found.map(this.#explain)
    const { findings, alerts, notifications, counts } = this.#grouper.group(explained, this.store, 1000)
    this.store.repeated += counts.findingsRepeated
    this.set.save()
    this.store.commit({
      reader: 'detection', position: { done: next, resume: Math.min(next, this.#resume.offset() ?? next) }, expectedDone: done,
      findings, alerts, notifications, memory: new Map(this.#changed),
    })
    this.#changed.clear()
    return explained
  }
}

let numbers = 0

/** A flow of a second over TCP from 10.1.4.7:40000 to 10.1.2.9:443 that went well, changed as a test asks. */
export function makeFlow(change: Partial<Flow> = {}): Flow {
  const startMicros = change.startMicros ?? 1.8e15
  const endMicros = change.endMicros ?? startMicros + 1e6
  return {
    number: ++numbers, part: 0, final: true, initiatorAddress: '10.1.4.7', responderAddress: '10.1.2.9', initiatorPort: 40_000, responderPort: 443, protocol: 6,
    startMicros, endMicros, partStartMicros: startMicros, initiatorPackets: 8, responderPackets: 8, initiatorOctets: 1200, responderOctets: 2400,
    initiatorPacketsDelta: 8, responderPacketsDelta: 8, initiatorOctetsDelta: 1200, responderOctetsDelta: 2400,
    initiatorPayloadOctets: 800, responderPayloadOctets: 2000,
    initiatorTcpFlags: 0x1b, responderTcpFlags: 0x1b, initiatorTtl: 64, responderTtl: 64, connState: 'SF', history: 'ShADadFf', endReason: 'end', directionMethod: 'syn',
    marks: 0, vlan: 0, innerVlan: 0, handshakeSynMicros: 100, handshakeAckMicros: 100, sizes: [], application: '', serverName: '', dns: [], context: [], weight: 1,
    initiatorLengthMin: 40, initiatorLengthMax: 400, initiatorLengthSquares: 1, responderLengthMin: 40, responderLengthMax: 400, responderLengthSquares: 1,
    interarrivalMin: 1, interarrivalMax: 1, interarrivalSquares: 1, initiatorInterarrivalMin: 1, initiatorInterarrivalMax: 1, initiatorInterarrivalSquares: 1,
    initiatorDurationMicros: 1, responderInterarrivalMin: 1, responderInterarrivalMax: 1, responderInterarrivalSquares: 1, responderDurationMicros: 1,
    ...change,
  }
}

/** A SYN that was answered by a reset. */
export const refused = (change: Partial<Flow> = {}): Flow => makeFlow({
  connState: 'REJ', initiatorPackets: 1, responderPackets: 1, initiatorOctets: 44, responderOctets: 40, initiatorPayloadOctets: 0, responderPayloadOctets: 0,
  initiatorTcpFlags: 2, responderTcpFlags: 0x14, ...change,
})

/** A short conversation with an SSH server. */
export const login = (change: Partial<Flow> = {}): Flow =>
  makeFlow({ responderPort: 22, application: 'ssh', initiatorOctets: 2200, responderOctets: 2600, ...change, endMicros: change.endMicros ?? (change.startMicros ?? 1.8e15) + 2e6 })

/** A DNS look-up over UDP. */
export const lookup = (query: string, change: Partial<Flow> = {}): Flow => makeFlow({
  responderAddress: '10.1.0.53', responderPort: 53, protocol: 17, application: 'dns', initiatorTcpFlags: 0, responderTcpFlags: 0, connState: 'SF',
  initiatorPackets: 1, responderPackets: 1, dns: [{ query, type: 16, rcode: 0, answers: 1, rttMicros: 900, offsetMicros: 0 }], ...change,
})

/** Flows as one batch of a log, at an offset. */
export function makeEntry(flows: Flow[], offset: number, change: Partial<FlowBatch> = {}): Entry {
  const clockMicros = flows.reduce((most, { endMicros }) => Math.max(most, endMicros), change.clockMicros ?? 0)
  const batch: FlowBatch = {
    stream: 'edge-1/0', sensor: 'edge-1', boot: '00112233445566ff', sequence: offset + 1, run: '', recordVersion: 1, featureHash: '', modelHash: 'model-1',
    vantage: 'tap', simulated: false, last: false, ledger: new Map(), dropped: [], ...change, clockMicros, flows,
  }
  return { batch, offset, next: offset + 1 }
}

/** Cuts a list of flows into log entries of `size`, the last one marked as the stream's last. */
export function cut(flows: readonly Flow[], size: number): Entry[] {
  const entries: Entry[] = []
  for (let at = 0; at < flows.length; at += size) entries.push(makeEntry(flows.slice(at, at + size), entries.length, { last: at + size >= flows.length }))
  return entries
}

/** Runs flows through a new chain in one go; gives it for inspection. */
export function detect(flows: readonly Flow[], settings = shippedSettings(), size = 500): { chain: Chain, alerts: Alert[], findings: Finding[] } {
  const chain = new Chain(new MemoryStore(), settings)
  for (const entry of cut(flows, size)) chain.apply([entry])
  return { chain, alerts: [...chain.store.alerts.values()], findings: [...chain.store.findings.values()] }
}
