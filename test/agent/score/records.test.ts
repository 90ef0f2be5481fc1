import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBatch, encodeBatch, encodeFlow, encodeRecords, makeFlow } from '../../../proto/codec.ts'
import { VedetteError } from '../../../proto/error.ts'
import { featureCount } from '../../../proto/feature.ts'
import type { Flow } from '../../../proto/flow.ts'
import { vectorise } from '../../../models/vector.ts'
import { RecordReader } from '../../../agent/score/records.ts'
import { scanFlows, usualFlows } from '../../models/synthetic.ts'

function decode(records: Uint8Array): Flow[] {
  return decodeBatch(encodeBatch({
    stream: 's/0', sensor: 's', boot: '0', sequence: 1, clockMicros: 1, run: '', recordVersion: 1, featureHash: '', modelHash: '', vantage: '',
    simulated: false, last: false, ledger: new Map(), dropped: [],
  }, records)).flows
}

describe('the records of a chunk', () => {
  test('become the vectors of their flows, and come out as they were with a score each', () => {
    const reader = new RecordReader()
    for (const flows of [usualFlows(10), [...usualFlows(1500), ...scanFlows(30)], [], scanFlows(2)]) {
      reader.read(encodeRecords(flows))
      expect(reader.count).toBe(flows.length)
      expect(reader.rows.slice(0, flows.length * featureCount)).toEqual(vectorise(flows))
      const scores = Float32Array.from(flows, (_, i) => Math.fround(i / 2048))
      expect(decode(reader.write(scores))).toEqual(flows.map((flow, i) => ({ ...flow, edgeScore: scores[i] })))
    }
  })

  test('of any length keep their bytes: a length that grows from one byte to two, from two to three', () => {
    const reader = new RecordReader()
    const length = fc.constantFrom(0, 60, 70, 80, 90, 100, 110, 200, 16_250, 16_300, 16_400)
    fc.assert(fc.property(fc.array(length, { minLength: 1, maxLength: 8 }), (lengths) => {
      const flows = lengths.map((n) => makeFlow({ initiatorAddress: '::1', responderAddress: '192.0.2.1', serverName: 'x'.repeat(n) }))
      reader.read(encodeRecords(flows))
      const out = reader.write(new Float32Array(flows.length).fill(0.5))
      expect(decode(out)).toEqual(flows.map((flow) => ({ ...flow, edgeScore: 0.5 })))
    }))
  })

  test('keep fields the scorer does not know', () => {
    const record = Uint8Array.from([...encodeFlow(usualFlows(1)[0]), 0xba, 0x3e, 2, 7, 7])
    const head = Uint8Array.of(0x32, record.length & 127 | 128, record.length >> 7)
    const reader = new RecordReader()
    reader.read(Uint8Array.from([...head, ...record]))
    const out = reader.write(Float32Array.of(0.25))
    expect(out.subarray(3, 3 + record.length)).toEqual(record)
    expect([...out.subarray(3 + record.length)]).toEqual([0xbd, 0x03, 0, 0, 0x80, 0x3e])
  })

  test('that are none are refused, and nothing of them stays', () => {
    const reader = new RecordReader()
    const good = encodeRecords(usualFlows(3))
    const bad = [[0x32], [0x32, 200], [8, 1], [0x32, 1, 0xff]].map((bytes) => Uint8Array.from(bytes))
    for (const bytes of [good.subarray(0, good.length - 1), ...bad]) {
      expect(() => { reader.read(bytes) }).toThrow(expect.objectContaining({ code: 'E_BATCH_UNDECODABLE' }))
      expect(reader.count).toBe(0)
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        reader.read(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(VedetteError)
      }
    }))
    reader.read(good)
    expect(reader.count).toBe(3)
  })
})
