/**
 * Bytes <-> records. The wire format is protobuf (`vedette.proto`, checked by test with protobufjs as an independent reader);
 * protobufjs itself costs ten times as much (docs/decisions/protobuf-codec.md). The agent's hot path encodes straight from its flow
 * slab (`agent/flow/`); this is the encoder from objects, and the one decoder of everybody.
 *
 * Unknown fields are skipped, and so is a known one with another wire type. Whatever does not fit throws
 * E_BATCH_UNDECODABLE: a batch is taken whole or not at all.
 */
import { formatAddress, parseAddress } from './address.ts'
import { VedetteError } from './error.ts'
import { connStates, directionMethods, endReasons, flowFields } from './flow.ts'
import type { DnsTransaction, Flow, FlowBatch } from './flow.ts'
import { agentCounters } from './ledger.ts'
import { Reader, unzigzag, writeVarint, zigzag } from './wire.ts'

/** Field numbers of message FlowBatch. The signature comes last on the wire and covers every byte before its tag. */
export const batchField = {
  stream: 1, sensor: 2, boot: 3, sequence: 4, clockMicros: 5, flows: 6, run: 7, recordVersion: 8, featureHash: 9, modelHash: 10,
  vantage: 11, ledger: 12, dropped: 13, simulated: 14, signature: 15, last: 16,
} as const

/** Bytes of a signature field: tag, length, HMAC-SHA256. */
export const signatureBytes = 34

const encoder = new TextEncoder()
const dnsField = { query: 1, type: 2, rcode: 3, answers: 4, rttMicros: 5, offsetMicros: 6 } as const

/** A growing buffer that protobuf fields are appended to. Zero and empty values are left out, as proto3 does. */
export class Writer {
  bytes: Uint8Array
  view: DataView
  at = 0

  constructor(capacity = 4096) {
    this.bytes = new Uint8Array(capacity)
    this.view = new DataView(this.bytes.buffer)
  }

  reserve(extra: number): void {
    if (this.at + extra <= this.bytes.length) return
    const bytes = new Uint8Array(Math.max(this.bytes.length * 2, this.at + extra))
    bytes.set(this.bytes.subarray(0, this.at))
    this.bytes = bytes
    this.view = new DataView(bytes.buffer)
  }

  tag(field: number, wire: number): void {
    this.reserve(20)
    this.at = writeVarint(this.bytes, this.at, field * 8 + wire)
  }

  uint(field: number, value: number): void {
    if (value === 0) return
    this.tag(field, 0)
    this.at = writeVarint(this.bytes, this.at, value)
  }

  fixed64(field: number, value: number): void {
    this.tag(field, 1)
    this.view.setUint32(this.at, value % 4294967296, true)
    this.view.setUint32(this.at + 4, Math.floor(value / 4294967296), true)
    this.at += 8
  }

  double(field: number, value: number): void {
    if (value === 0) return
    this.tag(field, 1)
    this.view.setFloat64(this.at, value, true)
    this.at += 8
  }

  float(field: number, value: number): void {
    this.tag(field, 5)
    this.view.setFloat32(this.at, value, true)
    this.at += 4
  }

  raw(field: number, value: Uint8Array): void {
    this.tag(field, 2)
    this.reserve(value.length + 10)
    this.at = writeVarint(this.bytes, this.at, value.length)
    this.bytes.set(value, this.at)
    this.at += value.length
  }

  string(field: number, value: string): void {
    if (value !== '') this.raw(field, encoder.encode(value))
  }

  packed(field: number, values: readonly number[]): void {
    if (values.length === 0) return
    const inner = new Writer(values.length * 10)
    for (const value of values) inner.at = writeVarint(inner.bytes, inner.at, value)
    this.raw(field, inner.done())
  }

  done(): Uint8Array {
    return this.bytes.subarray(0, this.at)
  }
}

/** One flow record as message Flow. Throws E_INTERNAL when an address is not one. */
export function encodeFlow(flow: Flow): Uint8Array {
  const out = new Writer(512)
  for (const { name, field, wire } of flowFields) {
    if (name === 'initiatorAddress' || name === 'responderAddress') out.raw(field, addressBytes(flow[name]))
    else if (name === 'connState') out.uint(field, connStates.indexOf(flow.connState))
    else if (name === 'endReason') out.uint(field, endReasons.indexOf(flow.endReason))
    else if (name === 'directionMethod') out.uint(field, directionMethods.indexOf(flow.directionMethod))
    else if (name === 'dns') for (const transaction of flow.dns) out.raw(field, encodeDns(transaction))
    else if (name === 'sizes') out.packed(field, flow.sizes.map(zigzag))
    else if (name === 'context') out.packed(field, flow.context)
    else if (name === 'edgeScore') { if (flow.edgeScore !== undefined) out.float(field, flow.edgeScore) }
    else if (name === 'weight') { if (flow.weight !== 1) out.float(field, flow.weight) }
    else if (name === 'final') out.uint(field, flow.final ? 1 : 0)
    else {
      const value = flow[name]
      if (typeof value === 'string') out.string(field, value)
      else if (wire === 'fixed64') out.fixed64(field, value)
      else if (wire === 'double') out.double(field, value)
      else out.uint(field, value)
    }
  }
  return out.done()
}

function addressBytes(address: string): Uint8Array {
  const bytes = parseAddress(address)
  if (bytes === undefined) throw new VedetteError('E_INTERNAL', `not an address: ${address}`)
  return bytes
}

function encodeDns(transaction: DnsTransaction): Uint8Array {
  const out = new Writer(64)
  out.string(dnsField.query, transaction.query)
  out.uint(dnsField.type, transaction.type)
  if (transaction.rcode !== undefined) {
    out.tag(dnsField.rcode, 0)
    out.at = writeVarint(out.bytes, out.at, transaction.rcode)
  }
  out.uint(dnsField.answers, transaction.answers)
  out.uint(dnsField.rttMicros, transaction.rttMicros)
  out.uint(dnsField.offsetMicros, transaction.offsetMicros)
  return out.done()
}

export type BatchHeader = Omit<FlowBatch, 'flows'>

/**
 * A batch without its signature: header, then `records` as they are (tag 6, length, Flow; repeated). `sealBatch` in
 * `signature.ts` appends the signature.
 */
export function encodeBatch(header: BatchHeader, records: Uint8Array): Uint8Array {
  const out = new Writer(records.length + 1024)
  out.string(batchField.stream, header.stream)
  out.string(batchField.sensor, header.sensor)
  out.string(batchField.boot, header.boot)
  out.uint(batchField.sequence, header.sequence)
  out.fixed64(batchField.clockMicros, header.clockMicros)
  out.string(batchField.run, header.run)
  out.uint(batchField.recordVersion, header.recordVersion)
  out.string(batchField.featureHash, header.featureHash)
  out.string(batchField.modelHash, header.modelHash)
  out.string(batchField.vantage, header.vantage)
  const ledger = new Writer(256)
  for (const { name, field } of agentCounters) ledger.uint(field, header.ledger.get(name) ?? 0)
  out.raw(batchField.ledger, ledger.done())
  out.packed(batchField.dropped, header.dropped)
  out.uint(batchField.simulated, header.simulated ? 1 : 0)
  out.uint(batchField.last, header.last ? 1 : 0)
  out.reserve(records.length + signatureBytes)
  out.bytes.set(records, out.at)
  out.at += records.length
  return out.done()
}

/** Flows as the repeated field 6 of a FlowBatch, ready for `encodeBatch`. */
export function encodeRecords(flows: readonly Flow[]): Uint8Array {
  const out = new Writer(flows.length * 256 + 16)
  for (const flow of flows) out.raw(batchField.flows, encodeFlow(flow))
  return out.done()
}

const emptyFlow = (): Flow => ({
  number: 0, part: 0, final: false, initiatorAddress: '', responderAddress: '', initiatorPort: 0, responderPort: 0, protocol: 0,
  startMicros: 0, endMicros: 0, partStartMicros: 0, initiatorPackets: 0, responderPackets: 0, initiatorOctets: 0, responderOctets: 0,
  initiatorPacketsDelta: 0, responderPacketsDelta: 0, initiatorOctetsDelta: 0, responderOctetsDelta: 0,
  initiatorPayloadOctets: 0, responderPayloadOctets: 0, initiatorTcpFlags: 0, responderTcpFlags: 0, initiatorTtl: 0, responderTtl: 0,
  connState: '', history: '', endReason: '', directionMethod: '', marks: 0, vlan: 0, innerVlan: 0, handshakeSynMicros: 0, handshakeAckMicros: 0,
  initiatorLengthMin: 0, initiatorLengthMax: 0, initiatorLengthSquares: 0,
  responderLengthMin: 0, responderLengthMax: 0, responderLengthSquares: 0,
  interarrivalMin: 0, interarrivalMax: 0, interarrivalSquares: 0,
  initiatorInterarrivalMin: 0, initiatorInterarrivalMax: 0, initiatorInterarrivalSquares: 0, initiatorDurationMicros: 0,
  responderInterarrivalMin: 0, responderInterarrivalMax: 0, responderInterarrivalSquares: 0, responderDurationMicros: 0,
  sizes: [], application: '', serverName: '', dns: [], context: [], weight: 1,
})

/** A flow with every field at its default and the given ones set. */
export const makeFlow = (fields: Partial<Flow>): Flow => ({ ...emptyFlow(), ...fields })

const refuse = (why: string, cause?: unknown): VedetteError =>
  new VedetteError('E_BATCH_UNDECODABLE', `undecodable batch: ${why}`, '', { cause })

/** Reads one message Flow from `bytes[from, to)`. Throws E_BATCH_UNDECODABLE. */
export function decodeFlow(bytes: Uint8Array, from = 0, to = bytes.length): Flow {
  const reader = new Reader(bytes, from, to)
  try {
    return readFlow(reader)
  } catch (error) {
    throw error instanceof RangeError ? refuse(error.message, error) : error
  }
}

/** Assigns the fields of one message to a fresh record. A switch, because it is what a collector spends its decoding in. */
function readFlow(r: Reader): Flow {
  const flow = emptyFlow()
  while (r.at < r.end) {
    const tag = r.varint()
    switch (tag) {
      case 1 << 3: flow.number = r.varint(); break
      case 2 << 3: flow.part = r.varint(); break
      case 3 << 3: flow.final = r.varint() !== 0; break
      case 4 << 3 | 2: flow.initiatorAddress = readAddress(r); break
      case 5 << 3 | 2: flow.responderAddress = readAddress(r); break
      case 6 << 3: flow.initiatorPort = r.varint(); break
      case 7 << 3: flow.responderPort = r.varint(); break
      case 8 << 3: flow.protocol = r.varint(); break
      case 9 << 3 | 1: flow.startMicros = r.fixed64(); break
      case 10 << 3 | 1: flow.endMicros = r.fixed64(); break
      case 11 << 3: flow.initiatorPackets = r.varint(); break
      case 12 << 3: flow.responderPackets = r.varint(); break
      case 13 << 3: flow.initiatorOctets = r.varint(); break
      case 14 << 3: flow.responderOctets = r.varint(); break
      case 15 << 3: flow.endReason = endReasons[r.varint()] ?? ''; break
      case 16 << 3: flow.connState = connStates[r.varint()] ?? ''; break
      case 17 << 3 | 2: flow.history = r.string(); break
      case 18 << 3: flow.vlan = r.varint(); break
      case 19 << 3: flow.innerVlan = r.varint(); break
      case 20 << 3: flow.initiatorPacketsDelta = r.varint(); break
      case 21 << 3: flow.responderPacketsDelta = r.varint(); break
      case 22 << 3: flow.initiatorOctetsDelta = r.varint(); break
      case 23 << 3: flow.responderOctetsDelta = r.varint(); break
      case 24 << 3 | 1: flow.partStartMicros = r.fixed64(); break
      case 25 << 3: flow.initiatorTcpFlags = r.varint(); break
      case 26 << 3: flow.responderTcpFlags = r.varint(); break
      case 27 << 3: flow.initiatorPayloadOctets = r.varint(); break
      case 28 << 3: flow.responderPayloadOctets = r.varint(); break
      case 29 << 3: flow.directionMethod = directionMethods[r.varint()] ?? ''; break
      case 30 << 3: flow.marks = r.varint(); break
      case 31 << 3: flow.initiatorLengthMin = r.varint(); break
      case 32 << 3: flow.initiatorLengthMax = r.varint(); break
      case 33 << 3: flow.responderLengthMin = r.varint(); break
      case 34 << 3: flow.responderLengthMax = r.varint(); break
      case 35 << 3: flow.initiatorLengthSquares = r.varint(); break
      case 36 << 3: flow.responderLengthSquares = r.varint(); break
      case 37 << 3: flow.interarrivalMin = r.varint(); break
      case 38 << 3: flow.interarrivalMax = r.varint(); break
      case 39 << 3 | 1: flow.interarrivalSquares = r.double(); break
      case 40 << 3: flow.initiatorInterarrivalMin = r.varint(); break
      case 41 << 3: flow.initiatorInterarrivalMax = r.varint(); break
      case 42 << 3 | 1: flow.initiatorInterarrivalSquares = r.double(); break
      case 43 << 3: flow.initiatorDurationMicros = r.varint(); break
      case 44 << 3: flow.responderInterarrivalMin = r.varint(); break
      case 45 << 3: flow.responderInterarrivalMax = r.varint(); break
      case 46 << 3 | 1: flow.responderInterarrivalSquares = r.double(); break
      case 47 << 3: flow.responderDurationMicros = r.varint(); break
      case 48 << 3 | 2: readPacked(r, (value) => flow.sizes.push(unzigzag(value))); break
      case 49 << 3: flow.handshakeSynMicros = r.varint(); break
      case 50 << 3: flow.handshakeAckMicros = r.varint(); break
      case 51 << 3 | 2: flow.application = r.string(); break
      case 52 << 3 | 2: flow.serverName = r.string(); break
      case 53 << 3 | 2: flow.dns.push(readDns(r, flow.dns.length)); break
      case 54 << 3 | 2: readPacked(r, (value) => flow.context.push(value)); break
      case 55 << 3 | 5: flow.edgeScore = r.float(); break
      case 56 << 3: flow.initiatorTtl = r.varint(); break
      case 57 << 3: flow.responderTtl = r.varint(); break
      case 58 << 3 | 5: flow.weight = r.float(); break
      default: r.skip(tag & 7)
    }
  }
  return flow
}

function readAddress(r: Reader): string {
  const n = r.length()
  if (n !== 4 && n !== 16) throw new RangeError(`address of ${String(n)} bytes`)
  return formatAddress(r.bytes, r.take(n), n)
}

/** Reads a packed field; at most 4,096 values are accepted, which no sensor of any version writes. */
function readPacked(r: Reader, add: (value: number) => void): void {
  const end = r.length() + r.at
  for (let n = 0; r.at < end; n++) {
    if (n === 4096) throw new RangeError('packed field of more than 4,096 values')
    add(r.varint())
  }
  if (r.at !== end) throw new RangeError('packed field past its length')
}

/** A sensor closes a part at 16 transactions. */
const dnsLimit = 256

function readDns(r: Reader, before: number): DnsTransaction {
  if (before >= dnsLimit) throw new RangeError(`a record with more than ${String(dnsLimit)} DNS transactions`)
  const end = r.length() + r.at
  const outer = r.end
  r.end = end
  const dns: DnsTransaction = { query: '', type: 0, answers: 0, rttMicros: 0, offsetMicros: 0 }
  while (r.at < r.end) {
    const tag = r.varint()
    switch (tag) {
      case dnsField.query << 3 | 2: dns.query = r.string(); break
      case dnsField.type << 3: dns.type = r.varint(); break
      case dnsField.rcode << 3: dns.rcode = r.varint(); break
      case dnsField.answers << 3: dns.answers = r.varint(); break
      case dnsField.rttMicros << 3: dns.rttMicros = r.varint(); break
      case dnsField.offsetMicros << 3: dns.offsetMicros = r.varint(); break
      default: r.skip(tag & 7)
    }
  }
  r.end = outer
  return dns
}

/** No sensor of any version seals more (`batch.records` is at most 4,096). */
const recordLimit = 16_384

/** What a batch says about itself, and where its records are: `spans` holds [from, to) pairs into `bytes`. */
export type BatchFrame = BatchHeader & { spans: Int32Array, count: number, bytes: Uint8Array }

const counterByField: ReadonlyMap<number, string> = new Map(agentCounters.map(({ field, name }) => [field, name]))

/** Reads the header and finds the records without decoding them. Throws E_BATCH_UNDECODABLE. */
export function openBatch(bytes: Uint8Array): BatchFrame {
  const header: BatchHeader = {
    stream: '', sensor: '', boot: '', sequence: 0, clockMicros: 0, run: '', recordVersion: 0, featureHash: '', modelHash: '', vantage: '',
    simulated: false, last: false, ledger: new Map(), dropped: [],
  }
  const r = new Reader(bytes)
  let spans = new Int32Array(64)
  let count = 0
  try {
    while (r.at < r.end) {
      const tag = r.varint()
      switch (tag) {
        case batchField.stream << 3 | 2: header.stream = r.string(); break
        case batchField.sensor << 3 | 2: header.sensor = r.string(); break
        case batchField.boot << 3 | 2: header.boot = r.string(); break
        case batchField.sequence << 3: header.sequence = r.varint(); break
        case batchField.clockMicros << 3 | 1: header.clockMicros = r.fixed64(); break
        case batchField.run << 3 | 2: header.run = r.string(); break
        case batchField.recordVersion << 3: header.recordVersion = r.varint(); break
        case batchField.featureHash << 3 | 2: header.featureHash = r.string(); break
        case batchField.modelHash << 3 | 2: header.modelHash = r.string(); break
        case batchField.vantage << 3 | 2: header.vantage = r.string(); break
        case batchField.ledger << 3 | 2: readLedger(r, header.ledger); break
        case batchField.dropped << 3 | 2: readPacked(r, (value) => header.dropped.push(value)); break
        case batchField.simulated << 3: header.simulated = r.varint() !== 0; break
        case batchField.last << 3: header.last = r.varint() !== 0; break
        case batchField.flows << 3 | 2: {
          const n = r.length()
          const from = r.take(n)
          if (count === recordLimit) throw new RangeError(`a batch of more than ${String(recordLimit)} records`)
          if (2 * count === spans.length) {
            const wider = new Int32Array(spans.length * 2)
            wider.set(spans)
            spans = wider
          }
          spans[2 * count] = from
          spans[2 * count + 1] = from + n
          count++
          break
        }
        default: r.skip(tag & 7)
      }
    }
  } catch (error) {
    throw error instanceof RangeError ? refuse(error.message, error) : error
  }
  if (header.stream === '' || header.boot === '' || header.sequence === 0) throw refuse('stream, boot or sequence is missing')
  return { ...header, spans, count, bytes }
}

function readLedger(r: Reader, into: Map<string, number>): void {
  const end = r.length() + r.at
  while (r.at < end) {
    const tag = r.varint()
    const name = (tag & 7) === 0 ? counterByField.get(tag >>> 3) : undefined
    if (name === undefined) r.skip(tag & 7)
    else into.set(name, r.varint())
  }
}

/** Decodes a whole batch. Throws E_BATCH_UNDECODABLE. */
export function decodeBatch(bytes: Uint8Array): FlowBatch {
  const { spans, count, bytes: source, ...header } = openBatch(bytes)
  const flows: Flow[] = []
  for (let i = 0; i < count; i++) flows.push(decodeFlow(source, spans[2 * i], spans[2 * i + 1]))
  return { ...header, flows }
}
