import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Dedupe } from '../../../collector/ingest/dedupe.ts'
import type { DedupeState } from '../../../collector/ingest/dedupe.ts'

const minute = 60e6

describe('dedupe', () => {
  it('takes every sequence of random interleavings, loss, repeats and reordering exactly once', () => {
    const arrivals = fc.array(fc.record({ stream: fc.integer({ min: 0, max: 2 }), sequence: fc.integer({ min: 1, max: 120 }) }), { maxLength: 400 })
    fc.assert(fc.property(arrivals, fc.boolean(), (list, reload) => {
      let dedupe = new Dedupe()
      const taken = new Set<string>()
      for (const { stream, sequence } of list) {
        const id = `${String(stream)}:${String(sequence)}`
        const fresh = !taken.has(id)
        expect(dedupe.isNew(`s${String(stream)}`, 'b', sequence, 0)).toBe(fresh)
        expect(dedupe.take(`s${String(stream)}`, 'b', sequence, 0)).toBe(fresh)
        taken.add(id)
        if (reload) {
          const state = JSON.parse(JSON.stringify(dedupe)) as DedupeState
          dedupe = new Dedupe()
          dedupe.restore(state)
        }
      }
      expect(dedupe.counts().missing).toBe(0)
    }), { numRuns: 200 })
  })

  it('accounts for every sequence up to the highest, however many ranges there were', () => {
    const order = fc.shuffledSubarray(Array.from({ length: 400 }, (_, i) => i + 1), { minLength: 1 })
    fc.assert(fc.property(order, fc.shuffledSubarray(Array.from({ length: 400 }, (_, i) => i + 1)), (list, declared) => {
      const dedupe = new Dedupe({ maxRanges: 8 })
      let taken = 0
      for (const sequence of list) if (dedupe.take('s', 'b', sequence, 0)) taken++
      dedupe.drop('s', 'b', declared)
      const { missing, dropped } = dedupe.counts()
      expect(taken + missing + dropped + dedupe.open('s', 'b')).toBe(Math.max(...list))
    }))
  })

  it('closes a range after 15 minutes: it is counted, and what comes late is a duplicate', () => {
    const dedupe = new Dedupe()
    dedupe.take('s', 'b', 1, 0)
    dedupe.take('s', 'b', 5, 0)
    expect(dedupe.take('s', 'b', 3, 15 * minute - 1)).toBe(true)
    expect(dedupe.isNew('s', 'b', 4, 15 * minute)).toBe(false)
    dedupe.expire(15 * minute)
    expect(dedupe.counts()).toMatchObject({ missing: 2 })
    expect(dedupe.take('s', 'b', 4, 15 * minute)).toBe(false)
    expect(dedupe.take('s', 'b', 6, 16 * minute)).toBe(true)
  })

  it('does not count as missing what the sensor says it dropped', () => {
    const dedupe = new Dedupe()
    dedupe.take('s', 'b', 10, 0)
    dedupe.drop('s', 'b', [4, 5, 6, 10, 11])
    dedupe.drop('s', 'other', [1])
    expect(dedupe.counts()).toMatchObject({ dropped: 3, missing: 0 })
    expect(dedupe.open('s', 'b')).toBe(6)
    expect(dedupe.take('s', 'b', 5, 0)).toBe(false)
    expect(dedupe.take('s', 'b', 7, 0)).toBe(true)
    dedupe.expire(15 * minute)
    expect(dedupe.counts()).toMatchObject({ dropped: 3, missing: 5 })
  })

  it('keeps at most 64 ranges and gives up the lowest', () => {
    const dedupe = new Dedupe()
    for (let sequence = 2; sequence <= 2 * 65; sequence += 2) dedupe.take('s', 'b', sequence, 0)
    expect(dedupe.counts().missing).toBe(1)
    expect(dedupe.take('s', 'b', 1, 0)).toBe(false)
    expect(dedupe.take('s', 'b', 3, 0)).toBe(true)
  })

  it('tells streams and boots apart, whatever their names run together to', () => {
    const dedupe = new Dedupe()
    expect(dedupe.take('ab', 'c', 1, 0)).toBe(true)
    expect(dedupe.take('b', 'ca', 1, 0)).toBe(true)
    expect(dedupe.take('__proto__', 'constructor', 1, 0)).toBe(true)
    expect(dedupe.take('__proto__', 'constructor', 1, 0)).toBe(false)
  })

  it('forgets the pair not heard of for longest, and counts it and its gaps', () => {
    const dedupe = new Dedupe({ maxStreams: 2 })
    dedupe.take('a', 'b', 3, 0)
    dedupe.take('b', 'b', 1, 0)
    dedupe.take('a', 'b', 4, 0)
    dedupe.take('c', 'b', 1, 0)
    expect(dedupe.counts()).toEqual({ streams: 2, missing: 0, dropped: 0, evicted: 1 })
    expect(dedupe.isNew('a', 'b', 4, 0)).toBe(false)
    dedupe.take('d', 'b', 1, 0)
    expect(dedupe.counts()).toEqual({ streams: 2, missing: 2, dropped: 0, evicted: 2 })
  })
})
