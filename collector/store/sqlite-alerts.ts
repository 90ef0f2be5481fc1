/**
 * Pages of alerts in one of three orders, each after an index, each resumed by the keys of the last row (so a page
 * costs the same wherever it is, and nothing is shown twice or left out because others changed meanwhile). Statements
 * are made from fixed parts; every value is bound.
 */
import type Database from 'better-sqlite3'
import { severities } from '../../proto/alert.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import type { Alert } from '../../proto/alert.ts'
import type { AlertQuery } from './store.ts'

type Order = AlertQuery['order']
type Row = { id: string, version: number, risk: number, lastMicros: number, body: string }

/**
 * The order of each listing; `after` is true for rows that come later, its marks are the keys of the last row shown.
 */
const orders: Readonly<Record<Order, { by: string, after: string, keys: (row: Row) => (number | string)[] }>> = {
  newest: { by: 'last_micros DESC, id DESC', after: '(last_micros, id) < (?, ?)', keys: ({ lastMicros, id }) => [lastMicros, id] },
  risk: { by: 'risk DESC, last_micros DESC, id DESC', after: '(risk, last_micros, id) < (?, ?, ?)', keys: ({ risk, lastMicros, id }) => [risk, lastMicros, id] },
  version: { by: 'version', after: 'version > ?', keys: ({ version }) => [version] },
}

export class SqliteAlerts {
  readonly #database: Database.Database
  /** One per combination of filters that was ever asked for: at most a few hundred. */
  readonly #statements = new Map<string, Database.Statement<(number | string)[], Row>>()

  constructor(database: Database.Database) {
    this.#database = database
  }

  /** `limit` is held between 1 and 1,000. Throws E_REQUEST for a cursor that is not one of this order. */
  list(query: AlertQuery): { items: Alert[], next?: string } {
    const order = orders[query.order]
    const tests: string[] = []
    const values: (number | string)[] = []
    const test = (sql: string, ...bound: (number | string)[]): void => { tests.push(sql); values.push(...bound) }
    if (query.run !== undefined) test('run = ?', query.run)
    if (query.state !== undefined) test('state = ?', query.state)
    if (query.detector !== undefined) test('detector = ?', query.detector)
    if (query.entity !== undefined) test('entity = ?', query.entity)
    if (query.minSeverity !== undefined) test('severity >= ?', severities.indexOf(query.minSeverity))
    if (query.afterVersion !== undefined) test('version > ?', query.afterVersion)
    if (query.cursor !== undefined) test(order.after, ...decodeCursor(query.cursor, query.order, order.keys({ id: '', version: 0, risk: 0, lastMicros: 0, body: '' })))
    const limit = Math.max(1, Math.min(1000, Math.trunc(query.limit)))
    const where = tests.length === 0 ? '' : `WHERE ${tests.join(' AND ')}`
    const rows = this.#statement(`SELECT id, version, risk, last_micros AS lastMicros, body FROM alert ${where} ORDER BY ${order.by} LIMIT ?`).all(...values, limit + 1)
    const items = rows.slice(0, limit).map(({ body }) => JSON.parse(body) as Alert)
    return rows.length > limit ? { items, next: encodeCursor(query.order, order.keys(rows[limit - 1])) } : { items }
  }

  #statement(sql: string): Database.Statement<(number | string)[], Row> {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const made = this.#database.prepare<(number | string)[], Row>(sql)
    this.#statements.set(sql, made)
    return made
  }
}
