/**
 * A small autoencoder: a network that learns to write down usual flows in a few numbers and to restore them; what it
 * restores badly is unusual, and the features it restores worst say why. Standardise and clip, dense layers with tanh,
 * restored vector, squared error per feature divided by that feature's usual squared error, mean, score
 * (calibration.ts). This file holds the network, its forward pass in plain TypeScript (the reference for tests and
 * parity) and its ONNX form; `autoencoder-train.ts` trains it.
 *
 * Clipping at 10 standard deviations bounds the error: no input gives anything but a finite score of 0 ... 1.
 */
import { applyCalibration, pieces } from './calibration.ts'
import type { Calibration } from './calibration.ts'
import { writeOnnx } from './onnx.ts'
import type { OnnxNode, OnnxTensor } from './onnx.ts'

/** Weights row-major [inputs, outputs]. */
export type Layer = { inputs: number, outputs: number, weights: Float32Array, bias: Float32Array }

export type Autoencoder = {
  width: number
  /** Standardisation: (x - mean) * scale. */
  mean: Float32Array
  scale: Float32Array
  /** tanh after each but the last. */
  layers: readonly Layer[]
  /** One over the usual squared error of each feature. */
  errorScale: Float32Array
  calibration: Calibration
}

/** Standardised values beyond this many standard deviations are all the same to the model. */
export const clipAt = 10

/** Standardised, clipped value of one feature. */
export const standardise = (x: number, mean: number, scale: number): number => Math.min(clipAt, Math.max(-clipAt, (x - mean) * scale))

/** Runs the layers on one standardised vector. */
export function restore(layers: readonly Layer[], input: Float64Array): Float64Array {
  let current = input
  layers.forEach(({ inputs, outputs, weights, bias }, k) => {
    const next = Float64Array.from(bias)
    for (let i = 0; i < inputs; i++) {
      const x = current[i]
      for (let o = 0; o < outputs; o++) next[o] += x * weights[i * outputs + o]
    }
    if (k < layers.length - 1) for (let o = 0; o < outputs; o++) next[o] = Math.tanh(next[o])
    current = next
  })
  return current
}

/** Scores and per-feature errors of rows [n, width]: what the ONNX file computes. `means` is the mean error, before calibration. */
export function forward(model: Autoencoder, rows: Float32Array): { scores: Float64Array, errors: Float64Array, means: Float64Array } {
  const { width, mean, scale, layers, errorScale } = model
  const n = rows.length / width
  const scores = new Float64Array(n)
  const means = new Float64Array(n)
  const errors = new Float64Array(rows.length)
  const curve = pieces(model.calibration)
  const z = new Float64Array(width)
  for (let row = 0; row < n; row++) {
    for (let i = 0; i < width; i++) z[i] = standardise(rows[row * width + i], mean[i], scale[i])
    const restored = restore(layers, z)
    let sum = 0
    for (let i = 0; i < width; i++) {
      const error = (z[i] - restored[i]) ** 2 * errorScale[i]
      errors[row * width + i] = error
      sum += error
    }
    means[row] = sum / width
    scores[row] = applyCalibration(curve, means[row])
  }
  return { scores, errors, means }
}

/** The ONNX file: input `rows` [n, width], outputs `score` [n, 1] and `errors` [n, width]. */
export function toOnnx(model: Autoencoder, name: string, metadata: Readonly<Record<string, string>>): Uint8Array {
  const { width, layers } = model
  const tensors: OnnxTensor[] = []
  const nodes: OnnxNode[] = []
  const constant = (tensor: string, dims: readonly number[], values: Float32Array): string => {
    tensors.push({ name: tensor, dims, values })
    return tensor
  }
  const add = (op: string, inputs: readonly string[], output: string, attributes: Record<string, number | number[]> = {}): string => {
    nodes.push({ op, inputs, outputs: [output], attributes })
    return output
  }
  const scalar = (tensor: string, value: number): string => constant(tensor, [], Float32Array.of(value))

  const centred = add('Sub', ['rows', constant('mean', [width], model.mean)], 'centred')
  const scaled = add('Mul', [centred, constant('scale', [width], model.scale)], 'scaled')
  const input = add('Clip', [scaled, scalar('clip_low', -clipAt), scalar('clip_high', clipAt)], 'standardised')
  let current = input
  layers.forEach(({ inputs, outputs, weights, bias }, k) => {
    const at = String(k)
    current = add('Gemm', [current, constant(`weights_${at}`, [inputs, outputs], weights), constant(`bias_${at}`, [outputs], bias)], `dense_${at}`)
    if (k < layers.length - 1) current = add('Tanh', [current], `tanh_${at}`)
  })
  const difference = add('Sub', [input, current], 'difference')
  const square = add('Mul', [difference, difference], 'square')
  const errors = add('Mul', [square, constant('error_scale', [width], model.errorScale)], 'errors')
  const mean = add('ReduceMean', [errors], 'error', { axes: [1], keepdims: 1 })

  const { from, width: widths, slope } = pieces(model.calibration)
  const n = from.length
  const above = add('Sub', [add('Log', [mean], 'log_error'), constant('piece_from', [n], from)], 'above')
  const capped = add('Min', [add('Max', [above, scalar('zero', 0)], 'positive'), constant('piece_width', [n], widths)], 'capped')
  const sum = add('MatMul', [capped, constant('piece_slope', [n, 1], slope)], 'sum')
  add('Clip', [sum, 'zero', scalar('one', 1)], 'score')
  return writeOnnx({
    name, nodes, tensors, metadata,
    inputs: [{ name: 'rows', dims: ['n', width] }],
    outputs: [{ name: 'score', dims: ['n', 1] }, { name: 'errors', dims: ['n', width] }],
  })
}
