/**
 * Where a restart must begin to read so that every window is full again: 15 minutes of the packet clock before each stream's newest
 * batch. A stream that has said its last, or has been silent for 15 minutes of log time, no longer holds the point back.
 */

/** Windows are 10 minutes; late records land up to 5 minutes before their stream's clock. */
const rebuildMicros = 15 * 60e6

export type Passed = { stream: string, offset: number, clockMicros: number, appendMicros: number, last: boolean }

type Place = { offset: number, clockMicros: number, appendMicros: number }

export class ResumePoint {
  private readonly streams = new Map<string, { places: Place[], clockMicros: number }>()
  private appendMicros = 0

  /** Takes a batch in log order. */
  take({ stream, offset, clockMicros, appendMicros, last }: Passed): void {
    this.appendMicros = Math.max(this.appendMicros, appendMicros)
    if (last) { this.streams.delete(stream); return }
    const known = this.streams.get(stream) ?? { places: [], clockMicros: 0 }
    known.clockMicros = Math.max(known.clockMicros, clockMicros)
    known.places.push({ offset, clockMicros, appendMicros })
    let stale = 0
    while (stale < known.places.length - 1 && known.places[stale].clockMicros < known.clockMicros - rebuildMicros) stale++
    if (stale > 0) known.places.splice(0, stale)
    this.streams.set(stream, known)
  }

  /** The offset to begin at; undefined when no stream needs rebuilding. */
  offset(): number | undefined {
    let least: number | undefined
    for (const [stream, { places }] of this.streams) {
      const newest = places[places.length - 1]
      if (newest.appendMicros < this.appendMicros - rebuildMicros) { this.streams.delete(stream); continue }
      least = Math.min(least ?? Infinity, places[0].offset)
    }
    return least
  }
}
