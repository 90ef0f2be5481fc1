/** The codec against protobufjs, which reads and writes vedette.proto by itself; and against bytes that are not a batch. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import { describe, expect, it } from 'vitest'
import { formatAddress, parseAddress } from '../../proto/address.ts'
import { batchField, decodeBatch, decodeFlow, encodeBatch, encodeFlow, encodeRecords, makeFlow, openBatch } from '../../proto/codec.ts'
import type { BatchHeader } from '../../proto/codec.ts'
import { VedetteError } from '../../proto/error.ts'
import { connStates, directionMethods, endReasons, flowFields } from '../../proto/flow.ts'
import type { Flow, WireType } from '../../proto/flow.ts'
import { agentCounters } from '../../proto/ledger.ts'
import { snakeCase } from '../../proto/process/metrics.ts'
import { flowArbitrary, uint } from './arbitrary.ts'

const protoText = readFileSync(join(import.meta.dirname, '../../proto/vedette.proto'), 'utf8')
const { root } = protobuf.parse(protoText)
const FlowMessage = root.lookupType('vedette.v1.Flow')
const BatchMessage = root.lookupType('vedette.v1.FlowBatch')
const LedgerMessage = root.lookupType('vedette.v1.AgentLedger')

/** A record as protobufjs wants it: enumerations as numbers, addresses as bytes. */
const toMessage = (flow: Flow): Record<string, unknown> => ({
  ...flow,
  initiatorAddress: parseAddress(flow.initiatorAddress), responderAddress: parseAddress(flow.responderAddress),
  connState: connStates.indexOf(flow.connState), endReason: endReasons.indexOf(flow.endReason),
  directionMethod: directionMethods.indexOf(flow.directionMethod),
})

/** What protobufjs read, as a record. */
function fromMessage(bytes: Uint8Array): Flow {
  const plain = FlowMessage.toObject(FlowMessage.decode(bytes), { longs: Number, defaults: true, arrays: true }) as Record<string, unknown>
  const { initiatorAddress, responderAddress, connState, endReason, directionMethod } = plain
  const optional = FlowMessage.decode(bytes) as unknown as { edgeScore: number | null, weight: number | null, dns: { rcode: unknown }[] }
  const flow: Record<string, unknown> = {
    ...plain,
    initiatorAddress: formatAddress(initiatorAddress as Uint8Array), responderAddress: formatAddress(responderAddress as Uint8Array),
    connState: connStates[connState as number], endReason: endReasons[endReason as number],
    directionMethod: directionMethods[directionMethod as number],
    weight: Object.hasOwn(optional, 'weight') ? plain.weight : 1,
  }
  if (!Object.hasOwn(optional, 'edgeScore')) delete flow.edgeScore
  for (const [i, transaction] of (flow.dns as Record<string, unknown>[]).entries()) {
    if (!Object.hasOwn(optional.dns[i], 'rcode')) delete transaction.rcode
  }
  return flow as unknown as Flow
}

const header = (fields: Partial<BatchHeader> = {}): BatchHeader => ({
  stream: 'edge-1/0', sensor: 'edge-1', boot: '0123456789abcdef', sequence: 7, clockMicros: 1_700_000_000_123_456, run: '', recordVersion: 1,
  featureHash: 'f', modelHash: 'm', vantage: 'host', simulated: false, last: false, ledger: new Map(), dropped: [], ...fields,
})

const flow = makeFlow({ number: 1, initiatorAddress: '10.0.0.1', responderAddress: '2001:db8::1', connState: 'SF', sizes: [60, -1500], weight: 1 })

describe('vedette.proto', () => {
  const types: Record<WireType, [string, boolean]> = {
    uint: ['uint64', false], bool: ['bool', false], fixed64: ['fixed64', false], double: ['double', false], float: ['float', false],
    bytes: ['bytes', false], string: ['string', false], packedUint: ['uint64', true], packedSint: ['sint64', true], message: ['DnsTransaction', true],
  }

  it('has the fields of the table, with their types', () => {
    const written = FlowMessage.fieldsArray.map(({ name, id, type, repeated }) => [name, id, type, repeated])
    expect(written).toEqual(flowFields.map(({ name, field, wire }) => [name, field, ...types[wire]]))
  })

  it('says unit and IPFIX element as the table does', () => {
    for (const { name, field, unit, ipfix } of flowFields) {
      const line = protoText.split('\n').find((each) => new RegExp(`\\b${snakeCase(name)} = ${String(field)};`).test(each)) ?? ''
      const comment = [unit, ipfix === undefined ? '' : `IPFIX ${String(ipfix)}`].filter((part) => part !== '').join(', ')
      expect(line.split('// ')[1] ?? '', name).toBe(comment)
    }
  })

  it('has the header fields and the counters', () => {
    expect(Object.fromEntries(BatchMessage.fieldsArray.map(({ name, id }) => [name, id]))).toEqual(batchField)
    expect(LedgerMessage.fieldsArray.map(({ name, id }) => [name, id])).toEqual(agentCounters.map(({ name, field }) => [name, field]))
  })

  it('never uses a number twice', () => {
    for (const numbers of [flowFields, agentCounters].map((table) => table.map(({ field }) => field))) expect(new Set(numbers).size).toBe(numbers.length)
  })
})

describe('a record', () => {
  it('is what protobufjs reads', () => {
    fc.assert(fc.property(flowArbitrary, (each) => { expect(fromMessage(encodeFlow(each))).toEqual(each) }), { numRuns: 200 })
  })

  it('is read as protobufjs wrote it', () => {
    fc.assert(fc.property(flowArbitrary, (each) => {
      expect(decodeFlow(FlowMessage.encode(FlowMessage.fromObject(toMessage(each))).finish())).toEqual(each)
    }), { numRuns: 200 })
  })

  it('comes back as it was', () => {
    fc.assert(fc.property(flowArbitrary, (each) => { expect(decodeFlow(encodeFlow(each))).toEqual(each) }), { numRuns: 200 })
  })

  it('has the same bytes each time', () => {
    fc.assert(fc.property(flowArbitrary, (each) => { expect(encodeFlow(each)).toEqual(encodeFlow(structuredClone(each))) }), { numRuns: 50 })
  })

  it('without an address is a defect, said as one', () => {
    expect(() => encodeFlow(makeFlow({ initiatorAddress: 'nowhere' }))).toThrow(expect.objectContaining({ code: 'E_INTERNAL' }) as Error)
  })
})

describe('a batch', () => {
  it('comes back as it was', () => {
    const counters = fc.array(uint, { minLength: agentCounters.length, maxLength: agentCounters.length })
    const lists = [fc.array(flowArbitrary, { maxLength: 5 }), counters, fc.array(uint, { maxLength: 9 })] as const
    fc.assert(fc.property(...lists, fc.boolean(), (flows, values, dropped, last) => {
      const ledger = new Map(agentCounters.map(({ name }, i) => [name, values[i]] as [string, number]).filter(([, value]) => value !== 0))
      const written = header({ ledger, dropped, last, simulated: !last, run: 'demo' })
      expect(decodeBatch(encodeBatch(written, encodeRecords(flows)))).toEqual({ ...written, flows })
    }), { numRuns: 50 })
  })

  it('is what protobufjs reads', () => {
    const bytes = encodeBatch(header({ ledger: new Map([['frames', 12]]), dropped: [3, 300], last: true }), encodeRecords([flow, flow]))
    const read = BatchMessage.toObject(BatchMessage.decode(bytes), { longs: Number, defaults: true }) as Record<string, unknown>
    expect(read).toMatchObject({
      stream: 'edge-1/0', sequence: 7, clockMicros: 1_700_000_000_123_456, dropped: [3, 300], last: true, ledger: { frames: 12, framesInFlows: 0 },
    })
    expect(read.flows).toHaveLength(2)
  })

  it('can be opened without decoding its records', () => {
    const flows = Array.from({ length: 100 }, (_, i) => makeFlow({ ...flow, number: i + 1 }))
    const { spans, count, bytes, stream } = openBatch(encodeBatch(header(), encodeRecords(flows)))
    expect([count, stream]).toEqual([100, 'edge-1/0'])
    expect(decodeFlow(bytes, spans[198], spans[199]).number).toBe(100)
  })

  it('without flows is a tick', () => {
    expect(decodeBatch(encodeBatch(header(), new Uint8Array()))).toMatchObject({ flows: [], clockMicros: 1_700_000_000_123_456 })
  })

  it('must say what it is', () => {
    for (const missing of [{ stream: '' }, { boot: '' }, { sequence: 0 }]) {
      expect(codeOf(() => openBatch(encodeBatch(header(missing), new Uint8Array())))).toBe('E_BATCH_UNDECODABLE')
    }
  })
})

const codeOf = (run: () => unknown): string => {
  try {
    run()
    return ''
  } catch (error) {
    if (error instanceof VedetteError) return error.code
    throw error
  }
}

describe('what comes from outside', () => {
  const good = encodeBatch(header({ ledger: new Map([['frames', 300]]), dropped: [1, 2] }), encodeRecords([
    makeFlow({ ...flow, dns: [{ query: 'a.example', type: 1, rcode: 0, answers: 1, rttMicros: 5, offsetMicros: 6 }], context: [1, 2], edgeScore: 0.5 }),
  ]))

  it('skips fields it does not know, of every wire type', () => {
    const unknown = Uint8Array.of(
      ...[0x80 | 0, 0x7d, 0x01], // 2000, varint
      ...[0x81 | 0, 0x7d, 1, 2, 3, 4, 5, 6, 7, 8],
      ...[0x82 | 0, 0x7d, 3, 9, 9, 9],
      ...[0x85 | 0, 0x7d, 1, 2, 3, 4],
    )
    expect(decodeBatch(Uint8Array.of(...unknown, ...good, ...unknown)).flows).toEqual(decodeBatch(good).flows)
    expect(decodeFlow(Uint8Array.of(...encodeFlow(flow), ...unknown))).toEqual(flow)
  })

  it('is read up to any cut, or refused; never anything else', () => {
    for (let length = 0; length < good.length; length++) expect(['', 'E_BATCH_UNDECODABLE']).toContain(codeOf(() => decodeBatch(good.subarray(0, length))))
  })

  it('with any byte changed is read or refused', () => {
    fc.assert(fc.property(fc.nat(good.length - 1), fc.nat(255), (at, value) => {
      const bad = good.slice()
      bad[at] = value
      expect(['', 'E_BATCH_UNDECODABLE']).toContain(codeOf(() => decodeBatch(bad)))
    }), { numRuns: 500 })
  })

  it('that is noise is read or refused', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(['', 'E_BATCH_UNDECODABLE']).toContain(codeOf(() => decodeBatch(bytes)))
      expect(['', 'E_BATCH_UNDECODABLE']).toContain(codeOf(() => decodeFlow(bytes)))
    }), { numRuns: 500 })
  })

  it.each([
    ['a group', [0x0b]],
    ['a length past the end', [0x0a, 0x7f, 1]],
    ['a varint without end', [0x20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]],
    ['a varint cut off', [0x20, 0x80]],
    ['an address of five bytes', [0x32, 7, 0x22, 5, 1, 2, 3, 4, 5]],
    ['packed values past their length', [0x6a, 1, 0x80, 0x01]],
  ])('%s is refused', (_name, bytes) => {
    expect(codeOf(() => decodeBatch(Uint8Array.of(...good, ...bytes)))).toBe('E_BATCH_UNDECODABLE')
  })

  it('cannot make a list endless', () => {
    const packed = Uint8Array.of(...[0x6a, 0x88, 0x27], ...new Uint8Array(5000))
    expect(codeOf(() => openBatch(Uint8Array.of(...good, ...packed)))).toBe('E_BATCH_UNDECODABLE')
  })
})

it('a known field with another wire type is skipped, as protobuf readers do: it never becomes a wrong number', () => {
  const flow = encodeFlow(makeFlow({ initiatorAddress: '10.0.0.1', responderAddress: '10.0.0.2', initiatorPort: 443 }))
  const asBytes = Uint8Array.of(6 << 3 | 2, 2, 0x01, 0x02)
  const asFixed = Uint8Array.of(7 << 3 | 5, 1, 2, 3, 4)
  const decoded = decodeFlow(Uint8Array.of(...flow, ...asBytes, ...asFixed))
  expect(decoded).toMatchObject({ initiatorPort: 443, responderPort: 0 })
  expect(FlowMessage.toObject(FlowMessage.decode(Uint8Array.of(...flow)), { longs: Number })).toMatchObject({ initiatorPort: 443 })
})
