/** A store and an archive in memory, for tests of the API and the page alone: as little as they need, no durability. */
import type { Alert, Finding } from '../../../proto/alert.ts'
import { severityFloor } from '../../../proto/alert.ts'
import type { Flow, FlowId } from '../../../proto/flow.ts'
import type { Clock } from '../../../proto/process/clock.ts'
import type { Logger } from '../../../proto/process/log.ts'
import type { Archive, ArchivedFlow, FlowQuery } from '../../../collector/store/archive.ts'
import type { AlertQuery, Store } from '../../../collector/store/store.ts'

export class FakeStore implements Store {
  readonly name = 'fake'
  readonly byId = new Map<string, Alert>()
  readonly findingsOf = new Map<string, Finding[]>()
  readonly settings = new Map<string, string>()
  #version = 0

  /** Stores `alert` as changed just now and gives it with its version. */
  put(alert: Alert): Alert {
    const stored = { ...alert, version: this.#version += 1 }
    this.byId.set(alert.id, stored)
    return stored
  }

  alerts(query: AlertQuery): { items: Alert[], next?: string } {
    const floor = query.minSeverity === undefined ? 0 : severityFloor[query.minSeverity]
    const rank = (alert: Alert): number =>
      query.order === 'risk' ? -alert.risk : query.order === 'version' ? alert.version : -alert.lastMicros
    const found = [...this.byId.values()]
      .filter((alert) => (query.run === undefined || alert.run === query.run) && (query.state === undefined || alert.state === query.state)
        && (query.detector === undefined || alert.detector === query.detector)
        && (query.entity === undefined || alert.entity === query.entity)
        && alert.risk >= floor && alert.version > (query.afterVersion ?? 0))
      .sort((a, b) => rank(a) - rank(b) || a.id.localeCompare(b.id))
    const from = Number(query.cursor ?? 0)
    const end = from + query.limit
    return { items: found.slice(from, end), ...(end < found.length ? { next: String(end) } : {}) }
  }

  alert(id: string): Alert | undefined { return this.byId.get(id) }
  findings(alertId: string, limit: number): Finding[] { return (this.findingsOf.get(alertId) ?? []).slice(0, limit) }
  version(): number { return this.#version }
  setting(key: string): string | undefined { return this.settings.get(key) }
  setSetting(key: string, value: string): void { this.settings.set(key, value) }
  counts(): { alerts: number, findings: number } { return { alerts: this.byId.size, findings: 0 } }
  open(): void { /* nothing to open */ }
  close(): void { /* nothing to close */ }
  position(): never { throw new Error('not in this fake') }
  commit(): never { throw new Error('not in this fake') }
  knownFindings(): Set<string> { return new Set() }
  openAlerts(): Map<string, Alert> { return new Map() }
  memory(): Map<string, string> { return new Map() }
  claimNotifications(): [] { return [] }
  settleNotification(): void { /* nothing to settle */ }
  notificationCounts(): ReturnType<Store['notificationCounts']> { return { queued: 0, delivered: 0, refused: 0, waiting: 0 } }
}

export class FakeArchive implements Archive {
  readonly name = 'fake'
  readonly rows: ArchivedFlow[] = []
  failure: Error | undefined
  lastQuery: FlowQuery | undefined

  async flows(query: FlowQuery): Promise<{ items: ArchivedFlow[], next?: string }> {
    this.lastQuery = query
    if (this.failure !== undefined) throw this.failure
    const found = this.rows.filter((row) => (query.run === undefined || row.run === query.run)
      && (query.initiator === undefined || row.initiatorAddress === query.initiator)
      && (query.host === undefined || row.initiatorAddress === query.host || row.responderAddress === query.host)
      && (query.port === undefined || row.responderPort === query.port)
      && (query.communityId === undefined || row.communityId === query.communityId))
    const from = Number(query.cursor ?? 0)
    const end = from + query.limit
    return { items: found.slice(from, end), ...(end < found.length ? { next: String(end) } : {}) }
  }

  async byId(ids: readonly FlowId[]): Promise<ArchivedFlow[]> {
    if (this.failure !== undefined) throw this.failure
    return this.rows.filter((row) => ids.some((id) => id.stream === row.stream && id.boot === row.boot && id.number === row.number))
  }

  async open(): Promise<void> { /* nothing to open */ }
  async close(): Promise<void> { /* nothing to close */ }
  async position(): Promise<number> { return 0 }
  async append(): Promise<{ stored: number, duplicate: number }> { return { stored: 0, duplicate: 0 } }
  async counts(): Promise<{ records: number, flows: number }> { return { records: this.rows.length, flows: this.rows.length } }
}

export class StillClock implements Clock {
  ms = Date.UTC(2026, 10, 20, 10, 0)
  nowMs(): number { return this.ms }
  monotonicMs(): number { return this.ms }
}

export type LogLine = { level: string, code: string, text: string, fields: Record<string, unknown> | undefined }

/** A logger that remembers. */
export function rememberingLog(lines: LogLine[] = []): Logger & { lines: LogLine[] } {
  const at = (level: string) => (code: string, text: string, fields?: Record<string, unknown>): void => {
    lines.push({ level, code, text, fields })
  }
  const log = { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'),
    child: () => log } as Logger & { lines: LogLine[] }
  return log
}

const zeroes = {
  initiatorLengthMin: 40, initiatorLengthMax: 60, initiatorLengthSquares: 9000, responderLengthMin: 0, responderLengthMax: 0,
  responderLengthSquares: 0,
  interarrivalMin: 0, interarrivalMax: 0, interarrivalSquares: 0, initiatorInterarrivalMin: 0, initiatorInterarrivalMax: 0,
  initiatorInterarrivalSquares: 0, initiatorDurationMicros: 0, responderInterarrivalMin: 0, responderInterarrivalMax: 0,
  responderInterarrivalSquares: 0, responderDurationMicros: 0,
}

/** A whole, valid flow record with `fields` in place of the defaults. */
export function flowOf(fields: Partial<ArchivedFlow>): ArchivedFlow {
  const startMicros = fields.startMicros ?? 1_760_000_000_000_000
  const plain: Flow = {
    ...zeroes, number: 1, part: 0, final: true, initiatorAddress: '10.1.4.7', responderAddress: '10.1.2.10',
      initiatorPort: 40_000, responderPort: 22,
    protocol: 6, startMicros, endMicros: startMicros + 1200, partStartMicros: startMicros, initiatorPackets: 1, responderPackets: 1,
    initiatorOctets: 60, responderOctets: 40, initiatorPacketsDelta: 1, responderPacketsDelta: 1, initiatorOctetsDelta: 60,
    responderOctetsDelta: 40,
    initiatorPayloadOctets: 0, responderPayloadOctets: 0, initiatorTcpFlags: 2, responderTcpFlags: 20, initiatorTtl: 64, responderTtl: 64,
    connState: 'REJ', history: 'Sr', endReason: 'end', directionMethod: 'syn', marks: 0, vlan: 0, innerVlan: 0, handshakeSynMicros: 0,
    handshakeAckMicros: 0, sizes: [60, -40], application: '', serverName: '', dns: [], context: [], edgeScore: 0.5, weight: 1,
  }
  return { ...plain, stream: 'demo/0', sensor: 'demo', boot: '00000000000000aa', run: 'demo',
    communityId: `1:${'A'.repeat(27)}=`, ...fields }
}
