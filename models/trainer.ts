/**
 * From flow records to a model bundle. Takes final records (one per flow, totals) of usual traffic, learns from the
 * earlier four fifths by time and calibrates on the rest; labelled records of other captures give the metrics of the
 * card. Reads no clock: the same records and seed give the same bytes. Some 30 s for 50,000 flows, synchronous.
 */
import type { Flow } from '../proto/flow.ts'
import { mark } from '../proto/flow.ts'
import { featureCount, featureHash, features, featureVersion } from '../proto/feature.ts'
import { VedetteError } from '../proto/error.ts'
import { forward, toOnnx } from './autoencoder.ts'
import type { Autoencoder } from './autoencoder.ts'
import { defaultTraining, trainAutoencoder } from './autoencoder-train.ts'
import type { TrainingOptions } from './autoencoder-train.ts'
import { writeBundle } from './bundle.ts'
import type { Golden, Manifest } from './bundle.ts'
import { scoreOfTail } from './calibration.ts'
import { modelCard } from './card.ts'
import { evaluate } from './evaluate.ts'
import { roundScore } from './session.ts'
import { vectorise } from './vector.ts'

/** A flow and what it was: '' for benign, else the kind of attack. */
export type LabelledFlow = { flow: Flow, kind: string }

export type TrainBundleOptions = {
  /** Folder of the bundle. */
  dir: string
  name: string
  version: number
  /** What the records are, for manifest and card. */
  source: string
  vantages: readonly string[]
  training?: Partial<TrainingOptions>
  /** Most flows that are learnt from; of more, evenly spaced ones. */
  rows?: number
  progress?: (text: string) => void
}

/** Fewest flows that can be learnt from. */
const leastRows = 1000
const parityRows = 32
const thresholdTails = [0.1, 0.01, 0.001, 0.0001]

/** Whether a record is one the model learns from: a whole flow, seen from its beginning. */
export const isTrainable = (flow: Flow): boolean => flow.final && (flow.marks & mark.midstream) === 0

/**
 * Trains on the benign among `flows` and writes the bundle. `other` are flows of captures that were not learnt from,
 * with attacks. Throws E_USAGE when there are too few flows.
 */
export function trainBundle(flows: Iterable<Flow>, other: Iterable<LabelledFlow>, options: TrainBundleOptions): Manifest {
  const training = { ...defaultTraining, ...options.training }
  const chosen = choose(flows, options.rows ?? 60_000)
  const cut = Math.floor(chosen.length * 0.8)
  const held = vectorise(chosen.slice(cut))
  options.progress?.(`learning from ${String(cut)} flows, calibrating on ${String(chosen.length - cut)}`)
  const model = trainAutoencoder(vectorise(chosen.slice(0, cut)), held, featureCount, training, (epoch, loss) => {
    if (epoch % 5 === 4) options.progress?.(`epoch ${String(epoch + 1)} of ${String(training.epochs)}, loss ${loss.toFixed(4)}`)
  })
  const metrics = measure(model, other)
  const { logErrors, scores } = model.calibration
  const manifest = {
    name: options.name, version: options.version, kind: 'autoencoder' as const, vantages: [...options.vantages],
    features: { version: featureVersion, hash: featureHash, names: features.map(({ name }) => name) },
    calibration: { logErrors: Array.from(logErrors), scores: Array.from(scores) },
    thresholds: thresholdTails.map((tail) => ({ tail, score: scoreOfTail(tail) })),
    training: {
      source: options.source, seed: training.seed, rows: cut, held: chosen.length - cut,
      fromMicros: Math.floor(chosen[0].startMicros), toMicros: Math.floor(chosen[chosen.length - 1].startMicros),
    },
    ...(metrics === undefined ? {} : { metrics }),
  }
  const onnx = toOnnx(model, options.name, { features: featureHash, version: String(options.version) })
  return writeBundle(options.dir, { manifest, model: onnx, golden: parity(model, held), card: modelCard(manifest) })
}

/** Trainable flows in order of time; of more than `most`, evenly spaced ones. */
function choose(flows: Iterable<Flow>, most: number): Flow[] {
  const all: Flow[] = []
  for (const flow of flows) if (isTrainable(flow)) all.push(flow)
  if (all.length < leastRows) {
    throw new VedetteError('E_USAGE', `${String(all.length)} flows are too few to learn from`, `Give at least ${String(leastRows)}`)
  }
  all.sort((a, b) => a.startMicros - b.startMicros)
  if (all.length <= most) return all
  return Array.from({ length: most }, (_, i) => all[Math.floor(i * all.length / most)])
}

function measure(model: Autoencoder, other: Iterable<LabelledFlow>): Manifest['metrics'] | undefined {
  const flows: Flow[] = []
  const kinds: string[] = []
  for (const { flow, kind } of other) {
    if (!isTrainable(flow)) continue
    flows.push(flow)
    kinds.push(kind)
  }
  if (!kinds.includes('') || kinds.every((kind) => kind === '')) return undefined
  const scores = Float64Array.from(forward(model, vectorise(flows)).scores, roundScore)
  return evaluate({ scores, kinds })
}

/** Parity rows: held flows from the most usual to the strangest, and vectors that no flow has. */
function parity(model: Autoencoder, held: Float32Array): Golden {
  const { scores } = forward(model, held)
  const order = Array.from(scores.keys()).sort((a, b) => scores[a] - scores[b])
  const rows = new Float32Array(parityRows * featureCount)
  const extremes = [0, 1, 41, -41]
  const fromHeld = parityRows - extremes.length
  for (let i = 0; i < fromHeld; i++) {
    const row = order[Math.floor(i * (order.length - 1) / (fromHeld - 1))]
    rows.set(held.subarray(row * featureCount, (row + 1) * featureCount), i * featureCount)
  }
  extremes.forEach((x, i) => { rows.fill(x, (fromHeld + i) * featureCount, (fromHeld + i + 1) * featureCount) })
  return { rows, scores: Float64Array.from(forward(model, rows).scores, (s) => Math.round(s * 1e7) / 1e7) }
}
