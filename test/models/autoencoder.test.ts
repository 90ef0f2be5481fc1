import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { featureCount } from '../../proto/feature.ts'
import { clipAt, forward, restore, toOnnx } from '../../models/autoencoder.ts'
import type { Autoencoder } from '../../models/autoencoder.ts'
import { defaultTraining, trainAutoencoder } from '../../models/autoencoder-train.ts'
import { ModelSession } from '../../models/session.ts'
import { vectorise } from '../../models/vector.ts'
import { writeSmallBundle } from './bundles.ts'
import { hostileFlows, scanFlows, usualFlows } from './synthetic.ts'

const training = { ...defaultTraining, epochs: 8 }
const learnt = vectorise(usualFlows(3000))
const held = vectorise(usualFlows(1000, 2))
let model: Autoencoder
let dir: string

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'vedette-model-'))
  model = trainAutoencoder(learnt, held, featureCount, training)
})
afterAll(() => { rmSync(dir, { recursive: true }) })

async function runOnnx(rows: Float32Array): Promise<{ scores: Float32Array, errors: Float32Array }> {
  writeSmallBundle(dir, model)
  const session = await ModelSession.open(dir)
  const out = await session.run(rows, rows.length / featureCount)
  await session.close()
  return out
}

describe('training', () => {
  test('the same seed gives the same bytes, another seed others', () => {
    const again = trainAutoencoder(learnt, held, featureCount, training)
    expect(Buffer.compare(toOnnx(again, 'test', {}), toOnnx(model, 'test', {}))).toBe(0)
    const other = trainAutoencoder(learnt, held, featureCount, { ...training, epochs: 1, seed: 2 })
    expect(Buffer.compare(toOnnx(other, 'test', {}), toOnnx(model, 'test', {}))).not.toBe(0)
  })

  test('the loss falls', () => {
    const losses: number[] = []
    trainAutoencoder(learnt, held, featureCount, { ...training, epochs: 4 }, (_, loss) => losses.push(loss))
    expect(losses).toHaveLength(4)
    expect(losses[3]).toBeLessThan(losses[0] / 2)
  })

  test('gradients are those of the loss', () => {
    // One step of Adam moves every weight by the rate against the sign of its gradient; a wrong gradient would not lower the loss.
    const rows = learnt.slice(0, 64 * featureCount)
    const losses: number[] = []
    trainAutoencoder(rows, held, featureCount, { seed: 3, hidden: [6], epochs: 60, batch: 64, rate: 1e-3 }, (_, loss) => losses.push(loss))
    for (let i = 1; i < losses.length; i++) expect(losses[i]).toBeLessThan(losses[i - 1])
  })
})

describe('scores', () => {
  test('usual flows score low, as rarely high as the scale says; a scan scores high', () => {
    const usual = forward(model, vectorise(usualFlows(2000, 5))).scores
    expect(usual.filter((s) => s > 0.2).length / usual.length).toBeLessThan(0.15)
    expect(usual.filter((s) => s > 0.06).length / usual.length).toBeGreaterThan(0.3)
    const scan = forward(model, vectorise(scanFlows(200))).scores
    expect(scan.every((s) => s > 0.6)).toBe(true)
  })

  test('rise with the mean error', () => {
    const { scores, means } = forward(model, vectorise([...usualFlows(500, 6), ...scanFlows(100)]))
    const order = Array.from(means.keys()).sort((a, b) => means[a] - means[b])
    for (let i = 1; i < order.length; i++) expect(scores[order[i]]).toBeGreaterThanOrEqual(scores[order[i - 1]])
  })

  test('the errors name what was changed', () => {
    const base = vectorise(usualFlows(200, 8))
    let named = 0
    for (let i = 0; i < 200; i++) {
      const row = base.slice(i * featureCount, (i + 1) * featureCount)
      const feature = 32 + i % 8
      row[feature] += 4
      const { errors } = forward(model, row)
      if (errors.indexOf(Math.max(...errors)) === feature) named++
    }
    expect(named / 200).toBeGreaterThan(0.7)
  })

  test('are finite and within 0 ... 1 for hostile flows and for any vector', async () => {
    const rows = Float32Array.from([
      ...vectorise(hostileFlows()), ...new Float32Array(featureCount).fill(3e38), ...new Float32Array(featureCount).fill(-3e38),
    ])
    const { scores, errors } = await runOnnx(rows)
    expect(scores.every((s) => s >= 0 && s <= 1)).toBe(true)
    expect(errors.every((e) => e >= 0 && Number.isFinite(e))).toBe(true)
  })
})

describe('the ONNX file', () => {
  test('computes what the TypeScript computes, to 1e-5', async () => {
    const rows = vectorise([...usualFlows(1000, 9), ...scanFlows(200), ...hostileFlows()])
    const here = forward(model, rows)
    const { scores, errors } = await runOnnx(rows)
    expect(scores).toHaveLength(here.scores.length)
    here.scores.forEach((s, i) => { expect(Math.abs(scores[i] - s)).toBeLessThan(1e-5) })
    here.errors.forEach((e, i) => { expect(Math.abs(errors[i] - e)).toBeLessThan(1e-5 * Math.max(10, e)) })
  })

  test('is small', () => {
    expect(toOnnx(model, 'test', {}).length).toBeLessThan(20_000)
  })

  test('passes onnx.checker and gives the same scores in Python', ({ skip }) => {
    const python = `
import sys
try:
    import onnx, numpy, onnx.reference
except ImportError:
    print('missing'); sys.exit()
model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)
rows = numpy.fromfile(sys.argv[2], dtype='<f4').reshape(-1, ${String(featureCount)})
score, errors = onnx.reference.ReferenceEvaluator(model).run(None, {'rows': rows})
print('ok', model.ir_version, model.opset_import[0].version, *score.ravel())
`
    const rows = vectorise([...usualFlows(20, 9), ...scanFlows(5)])
    writeFileSync(join(dir, 'model.onnx'), toOnnx(model, 'test', { made: 'by a test' }))
    writeFileSync(join(dir, 'rows.f32'), rows)
    let said: string
    try {
      said = execFileSync('python3', ['-c', python, join(dir, 'model.onnx'), join(dir, 'rows.f32')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') said = 'missing'
      else throw error
    }
    if (said.trim() === 'missing') skip('Python with the package onnx is not installed here')
    const [ok, ir, opset, ...scores] = said.trim().split(' ')
    expect([ok, ir, opset]).toEqual(['ok', '8', '17'])
    forward(model, rows).scores.forEach((s, i) => { expect(Math.abs(Number(scores[i]) - s)).toBeLessThan(1e-5) })
  })
})

test('restoring clips nothing inside the network: layers are plain sums and tanh', () => {
  const layers = [
    { inputs: 2, outputs: 1, weights: Float32Array.of(1, -1), bias: Float32Array.of(0.5) },
    { inputs: 1, outputs: 2, weights: Float32Array.of(2, 0), bias: Float32Array.of(0, clipAt) },
  ]
  const [a, b] = restore(layers, Float64Array.of(1, 2))
  expect(a).toBeCloseTo(2 * Math.tanh(-0.5), 12)
  expect(b).toBe(clipAt)
})
