import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Evidence } from '../../../proto/alert.ts'
import { comparison, rangeChart } from '../../../collector/web/scale.ts'

const evidence = (value: number, fields: Partial<Evidence> = {}): Evidence => ({ name: 'n', label: 'l', value, unit: '', ...fields })
const usual = { low: 0, high: 2, maximum: 3, windows: 212, learning: false }

test('value, range, maximum and threshold share one axis from 0', () => {
  const chart = rangeChart(evidence(53, { threshold: 15, usual }))
  expect(chart.kind).toBe('linear')
  expect(chart.value).toBeCloseTo(100 / 1.06, 1)
  expect(chart.band?.from).toBe(0)
  expect(chart.band?.to).toBeCloseTo(2 / 53 / 1.06 * 100, 1)
  expect(chart.threshold).toBeCloseTo(15 / 53 / 1.06 * 100, 1)
})

test('a value far beyond all marks needs a log axis, or the usual range could not be seen', () => {
  const chart = rangeChart(evidence(4_100_000, { threshold: 100_000, usual: { ...usual, low: 2000, high: 60_000, maximum: 88_000 } }))
  expect(chart.kind).toBe('log')
  expect((chart.band?.to ?? 0) - (chart.band?.from ?? 0)).toBeGreaterThan(5)
})

test('everything stays on the axis and in order', () => {
  const size = fc.double({ min: 0, max: 1e12, noNaN: true })
  fc.assert(fc.property(size, size, size, size, (value, threshold, low, more) => {
    const chart = rangeChart(evidence(value, { threshold, usual: { ...usual, low, high: low + more, maximum: low + more } }))
    for (const at of [chart.value, chart.threshold, chart.band?.from, chart.band?.to, chart.maximum]) {
      expect(at).toBeGreaterThanOrEqual(0)
      expect(at).toBeLessThanOrEqual(100)
    }
    expect(chart.band?.from).toBeLessThanOrEqual(chart.band?.to ?? 0)
  }))
})

test('the chart in words', () => {
  expect(comparison(evidence(108, { threshold: 15, usual }))).toBe('36 times its highest so far')
  expect(comparison(evidence(1, { usual }))).toBe('within its usual range')
  expect(comparison(evidence(2.5, { usual }))).toBe('above its usual range')
  expect(comparison(evidence(1, { usual: { ...usual, low: 2 } }))).toBe('below its usual range')
  expect(comparison(evidence(5, { usual: { ...usual, high: 0, maximum: 0 } }))).toBe('none of it seen before')
  expect(comparison(evidence(30, { threshold: 15, usual: { ...usual, learning: true } }))).toBe('2 times the threshold')
  expect(comparison(evidence(30))).toBe('')
})
