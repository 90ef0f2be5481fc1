/**
 * What is usual for a host: per (host, measure) the values of its past 10-minute windows, idle ones counted as 0.
 * Quantiles come from a histogram (exact to 16, then four buckets per doubling), the maximum is exact. What was learnt
 * is forgotten after 14 to 28 days (two generations), so that an attacker present in week one does not become normal.
 * Windows in which a detector fired do not teach, nor does the one after, which still holds part of the attack.
 *
 * A window is closed when the host's first value of a later one arrives, so nothing depends on a wall clock or on
 * batches. State survives as rows handed to `remember` (JSON, keys 'host/...' and 'range/...'), is restored from them,
 * and is never taught twice. Bounded: the host longest unseen is forgotten first, with its rows, counted. Never blocks.
 */
import type { UsualRange } from '../../proto/alert.ts'
import { windowMicros } from './panes.ts'
import type { Held } from './panes.ts'

/** Sets a row of detection memory; undefined removes it. */
export type Remember = (key: string, value: string | undefined) => void

export type BaselineOptions = {
  /** Days of history below which a range is still being learnt. */
  learningDays: number
  /** Hosts remembered. */
  hosts: number
  remember: Remember
}

const windowsPerDay = 86_400e6 / windowMicros
const generationWindows = 14 * windowsPerDay
const windowOf = (micros: number): number => Math.max(0, Math.floor(micros / windowMicros))

type Generation = { maximum: number, taught: number, spoiled: number, histogram: Map<number, number> }
type Range = { open: number, value: number, spoiledTo: number, generation: number, now: Generation, before: Generation }
type Host = { first: number, ranges: Map<string, Range> }

export class Baseline {
  readonly #options: BaselineOptions
  readonly #hosts = new Map<string, Host>()
  #evicted = 0

  constructor(options: BaselineOptions) {
    this.#options = options
  }

  /** A sign of life of an internal host: its history begins here. */
  seen(entity: string, micros: number): void {
    if (this.#hosts.has(entity)) return
    const first = windowOf(micros)
    this.#hosts.set(entity, { first, ranges: new Map() })
    this.#options.remember(`host/${entity}`, String(first))
    for (const [oldest, { ranges }] of this.#hosts) {
      if (this.#hosts.size <= this.#options.hosts) break
      this.#hosts.delete(oldest)
      this.#evicted++
      this.#options.remember(`host/${oldest}`, undefined)
      for (const measure of ranges.keys()) this.#options.remember(`range/${measure}/${oldest}`, undefined)
    }
  }

  /** A value of the measure at an event time: a window teaches the largest one noted in it. */
  note(entity: string, measure: string, value: number, micros: number): void {
    const host = this.#hosts.get(entity)
    if (host === undefined || value <= 0) return
    const window = windowOf(micros)
    const range = host.ranges.get(measure) ?? newRange(window)
    host.ranges.set(measure, range)
    const rolled = close(range, window)
    if (value <= range.value && !rolled) return
    range.value = Math.max(range.value, value)
    this.#save(entity, measure, range)
  }

  /** A detector fired: this window and the next do not teach. */
  spoil(entity: string, measure: string, micros: number): void {
    const range = this.#hosts.get(entity)?.ranges.get(measure)
    if (range === undefined) return
    const window = windowOf(micros)
    close(range, window)
    if (range.spoiledTo > window) return
    range.spoiledTo = window + 1
    this.#save(entity, measure, range)
  }

  /**
   * The usual range of a host at an event time; undefined for a host without history (external, or never seen alive).
   */
  usual(entity: string, measure: string, micros: number): UsualRange | undefined {
    const host = this.#hosts.get(entity)
    if (host === undefined) return undefined
    const window = windowOf(micros)
    const range = host.ranges.get(measure)
    if (range !== undefined && close(range, window)) this.#save(entity, measure, range)
    const oldest = (Math.floor(window / generationWindows) - 1) * generationWindows
    const lived = Math.max(0, window - Math.max(host.first, oldest))
    const spoiled = range === undefined ? 0 : range.now.spoiled + range.before.spoiled
    const windows = Math.max(0, lived - spoiled)
    const learning = windows < this.#options.learningDays * windowsPerDay
    if (range === undefined) return { low: 0, high: 0, maximum: 0, windows, learning }
    const maximum = Math.max(range.now.maximum, range.before.maximum)
    return { low: quantile(range, windows, 0.05), high: Math.min(maximum, quantile(range, windows, 0.95)), maximum, windows, learning }
  }

  /**
   * Takes back the rows that an earlier process remembered (keys as given to `remember`). Rows that make no sense are
   * left out.
   */
  restore(rows: ReadonlyMap<string, string>): void {
    for (const [key, value] of rows) {
      const first = Number(value)
      if (key.startsWith('host/') && Number.isSafeInteger(first)) this.#hosts.set(key.slice(5), { first, ranges: new Map() })
    }
    for (const [key, value] of rows) {
      const at = key.indexOf('/', 6)
      if (!key.startsWith('range/') || at < 0) continue
      const range = decode(value)
      if (range !== undefined) this.#hosts.get(key.slice(at + 1))?.ranges.set(key.slice(6, at), range)
    }
  }

  size(): Held {
    return { entries: this.#hosts.size, evicted: this.#evicted }
  }

  #save(entity: string, measure: string, range: Range): void {
    this.#options.remember(`range/${measure}/${entity}`, encode(range))
  }
}

const newGeneration = (): Generation => ({ maximum: 0, taught: 0, spoiled: 0, histogram: new Map() })
const newRange = (window: number): Range => ({
  open: window, value: 0, spoiledTo: -1, generation: Math.floor(window / generationWindows), now: newGeneration(), before: newGeneration(),
})

/** Closes the open window when `window` is a later one: its value teaches. True when something changed. */
function close(range: Range, window: number): boolean {
  if (window <= range.open) return false
  if (range.open <= range.spoiledTo) range.now.spoiled++
  else if (range.value > 0) {
    const bucket = bucketOf(range.value)
    range.now.histogram.set(bucket, (range.now.histogram.get(bucket) ?? 0) + 1)
    range.now.taught++
    range.now.maximum = Math.max(range.now.maximum, range.value)
  }
  range.open = window
  range.value = 0
  const generation = Math.floor(window / generationWindows)
  if (generation > range.generation) {
    range.before = generation === range.generation + 1 ? range.now : newGeneration()
    range.now = newGeneration()
    range.generation = generation
  }
  return true
}

/** Buckets: 1 ... 16 exact, then four per doubling; a bucket stands for its upper end. */
function bucketOf(value: number): number {
  return value <= 16 ? Math.ceil(value) : 16 + Math.ceil(4 * Math.log2(value / 16))
}

function valueOf(bucket: number): number {
  return bucket <= 16 ? bucket : Math.round(16 * 2 ** ((bucket - 16) / 4))
}

/** Smallest value that at least the share `p` of all windows, idle ones included, does not exceed. */
function quantile(range: Range, windows: number, p: number): number {
  const counts = new Map(range.now.histogram)
  for (const [bucket, n] of range.before.histogram) counts.set(bucket, (counts.get(bucket) ?? 0) + n)
  const taught = range.now.taught + range.before.taught
  let below = Math.max(0, windows - taught)
  const target = p * Math.max(windows, taught)
  if (below >= target) return 0
  for (const [bucket, n] of [...counts].sort((a, b) => a[0] - b[0])) {
    below += n
    if (below >= target) return valueOf(bucket)
  }
  return 0
}

type Row = [open: number, value: number, spoiledTo: number, generation: number, ...generations: [number, number, [number, number][]][]]

function encode(range: Range): string {
  const part = ({ maximum, spoiled, histogram }: Generation): [number, number, [number, number][]] => [maximum, spoiled, [...histogram]]
  const row: Row = [range.open, range.value, range.spoiledTo, range.generation, part(range.now), part(range.before)]
  return JSON.stringify(row)
}

function decode(text: string): Range | undefined {
  try {
    const [open, value, spoiledTo, generation, now, before] = JSON.parse(text) as Row
    const part = ([maximum, spoiled, histogram]: [number, number, [number, number][]]): Generation =>
      ({ maximum, spoiled, histogram: new Map(histogram), taught: histogram.reduce((sum, [, n]) => sum + n, 0) })
    return { open, value, spoiledTo, generation, now: part(now), before: part(before) }
  } catch {
    return undefined
  }
}
