import fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyCalibration, calibrate, pieces, scoreOfTail, tailOfScore } from '../../models/calibration.ts'
import { Random } from '../../models/random.ts'

/** Errors with a power-law tail: P(error > x) = x^-2 for x >= 1. */
function pareto(count: number, seed: number): Float64Array {
  const random = new Random(seed)
  return Float64Array.from({ length: count }, () => (1 - random.next()) ** -0.5)
}

test('a score is a share of usual flows and back', () => {
  expect(scoreOfTail(0.1)).toBeCloseTo(0.2, 12)
  expect(scoreOfTail(0.001)).toBeCloseTo(0.6, 12)
  expect(tailOfScore(0.8)).toBeCloseTo(0.0001, 12)
  expect([scoreOfTail(1), scoreOfTail(0), scoreOfTail(1e-9)]).toEqual([0, 1, 1])
})

test('fresh errors score as high as often as the scale says, and the tail is continued by its own law', () => {
  const curve = pieces(calibrate(pareto(20_000, 1)))
  const scores = pareto(200_000, 2).map((error) => applyCalibration(curve, error))
  for (const tail of [0.5, 0.1, 0.01, 0.001, 0.0003]) {
    const share = scores.filter((s) => s > scoreOfTail(tail)).length / scores.length
    expect(share / tail).toBeGreaterThan(0.6)
    expect(share / tail).toBeLessThan(1.6)
  }
})

test('the curve is monotone, ends at 0 and 1, and is never steep enough to enlarge float32 rounding', () => {
  const sample = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 100, maxLength: 400 })
  fc.assert(fc.property(sample, fc.integer(), (errors, seed) => {
    const curve = pieces(calibrate(Float64Array.from(errors)))
    expect(curve.width.every((w) => w > 0)).toBe(true)
    expect(curve.slope.every((s) => s >= 0 && s < 10)).toBe(true)
    const random = new Random(seed)
    let before = 0
    for (const error of Array.from({ length: 50 }, () => 10 ** (random.next() * 16 - 8)).sort((a, b) => a - b)) {
      const score = applyCalibration(curve, error)
      expect(score).toBeGreaterThanOrEqual(before)
      before = score
    }
    expect(applyCalibration(curve, 0)).toBe(0)
    expect(applyCalibration(curve, 1e300)).toBeCloseTo(1, 5)
  }), { numRuns: 50 })
})
