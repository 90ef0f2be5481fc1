import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { decodeFlow, encodeRecords } from '../../../proto/codec.ts'
import { featureCount, featureHash } from '../../../proto/feature.ts'
import { ManualClock } from '../../../proto/process/clock.ts'
import { Reader } from '../../../proto/wire.ts'
import { ModelSession } from '../../../models/session.ts'
import { vectorise } from '../../../models/vector.ts'
import type { Chunk } from '../../../agent/flow/chunk.ts'
import { createScorer } from '../../../agent/score/scorer.ts'
import type { Scorer, ScorerOptions } from '../../../agent/score/scorer.ts'
import { editManifest, shipped, smallModel, writeSmallBundle } from '../../models/bundles.ts'
import { keepLines } from '../../models/log-lines.ts'
import { order } from '../../models/order.ts'
import { hostileFlows, scanFlows, usualFlows } from '../../models/synthetic.ts'

const scorers: Scorer[] = []
afterEach(async () => { for (const scorer of scorers.splice(0)) await scorer.close() })

async function open(options: Partial<ScorerOptions> = {}) {
  const { log, lines } = keepLines()
  const clock = new ManualClock()
  const scorer = await createScorer({ bundle: shipped, log, clock, ...options })
  scorers.push(scorer)
  return { scorer, lines, clock }
}

const chunkOf = (bytes: Uint8Array, count: number, clockMicros = 0): Chunk =>
  ({ bytes, count, clockMicros, ledger: new Map([['frames', 9]]), unscored: 0, last: false })
const chunk = (count: number, seed: number): Chunk => chunkOf(encodeRecords(usualFlows(count, seed)), count, seed)

function scoresIn({ bytes }: Chunk): (number | undefined)[] {
  const r = new Reader(bytes)
  const scores: (number | undefined)[] = []
  while (r.at < bytes.length) {
    r.varint()
    const n = r.length()
    scores.push(decodeFlow(bytes, r.at, r.at + n).edgeScore)
    r.at += n
  }
  return scores
}

describe('with the shipped model', () => {
  test('every record carries the score the model gives its vector', async () => {
    const { scorer } = await open()
    const flows = [...usualFlows(100), ...scanFlows(20)]
    const given = chunkOf(encodeRecords(flows), flows.length, 77)
    const scored = await scorer.score(given)
    expect(scored).toMatchObject({ count: 120, clockMicros: 77, unscored: 0, last: false, ledger: given.ledger })
    const session = await ModelSession.open(shipped)
    expect(scoresIn(scored)).toEqual(Array.from(await session.score(vectorise(flows), flows.length)))
    expect([scorer.modelHash, scorer.featureHash]).toEqual([session.modelHash, featureHash])
    await session.close()
  })

  test('order is kept under load, over chunks of very different sizes', async () => {
    const { scorer } = await open()
    const settled: number[] = []
    const chunks = Array.from({ length: 60 }, (_, i) => i % 7 === 0 ? chunkOf(new Uint8Array(0), 0, i) : chunk(1 + i % 5 * 200, i))
    const scored = await Promise.all(chunks.map(async (one) => {
      const out = await scorer.score(one)
      settled.push(out.clockMicros)
      return out
    }))
    expect(settled).toEqual(chunks.map(({ clockMicros }) => clockMicros))
    scored.forEach((out, i) => { expect([out.count, out.unscored, scoresIn(out).length]).toEqual([chunks[i].count, 0, chunks[i].count]) })
  })

  test('twice the same chunks, the same bytes, in another thread too', async () => {
    const first = await open()
    const second = await open()
    for (const seed of [1, 2, 3]) {
      const a = await first.scorer.score(chunk(512, seed))
      expect((await first.scorer.score(chunk(512, seed))).bytes).toEqual(a.bytes)
      expect((await second.scorer.score(chunk(512, seed))).bytes).toEqual(a.bytes)
    }
  })

  test('the given bytes are left alone, whatever buffer they lie in', async () => {
    const { scorer } = await open()
    const records = encodeRecords(usualFlows(5))
    const buffer = new Uint8Array(records.length + 20)
    buffer.set(records, 7)
    const before = buffer.slice()
    const scored = await scorer.score(chunkOf(buffer.subarray(7, 7 + records.length), 5))
    expect(scored.unscored).toBe(0)
    expect(buffer).toEqual(before)
  })

  test('hostile flows are scored within 0 ... 1', async () => {
    const { scorer } = await open()
    const usable = hostileFlows().filter(({ number }) => number === 0 || number === 1 || number === 2 ** 53)
      .map((flow) => ({ ...flow, initiatorAddress: '::', responderAddress: '::', sizes: [70_000, -70_000], context: [2 ** 53] }))
    const scored = await scorer.score(chunkOf(encodeRecords(usable), usable.length))
    expect(scored.unscored).toBe(0)
    for (const score of scoresIn(scored)) expect(score! >= 0 && score! <= 1).toBe(true)
  })

  test('bytes that are not records go on unscored and as they were, and the next chunk is scored', async () => {
    const { scorer, lines } = await open()
    const bad = chunkOf(Uint8Array.of(0x32, 200, 1), 4)
    const miscounted = { ...chunk(3, 1), count: 5 }
    expect(await scorer.score(bad)).toEqual({ ...bad, unscored: 4 })
    expect(await scorer.score(miscounted)).toEqual({ ...miscounted, unscored: 5 })
    expect(lines).toEqual([expect.stringMatching(/^warn E_MODEL_FAILED: .*not records/), 'warn E_MODEL_FAILED: a chunk holds 3 records, not 5: it goes on unscored'])
    expect((await scorer.score(chunk(4, 2))).unscored).toBe(0)
  })
})

describe('without a usable model everything goes on unscored', () => {
  let dir: string
  beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'vedette-scorer-')) })
  afterEach(() => { rmSync(dir, { recursive: true }) })

  async function passesUnscored(bundle: string | undefined): Promise<string[]> {
    const { scorer, lines } = await open({ bundle })
    const given = chunk(6, 1)
    expect(await scorer.score(given)).toEqual({ ...given, unscored: 6 })
    expect([scorer.modelHash, scorer.featureHash]).toEqual(['', featureHash])
    return lines
  }

  test('none configured: said once, as information', async () => {
    expect(await passesUnscored(undefined)).toEqual(['info model-none: no model is configured: flows go on unscored'])
  })

  test('a folder that is not there: one warning with a code and what to do', async () => {
    const lines = await passesUnscored(join(dir, 'none'))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^warn E_MODEL_MISSING: .*flows go on unscored\. Name another bundle/)
  })

  test('a bundle for other features, a bundle that is damaged', async () => {
    const model = smallModel()
    writeSmallBundle(dir, model)
    editManifest(dir, (manifest) => { manifest.features.hash = 'other' })
    expect((await passesUnscored(dir))[0]).toMatch(/^warn E_MODEL_HASH/)
    writeSmallBundle(dir, model)
    writeFileSync(join(dir, 'model.onnx'), new Uint8Array(100))
    expect((await passesUnscored(dir))[0]).toMatch(/^warn E_MODEL_MISSING: .*is damaged/)
  })
})

test('the thread dies: what was at it goes on unscored and as it was; after a pause chunks are scored again', async () => {
  const { scorer, clock, lines } = await open({ worker: new URL('../../models/failing-worker.ts', import.meta.url) })
  const killer = chunkOf(Uint8Array.of(order.exit, 1, 2), 3)
  const behind = chunkOf(Uint8Array.of(order.echo, 1), 2)
  expect(await Promise.all([scorer.score(killer), scorer.score(behind)])).toEqual([{ ...killer, unscored: 3 }, { ...behind, unscored: 2 }])
  expect((await scorer.score(behind)).unscored).toBe(2)
  clock.advance(1000)
  expect((await scorer.score(behind)).unscored).toBe(0)
  expect(lines.map((line) => line.split(':')[0])).toEqual(['warn E_MODEL_FAILED', 'info model-restarted'])
})

test('the thread shares the process\'s environment, where the runtime looks for the word not to report home', async () => {
  delete process.env['ORT_DISABLE_TELEMETRY']
  await open()
  expect(process.env['ORT_DISABLE_TELEMETRY']).toBe('1')
})

test('a vector has as many numbers as the model takes', () => {
  expect(vectorise(usualFlows(1))).toHaveLength(featureCount)
})
