import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mark } from '../../proto/flow.ts'
import { ModelSession } from '../../models/session.ts'
import { isTrainable, trainBundle } from '../../models/trainer.ts'
import type { TrainBundleOptions } from '../../models/trainer.ts'
import { scanFlows, usualFlows } from './synthetic.ts'

let dir: string
beforeAll(() => { dir = mkdtempSync(join(tmpdir(), 'vedette-train-')) })
afterAll(() => { rmSync(dir, { recursive: true }) })

const options = (name: string): TrainBundleOptions =>
  ({ dir: join(dir, name), name: 'test', version: 3, source: 'Made-up flows', vantages: ['host'], training: { epochs: 4, seed: 5 } })
const other = [
  ...usualFlows(500, 7).map((flow) => ({ flow, kind: '' })), ...scanFlows(50).map((flow) => ({ flow, kind: 'port-scan' })),
]

test('writes a bundle that opens, with metrics from other flows; twice the same flows, the same bytes', async () => {
  const said: string[] = []
  const manifest = trainBundle(usualFlows(2000), other, { ...options('a'), progress: (text) => said.push(text) })
  expect(manifest).toMatchObject({ version: 3, training: { rows: 1600, held: 400, seed: 5 }, metrics: { benign: 500, attack: 50 } })
  expect(manifest.metrics?.rocAuc).toBeGreaterThan(0.95)
  expect(said.length).toBeGreaterThan(0)
  const session = await ModelSession.open(join(dir, 'a'))
  expect(session.manifest).toEqual(manifest)
  await session.close()

  trainBundle(usualFlows(2000).reverse(), other, options('b'))
  for (const file of ['model.onnx', 'manifest.json', 'golden.json', 'README.md']) {
    expect(readFileSync(join(dir, 'b', file)).equals(readFileSync(join(dir, 'a', file)))).toBe(true)
  }
  expect(readFileSync(join(dir, 'a', 'README.md'), 'utf8')).toContain('| port-scan | 50 |')
})

test('learns from whole flows seen from their beginning only, and from at most as many as asked', () => {
  const [flow] = usualFlows(1)
  const variants = [flow, { ...flow, final: false }, { ...flow, marks: mark.midstream }]
  expect(variants.map(isTrainable)).toEqual([true, false, false])
  const flows = [...usualFlows(1500), ...usualFlows(1500).map((one) => ({ ...one, final: false }))]
  const manifest = trainBundle(flows, [], { ...options('c'), rows: 1200 })
  expect(manifest.training).toMatchObject({ rows: 960, held: 240 })
  expect(manifest.metrics).toBeUndefined()
})

test('too few flows are an error a person can act on', () => {
  expect(() => trainBundle(usualFlows(50), [], options('d'))).toThrow(expect.objectContaining({ code: 'E_USAGE' }))
})
