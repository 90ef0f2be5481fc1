/**
 * The embedded store: one SQLite file, WAL, flushed at every commit (synchronous FULL), so a commit that returned
 * survives kill -9 and power loss. Every method is synchronous and blocks: a commit for one disk flush, a query for
 * about a millisecond. Loses nothing; a commit is all or nothing, and gets through only when the reader's position is
 * still the expected one.
 *
 * Errors: E_DATA_FULL (disk full), E_DATA_UNWRITABLE, E_STORE (busy, damaged, written by a newer version),
 * E_STORE_STALE (another owner has moved the position on: this one must stop).
 */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { severities } from '../../proto/alert.ts'
import { errnoName, VedetteError } from '../../proto/error.ts'
import { SqliteAlerts } from './sqlite-alerts.ts'
import { sqliteError } from './sqlite-error.ts'
import { SqliteOutbox } from './sqlite-outbox.ts'
import { migrations } from './sqlite-schema.ts'
import type { Alert, Finding } from '../../proto/alert.ts'
import type { AlertQuery, Commit, Notification, Position, Store } from './store.ts'

export type SqliteOptions = {
  /** The file; its folder is made when missing. ':memory:' for tests that survive nothing. */
  path: string
  /** How long to wait for another process's lock. Default 5000. */
  busyMs?: number
}

type Statements = ReturnType<typeof prepare>

export class SqliteStore implements Store {
  readonly name = 'sqlite'
  readonly #options: SqliteOptions
  #database: Database.Database | undefined
  #prepared: Statements | undefined
  #alerts: SqliteAlerts | undefined
  #outbox: SqliteOutbox | undefined

  constructor(options: SqliteOptions) {
    this.#options = options
  }

  open(): void {
    if (this.#database !== undefined) return
    const { path, busyMs = 5000 } = this.#options
    let database: Database.Database | undefined
    try {
      if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true })
      database = new Database(path, { timeout: busyMs })
      database.pragma('journal_mode = WAL')
      database.pragma('synchronous = FULL')
      database.pragma('foreign_keys = ON')
      database.pragma('trusted_schema = OFF')
      database.pragma('journal_size_limit = 67108864')
      migrate(database, path)
      this.#prepared = prepare(database)
      this.#alerts = new SqliteAlerts(database)
      this.#outbox = new SqliteOutbox(database)
    } catch (error) {
      database?.close()
      if (['ENOENT', 'EACCES', 'ENOTDIR', 'EEXIST', 'EROFS'].includes(errnoName(error))) {
        throw new VedetteError('E_DATA_UNWRITABLE', `cannot make the folder of ${path} (${errnoName(error)})`, 'Choose another folder with --data', { cause: error })
      }
      throw sqliteError(error, path)
    }
    this.#database = database
  }

  close(): void {
    this.#database?.close()
    this.#database = undefined
    this.#prepared = undefined
    this.#alerts = undefined
    this.#outbox = undefined
  }

  /** Runs `work` as one transaction that holds the write lock from its start. */
  #write<Result>(work: () => Result): Result {
    const database = this.#database
    if (database === undefined) throw closed()
    return this.#guard(() => database.transaction(work).immediate())
  }

  #guard<Result>(work: () => Result): Result {
    try {
      return work()
    } catch (error) {
      throw sqliteError(error, this.#options.path)
    }
  }

  get #sql(): Statements {
    if (this.#prepared === undefined) throw closed()
    return this.#prepared
  }

  position(reader: string): Position {
    return this.#guard(() => this.#sql.position.get(reader)) ?? { done: 0, resume: 0 }
  }

  commit(commit: Commit): Alert[] {
    return this.#write(() => {
      const sql = this.#sql
      const { done } = sql.position.get(commit.reader) ?? { done: 0 }
      if (done !== commit.expectedDone) {
        throw new VedetteError('E_STORE_STALE', `the position of reader ${commit.reader} is ${String(done)}, not ${String(commit.expectedDone)}: another process has moved it on`)
      }
      sql.setPosition.run(commit.reader, commit.position.done, commit.position.resume)
      const alerts = this.#putAlerts(commit.alerts)
      this.#putFindings(commit.findings, alerts)
      let queued = 0
      for (const { id, channel, alertId, kind, body } of commit.notifications) {
        queued += sql.queue.run(id, channel, alertId, kind, body).changes
      }
      if (queued > 0) sql.count.run('queued', queued)
      for (const [key, value] of commit.memory) {
        if (value === undefined) sql.forget.run(key)
        else sql.remember.run(key, value)
      }
      return alerts
    })
  }

  #putAlerts(alerts: readonly Alert[]): Alert[] {
    const sql = this.#sql
    return alerts.map((given) => {
      const alert: Alert = { ...given, version: sql.count.get('version', 1)?.value ?? 0 }
      if (sql.hasAlert.get(alert.id) === undefined) sql.count.run('alerts', 1)
      sql.putAlert.run(alert.id, alert.version, alert.fingerprint, alert.run, alert.detector, alert.entity, alert.state,
        severities.indexOf(alert.severity), alert.risk, alert.lastMicros, JSON.stringify(alert))
      return alert
    })
  }

  /**
   * A finding belongs to the alert of its fingerprint in this commit, else to the newest open one. Findings known
   * already are left as they are.
   */
  #putFindings(findings: readonly Finding[], alerts: readonly Alert[]): void {
    const sql = this.#sql
    const alertOf = new Map(alerts.map(({ fingerprint, id }) => [fingerprint, id]))
    let added = 0
    for (const finding of findings) {
      const alertId = alertOf.get(finding.fingerprint) ?? sql.openAlert.get(finding.fingerprint)?.id ?? ''
      added += sql.putFinding.run(finding.id, alertId, finding.lastMicros, JSON.stringify(finding)).changes
    }
    if (added > 0) sql.count.run('findings', added)
  }

  knownFindings(ids: readonly string[]): Set<string> {
    return this.#guard(() => new Set(ids.filter((id) => this.#sql.hasFinding.get(id) !== undefined)))
  }

  openAlerts(fingerprints: readonly string[]): Map<string, Alert> {
    return this.#guard(() => {
      const open = new Map<string, Alert>()
      for (const fingerprint of fingerprints) {
        const row = this.#sql.openAlert.get(fingerprint)
        if (row !== undefined) open.set(fingerprint, JSON.parse(row.body) as Alert)
      }
      return open
    })
  }

  alerts(query: AlertQuery): { items: Alert[], next?: string } {
    const alerts = this.#alerts
    if (alerts === undefined) throw closed()
    return this.#guard(() => alerts.list(query))
  }

  alert(id: string): Alert | undefined {
    const row = this.#guard(() => this.#sql.alert.get(id))
    return row === undefined ? undefined : JSON.parse(row.body) as Alert
  }

  findings(alertId: string, limit: number): Finding[] {
    return this.#guard(() => this.#sql.findings.all(alertId, limit)).map(({ body }) => JSON.parse(body) as Finding)
  }

  version(): number {
    return this.#counter('version')
  }

  memory(prefix: string): Map<string, string> {
    return this.#guard(() => new Map(this.#sql.recall.all(prefix, prefix, prefix, prefix).map(({ key, value }) => [key, value])))
  }

  claimNotifications(nowMs: number, leaseMs: number, limit: number): (Notification & { attempt: number })[] {
    return this.#write(() => this.#box.claim(nowMs, leaseMs, limit))
  }

  settleNotification(id: string, channel: string, outcome: 'delivered' | 'refused' | { retryAtMs: number }, detail: string): void {
    this.#write(() => {
      if (this.#box.settle(id, channel, outcome, detail) && typeof outcome === 'string') this.#sql.count.run(outcome, 1)
    })
  }

  get #box(): SqliteOutbox {
    if (this.#outbox === undefined) throw closed()
    return this.#outbox
  }

  notificationCounts(): { queued: number, delivered: number, refused: number, waiting: number } {
    const [queued, delivered, refused] = ['queued', 'delivered', 'refused'].map((name) => this.#counter(name))
    return { queued, delivered, refused, waiting: queued - delivered - refused }
  }

  counts(): { alerts: number, findings: number } {
    return { alerts: this.#counter('alerts'), findings: this.#counter('findings') }
  }

  setting(key: string): string | undefined {
    return this.#guard(() => this.#sql.setting.get(key))?.value
  }

  setSetting(key: string, value: string): void {
    this.#write(() => { this.#sql.setSetting.run(key, value) })
  }

  #counter(name: string): number {
    return this.#guard(() => this.#sql.counter.get(name))?.value ?? 0
  }
}

const closed = (): VedetteError => new VedetteError('E_STORE', 'the store is not open')

/**
 * Brings the file to the newest step, each step in its own transaction. Throws E_STORE when the file is ahead of this
 * program.
 */
function migrate(database: Database.Database, path: string): void {
  const version = Number(database.pragma('user_version', { simple: true }))
  if (version > migrations.length) {
    throw new VedetteError('E_STORE', `${path} was written by a newer version of Vedette (step ${String(version)}, this one knows ${String(migrations.length)})`, 'Start the newer version, or restore the copy made before the upgrade')
  }
  for (const [i, { name, sql }] of migrations.entries()) {
    if (i < version) continue
    database.transaction(() => {
      // Another process may have been faster between reading the version and taking the lock.
      if (Number(database.pragma('user_version', { simple: true })) > i) return
      database.exec(sql)
      database.prepare('INSERT INTO migration (version, name) VALUES (?, ?)').run(i + 1, name)
      database.pragma(`user_version = ${String(i + 1)}`)
    }).immediate()
  }
}

function prepare(database: Database.Database) {
  return {
    position: database.prepare<[string], Position>('SELECT done, resume FROM reader WHERE name = ?'),
    setPosition: database.prepare<[string, number, number]>(
      'INSERT INTO reader (name, done, resume) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET done = excluded.done, resume = excluded.resume'),
    count: database.prepare<[string, number], { value: number }>(
      'INSERT INTO counter (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value RETURNING value'),
    counter: database.prepare<[string], { value: number }>('SELECT value FROM counter WHERE name = ?'),
    alert: database.prepare<[string], { body: string }>('SELECT body FROM alert WHERE id = ?'),
    hasAlert: database.prepare<[string], { id: string }>('SELECT id FROM alert WHERE id = ?'),
    openAlert: database.prepare<[string], { id: string, body: string }>(
      'SELECT id, body FROM alert WHERE fingerprint = ? AND state <> \'closed\' ORDER BY last_micros DESC LIMIT 1'),
    putAlert: database.prepare<[string, number, string, string, string, string, string, number, number, number, string]>(
      `INSERT INTO alert (id, version, fingerprint, run, detector, entity, state, severity, risk, last_micros, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET version = excluded.version, fingerprint = excluded.fingerprint, run = excluded.run, detector = excluded.detector,
       entity = excluded.entity, state = excluded.state, severity = excluded.severity, risk = excluded.risk, last_micros = excluded.last_micros, body = excluded.body`),
    hasFinding: database.prepare<[string], { id: string }>('SELECT id FROM finding WHERE id = ?'),
    putFinding: database.prepare<[string, string, number, string]>('INSERT INTO finding (id, alert_id, last_micros, body) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING'),
    findings: database.prepare<[string, number], { body: string }>('SELECT body FROM finding WHERE alert_id = ? ORDER BY last_micros DESC, id LIMIT ?'),
    queue: database.prepare<[string, string, string, string, string]>(
      `INSERT INTO outbox (id, channel, alert_id, kind, body, state, due_ms, attempt, detail) VALUES (?, ?, ?, ?, ?, 'waiting', 0, 0, '')
       ON CONFLICT (id, channel) DO NOTHING`),
    remember: database.prepare<[string, string]>('INSERT INTO memory (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value'),
    forget: database.prepare<[string]>('DELETE FROM memory WHERE key = ?'),
    // No UTF-8 text has the octet F8, so it sorts after all that begin with the prefix.
    recall: database.prepare<[string, string, string, string], { key: string, value: string }>(
      'SELECT key, value FROM memory WHERE key >= ? AND key < ? || CAST(X\'F8\' AS TEXT) AND substr(key, 1, length(?)) = ? ORDER BY key'),
    setting: database.prepare<[string], { value: string }>('SELECT value FROM setting WHERE key = ?'),
    setSetting: database.prepare<[string, string]>('INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value'),
  }
}
