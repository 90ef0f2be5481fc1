import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeFlow, makeFlow } from '../../proto/codec.ts'
import { featureCount, features } from '../../proto/feature.ts'
import type { Flow } from '../../proto/flow.ts'
import { WireMeasures } from '../../proto/measures.ts'
import { Reader } from '../../proto/wire.ts'
import { vectorInto, vectorise } from '../../models/vector.ts'
import { hostileFlows, scanFlows, usualFlows } from './synthetic.ts'

const vector = (flow: Partial<Flow>): Map<string, number> => {
  const row = vectorise([makeFlow(flow)])
  return new Map(features.map(({ name }, i) => [name, row[i]]))
}
const log = (x: number): number => Math.fround(Math.log1p(x))

describe('each feature by its name', () => {
  const flow: Partial<Flow> = {
    protocol: 6, responderPort: 443, connState: 'SF', startMicros: 1e15, endMicros: 1e15 + 2_000_000, initiatorPackets: 5, responderPackets: 4,
    initiatorOctets: 1000, responderOctets: 6000, initiatorPayloadOctets: 740, responderPayloadOctets: 5792,
    initiatorLengthSquares: 260_000, responderLengthSquares: 9_360_000, initiatorLengthMax: 500, interarrivalSquares: 6e11,
    initiatorInterarrivalSquares: 1.1e12, initiatorDurationMicros: 2_000_000, responderDurationMicros: 1_500_000,
    handshakeSynMicros: 900, handshakeAckMicros: 100, sizes: [60, -60, 52], context: [1, 2, 3, 4, 5, 6, 7, 8],
  }
  const expected: [string, number][] = [
    ['duration', log(2e6)], ['initiatorPackets', log(5)], ['responderPackets', log(4)], ['initiatorOctets', log(1000)],
    ['responderOctets', log(6000)], ['initiatorPayload', log(740)], ['responderPayload', log(5792)],
    ['octetBalance', Math.fround(-5000 / 7000)], ['packetRate', log(4.5)], ['octetRate', log(3500)], ['initiatorLengthMean', log(200)],
    ['initiatorLengthDeviation', log(Math.sqrt(260_000 / 5 - 200 ** 2))], ['initiatorLengthMax', log(500)], ['responderLengthMean', log(1500)],
    ['responderLengthDeviation', log(Math.sqrt(9_360_000 / 4 - 1500 ** 2))], ['interarrivalMean', log(250_000)],
    ['interarrivalDeviation', log(Math.sqrt(6e11 / 8 - 250_000 ** 2))], ['initiatorInterarrivalMean', log(500_000)],
    ['initiatorInterarrivalDeviation', log(Math.sqrt(1.1e12 / 4 - 500_000 ** 2))], ['responderInterarrivalMean', log(500_000)],
    ['firstSize', log(60)], ['secondSize', -log(60)], ['tcp', 1], ['udp', 0], ['portName', 0], ['portWeb', 1], ['portAdmin', 0],
    ['portDynamic', 0], ['established', 1], ['unanswered', 0], ['refused', 0], ['handshake', log(1000)],
    ['flows10s', log(1)], ['failed10s', log(2)], ['responders10s', log(3)], ['ports10s', log(4)],
    ['flows600s', log(5)], ['failed600s', log(6)], ['responders600s', log(7)], ['ports600s', log(8)],
  ]
  const got = vector(flow)

  test('none is missing here', () => {
    expect(expected.map(([name]) => name)).toEqual(features.map(({ name }) => name))
  })

  test.each(expected)('%s is %d', (name, value) => {
    expect(got.get(name)).toBeCloseTo(value, 5)
  })

  test.each([
    ['portName', 53], ['portName', 853], ['portName', 5353], ['portWeb', 80], ['portWeb', 8443], ['portAdmin', 22], ['portAdmin', 3389],
    ['portAdmin', 445], ['portDynamic', 32_768], ['portDynamic', 65_535],
  ])('%s knows port %d, of TCP and UDP only', (name, responderPort) => {
    const classes = ['portName', 'portWeb', 'portAdmin', 'portDynamic']
    for (const protocol of [6, 17]) {
      const v = vector({ protocol, responderPort })
      expect(classes.filter((one) => v.get(one) === 1)).toEqual([name])
    }
    const icmp = vector({ protocol: 1, responderPort })
    expect(classes.filter((one) => icmp.get(one) === 1)).toEqual([])
  })

  test.each([
    ['SF', '100'], ['S1', '100'], ['S2', '100'], ['S3', '100'], ['RSTO', '101'], ['RSTR', '101'], ['S0', '010'], ['SH', '010'],
    ['REJ', '001'], ['RSTOS0', '001'], ['RSTRH', '001'], ['SHR', '000'], ['OTH', '000'], ['', '000'],
  ] as const)('state %s is %s', (connState, bits) => {
    const v = vector({ connState })
    expect(['established', 'unanswered', 'refused'].map((name) => v.get(name)).join('')).toBe(bits)
  })
})

test('one packet has no rates beyond the millisecond and no deviations', () => {
  const v = vector({ initiatorPackets: 1, initiatorOctets: 60, startMicros: 5, endMicros: 5, initiatorLengthSquares: 3600, sizes: [60] })
  expect(v.get('packetRate')).toBeCloseTo(log(1000), 5)
  expect(v.get('octetBalance')).toBe(1)
  for (const name of ['initiatorLengthDeviation', 'interarrivalMean', 'interarrivalDeviation', 'secondSize']) expect(v.get(name)).toBe(0)
})

test('a record read from the wire gives the same bits as the decoded one', () => {
  const measures = new WireMeasures()
  for (const flow of [...usualFlows(200), ...scanFlows(50)]) {
    const bytes = encodeFlow(flow)
    measures.read(new Reader(bytes), bytes.length)
    const row = new Float32Array(featureCount + 2)
    vectorInto(measures, row, 1)
    expect(row.slice(1, -1)).toEqual(vectorise([flow]))
    expect([row[0], row[featureCount + 1]]).toEqual([0, 0])
  }
})

describe('hostile records', () => {
  test.each(hostileFlows().map((flow, i) => [i, flow] as const))('number %i gives finite numbers', (_, flow) => {
    const row = vectorise([flow])
    expect(row.every((x) => Number.isFinite(x) && Math.abs(x) < 42)).toBe(true)
  })

  test('whatever the fields say, the vector is finite and shares and flags stay in their range', () => {
    const any = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(0, -0, 1, 2 ** 53, 2 ** 64, NaN, Infinity))
    const keys = Object.entries(makeFlow({})).filter(([, value]) => typeof value === 'number').map(([key]) => key)
    const record = fc.record(Object.fromEntries(keys.map((key) => [key, any])))
    fc.assert(fc.property(record, fc.array(any), fc.array(any), (numbers, sizes, context) => {
      const row = vectorise([makeFlow({ ...numbers, sizes, context })])
      features.forEach(({ kind }, i) => {
        expect(Number.isFinite(row[i])).toBe(true)
        if (kind === 'flag') expect([0, 1]).toContain(row[i])
        if (kind === 'share') expect(Math.abs(row[i])).toBeLessThanOrEqual(1)
        if (kind === 'log') expect(row[i]).toBeGreaterThanOrEqual(0)
      })
    }))
  })
})
