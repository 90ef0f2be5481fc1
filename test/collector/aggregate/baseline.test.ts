/** Usual ranges: what teaches, what does not, what is forgotten, what survives. */
import { describe, expect, it } from 'vitest'
import { Baseline } from '../../../collector/aggregate/baseline.ts'
import { windowMicros } from '../../../collector/aggregate/panes.ts'
import type { BaselineOptions } from '../../../collector/aggregate/baseline.ts'

const start = Math.ceil(1.8e15 / windowMicros) * windowMicros
const at = (window: number, offset = 0): number => start + window * windowMicros + offset
const perDay = 144

function make(change: Partial<BaselineOptions> = {}): { baseline: Baseline, rows: Map<string, string>, writes: () => number } {
  const rows = new Map<string, string>()
  let writes = 0
  const baseline = new Baseline({
    learningDays: 14, hosts: 100, remember: (key, value) => {
      writes++
      if (value === undefined) rows.delete(key)
      else rows.set(key, value)
    }, ...change,
  })
  return { baseline, rows, writes: () => writes }
}

describe('a usual range', () => {
  it('counts idle windows as 0, without anything being noted in them', () => {
    const { baseline } = make()
    baseline.seen('a', at(0))
    expect(baseline.usual('a', 'm', at(0))).toEqual({ low: 0, high: 0, maximum: 0, windows: 0, learning: true })
    expect(baseline.usual('a', 'm', at(100))).toEqual({ low: 0, high: 0, maximum: 0, windows: 100, learning: true })
  })

  it('is the quantiles and the maximum of past windows, each taught by its largest value', () => {
    const { baseline } = make({ learningDays: 0.5 })
    baseline.seen('a', at(0))
    for (let window = 0; window < 100; window++) {
      baseline.note('a', 'm', 1, at(window))
      baseline.note('a', 'm', window < 90 ? 2 : 7, at(window, 1e6))
    }
    expect(baseline.usual('a', 'm', at(99))).toMatchObject({ maximum: 7, windows: 99 })
    expect(baseline.usual('a', 'm', at(100))).toEqual({ low: 2, high: 7, maximum: 7, windows: 100, learning: false })
  })

  it('does not hold the window that is still open', () => {
    const { baseline } = make()
    baseline.seen('a', at(0))
    baseline.note('a', 'm', 50, at(5))
    expect(baseline.usual('a', 'm', at(5, 500e6))!.maximum).toBe(0)
    expect(baseline.usual('a', 'm', at(6))!.maximum).toBe(50)
  })

  it('is not taught by attacks, nor by the window after one', () => {
    const { baseline } = make()
    baseline.seen('a', at(0))
    baseline.note('a', 'm', 3, at(4))
    baseline.note('a', 'm', 500, at(5))
    baseline.spoil('a', 'm', at(5))
    baseline.note('a', 'm', 200, at(6))
    baseline.note('a', 'm', 2, at(7))
    expect(baseline.usual('a', 'm', at(8))).toMatchObject({ maximum: 3, windows: 6 })
  })

  it('does not exist for hosts never seen alive', () => {
    const { baseline } = make()
    baseline.note('ghost', 'm', 5, at(0))
    baseline.spoil('ghost', 'm', at(0))
    expect(baseline.usual('ghost', 'm', at(1))).toBeUndefined()
  })

  it('forgets after 14 to 28 days', () => {
    const { baseline } = make()
    baseline.seen('a', at(0))
    baseline.note('a', 'm', 9, at(0))
    expect(baseline.usual('a', 'm', at(13 * perDay))!.maximum).toBe(9)
    expect(baseline.usual('a', 'm', at(28 * perDay))).toMatchObject({ maximum: 0, learning: false })
  })

  it('keeps large values to within a fifth, and never above the maximum', () => {
    const { baseline } = make()
    baseline.seen('a', at(0))
    for (let window = 0; window < 40; window++) baseline.note('a', 'm', 1000, at(window))
    const { low, high, maximum } = baseline.usual('a', 'm', at(40))!
    expect(maximum).toBe(1000)
    expect(high).toBe(1000)
    expect(low).toBeGreaterThanOrEqual(1000)
    expect(low).toBeLessThan(1200)
  })
})

describe('the state of baselines', () => {
  it('comes back from its rows, and goes on as if nothing had happened', () => {
    const whole = make()
    const first = make()
    let second = make()
    whole.baseline.seen('10.0.0.1', at(0))
    first.baseline.seen('10.0.0.1', at(0))
    for (let window = 0; window < 30; window++) {
      if (window === 15) {
        second = make()
        second.baseline.restore(first.rows)
      }
      for (const { baseline } of [whole, window < 15 ? first : second]) {
        baseline.note('10.0.0.1', 'm', window % 5, at(window))
        if (window === 14) baseline.spoil('10.0.0.1', 'm', at(window))
      }
    }
    expect(second.baseline.usual('10.0.0.1', 'm', at(30))).toEqual(whole.baseline.usual('10.0.0.1', 'm', at(30)))
  })

  it('writes a row only when something was learnt', () => {
    const { baseline, writes } = make()
    baseline.seen('a', at(0))
    for (let i = 0; i < 1000; i++) baseline.note('a', 'm', 3, at(0, i))
    expect(writes()).toBe(2)
  })

  it('is bounded: the host first seen is forgotten with its rows, and counted', () => {
    const { baseline, rows } = make({ hosts: 10 })
    for (let i = 0; i < 50; i++) {
      baseline.seen(`host ${i}`, at(0))
      baseline.note(`host ${i}`, 'm', 1, at(0))
    }
    expect(baseline.size()).toEqual({ entries: 10, evicted: 40 })
    expect(rows.size).toBe(20)
  })

  it('leaves rows out that make no sense, and takes hostile names for names', () => {
    const { baseline } = make()
    baseline.restore(new Map([['host/a', '1'], ['host/b', 'x'], ['range/m/a', '{broken'], ['range/m/nobody', '[1,2]'], ['other', '1']]))
    expect(baseline.size().entries).toBe(1)
    expect(baseline.usual('a', 'm', at(1))!.maximum).toBe(0)
    baseline.seen('__proto__', at(0))
    baseline.note('__proto__', 'constructor', 4, at(0))
    expect(baseline.usual('__proto__', 'constructor', at(1))!.maximum).toBe(4)
  })
})
