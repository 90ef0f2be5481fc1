/**
 * Bundles for tests: a small model trained once per test file on made-up flows, written whole, to be damaged at will.
 */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { featureCount, featureHash, features, featureVersion } from '../../proto/feature.ts'
import { forward, toOnnx } from '../../models/autoencoder.ts'
import type { Autoencoder } from '../../models/autoencoder.ts'
import { defaultTraining, trainAutoencoder } from '../../models/autoencoder-train.ts'
import { writeBundle } from '../../models/bundle.ts'
import type { Manifest } from '../../models/bundle.ts'
import { vectorise } from '../../models/vector.ts'
import { scanFlows, usualFlows } from './synthetic.ts'

export const shipped = join(import.meta.dirname, '../../models/flow-anomaly/1')

/** A model that knows made-up flows a little. */
export const smallModel = (seed = 1): Autoencoder =>
  trainAutoencoder(vectorise(usualFlows(1500, seed)), vectorise(usualFlows(500, seed + 1)), featureCount,
    { ...defaultTraining, epochs: 3, seed })

/** Writes the model as a bundle with 32 parity rows. */
export function writeSmallBundle(dir: string, model: Autoencoder): Manifest {
  const rows = vectorise([...usualFlows(24, 3), ...scanFlows(8)])
  return writeBundle(dir, {
    manifest: {
      name: 'test', version: 1, kind: 'autoencoder', vantages: ['host'],
      features: { version: featureVersion, hash: featureHash, names: features.map(({ name }) => name) },
      calibration: { logErrors: Array.from(model.calibration.logErrors), scores: Array.from(model.calibration.scores) },
      thresholds: [], training: { source: 'made up', seed: 1, rows: 1500, held: 500, fromMicros: 0, toMicros: 1 },
    },
    model: toOnnx(model, 'test', {}), golden: { rows, scores: forward(model, rows).scores }, card: '# test\n',
  })
}

/** Changes the manifest, as somebody's editor would. */
export function editManifest(dir: string, edit: (manifest: Manifest) => unknown): void {
  const path = join(dir, 'manifest.json')
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest
  writeFileSync(path, JSON.stringify(edit(manifest) ?? manifest))
}

/** Changes a file of the bundle and puts its new hash into the manifest: damage the hashes do not show. */
export function replaceFile(dir: string, part: 'model' | 'golden', bytes: Uint8Array | string): void {
  editManifest(dir, (manifest) => {
    writeFileSync(join(dir, manifest[part].file), bytes)
    manifest[part].sha256 = createHash('sha256').update(bytes).digest('hex')
  })
}
