/** Distinct counts: exact to 256, within the published error above, and the same however they are merged. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DistinctCount, exactLimit, hash32, HyperLogLog, mix32 } from '../../proto/sketch.ts'

const filled = (from: number, to: number): DistinctCount => {
  const count = new DistinctCount()
  for (let i = from; i < to; i++) count.add(hash32(`member ${i}`))
  return count
}

describe('DistinctCount', () => {
  it('is exact to 256 and ignores repetitions', () => {
    const count = filled(0, exactLimit)
    for (let i = 0; i < exactLimit; i++) count.add(hash32(`member ${i}`))
    expect(count.count()).toBe(256)
    expect(count.exact).toBe(true)
    count.add(1)
    expect(count.exact).toBe(false)
  })

  it.each([300, 1000, 2500, 10_000, 100_000])('keeps the standard error of 3.3 %% at %i members', (n) => {
    const errors = Array.from({ length: 12 }, (_, trial) => filled(trial * 1e6, trial * 1e6 + n).count() / n - 1)
    const rms = Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length)
    expect(rms).toBeLessThan(0.05)
    expect(Math.max(...errors.map(Math.abs))).toBeLessThan(0.11)
  })

  it('takes members that are small numbers in a row as well as hashes', () => {
    const count = new DistinctCount()
    for (let port = 1; port <= 20_000; port++) count.add(6 << 16 | port)
    expect(Math.abs(count.count() / 20_000 - 1)).toBeLessThan(0.11)
  })

  it('merges in any order, twice as well as once, to the bytes of the whole', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 0, max: 2 ** 32 - 1 })), { maxLength: 900 }), (members) => {
      const parts = [0, 1, 2, 3].map(() => new DistinctCount())
      const whole = new DistinctCount()
      for (const [part, member] of members) { parts[part].add(member); whole.add(member) }
      const [a, b] = [[0, 1, 2, 3], [3, 2, 2, 0, 1, 3]].map((order) => {
        const merged = new DistinctCount()
        for (const i of order) merged.merge(parts[i])
        return merged
      })
      expect(a.encode()).toEqual(whole.encode())
      expect(b.encode()).toEqual(whole.encode())
    }), { numRuns: 50 })
  })

  it('comes back from its bytes', () => {
    for (const n of [0, 1, 256, 257, 5000]) {
      const count = filled(0, n)
      expect(DistinctCount.decode(count.encode()).encode()).toEqual(count.encode())
      expect(DistinctCount.decode(count.encode()).count()).toBe(count.count())
    }
  })

  it.each([[[]], [[3]], [[1, 2, 3]], [[2, 1]], [Array.from({ length: 1025 }, (_, i) => i === 0 ? 2 : 40)]])('refuses bytes that are not one', (bytes) => {
    expect(() => DistinctCount.decode(Uint8Array.from(bytes))).toThrow(RangeError)
  })
})

describe('HyperLogLog', () => {
  it('is empty when it is empty', () => {
    const sketch = new HyperLogLog()
    expect(sketch.estimate()).toBe(0)
    sketch.add(7)
    expect(sketch.estimate()).toBeCloseTo(1, 1)
    sketch.clear()
    expect(sketch.estimate()).toBe(0)
  })

  it('hashes the same for ever', () => {
    expect([hash32(''), hash32('vedette'), hash32('__proto__'), mix32(1)]).toEqual([2872998923, 2677648304, 3182021803, 1364076727])
  })
})
