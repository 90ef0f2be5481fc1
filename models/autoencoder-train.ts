/**
 * Trains an autoencoder: mini-batches, Adam (Kingma and Ba, 2015), weights drawn as Glorot and Bengio (2010) propose.
 * Plain loops over typed arrays in double precision; only seed and rows decide the result, bit for bit. Some 10 us a
 * row and epoch, synchronous.
 */
import { restore, standardise } from './autoencoder.ts'
import type { Autoencoder, Layer } from './autoencoder.ts'
import { calibrate } from './calibration.ts'
import { Random } from './random.ts'

export type TrainingOptions = {
  seed: number
  /** Sizes of the hidden layers. */
  hidden: readonly number[]
  epochs: number
  batch: number
  /** Step size of Adam at the start; falls to a tenth along a cosine. */
  rate: number
}

export const defaultTraining: TrainingOptions = { seed: 1, hidden: [24, 10, 24], epochs: 30, batch: 128, rate: 3e-3 }

/** A feature that hardly varies is divided by this at least: a first small change is not 10 standard deviations. */
const leastDeviation = 0.1
/** A feature's usual squared error (standardised) is at least this. */
const leastError = 0.01

type Dense = {
  inputs: number
  outputs: number
  weights: Float64Array
  bias: Float64Array
  output: Float64Array
  delta: Float64Array
  gradient: Float64Array
  biasGradient: Float64Array
}

/** Adam's running means of a gradient and of its square. */
type Moment = { first: Float64Array, second: Float64Array }
type Progress = (epoch: number, loss: number) => void

/**
 * Trains on `rows` [n, width] and calibrates on `held` rows the training has not seen (a tenth of the rows, or more).
 * `progress` hears of each epoch and its mean loss.
 */
export function trainAutoencoder(rows: Float32Array, held: Float32Array, width: number, options: TrainingOptions = defaultTraining,
  progress?: Progress): Autoencoder {
  const random = new Random(options.seed)
  const { mean, scale } = spread(rows, width)
  const inputs = standardiseAll(rows, width, mean, scale)
  const layers = fit(inputs, width, options, random, progress)
  const errorScale = usualErrors(layers, inputs, width)
  const model = { width, mean, scale, layers, errorScale }
  return { ...model, calibration: calibrate(meanErrors(model, standardiseAll(held, width, mean, scale))) }
}

/** Mean and one over the standard deviation of each column. */
function spread(rows: Float32Array, width: number): { mean: Float32Array, scale: Float32Array } {
  const n = rows.length / width
  const sum = new Float64Array(width)
  const squares = new Float64Array(width)
  for (let i = 0; i < rows.length; i++) sum[i % width] += rows[i]
  for (let i = 0; i < rows.length; i++) squares[i % width] += (rows[i] - sum[i % width] / n) ** 2
  return {
    mean: Float32Array.from(sum, (s) => s / n),
    scale: Float32Array.from(squares, (s) => 1 / Math.max(leastDeviation, Math.sqrt(s / n))),
  }
}

const standardiseAll = (rows: Float32Array, width: number, mean: Float32Array, scale: Float32Array): Float64Array =>
  Float64Array.from(rows, (x, i) => standardise(x, mean[i % width], scale[i % width]))

function fit(rows: Float64Array, width: number, options: TrainingOptions, random: Random, progress?: Progress): Layer[] {
  const sizes = [width, ...options.hidden, width]
  const dense = sizes.slice(1).map((outputs, k) => makeDense(sizes[k], outputs, random))
  const newMoment = (of: Float64Array): Moment => ({ first: new Float64Array(of.length), second: new Float64Array(of.length) })
  const moments = dense.map(({ weights, bias }) => ({ weights: newMoment(weights), bias: newMoment(bias) }))
  const n = rows.length / width
  const order = Int32Array.from({ length: n }, (_, i) => i)
  const steps = options.epochs * Math.ceil(n / options.batch)
  let step = 0
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    random.shuffle(order)
    let loss = 0
    for (let from = 0; from < n; from += options.batch) {
      const to = Math.min(n, from + options.batch)
      for (let i = from; i < to; i++) loss += accumulate(dense, rows.subarray(order[i] * width, order[i] * width + width))
      step++
      const rate = options.rate * (0.1 + 0.45 * (1 + Math.cos(Math.PI * step / steps)))
      dense.forEach((layer, k) => {
        adam(layer.weights, layer.gradient, moments[k].weights, rate, step, to - from)
        adam(layer.bias, layer.biasGradient, moments[k].bias, rate, step, to - from)
      })
    }
    progress?.(epoch, loss / n / width)
  }
  return dense.map(({ inputs, outputs, weights, bias }) =>
    ({ inputs, outputs, weights: Float32Array.from(weights), bias: Float32Array.from(bias) }))
}

function makeDense(inputs: number, outputs: number, random: Random): Dense {
  const bound = Math.sqrt(6 / (inputs + outputs))
  return {
    inputs, outputs,
    weights: new Float64Array(inputs * outputs).map(() => (2 * random.next() - 1) * bound), bias: new Float64Array(outputs),
    output: new Float64Array(outputs), delta: new Float64Array(outputs),
    gradient: new Float64Array(inputs * outputs), biasGradient: new Float64Array(outputs),
  }
}

/** One row forward and back; gradients are added up. Gives the summed squared error. */
function accumulate(dense: readonly Dense[], row: Float64Array): number {
  const last = dense.length - 1
  for (let k = 0; k <= last; k++) {
    const { inputs, outputs, weights, bias, output } = dense[k]
    const input = k === 0 ? row : dense[k - 1].output
    output.set(bias)
    for (let i = 0; i < inputs; i++) {
      const x = input[i]
      for (let o = 0, w = i * outputs; o < outputs; o++, w++) output[o] += x * weights[w]
    }
    if (k < last) for (let o = 0; o < outputs; o++) output[o] = Math.tanh(output[o])
  }
  let loss = 0
  const { output, delta } = dense[last]
  for (let o = 0; o < output.length; o++) {
    const difference = output[o] - row[o]
    loss += difference * difference
    // Robust: beyond 3 standard deviations the pull no longer grows, so that a few odd rows do not shape the model (Huber, 1964).
    delta[o] = difference > 3 ? 3 : difference < -3 ? -3 : difference
  }
  for (let k = last; k >= 0; k--) {
    const { inputs, outputs, weights, delta: error, gradient, biasGradient } = dense[k]
    const input = k === 0 ? row : dense[k - 1].output
    for (let o = 0; o < outputs; o++) biasGradient[o] += error[o]
    for (let i = 0; i < inputs; i++) {
      const x = input[i]
      let back = 0
      for (let o = 0, w = i * outputs; o < outputs; o++, w++) {
        gradient[w] += x * error[o]
        back += weights[w] * error[o]
      }
      if (k > 0) dense[k - 1].delta[i] = back * (1 - x * x)
    }
  }
  return loss
}

function adam(weights: Float64Array, gradient: Float64Array, { first, second }: Moment, rate: number, step: number, count: number): void {
  const firstBias = 1 - 0.9 ** step
  const secondBias = 1 - 0.999 ** step
  for (let i = 0; i < weights.length; i++) {
    const g = gradient[i] / count
    gradient[i] = 0
    first[i] = 0.9 * first[i] + 0.1 * g
    second[i] = 0.999 * second[i] + 0.001 * g * g
    weights[i] -= rate * (first[i] / firstBias) / (Math.sqrt(second[i] / secondBias) + 1e-8)
  }
}

/** One over the mean squared error of each feature. */
function usualErrors(layers: readonly Layer[], rows: Float64Array, width: number): Float32Array {
  const sum = new Float64Array(width)
  for (let at = 0; at < rows.length; at += width) {
    const row = rows.subarray(at, at + width)
    const restored = restore(layers, row)
    for (let i = 0; i < width; i++) sum[i] += (row[i] - restored[i]) ** 2
  }
  return Float32Array.from(sum, (s) => 1 / Math.max(leastError, s / (rows.length / width)))
}

function meanErrors(model: Pick<Autoencoder, 'width' | 'layers' | 'errorScale'>, rows: Float64Array): Float64Array {
  const { width, layers, errorScale } = model
  const means = new Float64Array(rows.length / width)
  for (let k = 0; k < means.length; k++) {
    const row = rows.subarray(k * width, (k + 1) * width)
    const restored = restore(layers, row)
    for (let i = 0; i < width; i++) means[k] += (row[i] - restored[i]) ** 2 * errorScale[i] / width
  }
  return means
}
