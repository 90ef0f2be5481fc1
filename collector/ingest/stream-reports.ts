/**
 * What each stream of each run said last: its place, its packet clock and its own ledger, for the ledger's page and the metrics.
 * Bounded: past `maxStreams` the one not heard of for longest is forgotten.
 */
import type { BatchHeader } from '../../proto/codec.ts'

export type StreamReport = {
  stream: string
  sensor: string
  boot: string
  /** '' for live traffic. */
  run: string
  vantage: string
  simulated: boolean
  /** Sequence of the newest batch. */
  sequence: number
  /** Packet clock of the newest batch, microseconds. */
  clockMicros: number
  /** Collector's wall clock when that batch was written, milliseconds. */
  receivedMs: number
  /** The boot has said its last. */
  last: boolean
  /** Cumulative, by the names of the agent's ledger. */
  counters: ReadonlyMap<string, number>
  /** Records of this boot that are in the journal, counted here. */
  records: number
  /** Batches that are missing in between and may still come. */
  gaps: number
}

export type StoredReport = Omit<StreamReport, 'counters' | 'gaps'> & { counters: [string, number][] }

const maxStreams = 10_000

export class StreamReports {
  readonly #reports = new Map<string, Omit<StreamReport, 'gaps'>>()

  /** Takes the header of a batch; one that is older than the newest of its boot changes nothing. */
  take(header: BatchHeader & { count: number }, appendMicros: number): void {
    const { stream, sensor, boot, run, vantage, simulated, sequence, clockMicros, last, ledger, count } = header
    const key = `${run} ${stream}`
    const known = this.#reports.get(key)
    const records = known?.boot === boot ? known.records + count : count
    if (known?.boot === boot && known.sequence > sequence) {
      known.records = records
      return
    }
    this.#reports.delete(key)
    const receivedMs = Math.floor(appendMicros / 1000)
    this.#reports.set(key, {
      stream, sensor, boot, run, vantage, simulated, sequence, clockMicros, receivedMs, last, counters: ledger, records,
    })
    if (this.#reports.size > maxStreams) for (const oldest of this.#reports.keys()) { this.#reports.delete(oldest); break }
  }

  list(gaps: (stream: string, boot: string) => number): StreamReport[] {
    return [...this.#reports.values()].map((report) => ({ ...report, gaps: gaps(report.stream, report.boot) }))
  }

  toJSON(): StoredReport[] {
    return [...this.#reports.values()].map((report) => ({ ...report, counters: [...report.counters] }))
  }

  restore(stored: readonly StoredReport[]): void {
    this.#reports.clear()
    for (const report of stored) this.#reports.set(`${report.run} ${report.stream}`, { ...report, counters: new Map(report.counters) })
  }
}
