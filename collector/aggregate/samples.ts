/**
 * The latest flows behind a key: at most 20 of its last 10 minutes, with their scores. Only keys that are on their way
 * to a finding are sampled. Bounded: a full table gives up its longest silent key, counted.
 */
import type { FlowId } from '../../proto/flow.ts'
import { keptPanes, paneOf, windowPanes } from './panes.ts'
import type { Held } from './panes.ts'

export type Sample = FlowId & { startMicros: number, endMicros: number, edgeScore: number | undefined, centralScore: number | undefined }

/** Flows linked from one finding. */
export const sampleLimit = 20

export class Samples {
  readonly #keys = new Map<string, Sample[]>()
  readonly #limit: number
  #evicted = 0

  constructor(keys: number) {
    this.#limit = keys
  }

  add(key: string, sample: Sample): void {
    const held = this.#keys.get(key) ?? []
    this.#keys.delete(key)
    this.#keys.set(key, held)
    const known = held.findIndex(({ number, stream, boot }) => number === sample.number && stream === sample.stream && boot === sample.boot)
    if (known >= 0) held.splice(known, 1)
    else if (held.length >= sampleLimit) held.shift()
    held.push(sample)
    const pane = paneOf(sample.startMicros)
    for (const [oldest, flows] of this.#keys) {
      const silent = paneOf(flows.at(-1)?.startMicros ?? 0) <= pane - keptPanes
      if (!silent && this.#keys.size <= this.#limit) break
      if (!silent) this.#evicted++
      this.#keys.delete(oldest)
    }
  }

  /** Flows of the 10 minutes that end with the newest one, in log order. */
  of(key: string): Sample[] {
    const held = this.#keys.get(key) ?? []
    const newest = held.reduce((most, { startMicros }) => Math.max(most, paneOf(startMicros)), 0)
    return held.filter(({ startMicros }) => paneOf(startMicros) > newest - windowPanes)
  }

  size(): Held {
    return { entries: this.#keys.size, evicted: this.#evicted }
  }
}
