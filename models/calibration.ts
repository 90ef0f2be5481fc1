/**
 * From a model's error to a score of 0 ... 1 that means the same for every model: how rare an error this large was
 * among usual flows the model did not train on. Score .2 is one flow in 10, .4 one in 100, .6 one in 1,000, .8 one in
 * 10,000, 1 one in 100,000; half of all flows stay below .06. Past the last quantile that 50 errors support, the tail
 * is continued as a power law (Hill, "A simple general approach to inference about the tail of a distribution", 1975).
 * A curve of straight pieces over the log error: monotone, and a handful of ONNX operators.
 */

/** Knots of the curve, rising: at `logErrors[i]` the score is `scores[i]`; below the first it is 0, above the last 1. */
export type Calibration = { logErrors: Float32Array, scores: Float32Array }

/** Score of something as rare as this share of usual flows. */
export const scoreOfTail = (tail: number): number => Math.min(1, Math.max(0, -Math.log10(tail) / 5))

/** And back: the share of usual flows that would score this high. */
export const tailOfScore = (score: number): number => 10 ** (-5 * score)

/** The shares for which a knot is placed, as far as `support` errors lie beyond. */
const tails = [0.75, 0.5, 0.35, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 5e-4, 2e-4, 1e-4, 5e-5, 2e-5]
const support = 50
/** Knots closer than this (log error) are left out: a steeper curve would enlarge float32 rounding beyond what parity allows. */
const closest = 0.05
/** Bounds of the power law's exponent, for the same reason and for samples without a tail. */
const exponents = { least: 0.5, most: 8 }

const logOf = (error: number): number => Math.log(Math.max(error, 1e-9))

/** Fits the curve to errors of usual flows; at least 100 of them. */
export function calibrate(errors: Float64Array): Calibration {
  const sorted = Float64Array.from(errors).sort()
  const n = sorted.length
  const logErrors = [logOf(sorted[0])]
  const scores = [0]
  let last = 0
  for (const tail of tails) {
    if (tail * n < support) break
    const index = Math.floor(n * (1 - tail))
    const at = logOf(sorted[index])
    if (at - logErrors[logErrors.length - 1] < closest) continue
    logErrors.push(at)
    scores.push(scoreOfTail(tail))
    last = index
  }
  const from = logErrors[logErrors.length - 1]
  let sum = 0
  for (let i = last + 1; i < n; i++) sum += logOf(sorted[i]) - from
  const exponent = Math.min(exponents.most, Math.max(exponents.least, (n - last - 1) / Math.max(sum, 1e-9)))
  logErrors.push(from + (1 - scores[scores.length - 1]) * 5 * Math.LN10 / exponent)
  scores.push(1)
  return { logErrors: Float32Array.from(logErrors), scores: Float32Array.from(scores) }
}

/** Width and slope of each piece, as float32: what the ONNX file holds and `applyCalibration` uses. */
export function pieces({ logErrors, scores }: Calibration): { from: Float32Array, width: Float32Array, slope: Float32Array } {
  const n = logErrors.length - 1
  const from = logErrors.slice(0, n)
  const width = new Float32Array(n)
  const slope = new Float32Array(n)
  for (let i = 0; i < n; i++) {
    width[i] = logErrors[i + 1] - logErrors[i]
    slope[i] = (scores[i + 1] - scores[i]) / width[i]
  }
  return { from, width, slope }
}

/** Score of one error. Monotone in it. */
export function applyCalibration(curve: ReturnType<typeof pieces>, error: number): number {
  const logError = Math.log(error)
  let score = 0
  for (let i = 0; i < curve.from.length; i++) score += curve.slope[i] * Math.min(Math.max(logError - curve.from[i], 0), curve.width[i])
  return Math.min(Math.max(score, 0), 1)
}
