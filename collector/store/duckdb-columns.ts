/**
 * The archive's columns: one for every field of the flow record, those of its batch, the Community ID, and a row number that makes an order total. The
 * table is in the order of the file's columns; a new one goes at the end together with a step in `duckdb-schema.ts`.
 *
 * Numbers are held within their column's range, so no record that a sensor could send makes the archive stumble over it for ever. Addresses and
 * names are text: measured against 128-bit numbers, text costs 0.5 us a row more on the way in, compresses to about the same size, finds one host equally fast
 * and can be read by everybody who opens the file. DNS transactions are JSON; sizes and context are lists.
 */
import { BIGINT, BOOLEAN, DOUBLE, DuckDBListValue, FLOAT, INTEGER, LIST, listValue, UINTEGER, USMALLINT, UTINYINT, VARCHAR } from '@duckdb/node-api'
import { makeFlow } from '../../proto/codec.ts'
import type { DuckDBDataChunk, DuckDBType, DuckDBValue } from '@duckdb/node-api'
import type { DnsTransaction, Flow, FlowBatch } from '../../proto/flow.ts'
import type { ArchivedFlow } from './archive.ts'

export type ArchiveRow = { row: number, communityId: string, batch: FlowBatch, flow: Flow }

type Kind = 'bool' | 'u8' | 'u16' | 'u32' | 'int' | 'float' | 'double' | 'text' | 'ints' | 'dns'

type Column = { name: string, kind: Kind, get: (row: ArchiveRow) => unknown, set: (flow: ArchivedFlow, value: unknown) => void }

const types: Readonly<Record<Kind, DuckDBType>> = {
  bool: BOOLEAN, u8: UTINYINT, u16: USMALLINT, u32: UINTEGER, int: BIGINT, float: FLOAT, double: DOUBLE, text: VARCHAR, ints: LIST(INTEGER), dns: VARCHAR,
}

const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

function own(name: string, kind: Kind, get: Column['get'], field?: keyof ArchivedFlow): Column {
  return { name, kind, get, set: (flow, value) => { if (field !== undefined) Object.assign(flow, { [field]: value }) } }
}

function field(name: keyof Flow, kind: Kind): Column {
  return { name: snake(name), kind, get: ({ flow }) => flow[name], set: (flow, value) => { if (value !== undefined) Object.assign(flow, { [name]: value }) } }
}

const fields = (kind: Kind, ...names: (keyof Flow)[]): Column[] => names.map((name) => field(name, kind))

export const columns: readonly Column[] = [
  own('id', 'int', ({ row }) => row),
  own('stream', 'text', ({ batch }) => batch.stream, 'stream'),
  own('sensor', 'text', ({ batch }) => batch.sensor, 'sensor'),
  own('boot', 'text', ({ batch }) => batch.boot, 'boot'),
  own('run', 'text', ({ batch }) => batch.run, 'run'),
  own('sequence', 'int', ({ batch }) => batch.sequence),
  own('community_id', 'text', ({ communityId }) => communityId, 'communityId'),
  ...fields('int', 'number'),
  ...fields('u32', 'part'),
  ...fields('bool', 'final'),
  ...fields('text', 'initiatorAddress', 'responderAddress'),
  ...fields('u16', 'initiatorPort', 'responderPort'),
  ...fields('u8', 'protocol'),
  ...fields('int', 'startMicros', 'endMicros', 'partStartMicros',
    'initiatorPackets', 'responderPackets', 'initiatorOctets', 'responderOctets',
    'initiatorPacketsDelta', 'responderPacketsDelta', 'initiatorOctetsDelta', 'responderOctetsDelta',
    'initiatorPayloadOctets', 'responderPayloadOctets'),
  ...fields('u16', 'initiatorTcpFlags', 'responderTcpFlags'),
  ...fields('u8', 'initiatorTtl', 'responderTtl'),
  ...fields('text', 'connState', 'history', 'endReason', 'directionMethod'),
  ...fields('u32', 'marks'),
  ...fields('u16', 'vlan', 'innerVlan'),
  ...fields('int', 'handshakeSynMicros', 'handshakeAckMicros'),
  ...fields('u32', 'initiatorLengthMin', 'initiatorLengthMax', 'responderLengthMin', 'responderLengthMax'),
  ...fields('int', 'initiatorLengthSquares', 'responderLengthSquares', 'interarrivalMin', 'interarrivalMax'),
  ...fields('double', 'interarrivalSquares'),
  ...fields('int', 'initiatorInterarrivalMin', 'initiatorInterarrivalMax'),
  ...fields('double', 'initiatorInterarrivalSquares'),
  ...fields('int', 'initiatorDurationMicros', 'responderInterarrivalMin', 'responderInterarrivalMax'),
  ...fields('double', 'responderInterarrivalSquares'),
  ...fields('int', 'responderDurationMicros'),
  ...fields('ints', 'sizes'),
  ...fields('text', 'application', 'serverName'),
  ...fields('dns', 'dns'),
  ...fields('ints', 'context'),
  ...fields('float', 'edgeScore', 'weight'),
]

export const columnTypes: readonly DuckDBType[] = columns.map(({ kind }) => types[kind])
/** `id BIGINT, stream VARCHAR ...`, for CREATE TABLE. */
export const columnDefinitions = columns.map(({ name, kind }) => `"${name}" ${types[kind].toString()}`).join(', ')
export const columnList = columns.map(({ name }) => `"${name}"`).join(', ')

const limits: Readonly<Partial<Record<Kind, number>>> = { u8: 255, u16: 65_535, u32: 4_294_967_295 }
const hold = (value: number, low: number, high: number): number => value < low ? low : value > high ? high : value

function encode(kind: Kind, value: unknown): DuckDBValue {
  if (typeof value === 'number') {
    if (kind === 'int') return BigInt(hold(value, 0, Number.MAX_SAFE_INTEGER))
    const high = limits[kind]
    return high === undefined ? value : hold(value, 0, high)
  }
  if (typeof value === 'string' || typeof value === 'boolean') return value
  return null
}

/** Fills `chunk`, whose row count is `to - from`, with `rows[from, to)`. */
export function fillChunk(chunk: DuckDBDataChunk, rows: readonly ArchiveRow[], from: number, to: number): void {
  for (const [c, { kind, get }] of columns.entries()) {
    const vector = chunk.getColumnVector(c)
    for (let i = from; i < to; i++) {
      const value = get(rows[i])
      if (kind === 'dns') vector.setItem(i - from, Array.isArray(value) && value.length > 0 ? JSON.stringify(value) : null)
      else if (kind === 'ints') vector.setItem(i - from, list(value))
      else vector.setItem(i - from, encode(kind, value))
    }
    vector.flush()
  }
}

const list = (value: unknown): DuckDBValue =>
  Array.isArray(value) && value.length > 0 ? listValue(value.map((n) => hold(Number(n), -2_147_483_648, 2_147_483_647))) : null

/** One row of `SELECT ${columnList}` as the record that was stored. */
export function readRow(values: readonly DuckDBValue[]): ArchivedFlow {
  const flow: ArchivedFlow = { ...makeFlow({}), stream: '', sensor: '', boot: '', run: '', communityId: '' }
  for (const [c, { kind, set }] of columns.entries()) {
    const value = values[c]
    if (value === null) continue
    if (typeof value === 'bigint') set(flow, Number(value))
    else if (kind === 'dns') set(flow, JSON.parse(String(value)) as DnsTransaction[])
    else if (value instanceof DuckDBListValue) set(flow, value.items)
    else set(flow, value)
  }
  return flow
}
