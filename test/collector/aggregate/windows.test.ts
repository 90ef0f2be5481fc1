/** Sliding windows against the plainest possible count of the same thing; bounds and evictions. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAggregate } from '../../../collector/aggregate/aggregate.ts'
import { DistinctWindows } from '../../../collector/aggregate/distinct-windows.ts'
import { keptPanes, paneMicros, paneOf, windowMicros, windowPanes } from '../../../collector/aggregate/panes.ts'
import { SumWindows } from '../../../collector/aggregate/sum-windows.ts'
import * as judge from '../../../collector/detect/judge.ts'

const capacity = { keys: 64, slots: 64, wide: 8 }
const base = paneOf(1.8e15) * paneMicros

type Event = { member: number, micros: number }
const events = fc.array(fc.record({ member: fc.nat(12), micros: fc.integer({ min: 0, max: 40 * 60 }).map((s) => base + s * 1e6) }), { maxLength: 120 })

/** Distinct members in the 10 minutes up to the newest pane so far, or for a late event the newest window that holds it. */
function plain(seen: readonly Event[], event: Event): number {
  const newest = Math.max(...seen.map(({ micros }) => paneOf(micros)))
  const pane = paneOf(event.micros)
  if (pane <= newest - keptPanes) return 0
  const end = Math.min(newest, pane + windowPanes - 1)
  const latest = new Map<number, number>()
  for (const { member, micros } of seen) latest.set(member, Math.max(latest.get(member) ?? 0, paneOf(micros)))
  return [...latest.values()].filter((at) => at <= end && at > end - windowPanes && at > newest - keptPanes).length
}

describe('DistinctWindows', () => {
  it('counts what a plain list counts, whatever the order, in and beyond the antechamber', () => {
    fc.assert(fc.property(events, fc.boolean(), (list, internal) => {
      const windows = new DistinctWindows(capacity)
      const seen: Event[] = []
      for (const event of list) {
        const newest = Math.max(0, ...seen.map(({ micros }) => paneOf(micros)))
        const count = windows.add('key', event.member, event.micros, internal)
        if (paneOf(event.micros) > newest - keptPanes) seen.push(event)
        expect(count).toBe(paneOf(event.micros) > newest - keptPanes ? plain(seen, event) : 0)
      }
    }), { numRuns: 300 })
  })

  it('asks for the same count that it gave', () => {
    const windows = new DistinctWindows(capacity)
    for (let i = 0; i < 10; i++) expect(windows.count('a', true)).toBe(windows.add('a', i, base + i, true) - 1 || i)
    expect(windows.count('a', false)).toBe(0)
  })

  it('is exact while 10 minutes hold 256 members, whatever the 5 minutes before them held', () => {
    const windows = new DistinctWindows(capacity)
    for (let i = 0; i < 3000; i++) expect(windows.add('steady', i, base + i * 2.6e6, true)).toBe(Math.min(i + 1, plainCount(i)))
    function plainCount(i: number): number {
      const first = (paneOf(base + i * 2.6e6) - windowPanes + 1) * paneMicros
      return i - Math.max(0, Math.ceil((first - base) / 2.6e6)) + 1
    }
  })

  it('goes on with estimates beyond 256 members, and forgets panes all the same', () => {
    const windows = new DistinctWindows(capacity)
    let count = 0
    for (let i = 0; i < 4000; i++) count = windows.add('wide', i, base + i * 0.3e6, true)
    const inWindow = windowMicros / 0.3e6
    expect(Math.abs(count / Math.min(4000, inWindow) - 1)).toBeLessThan(0.12)
    expect(windows.add('wide', 5000, base + 3600e6, true)).toBe(1)
  })

  it('holds no more than it may, gives up the longest silent, and says how many', () => {
    const windows = new DistinctWindows(capacity)
    for (let key = 0; key < 500; key++) for (let member = 0; member < 5; member++) windows.add(`key ${key}`, member, base + key * 1e3, true)
    expect(windows.size().entries).toBeLessThanOrEqual(2 * (64 + 64 + 8))
    expect(windows.size().evicted).toBeGreaterThan(400)
    expect(windows.count('key 499', true)).toBe(5)
    expect(windows.count('key 0', true)).toBe(0)
  })

  it('lets a flood from outside push out nothing inside', () => {
    const windows = new DistinctWindows(capacity)
    for (let member = 0; member < 6; member++) windows.add('inside', member, base, true)
    for (let key = 0; key < 5000; key++) for (let member = 0; member < 5; member++) windows.add(`out ${key}`, member, base, false)
    expect(windows.count('inside', true)).toBe(6)
  })

  it('does not count silent keys as given up', () => {
    const windows = new DistinctWindows(capacity)
    for (let key = 0; key < 500; key++) for (let member = 0; member < 5; member++) windows.add(`key ${key}`, member, base + key * 1800e6, true)
    expect(windows.size().evicted).toBe(0)
  })

  it('survives absurd times', () => {
    const windows = new DistinctWindows(capacity)
    expect(windows.add('a', 1, 1.8e19, true)).toBe(1)
    expect(windows.add('a', 1, -5, true)).toBe(0)
    expect(windows.add('b', 1, 0, true)).toBe(1)
  })
})

describe('SumWindows', () => {
  it('sums what a plain list sums', () => {
    fc.assert(fc.property(events, (list) => {
      const windows = new SumWindows(1, 8)
      const seen: Event[] = []
      for (const event of list) {
        const newest = Math.max(0, ...seen.map(({ micros }) => paneOf(micros)))
        windows.add('key', [event.member], event.micros, true)
        if (paneOf(event.micros) > newest - keptPanes) seen.push(event)
      }
      const newest = Math.max(0, ...seen.map(({ micros }) => paneOf(micros)))
      const held = seen.filter(({ micros }) => paneOf(micros) > newest - windowPanes)
      expect(windows.sums('key', true)).toEqual(list.length === 0 ? undefined : [held.length, held.reduce((sum, { member }) => sum + member, 0)])
    }), { numRuns: 200 })
  })

  it('is bounded and says so', () => {
    const windows = new SumWindows(1, 8)
    for (let key = 0; key < 100; key++) windows.add(`key ${key}`, [1], base, true)
    expect(windows.size()).toEqual({ entries: 8, evicted: 92 })
  })
})

describe('Samples and clocks', () => {
  const aggregate = createAggregate({ capacity, hosts: 10, learningDays: 14, remember: () => {} })
  const sample = (number: number, startMicros: number) => ({ stream: 's', boot: 'b', number, startMicros, endMicros: startMicros, edgeScore: undefined, centralScore: undefined })

  it('keeps the newest 20 flows of the last 10 minutes, each once', () => {
    const samples = aggregate.samples()
    for (let i = 0; i < 30; i++) samples.add('key', sample(i, base + i))
    samples.add('key', sample(29, base + 29))
    expect(samples.of('key').map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, i) => i + 10))
    samples.add('key', sample(99, base + 1200e6))
    expect(samples.of('key').map(({ number }) => number)).toEqual([99])
    for (let i = 0; i < 100; i++) samples.add(`key ${i}`, sample(i, base))
    expect(samples.size()).toMatchObject({ entries: 16 })
  })

  it('keeps each stream to its own clock, across a restart', () => {
    const { clocks } = aggregate
    expect(clocks.advance('a', base + 5)).toBe(true)
    expect(clocks.advance('a', base + 6)).toBe(false)
    expect(clocks.advance('a', base)).toBe(false)
    expect(clocks.advance('a', base + paneMicros)).toBe(true)
    expect(clocks.of('b')).toBe(0)
    const rows = new Map<string, string>()
    clocks.save((key, value) => { if (value !== undefined) rows.set(key, value) })
    const other = createAggregate({ capacity, hosts: 10, learningDays: 14, remember: () => {} }).clocks
    other.restore(rows)
    expect(other.of('a')).toBe(base + paneMicros)
  })

  it('agree with the detectors on what a window is', () => {
    expect([judge.windowMicros, judge.paneMicros]).toEqual([windowMicros, paneMicros])
  })
})
