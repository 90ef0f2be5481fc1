/**
 * A model bundle is a folder: `model.onnx`, `manifest.json` (what it was made for, from what, how good it is),
 * `golden.json` (parity rows: vectors and the scores the trainer computed for them) and `README.md` (the model card).
 * Read whole, before anything is scored; what is missing, damaged or made for other features is refused with E_MODEL_*.
 * Files are read synchronously: some 30 kB.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errnoName, VedetteError } from '../proto/error.ts'
import { featureCount, featureHash } from '../proto/feature.ts'

/** Version of the bundle's layout. */
export const bundleFormat = 1

export type AttackMetrics = { kind: string, flows: number, recallAtBudget: number, rocAuc: number }

/** How well benign and attack flows of captures the training never saw are told apart; shares of 0 ... 1. */
export type ModelMetrics = {
  benign: number
  attack: number
  rocAuc: number
  prAuc: number
  /** Share of benign flows above the threshold that the recalls are for, as asked and as met. */
  budget: number
  falsePositives: number
  recallAtBudget: number
  /** The same, averaged over kinds of attack, so that a flood of one kind does not speak for all. */
  meanRocAuc: number
  meanRecallAtBudget: number
  byKind: AttackMetrics[]
  /** Share of these benign flows above the score of each tail: how far the calibration carries over. */
  tails: { tail: number, share: number }[]
}

export type Manifest = {
  format: number
  name: string
  version: number
  kind: 'autoencoder'
  /** Where the flows it was trained on were seen: only such flows are scored. */
  vantages: string[]
  features: { version: number, hash: string, names: string[] }
  model: { file: string, sha256: string, bytes: number }
  golden: { file: string, sha256: string, rows: number }
  /** Error (natural log) and score at the knots of the calibration curve. */
  calibration: { logErrors: number[], scores: number[] }
  /** Scores above which this share of usual flows lies. */
  thresholds: { tail: number, score: number }[]
  training: { source: string, seed: number, rows: number, held: number, fromMicros: number, toMicros: number }
  metrics?: ModelMetrics
}

/** Parity rows: vectors, row after row, and the score of each. */
export type Golden = { rows: Float32Array, scores: Float64Array }

export type Bundle = { dir: string, manifest: Manifest, model: Uint8Array, golden: Golden, modelHash: string }

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const advice = 'Name another bundle, or train one: see docs/models.md'
const refuse = (code: 'E_MODEL_MISSING' | 'E_MODEL_HASH', text: string, cause?: unknown): VedetteError =>
  new VedetteError(code, text, advice, { cause })

function read(dir: string, file: string): Uint8Array {
  try {
    return readFileSync(join(dir, file))
  } catch (error) {
    throw refuse('E_MODEL_MISSING', `${join(dir, file)} cannot be read (${errnoName(error)})`, error)
  }
}

function parse(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown
  } catch (error) {
    throw refuse('E_MODEL_MISSING', `${path} is not JSON`, error)
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const isNumbers = (value: unknown): value is number[] => Array.isArray(value) && value.every((x) => typeof x === 'number' && Number.isFinite(x))
const hasFile = (value: unknown): boolean =>
  isRecord(value) && typeof value['file'] === 'string' && /^[\w.-]+$/.test(value['file']) && typeof value['sha256'] === 'string'

function isManifest(value: unknown): value is Manifest {
  if (!isRecord(value)) return false
  const { features, calibration } = value
  return value['format'] === bundleFormat && typeof value['name'] === 'string' && typeof value['version'] === 'number'
    && isRecord(features) && typeof features['hash'] === 'string' && hasFile(value['model']) && hasFile(value['golden'])
    && isRecord(calibration) && isNumbers(calibration['scores']) && isNumbers(calibration['logErrors']) && Array.isArray(value['thresholds'])
}

function readGolden(value: unknown, path: string): Golden {
  const given: unknown = isRecord(value) ? value['rows'] : undefined
  const scores = isRecord(value) ? value['scores'] : undefined
  if (!Array.isArray(given) || given.length === 0 || !isNumbers(scores) || scores.length !== given.length) {
    throw refuse('E_MODEL_MISSING', `${path} holds no parity rows`)
  }
  const rows = new Float32Array(given.length * featureCount)
  given.forEach((row: unknown, i) => {
    if (!isNumbers(row) || row.length !== featureCount) throw refuse('E_MODEL_HASH', `${path}: row ${String(i + 1)} is not a vector of ${String(featureCount)} numbers`)
    rows.set(row, i * featureCount)
  })
  return { rows, scores: Float64Array.from(scores) }
}

/**
 * Reads a bundle and checks it without running it: complete, undamaged, made for this feature list. Throws
 * E_MODEL_MISSING, E_MODEL_HASH. `session.ts` checks the parity rows.
 */
export function readBundle(dir: string): Bundle {
  const path = join(dir, 'manifest.json')
  const manifest = parse(read(dir, 'manifest.json'), path)
  if (!isManifest(manifest)) throw refuse('E_MODEL_MISSING', `${path} is not a manifest of format ${String(bundleFormat)}`)
  if (manifest.features.hash !== featureHash) {
    throw refuse('E_MODEL_HASH', `${path} was made for features ${manifest.features.hash}, this version has ${featureHash}`)
  }
  const model = read(dir, manifest.model.file)
  const golden = read(dir, manifest.golden.file)
  for (const [bytes, { file, sha256: expected }] of [[model, manifest.model], [golden, manifest.golden]] as const) {
    if (sha256(bytes) !== expected) throw refuse('E_MODEL_MISSING', `${join(dir, file)} is damaged: its hash is not the one in the manifest`)
  }
  const goldenPath = join(dir, manifest.golden.file)
  return { dir, manifest, model, golden: readGolden(parse(golden, goldenPath), goldenPath), modelHash: manifest.model.sha256.slice(0, 16) }
}

export type BundleParts = { manifest: Omit<Manifest, 'format' | 'model' | 'golden'>, model: Uint8Array, golden: Golden, card: string }

/** Writes a bundle. Same parts, same bytes. */
export function writeBundle(dir: string, { manifest, model, golden, card }: BundleParts): Manifest {
  const count = golden.scores.length
  const row = (i: number): string => JSON.stringify(Array.from(golden.rows.subarray(i * featureCount, (i + 1) * featureCount)))
  const rows = Array.from({ length: count }, (_, i) => row(i))
  const goldenText = `{\n"scores": ${JSON.stringify(Array.from(golden.scores))},\n"rows": [\n${rows.join(',\n')}\n]\n}\n`
  const goldenBytes = Buffer.from(goldenText)
  const whole: Manifest = {
    format: bundleFormat, ...manifest,
    model: { file: 'model.onnx', sha256: sha256(model), bytes: model.length },
    golden: { file: 'golden.json', sha256: sha256(goldenBytes), rows: count },
  }
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, 'model.onnx'), model)
  writeFileSync(join(dir, 'golden.json'), goldenBytes)
  writeFileSync(join(dir, 'manifest.json'), `${JSON.stringify(whole, null, 2)}\n`)
  writeFileSync(join(dir, 'README.md'), card)
  return whole
}
