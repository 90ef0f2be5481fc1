/**
 * Event time per stream, and where in the log re-reading must begin after a restart. A stream's clock is the latest end
 * of a record it sent, or the packet clock of its last empty batch (tick). Clocks only go forward and never touch each
 * other: a sensor with a wrong clock harms only itself. Bounded: 4,096 streams, the longest unheard forgotten.
 */
import { keptPanes, paneMicros, paneOf } from './panes.ts'
import type { Remember } from './baseline.ts'

const streams = 4096

export class StreamClocks {
  readonly #clocks = new Map<string, number>()
  #changed = false

  /** Moves a stream's clock; true when it entered a new pane. */
  advance(stream: string, micros: number): boolean {
    const before = this.#clocks.get(stream) ?? 0
    if (micros <= before) return false
    if (before === 0 && this.#clocks.size >= streams) this.#clocks.delete(this.#clocks.keys().next().value ?? '')
    this.#clocks.set(stream, micros)
    this.#changed = true
    return paneOf(micros) > paneOf(before)
  }

  of(stream: string): number {
    return this.#clocks.get(stream) ?? 0
  }

  /** Writes the row 'clocks' when something moved. */
  save(remember: Remember): void {
    if (!this.#changed) return
    this.#changed = false
    remember('clocks', JSON.stringify([...this.#clocks]))
  }

  restore(rows: ReadonlyMap<string, string>): void {
    const row = rows.get('clocks')
    if (row === undefined) return
    for (const [stream, micros] of JSON.parse(row) as [string, number][]) this.#clocks.set(stream, micros)
  }
}

/**
 * Event time that must be read again after a restart: windows of 10 minutes, filled by what the 15 minutes before them
 * decided, plus lateness.
 */
export const rereadMicros = (keptPanes + 30) * paneMicros

/**
 * Octets of log that are re-read at most: a stream that fell silent without a word must not hold the resume point for
 * ever.
 */
export const rereadOctets = 256 * 1024 * 1024

/**
 * Finds the log offset to resume from: the first entry of any stream that is less than 30 minutes of its own event time
 * old. Entries are noted in log order, read again after a restart too.
 */
export class ResumePoint {
  readonly #marks = new Map<string, { offset: number, micros: number }[]>()

  /**
   * Notes an entry of the log: where it begins, its batch's packet clock, whether it is the stream's last. One mark per
   * stream and pane is kept.
   */
  note(offset: number, stream: string, clockMicros: number, last: boolean): void {
    const marks = this.#marks.get(stream) ?? []
    this.#marks.delete(stream)
    if (last) return
    this.#marks.set(stream, marks)
    if (this.#marks.size > streams) this.#marks.delete(this.#marks.keys().next().value ?? '')
    const newest = marks.at(-1)
    if (newest === undefined || paneOf(clockMicros) > paneOf(newest.micros)) marks.push({ offset, micros: clockMicros })
    while (marks.length > 1 && marks[1].micros <= clockMicros - rereadMicros) marks.shift()
  }

  /** Where re-reading must begin so that every window is rebuilt; `done` when nothing was noted. */
  resume(done: number): number {
    let least = done
    for (const marks of this.#marks.values()) {
      const first = marks.find(({ offset }) => offset >= done - rereadOctets)
      if (first !== undefined) least = Math.min(least, first.offset)
    }
    return least
  }
}
