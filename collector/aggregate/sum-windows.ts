/**
 * Sums per key in the same sliding windows as distinct-windows.ts: each `add` counts one event and adds `width` numbers.
 * Records may come in any order within 15 minutes. Bounded: a full pool gives up its longest silent key, counted;
 * internal and external keys have separate pools. Never blocks.
 */
import { keptPanes, paneOf, windowPanes } from './panes.ts'
import type { Held } from './panes.ts'

type Window = { newest: number, sums: Float64Array }

export class SumWindows {
  readonly #width: number
  readonly #limit: number
  readonly #inside = new Map<string, Window>()
  readonly #outside = new Map<string, Window>()
  #evicted = 0

  /**
   * `width` numbers are summed beside the count of events; each pool holds up to `keys` keys of (width + 1) * 240
   * octets.
   */
  constructor(width: number, keys: number) {
    this.#width = width + 1
    this.#limit = keys
  }

  /**
   * Counts one event and adds `values` to the pane of an event time. Gives the events in the 10 minutes that end with
   * the key's newest pane (or, for a late record, with the last window that holds it).
   */
  add(key: string, values: readonly number[], micros: number, internal: boolean): number {
    const pool = internal ? this.#inside : this.#outside
    const pane = paneOf(micros)
    let window = pool.get(key)
    if (window === undefined) {
      window = { newest: pane, sums: new Float64Array(this.#width * keptPanes) }
      this.#admit(pool, key, window)
    } else if (pane > window.newest) {
      const steps = Math.min(pane - window.newest, keptPanes)
      for (let i = 0; i < steps; i++) window.sums.fill(0, (pane - i) % keptPanes * this.#width, ((pane - i) % keptPanes + 1) * this.#width)
      window.newest = pane
      pool.delete(key)
      pool.set(key, window)
    } else if (pane <= window.newest - keptPanes) return 0
    const at = pane % keptPanes * this.#width
    window.sums[at]++
    for (let i = 1; i < this.#width; i++) window.sums[at + i] += values[i - 1]
    return this.#sum(window, 0, Math.min(window.newest, pane + windowPanes - 1))
  }

  #admit(pool: Map<string, Window>, key: string, window: Window): void {
    pool.set(key, window)
    for (const [oldest, { newest }] of pool) {
      const silent = newest <= window.newest - keptPanes
      if (!silent && pool.size <= this.#limit) break
      if (!silent) this.#evicted++
      pool.delete(oldest)
    }
  }

  #sum(window: Window, column: number, end: number): number {
    let total = 0
    const from = Math.max(end - windowPanes, window.newest - keptPanes, -1)
    for (let pane = from + 1; pane <= end; pane++) total += window.sums[pane % keptPanes * this.#width + column]
    return total
  }

  /**
   * Events and sums of `key` in the 10 minutes that end with its newest pane: [events, ...sums]; undefined when it is
   * not held.
   */
  sums(key: string, internal: boolean): number[] | undefined {
    const window = (internal ? this.#inside : this.#outside).get(key)
    return window && Array.from({ length: this.#width }, (_, column) => this.#sum(window, column, window.newest))
  }

  size(): Held {
    return { entries: this.#inside.size + this.#outside.size, evicted: this.#evicted }
  }
}
