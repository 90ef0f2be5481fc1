/** The generator's chance: repeatable, independent by label, and spread as it says. */
import { describe, expect, it } from 'vitest'
import { Random } from '../../../../agent/capture/simulate/random.ts'

describe('Random', () => {
  it('repeats itself for a label, and forks do not depend on what was drawn', () => {
    const draw = (random: Random): number[] => Array.from({ length: 50 }, () => random.bits())
    expect(draw(new Random('a'))).toEqual(draw(new Random('a')))
    expect(draw(new Random('a'))).not.toEqual(draw(new Random('b')))
    const used = new Random('a')
    draw(used)
    expect(draw(used.fork('x'))).toEqual(draw(new Random('a').fork('x')))
    expect(draw(used.fork('x'))).not.toEqual(draw(used.fork('y')))
  })

  it('is spread evenly, in range, with the stated means', () => {
    const random = new Random('spread')
    const counts = new Int32Array(16)
    for (let i = 0; i < 160_000; i++) counts[random.bits() >>> 28]++
    // Chi squared with 15 degrees of freedom: above 45 once in 10,000 labels.
    expect([...counts].reduce((sum, n) => sum + (n - 10_000) ** 2 / 10_000, 0)).toBeLessThan(45)
    const mean = (draw: () => number): number => Array.from({ length: 40_000 }, draw).reduce((a, b) => a + b) / 40_000
    expect(mean(() => random.exponential(5)) / 5).toBeCloseTo(1, 1)
    expect(mean(() => Math.log(random.lognormal(100, 0.5))) / Math.log(100)).toBeCloseTo(1, 1)
    const whole = new Set(Array.from({ length: 1000 }, () => random.whole(3, 6)))
    expect([...whole].sort()).toEqual([3, 4, 5, 6])
    expect(random.lognormal(100, 3, 120)).toBeLessThanOrEqual(120)
  })

  it('shuffles without losing any, and prefers the first in zipf', () => {
    const random = new Random('order')
    const list = Array.from({ length: 20 }, (_, i) => i)
    expect(random.shuffled(list).sort((a, b) => a - b)).toEqual(list)
    expect(new Set(random.several(list, 7)).size).toBe(7)
    const first = Array.from({ length: 4000 }, () => random.zipf(list)).filter((x) => x === 0).length
    expect(first / 4000).toBeCloseTo(1 / list.reduce((sum, i) => sum + 1 / (i + 1), 0), 1)
  })
})
