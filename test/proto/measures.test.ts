import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeFlow, encodeFlow, makeFlow } from '../../proto/codec.ts'
import { connStates } from '../../proto/flow.ts'
import type { Flow } from '../../proto/flow.ts'
import { WireMeasures } from '../../proto/measures.ts'
import type { FlowMeasures } from '../../proto/measures.ts'
import { Reader } from '../../proto/wire.ts'
import { hostileFlows, scanFlows, usualFlows } from '../models/synthetic.ts'

const names: readonly (keyof FlowMeasures)[] = [
  'responderPort', 'protocol', 'startMicros', 'endMicros', 'initiatorPackets', 'responderPackets', 'initiatorOctets', 'responderOctets',
  'initiatorPayloadOctets', 'responderPayloadOctets', 'connState', 'handshakeSynMicros', 'handshakeAckMicros', 'initiatorLengthMax',
  'initiatorLengthSquares', 'responderLengthSquares', 'interarrivalSquares', 'initiatorInterarrivalSquares', 'initiatorDurationMicros',
  'responderDurationMicros', 'sizes', 'context',
]
const pick = (measures: FlowMeasures): unknown[] => names.map((name) => measures[name])
const measures = new WireMeasures()

function read(bytes: Uint8Array, from = 0, to = bytes.length): unknown[] {
  const r = new Reader(bytes, from)
  measures.read(r, to)
  expect(r.at).toBe(to)
  return pick(measures).map((value) => Array.isArray(value) ? [...value as number[]] : value)
}

const whole = fc.oneof(fc.nat(300), fc.nat(), fc.maxSafeNat())
const arbitraryFlow: fc.Arbitrary<Flow> = fc.record({
  responderPort: fc.nat(65_535), protocol: fc.nat(255), startMicros: fc.maxSafeNat(), endMicros: fc.maxSafeNat(), initiatorPackets: whole,
  responderPackets: whole, initiatorOctets: whole, responderOctets: whole, initiatorPayloadOctets: whole, responderPayloadOctets: whole,
  connState: fc.constantFrom(...connStates), handshakeSynMicros: whole, handshakeAckMicros: whole, initiatorLengthMax: whole,
  initiatorLengthSquares: whole, responderLengthSquares: whole, interarrivalSquares: fc.double({ noNaN: true }),
  initiatorInterarrivalSquares: fc.double({ noNaN: true }), initiatorDurationMicros: whole, responderDurationMicros: whole,
  sizes: fc.array(fc.integer({ min: -70_000, max: 70_000 }), { maxLength: 16 }), context: fc.array(whole, { maxLength: 8 }),
  history: fc.string(), serverName: fc.string(), number: whole, part: whole,
  dns: fc.array(fc.record({ query: fc.string(), type: whole, answers: whole, rttMicros: whole, offsetMicros: whole }), { maxLength: 3 }),
}).map((fields) => makeFlow({ initiatorAddress: '192.0.2.1', responderAddress: '2001:db8::1', ...fields }))

describe('reading the numbers of a record', () => {
  test('gives what the whole decoder gives', () => {
    fc.assert(fc.property(arbitraryFlow, (flow) => {
      const bytes = encodeFlow(flow)
      expect(read(bytes)).toEqual(pick(decodeFlow(bytes)))
    }))
  })

  test('leaves nothing of the record before', () => {
    for (const flow of [...usualFlows(20), ...scanFlows(5)]) read(encodeFlow(flow))
    expect(read(encodeFlow(makeFlow({ initiatorAddress: '::', responderAddress: '::' })))).toEqual(pick(makeFlow({})))
  })

  test('stops at the end of its record, inside a larger buffer', () => {
    const [first, second] = usualFlows(2)
    const a = encodeFlow(first)
    const b = encodeFlow(second)
    const both = Uint8Array.from([...a, ...b])
    expect(read(both, a.length)).toEqual(pick(second))
    expect(read(both, 0, a.length)).toEqual(pick(first))
  })

  test('skips fields it does not know, of every wire type', () => {
    const flow = usualFlows(1)[0]
    const unknown = [0xb8, 0x3e, 1, 0xb9, 0x3e, 1, 2, 3, 4, 5, 6, 7, 8, 0xba, 0x3e, 2, 9, 9, 0xbd, 0x3e, 1, 2, 3, 4]
    expect(read(Uint8Array.from([...unknown, ...encodeFlow(flow), ...unknown]))).toEqual(pick(flow))
  })

  test('a record cut anywhere is refused or read, never past its end', () => {
    const bytes = encodeFlow(usualFlows(3)[1])
    for (let cut = 0; cut < bytes.length; cut++) {
      const r = new Reader(bytes)
      try {
        measures.read(r, cut)
        expect(r.at).toBe(cut)
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }
  })

  test('any bytes are refused with a RangeError or read', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      try {
        read(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }), { numRuns: 500 })
  })

  test('numbers no sensor writes come through', () => {
    const usable = hostileFlows().filter(({ number }) => number === 0 || number === 1 || number === 2 ** 53)
    expect(usable.length).toBeGreaterThanOrEqual(3)
    for (const flow of usable) {
      const bytes = encodeFlow({ ...flow, initiatorAddress: '::', responderAddress: '::', sizes: [], context: [] })
      expect(read(bytes)).toEqual(pick(decodeFlow(bytes)))
    }
  })
})
