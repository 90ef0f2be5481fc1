/**
 * Events per key over 4 hours of event time, in 24 panes of 10 minutes. Too long to be rebuilt from the log, so it is
 * kept as rows of detection memory ('slow/<detector>/<key>') and never counted twice. Bounded: the key longest silent is
 * given up, with its row, counted.
 */
const paneMicros = 600e6
const panes = 24

/** Window of a slow count: 4 hours. */
export const slowMicros = paneMicros * panes

type Slow = { newest: number, counts: number[] }

export class SlowCounts {
  #evicted = 0
  readonly #keys = new Map<string, Slow>()
  readonly #dirty = new Set<string>()
  readonly #prefix: string
  readonly #limit: number
  readonly #remember: (key: string, value: string | undefined) => void

  constructor(detector: string, limit: number, remember: (key: string, value: string | undefined) => void) {
    this.#prefix = `slow/${detector}/`
    this.#limit = limit
    this.#remember = remember
  }

  /** Counts an event; gives the events of the 4 hours that end with the key's newest pane. */
  add(key: string, micros: number): number {
    const pane = Math.floor(micros / paneMicros)
    const slow = this.#keys.get(key) ?? { newest: pane, counts: [] }
    if (pane <= slow.newest - panes) return 0
    const moved = Math.min(panes, Math.max(0, pane - slow.newest))
    for (let i = 0; i < moved; i++) slow.counts.unshift(0)
    slow.newest = Math.max(slow.newest, pane)
    slow.counts.length = Math.min(panes, Math.max(slow.counts.length, slow.newest - pane + 1))
    for (let i = 0; i < slow.counts.length; i++) slow.counts[i] ??= 0
    slow.counts[slow.newest - pane]++
    this.#keys.delete(key)
    this.#keys.set(key, slow)
    this.#dirty.add(key)
    this.#bound(slow.newest)
    return this.count(key)
  }

  count(key: string): number {
    return (this.#keys.get(key)?.counts ?? []).reduce((sum, n) => sum + n, 0)
  }

  #bound(pane: number): void {
    for (const [key, { newest }] of this.#keys) {
      const silent = newest <= pane - panes
      if (!silent && this.#keys.size <= this.#limit) break
      if (!silent) this.#evicted++
      this.#keys.delete(key)
      this.#dirty.add(key)
    }
  }

  save(): void {
    for (const key of this.#dirty) {
      const slow = this.#keys.get(key)
      this.#remember(this.#prefix + key, slow === undefined ? undefined : JSON.stringify([slow.newest, ...slow.counts]))
    }
    this.#dirty.clear()
  }

  restore(rows: ReadonlyMap<string, string>): void {
    for (const [key, value] of rows) {
      if (!key.startsWith(this.#prefix)) continue
      const [newest, ...counts] = JSON.parse(value) as number[]
      this.#keys.set(key.slice(this.#prefix.length), { newest, counts })
    }
  }

  size(): { entries: number, evicted: number } {
    return { entries: this.#keys.size, evicted: this.#evicted }
  }
}
