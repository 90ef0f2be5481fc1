import { mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { VedetteError } from '../../proto/error.ts'
import { featureCount, featureHash } from '../../proto/feature.ts'
import { forward, toOnnx } from '../../models/autoencoder.ts'
import type { Autoencoder } from '../../models/autoencoder.ts'
import { readBundle } from '../../models/bundle.ts'
import { batchRows, ModelSession, roundScore } from '../../models/session.ts'
import { vectorise } from '../../models/vector.ts'
import { editManifest, replaceFile, shipped, smallModel, writeSmallBundle } from './bundles.ts'
import { hostileFlows, scanFlows, usualFlows } from './synthetic.ts'

let model: Autoencoder
let dir: string
beforeAll(() => { model = smallModel() })
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'vedette-bundle-'))
  writeSmallBundle(dir, model)
})
afterEach(() => { rmSync(dir, { recursive: true, force: true }) })

async function refusal(): Promise<VedetteError> {
  const error: unknown = await ModelSession.open(dir).then((session) => session.close(), (reason: unknown) => reason)
  expect(error).toBeInstanceOf(VedetteError)
  return error as VedetteError
}

describe('a bundle is refused', () => {
  test('that is not there', async () => {
    rmSync(dir, { recursive: true })
    expect((await refusal()).line).toMatch(/^E_MODEL_MISSING: .*manifest\.json cannot be read \(ENOENT\)\. /)
  })

  test.each(['model.onnx', 'golden.json', 'manifest.json'])('without its %s', async (file) => {
    unlinkSync(join(dir, file))
    expect((await refusal()).code).toBe('E_MODEL_MISSING')
  })

  test.each(['', 'no JSON', '[]', 'null', '{}', '{"format":2}'])('whose manifest is %j', async (text) => {
    writeFileSync(join(dir, 'manifest.json'), text)
    expect((await refusal()).line).toMatch(/^E_MODEL_MISSING: .*(not JSON|not a manifest)/)
  })

  test('whose manifest names a file outside the bundle', async () => {
    editManifest(dir, (manifest) => { manifest.model.file = '../model.onnx' })
    expect((await refusal()).code).toBe('E_MODEL_MISSING')
  })

  test.each(['model.onnx', 'golden.json'])('whose %s was changed', async (file) => {
    const bytes = readFileSync(join(dir, file))
    bytes[bytes.length >> 1] ^= 1
    writeFileSync(join(dir, file), bytes)
    expect((await refusal()).line).toMatch(/^E_MODEL_MISSING: .*is damaged/)
  })

  test('that was made for other features', async () => {
    editManifest(dir, (manifest) => { manifest.features.hash = 'feedfeedfeedfeed' })
    expect((await refusal()).line).toContain(`E_MODEL_HASH: ${join(dir, 'manifest.json')} was made for features feedfeedfeedfeed, this version has ${featureHash}`)
  })

  test('whose parity rows have another width, or are none', async () => {
    replaceFile(dir, 'golden', JSON.stringify({ scores: [0], rows: [[1, 2, 3]] }))
    expect((await refusal()).code).toBe('E_MODEL_HASH')
    replaceFile(dir, 'golden', JSON.stringify({ scores: [], rows: [] }))
    expect((await refusal()).code).toBe('E_MODEL_MISSING')
  })

  test('that does not reproduce a parity row', async () => {
    const golden = JSON.parse(readFileSync(join(dir, 'golden.json'), 'utf8')) as { scores: number[] }
    golden.scores[7] += 2e-5
    replaceFile(dir, 'golden', JSON.stringify(golden))
    expect((await refusal()).line).toMatch(/^E_MODEL_PARITY: .*row 8 scores/)
  })

  test('whose model is another one', async () => {
    replaceFile(dir, 'model', toOnnx(smallModel(9), 'other', {}))
    expect((await refusal()).code).toBe('E_MODEL_PARITY')
  })

  test('whose model the runtime cannot open', async () => {
    replaceFile(dir, 'model', 'not a model')
    const error = await refusal()
    expect(error.code).toBe('E_MODEL_FAILED')
    expect(error.line).not.toContain('\n')
  })
})

describe('scoring', () => {
  let session: ModelSession
  beforeEach(async () => { session = await ModelSession.open(dir) })
  afterEach(async () => { await session.close() })

  test('agrees with the TypeScript forward pass, over batches of any size', async () => {
    const rows = vectorise([...usualFlows(batchRows + 300, 4), ...scanFlows(20)])
    const n = rows.length / featureCount
    const expected = forward(model, rows).scores
    const scores = await session.score(rows, n)
    expect(scores).toHaveLength(n)
    expected.forEach((score, i) => { expect(Math.abs(scores[i] - score)).toBeLessThan(6.1e-5) })
    expect(await session.score(rows, 0)).toHaveLength(0)
  })

  test('twice the same rows, the same bits, also in another session', async () => {
    const rows = vectorise([...usualFlows(700, 5), ...scanFlows(12)])
    const first = await session.score(rows, 712)
    expect(await session.score(rows, 712)).toEqual(first)
    const other = await ModelSession.open(dir)
    expect(await other.score(rows, 712)).toEqual(first)
    await other.close()
  })

  test('one by one or all at once, the same rounded scores', async () => {
    const rows = vectorise(usualFlows(64, 6))
    const together = await session.score(rows, 64)
    for (let i = 0; i < 64; i++) {
      const [alone] = await session.score(rows.subarray(i * featureCount), 1)
      expect(Math.abs(alone - together[i])).toBeLessThan(1.1e-4)
    }
  })

  test('hostile flows score within 0 ... 1', async () => {
    const flows = hostileFlows()
    const scores = await session.score(vectorise(flows), flows.length)
    expect(scores.every((s) => s >= 0 && s <= 1)).toBe(true)
  })

  test('scores are rounded to four decimals, as float32', async () => {
    const scores = await session.score(vectorise(usualFlows(50, 7)), 50)
    expect(scores.every((s) => s === roundScore(s))).toBe(true)
    expect(roundScore(0.123456)).toBe(Math.fround(0.1235))
  })

  test('rows that are too few are an error with a code', async () => {
    await expect(session.score(new Float32Array(3), 2)).rejects.toMatchObject({ code: 'E_MODEL_FAILED' })
  })
})

test('the runtime is kept from reporting home before it loads', async () => {
  delete process.env['ORT_DISABLE_TELEMETRY']
  const session = await ModelSession.open(dir)
  expect(process.env['ORT_DISABLE_TELEMETRY']).toBe('1')
  await session.close()
})

describe('the shipped bundle', () => {
  let session: ModelSession
  beforeAll(async () => { session = await ModelSession.open(shipped) })
  afterAll(async () => { await session.close() })

  test('opens, and was made for this version\'s features', () => {
    expect(session.manifest).toMatchObject({ name: 'flow-anomaly', version: 1, features: { hash: featureHash } })
    expect(session.modelHash).toMatch(/^[0-9a-f]{16}$/)
    expect(readBundle(shipped).golden.scores).toHaveLength(32)
  })

  test('has a card with its figures and its limits', () => {
    const card = readFileSync(join(shipped, 'README.md'), 'utf8')
    for (const heading of ['What it is for', 'What it learnt from', 'How good it is', 'What it cannot do']) expect(card).toContain(`## ${heading}`)
    expect(card).toContain(featureHash)
  })
})
