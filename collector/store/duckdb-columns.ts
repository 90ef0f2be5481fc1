/**
 * The archive's columns: one for every field of the flow record, those of its batch, the Community ID, and a row
 * number that makes an order total. The table is in the order of the file's columns; a new one goes at the end
 * together with a step in `duckdb-schema.ts`.
 *
 * Numbers are held within their column's range, so no record that a sensor could send makes the archive stumble over it for
 * ever. Addresses are text: over a million rows 128-bit numbers took 0.6 us of CPU an address against 1.3, and 4.7 octets
 * against 5.0, but finding one host took them 167 ms against 76, and text can be read by everybody who opens the file. DNS
 * transactions are JSON; sizes and context are lists.
 */
import { BIGINT, BOOLEAN, DOUBLE, DuckDBListValue, FLOAT, INTEGER, LIST, listValue, UINTEGER, USMALLINT, UTINYINT, VARCHAR } from '@duckdb/node-api'
import { makeFlow } from '../../proto/codec.ts'
import { communityId } from '../../proto/community-id.ts'
import type { DuckDBDataChunk, DuckDBType, DuckDBValue } from '@duckdb/node-api'
import type { DnsTransaction, Flow, FlowBatch } from '../../proto/flow.ts'
import type { ArchivedFlow } from './archive.ts'

export type ArchiveRow = { row: number, communityId: string, batch: FlowBatch, flow: Flow }

type Kind = 'bool' | 'u8' | 'u16' | 'u32' | 'int' | 'float' | 'double' | 'text' | 'ints' | 'dns'
type Value = string | number | boolean | readonly number[] | readonly DnsTransaction[] | undefined

/** `get` is a function of its own for every column, because filling columns is most of what storing a record costs. */
type Column = { name: string, field: keyof ArchivedFlow | undefined, kind: Kind, get: (row: ArchiveRow) => Value }

const types: Readonly<Record<Kind, DuckDBType>> = {
  bool: BOOLEAN, u8: UTINYINT, u16: USMALLINT, u32: UINTEGER, int: BIGINT, float: FLOAT, double: DOUBLE, text: VARCHAR, ints: LIST(INTEGER),
  dns: VARCHAR,
}

const own = (name: string, kind: Kind, get: Column['get'], field?: keyof ArchivedFlow): Column => ({ name, field, kind, get })

function of(field: keyof Flow, kind: Kind, get: (flow: Flow) => Value): Column {
  return { name: field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), field, kind, get: ({ flow }) => get(flow) }
}

export const columns: readonly Column[] = [
  own('id', 'int', ({ row }) => row),
  own('stream', 'text', ({ batch }) => batch.stream, 'stream'),
  own('sensor', 'text', ({ batch }) => batch.sensor, 'sensor'),
  own('boot', 'text', ({ batch }) => batch.boot, 'boot'),
  own('run', 'text', ({ batch }) => batch.run, 'run'),
  own('sequence', 'int', ({ batch }) => batch.sequence),
  own('community_id', 'text', ({ communityId }) => communityId, 'communityId'),
  of('number', 'int', (flow) => flow.number),
  of('part', 'u32', (flow) => flow.part),
  of('final', 'bool', (flow) => flow.final),
  of('initiatorAddress', 'text', (flow) => flow.initiatorAddress),
  of('responderAddress', 'text', (flow) => flow.responderAddress),
  of('initiatorPort', 'u16', (flow) => flow.initiatorPort),
  of('responderPort', 'u16', (flow) => flow.responderPort),
  of('protocol', 'u8', (flow) => flow.protocol),
  of('startMicros', 'int', (flow) => flow.startMicros),
  of('endMicros', 'int', (flow) => flow.endMicros),
  of('partStartMicros', 'int', (flow) => flow.partStartMicros),
  of('initiatorPackets', 'int', (flow) => flow.initiatorPackets),
  of('responderPackets', 'int', (flow) => flow.responderPackets),
  of('initiatorOctets', 'int', (flow) => flow.initiatorOctets),
  of('responderOctets', 'int', (flow) => flow.responderOctets),
  of('initiatorPacketsDelta', 'int', (flow) => flow.initiatorPacketsDelta),
  of('responderPacketsDelta', 'int', (flow) => flow.responderPacketsDelta),
  of('initiatorOctetsDelta', 'int', (flow) => flow.initiatorOctetsDelta),
  of('responderOctetsDelta', 'int', (flow) => flow.responderOctetsDelta),
  of('initiatorPayloadOctets', 'int', (flow) => flow.initiatorPayloadOctets),
  of('responderPayloadOctets', 'int', (flow) => flow.responderPayloadOctets),
  of('initiatorTcpFlags', 'u16', (flow) => flow.initiatorTcpFlags),
  of('responderTcpFlags', 'u16', (flow) => flow.responderTcpFlags),
  of('initiatorTtl', 'u8', (flow) => flow.initiatorTtl),
  of('responderTtl', 'u8', (flow) => flow.responderTtl),
  of('connState', 'text', (flow) => flow.connState),
  of('history', 'text', (flow) => flow.history),
  of('endReason', 'text', (flow) => flow.endReason),
  of('directionMethod', 'text', (flow) => flow.directionMethod),
  of('marks', 'u32', (flow) => flow.marks),
  of('vlan', 'u16', (flow) => flow.vlan),
  of('innerVlan', 'u16', (flow) => flow.innerVlan),
  of('handshakeSynMicros', 'int', (flow) => flow.handshakeSynMicros),
  of('handshakeAckMicros', 'int', (flow) => flow.handshakeAckMicros),
  of('initiatorLengthMin', 'u32', (flow) => flow.initiatorLengthMin),
  of('initiatorLengthMax', 'u32', (flow) => flow.initiatorLengthMax),
  of('responderLengthMin', 'u32', (flow) => flow.responderLengthMin),
  of('responderLengthMax', 'u32', (flow) => flow.responderLengthMax),
  of('initiatorLengthSquares', 'int', (flow) => flow.initiatorLengthSquares),
  of('responderLengthSquares', 'int', (flow) => flow.responderLengthSquares),
  of('interarrivalMin', 'int', (flow) => flow.interarrivalMin),
  of('interarrivalMax', 'int', (flow) => flow.interarrivalMax),
  of('interarrivalSquares', 'double', (flow) => flow.interarrivalSquares),
  of('initiatorInterarrivalMin', 'int', (flow) => flow.initiatorInterarrivalMin),
  of('initiatorInterarrivalMax', 'int', (flow) => flow.initiatorInterarrivalMax),
  of('initiatorInterarrivalSquares', 'double', (flow) => flow.initiatorInterarrivalSquares),
  of('initiatorDurationMicros', 'int', (flow) => flow.initiatorDurationMicros),
  of('responderInterarrivalMin', 'int', (flow) => flow.responderInterarrivalMin),
  of('responderInterarrivalMax', 'int', (flow) => flow.responderInterarrivalMax),
  of('responderInterarrivalSquares', 'double', (flow) => flow.responderInterarrivalSquares),
  of('responderDurationMicros', 'int', (flow) => flow.responderDurationMicros),
  of('sizes', 'ints', (flow) => flow.sizes),
  of('application', 'text', (flow) => flow.application),
  of('serverName', 'text', (flow) => flow.serverName),
  of('dns', 'dns', (flow) => flow.dns),
  of('context', 'ints', (flow) => flow.context),
  of('edgeScore', 'float', (flow) => flow.edgeScore),
  of('weight', 'float', (flow) => flow.weight),
]

export const columnTypes: readonly DuckDBType[] = columns.map(({ kind }) => types[kind])
/** `id BIGINT, stream VARCHAR ...`, for CREATE TABLE. */
export const columnDefinitions = columns.map(({ name, kind }) => `"${name}" ${types[kind].toString()}`).join(', ')
export const columnList = columns.map(({ name }) => `"${name}"`).join(', ')

const high: Readonly<Record<Kind, number>> = {
  bool: 0, u8: 255, u16: 65_535, u32: 4_294_967_295, int: Number.MAX_SAFE_INTEGER, float: Infinity, double: Infinity, text: 0,
  ints: 2_147_483_647, dns: 0,
}
const hold = (value: number, least: number, most: number): number => value < least ? least : value > most ? most : value

function encode(kind: Kind, value: Value): DuckDBValue {
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (value === undefined || typeof value === 'number' || value.length === 0) return null
  return kind === 'dns' ? JSON.stringify(value) : listValue(value.map((n) => hold(Number(n), -high.ints, high.ints)))
}

/** What is stored of a record; a tuple that cannot be one has no Community ID. */
export function archiveRow(row: number, batch: FlowBatch, flow: Flow): ArchiveRow {
  const possible = flow.initiatorPort <= 65_535 && flow.responderPort <= 65_535 && flow.protocol <= 255
  return { row, communityId: possible ? communityId(flow) : '', batch, flow }
}

/** Fills `chunk`, whose row count is `to - from`, with `rows[from, to)`. */
export function fillChunk(chunk: DuckDBDataChunk, rows: readonly ArchiveRow[], from: number, to: number): void {
  for (const [c, { kind, get }] of columns.entries()) {
    const vector = chunk.getColumnVector(c)
    const most = high[kind]
    const whole = kind !== 'float' && kind !== 'double'
    for (let i = from; i < to; i++) {
      const value = get(rows[i])
      if (typeof value !== 'number') vector.setItem(i - from, encode(kind, value))
      else if (kind === 'int') vector.setItem(i - from, value === 0 ? 0n : BigInt(hold(value, 0, most)))
      else vector.setItem(i - from, whole ? hold(value, 0, most) : value)
    }
    vector.flush()
  }
}

/** One row of `SELECT ${columnList}` as the record that was stored. */
export function readRow(values: readonly DuckDBValue[]): ArchivedFlow {
  const flow: ArchivedFlow = { ...makeFlow({}), stream: '', sensor: '', boot: '', run: '', communityId: '' }
  for (const [c, { kind, field }] of columns.entries()) {
    const value = values[c]
    if (value === null || field === undefined) continue
    let read: unknown = value
    if (typeof value === 'bigint') read = Number(value)
    else if (kind === 'dns') read = JSON.parse(String(value))
    else if (value instanceof DuckDBListValue) read = [...value.items]
    Object.assign(flow, { [field]: read })
  }
  return flow
}
