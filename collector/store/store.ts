/**
 * What was concluded, and how far each reader of the log has come. One commit is one transaction: position, findings,
 * alerts, what detection must remember, and the notifications to send. All methods are synchronous on the embedded
 * store and may block for a disk flush.
 */
import type { Alert, Finding, Severity } from '../../proto/alert.ts'

/**
 * A reader's place in the log: all before `done` has taken effect; re-reading begins at `resume` to rebuild windows.
 */
export type Position = { done: number, resume: number }

export type Notification = {
  /** Stable: the receiver can recognise a repeated message by it. */
  id: string
  channel: string
  alertId: string
  kind: 'raised' | 'updated'
  body: string
}

export type Commit = {
  reader: string
  position: Position
  /** Positions are compare-and-set: the commit fails with E_STORE_STALE when the stored `done` is not this. */
  expectedDone: number
  findings: readonly Finding[]
  alerts: readonly Alert[]
  notifications: readonly Notification[]
  /** Small numbers detection must keep: learnt maxima, ranges, dedupe state. Values are JSON; undefined removes. */
  memory: ReadonlyMap<string, string | undefined>
}

export type AlertQuery = {
  run?: string
  state?: Alert['state']
  detector?: string
  entity?: string
  minSeverity?: Severity
  /** Alerts changed after this version (live feed). */
  afterVersion?: number
  limit: number
  cursor?: string
  /** 'newest': last evidence first; 'version': oldest change first. */
  order: 'newest' | 'risk' | 'version'
}

export interface Store {
  readonly name: string
  open(): void
  close(): void
  position(reader: string): Position
  /**
   * All or nothing. Gives the alerts as stored: each with its new version, in the order given. Throws
   * E_STORE_STALE, E_STORE, E_DATA_FULL.
   */
  commit(commit: Commit): Alert[]
  /** Which of these finding ids are stored already. */
  knownFindings(ids: readonly string[]): Set<string>
  /** The open alert of each fingerprint, where there is one. */
  openAlerts(fingerprints: readonly string[]): Map<string, Alert>
  alerts(query: AlertQuery): { items: Alert[], next?: string }
  alert(id: string): Alert | undefined
  findings(alertId: string, limit: number): Finding[]
  /** Highest alert version given out. */
  version(): number
  /** All of the detection memory whose key starts with `prefix`. */
  memory(prefix: string): Map<string, string>
  /** Claims up to `limit` due notifications for `leaseMs`; claimed ones come again when the lease ends undelivered. */
  claimNotifications(nowMs: number, leaseMs: number, limit: number): (Notification & { attempt: number })[]
  settleNotification(id: string, channel: string, outcome: 'delivered' | 'refused' | { retryAtMs: number }, detail: string): void
  notificationCounts(): { queued: number, delivered: number, refused: number, waiting: number }
  counts(): { alerts: number, findings: number }
  /** Small durable values outside any reader: ledger checkpoints, run descriptions. */
  setting(key: string): string | undefined
  setSetting(key: string, value: string): void
}
