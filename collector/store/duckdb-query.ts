/**
 * Questions to the archive as statements with bound values. The text is made of fixed parts only: what a person typed
 * never becomes part of it. Newest first means last seen first, then the row number, so a page is resumed by the keys
 * of its last row.
 */
import { BIGINT, INTEGER, LIST, listValue, VARCHAR } from '@duckdb/node-api'
import { columnList } from './duckdb-columns.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import type { DuckDBType, DuckDBValue } from '@duckdb/node-api'
import type { FlowId } from '../../proto/flow.ts'
import type { FlowQuery } from './archive.ts'

export type Bound = { sql: string, values: DuckDBValue[], types: DuckDBType[] }

class Builder {
  readonly tests: string[] = []
  readonly values: DuckDBValue[] = []
  readonly types: DuckDBType[] = []

  bind(value: DuckDBValue, type: DuckDBType): string {
    this.values.push(value)
    this.types.push(type)
    return `$${String(this.values.length)}`
  }

  text(value: string): string { return this.bind(value, VARCHAR) }
  integer(value: number): string { return this.bind(Math.trunc(value), INTEGER) }
  micros(value: number): string { return this.bind(BigInt(Math.trunc(value)), BIGINT) }

  where(): string { return this.tests.length === 0 ? '' : `WHERE ${this.tests.join(' AND ')}` }
}

/** Most rows of one page. */
export const maxFlows = 1000

/**
 * The page of `query`, and one row more to know whether there is a next page. Throws E_REQUEST for a foreign cursor.
 */
export function flowsStatement(query: FlowQuery): Bound & { limit: number } {
  const b = new Builder()
  const { run, host, initiator, responder, port, protocol, application, communityId, fromMicros, toMicros, cursor } = query
  if (run !== undefined) b.tests.push(`run = ${b.text(run)}`)
  if (host !== undefined) { const mark = b.text(host); b.tests.push(`(initiator_address = ${mark} OR responder_address = ${mark})`) }
  if (initiator !== undefined) b.tests.push(`initiator_address = ${b.text(initiator)}`)
  if (responder !== undefined) b.tests.push(`responder_address = ${b.text(responder)}`)
  if (port !== undefined) { const mark = b.integer(port); b.tests.push(`(initiator_port = ${mark} OR responder_port = ${mark})`) }
  if (protocol !== undefined) b.tests.push(`protocol = ${b.integer(protocol)}`)
  if (application !== undefined) b.tests.push(`application = ${b.text(application)}`)
  if (communityId !== undefined) b.tests.push(`community_id = ${b.text(communityId)}`)
  if (fromMicros !== undefined) b.tests.push(`end_micros >= ${b.micros(fromMicros)}`)
  if (toMicros !== undefined) b.tests.push(`start_micros < ${b.micros(toMicros)}`)
  if (query.final === true) b.tests.push('final')
  if (cursor !== undefined) {
    const [end, id] = decodeCursor(cursor, 'flows', [0, 0]).map((key) => b.micros(Number(key)))
    b.tests.push(`end_micros <= ${end} AND (end_micros < ${end} OR id < ${id})`)
  }
  // A whole number of our own making, written out: with a bound one the planner cannot keep just the rows it needs.
  const limit = Math.max(1, Math.min(maxFlows, Math.trunc(query.limit) || 1))
  const sql = `SELECT ${columnList} FROM flow ${b.where()} ORDER BY end_micros DESC, id DESC LIMIT ${String(limit + 1)}`
  return { sql, values: b.values, types: b.types, limit }
}

export const flowsCursor = (endMicros: number, id: number): string => encodeCursor('flows', [endMicros, id])

/** For each (stream, boot) among the ids one statement: the newest part of each flow. */
export function byIdStatements(ids: readonly FlowId[]): Bound[] {
  const groups = new Map<string, FlowId[]>()
  for (const id of ids) {
    const key = JSON.stringify([id.stream, id.boot])
    groups.set(key, [...groups.get(key) ?? [], id])
  }
  return [...groups.values()].map((group) => {
    const b = new Builder()
    const numbers = b.bind(listValue(group.map(({ number }) => BigInt(Math.trunc(number)))), LIST(BIGINT))
    const sql = `SELECT ${columnList} FROM flow WHERE number IN (SELECT unnest(${numbers})) AND stream = ${b.text(group[0].stream)} AND boot = ${b.text(group[0].boot)}
      QUALIFY row_number() OVER (PARTITION BY number ORDER BY part DESC, id DESC) = 1 ORDER BY number`
    return { sql, values: b.values, types: b.types }
  })
}

export function countsStatement(run: string | undefined): Bound {
  const b = new Builder()
  if (run !== undefined) b.tests.push(`run = ${b.text(run)}`)
  return { sql: `SELECT count(*), count(*) FILTER (final) FROM flow ${b.where()}`, values: b.values, types: b.types }
}
