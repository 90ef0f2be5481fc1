/**
 * Which batches were taken already. Per (stream, boot): the highest sequence, and up to 64 ranges below it that are
 * still missing. A lower sequence is a duplicate unless it lies in such a range. A range that stays open for 15
 * minutes, or is one too many, becomes a counted gap: what comes for it later is taken for a duplicate. Sequences
 * that the sensor says its spool dropped are closed without being a gap.
 *
 * Time is handed in with every call (the log's append time, so that a rebuild from the log comes to the same state).
 * At most `maxStreams` pairs are remembered; past that the one not heard of for longest is forgotten and counted.
 */

export type DedupeOptions = {
  maxStreams?: number
  maxRanges?: number
  /** How long a missing range stays open, microseconds. */
  openMicros?: number
}

/** Both ends belong to the range. */
type Range = { from: number, to: number, sinceMicros: number }
type Entry = { stream: string, boot: string, highest: number, ranges: Range[] }

/** What `toJSON` gives and `restore` takes: [stream, boot, highest, [from, to, sinceMicros]...]. */
export type DedupeState = {
  missing: number
  dropped: number
  evicted: number
  entries: [string, string, number, [number, number, number][]][]
}

export class Dedupe {
  readonly #maxStreams: number
  readonly #maxRanges: number
  readonly #openMicros: number
  /** In the order of the last batch: the first is the one to forget. */
  readonly #entries = new Map<string, Entry>()
  #missing = 0
  #dropped = 0
  #evicted = 0

  constructor({ maxStreams = 65_536, maxRanges = 64, openMicros = 15 * 60e6 }: DedupeOptions = {}) {
    this.#maxStreams = maxStreams
    this.#maxRanges = maxRanges
    this.#openMicros = openMicros
  }

  /** Whether `take` would take it. */
  isNew(stream: string, boot: string, sequence: number, nowMicros: number): boolean {
    const entry = this.#entries.get(entryKey(stream, boot))
    if (entry === undefined || sequence > entry.highest) return true
    const open = (range: Range): boolean => nowMicros - range.sinceMicros < this.#openMicros
    return entry.ranges.some((range) => sequence >= range.from && sequence <= range.to && open(range))
  }

  /** Marks a sequence (a safe integer from 1) as taken. False: it was already, or its range is closed. */
  take(stream: string, boot: string, sequence: number, nowMicros: number): boolean {
    const entry = this.#touch(stream, boot)
    this.#close(entry, nowMicros)
    if (sequence > entry.highest) {
      if (sequence > entry.highest + 1) entry.ranges.push({ from: entry.highest + 1, to: sequence - 1, sinceMicros: nowMicros })
      entry.highest = sequence
    } else if (!remove(entry.ranges, sequence)) return false
    while (entry.ranges.length > this.#maxRanges) this.#count(entry.ranges.shift())
    return true
  }

  /**
   * Closes what the sensor says it dropped itself. Sequences that were taken, or are above the highest, are left
   * alone.
   */
  drop(stream: string, boot: string, sequences: readonly number[]): void {
    const entry = this.#entries.get(entryKey(stream, boot))
    if (entry === undefined) return
    for (const sequence of sequences) if (remove(entry.ranges, sequence)) this.#dropped++
    while (entry.ranges.length > this.#maxRanges) this.#count(entry.ranges.shift())
  }

  /**
   * Closes every range that has been open too long. `take` does so for its own stream; this is for those that fell
   * silent.
   */
  expire(nowMicros: number): void {
    for (const entry of this.#entries.values()) this.#close(entry, nowMicros)
  }

  /** Sequences now missing in a stream that may still come. */
  open(stream: string, boot: string): number {
    return this.#entries.get(entryKey(stream, boot))?.ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0) ?? 0
  }

  /**
   * `missing`: sequences given up as gaps. `dropped`: sequences the sensors said they dropped. `evicted`: pairs
   * forgotten.
   */
  counts(): { streams: number, missing: number, dropped: number, evicted: number } {
    return { streams: this.#entries.size, missing: this.#missing, dropped: this.#dropped, evicted: this.#evicted }
  }

  toJSON(): DedupeState {
    return {
      missing: this.#missing, dropped: this.#dropped, evicted: this.#evicted,
      entries: [...this.#entries.values()].map(({ stream, boot, highest, ranges }) =>
        [stream, boot, highest, ranges.map(({ from, to, sinceMicros }) => [from, to, sinceMicros])]),
    }
  }

  /** Replaces the state by one that `toJSON` gave. */
  restore(state: DedupeState): void {
    this.#entries.clear()
    this.#missing = state.missing
    this.#dropped = state.dropped
    this.#evicted = state.evicted
    for (const [stream, boot, highest, ranges] of state.entries) {
      const open = ranges.map(([from, to, sinceMicros]) => ({ from, to, sinceMicros }))
      this.#entries.set(entryKey(stream, boot), { stream, boot, highest, ranges: open })
    }
  }

  #touch(stream: string, boot: string): Entry {
    const key = entryKey(stream, boot)
    const entry = this.#entries.get(key) ?? { stream, boot, highest: 0, ranges: [] }
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    if (this.#entries.size > this.#maxStreams) {
      for (const [oldest, { ranges }] of this.#entries) {
        for (const range of ranges) this.#count(range)
        this.#entries.delete(oldest)
        this.#evicted++
        break
      }
    }
    return entry
  }

  /** Ranges are in order of sequence, not of age: a clock that steps back must not keep the later ones open. */
  #close(entry: Entry, nowMicros: number): void {
    if (!entry.ranges.some(({ sinceMicros }) => nowMicros - sinceMicros >= this.#openMicros)) return
    entry.ranges = entry.ranges.filter((range) => {
      if (nowMicros - range.sinceMicros < this.#openMicros) return true
      this.#count(range)
      return false
    })
  }

  #count(range: Range | undefined): void {
    if (range !== undefined) this.#missing += range.to - range.from + 1
  }
}

/** The length first, so that no two pairs of names run into one key. */
const entryKey = (stream: string, boot: string): string => `${String(boot.length)}:${boot}${stream}`

/** Takes one sequence out of the ranges; false when it is in none. */
function remove(ranges: Range[], sequence: number): boolean {
  const at = ranges.findIndex(({ from, to }) => sequence >= from && sequence <= to)
  if (at < 0) return false
  const { from, to, sinceMicros } = ranges[at]
  const rest: Range[] = []
  if (sequence > from) rest.push({ from, to: sequence - 1, sinceMicros })
  if (sequence < to) rest.push({ from: sequence + 1, to, sinceMicros })
  ranges.splice(at, 1, ...rest)
  return true
}
