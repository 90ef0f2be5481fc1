/** Detection ends anywhere and goes on: the same findings and alerts, each once, and nothing learnt twice. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Chain, cut, MemoryStore, shippedSettings } from './chain.ts'
import { office, randomOf } from './office.ts'
import type { Entry } from './chain.ts'

/** Smaller tables: nothing here fills them, and making them takes time. */
const small = shippedSettings((change) => { Object.assign(change.limits, { slots: 4096 }) })

const ranges = (store: MemoryStore): [string, string][] => [...store.rows].filter(([key]) => /\/(range|host|slow|scores|clocks)/.test(key)).sort(([a], [b]) => a < b ? -1 : 1)
const findings = (store: MemoryStore): unknown[] => [...store.findings.values()].sort((a, b) => a.id < b.id ? -1 : 1)
const alerts = (store: MemoryStore): unknown[] => [...store.alerts.values()].sort((a, b) => a.id < b.id ? -1 : 1)

function run(entries: readonly Entry[], group: number): MemoryStore {
  const chain = new Chain(new MemoryStore(), small)
  for (let at = 0; at < entries.length; at += group) chain.apply(entries.slice(at, at + group))
  return chain.store
}

/** Ends the chain at each of the given entries, sometimes having observed a group that it could not commit, and starts a new one. */
function interrupted(entries: readonly Entry[], kills: readonly number[], group: number): MemoryStore {
  const store = new MemoryStore()
  for (const kill of [...kills.filter((at) => at < entries.length).sort((a, b) => a - b), entries.length]) {
    const chain = new Chain(store, small)
    const { done, resume } = store.position
    for (let at = resume; at < done;) {
      const to = Math.min(done, at + group)
      chain.apply(entries.slice(at, to))
      at = to
    }
    for (let at = done; at < kill; at += group) chain.apply(entries.slice(at, Math.min(kill, at + group)))
  }
  return store
}

describe('detection after a restart', () => {
  const entries = cut(office(1), 25)
  const whole = run(entries, 4)

  it('has something to compare', () => {
    expect(alerts(whole)).toHaveLength(3)
    expect([...whole.alerts.values()].map(({ detector, severity }) => [detector, severity]).sort()).toEqual([['brute-force', 'critical'], ['dns-tunnel', 'medium'], ['port-scan', 'medium']])
    expect(whole.findings.size).toBeGreaterThan(12)
    expect(ranges(whole).length).toBeGreaterThan(40)
  })

  it('gives the same findings and alerts wherever it was ended', () => {
    const ends = fc.array(fc.integer({ min: 0, max: entries.length }), { minLength: 1, maxLength: 6 })
    fc.assert(fc.property(ends, fc.integer({ min: 1, max: 9 }), (kills, group) => {
      const store = interrupted(entries, kills, group)
      expect(findings(store)).toEqual(findings(whole))
      expect(alerts(store)).toEqual(alerts(whole))
      expect(ranges(store)).toEqual(ranges(whole))
      expect(store.repeated).toBe(0)
      expect(store.outbox.map(({ id }) => id)).toEqual(whole.outbox.map(({ id }) => id))
    }), { numRuns: 12, seed: 7 })
  }, 60_000)

  it('reads again no more than it needs', () => {
    const half = interrupted(entries, [Math.floor(entries.length / 2)], 4)
    expect(half.position.done).toBe(entries.length)
    const chain = new Chain()
    for (const entry of entries.slice(0, 70)) chain.apply([entry])
    const { done, resume } = chain.store.position
    expect(entries[done - 1].batch.clockMicros - entries[resume].batch.clockMicros).toBeLessThan(31 * 60e6)
    expect(resume).toBeGreaterThan(0)
  })
})

describe('the same flows', () => {
  it('give the same findings however they are cut into batches', () => {
    const flows = office(2)
    const expected = findings(run(cut(flows, 40), 3))
    expect(expected.length).toBeGreaterThan(10)
    for (const [size, group] of [[1, 50], [7, 1], [333, 2], [100_000, 1]]) expect(findings(run(cut(flows, size), group))).toEqual(expected)
  }, 60_000)

  it('give the same findings with random batches and empty ones between', () => {
    const flows = office(3)
    const random = randomOf(9)
    const entries: Entry[] = []
    for (let at = 0; at < flows.length;) {
      const size = Math.floor(random() * 60)
      entries.push(...cut(flows.slice(at, at + size), 1000).map(({ batch }) => ({
        batch: { ...batch, last: at + size >= flows.length }, offset: entries.length, next: entries.length + 1,
      })))
      at += size
    }
    expect(findings(run(entries, 5))).toEqual(findings(run(cut(flows, 500), 1)))
  }, 60_000)
})

describe('a flood of made-up hosts', () => {
  it('leaves memory as it is, is counted, and hides nothing that happens inside', () => {
    const settings = shippedSettings((change) => { Object.assign(change.limits, { keys: 512, slots: 1024, hosts: 256, episodes: 64 }) })
    const chain = new Chain(new MemoryStore(), settings)
    const base = office(4, 2, 0.2)
    const random = randomOf(5)
    let offset = 0
    const spoofed = (from: number): typeof base => Array.from({ length: 40 }, (_, i) => ({
      ...base[from], number: 1e6 + offset * 100 + i, initiatorAddress: `${1 + Math.floor(random() * 9)}.${Math.floor(random() * 256)}.${Math.floor(random() * 256)}.${Math.floor(random() * 256)}`,
      responderAddress: '10.1.2.9', connState: 'S0' as const, responderPackets: 0, protocol: 6, initiatorTcpFlags: 2, initiatorPayloadOctets: 0, responderPort: Math.floor(random() * 1000), dns: [], part: 0,
    }))
    for (let at = 0; at < base.length; at++) {
      const [entry] = cut([base[at], ...spoofed(at)], 1000)
      chain.apply([{ batch: { ...entry.batch, last: false }, offset, next: ++offset }])
    }
    const sizes = chain.set.sizes()
    expect([...chain.store.alerts.values()].map(({ detector, entity }) => [detector, entity]).sort()).toEqual(
      [['brute-force', '10.1.4.8'], ['dns-tunnel', '10.1.4.9'], ['port-scan', '10.1.4.7']])
    expect(sizes.get('port-scan')!.evicted).toBeGreaterThan(1000)
    expect(sizes.get('port-scan')!.entries).toBeLessThan(2 * 2 * (512 + 1024) + 64 + 512)
    expect(sizes.get('baseline')!.entries).toBeLessThanOrEqual(256)
  })
})
