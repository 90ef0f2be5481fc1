/**
 * Notifications waiting to be sent. A claim is a lease: until it ends nobody else gets the message, after it
 * everybody may, so a dispatcher that dies costs a delay and perhaps a second copy, never the message. `due_ms`
 * serves as lease and as time of the next try.
 */
import type Database from 'better-sqlite3'
import type { Notification } from './store.ts'

type Row = { position: number, id: string, channel: string, alertId: string, kind: string, body: string, attempt: number }

export class SqliteOutbox {
  readonly #due: Database.Statement<[number, number], Row>
  readonly #claim: Database.Statement<[number, number]>
  readonly #settle: Database.Statement<[string, number, string, string, string]>

  constructor(database: Database.Database) {
    this.#due = database.prepare(
      `SELECT position, id, channel, alert_id AS alertId, kind, body, attempt FROM outbox WHERE state = 'waiting' AND due_ms <= ? ORDER BY due_ms, position LIMIT ?`)
    this.#claim = database.prepare('UPDATE outbox SET due_ms = ?, attempt = attempt + 1 WHERE position = ?')
    this.#settle = database.prepare('UPDATE outbox SET state = ?, due_ms = ?, detail = ? WHERE id = ? AND channel = ? AND state = \'waiting\'')
  }

  /** The oldest due messages, leased. `attempt` counts from 1. */
  claim(nowMs: number, leaseMs: number, limit: number): (Notification & { attempt: number })[] {
    return this.#due.all(nowMs, limit).map(({ position, attempt, kind, ...rest }) => {
      this.#claim.run(nowMs + leaseMs, position)
      return { ...rest, kind: kind === 'updated' ? 'updated' : 'raised', attempt: attempt + 1 }
    })
  }

  /** False when the message is settled already or unknown. */
  settle(id: string, channel: string, outcome: 'delivered' | 'refused' | { retryAtMs: number }, detail: string): boolean {
    const [state, dueMs] = typeof outcome === 'string' ? [outcome, 0] : ['waiting', outcome.retryAtMs]
    return this.#settle.run(state, dueMs, detail.slice(0, 1000), id, channel).changes > 0
  }
}
