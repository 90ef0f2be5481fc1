/**
 * Event time per stream. A stream's clock is the latest end of a record it sent, or the packet clock of its last empty batch (tick).
 * Clocks only go forward and never touch each other: a sensor with a wrong clock harms only itself. Kept as one row, so that a
 * restart goes on at the same moment. Bounded: 4,096 streams, the one first heard forgotten first.
 */
import { paneOf } from './panes.ts'
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
