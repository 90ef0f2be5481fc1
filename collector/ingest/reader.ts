/**
 * One reader of the log: brings decoded batches to `apply`, in order, in bounded groups, for as long as the process
 * runs. `apply` stores its result and the position in one transaction; when it fails for a reason that passes, the
 * same group is offered again (back-off to 5 s), so pressure stays in the log. Any number of readers run side by
 * side, each at its own pace.
 *
 * Loses: damaged entries of the journal, stepped over and counted (`lost`, as far as known). Blocks: one group in
 * memory, no more than `groupOctets` or one batch. Reading may begin before `done`, to rebuild windows: those batches
 * are marked `again` and not counted.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { decodeBatch } from '../../proto/codec.ts'
import { VedetteError } from '../../proto/error.ts'
import type { FlowBatch } from '../../proto/flow.ts'
import type { Logger } from '../../proto/process/log.ts'
import type { Journal } from './journal.ts'

export type LogBatch = {
  batch: FlowBatch
  /** Where it stands in the log, and where to go on once it has taken effect. */
  offset: number
  next: number
  /** When it was written, collector's clock. */
  appendMicros: number
  /** Its effect is stored already; it is read to rebuild what only memory holds. */
  again: boolean
}

export type LogReaderOptions = {
  name: string
  journal: Journal
  /** Where to begin reading. */
  from: number
  /** Everything before this has taken effect already. Default: `from`. */
  done?: number
  /**
   * Stores the batches' effect with position `next` (of the last one). A retryable VedetteError: the same batches
   * come again.
   */
  apply: (batches: readonly LogBatch[], next: number) => Promise<void>
  log: Logger
  /** Ends `run` after the group in hand. */
  signal: AbortSignal
  /** About the most to read at once. Default 1 MiB. */
  groupOctets?: number
  /** Most records in one group. Default 20,000. */
  groupRecords?: number
  /**
   * After new batches arrive: how long to wait for more of them before reading, so that a transaction carries several.
   * Default 0.
   */
  lingerMs?: number
  /** Waits between tries; rejects when aborted. Handed in by tests. */
  wait?: (ms: number, signal: AbortSignal) => Promise<void>
}

export type ReaderLag = {
  octets: number
  /** Records not yet applied, as far as the journal knows. */
  records: number
}

const sleep = async (ms: number, signal: AbortSignal): Promise<void> => { await delay(ms, undefined, { signal, ref: true }) }

export class LogReader {
  readonly name: string
  readonly #options: Required<Omit<LogReaderOptions, 'name'>>
  #position: number
  #done: number
  /** Records from `#done` to the end when `run` began, and the journal's own count at that moment. */
  #measured = { items: 0, itemsAtEnd: 0 }
  #records = 0
  #batches = 0
  #lost = 0
  #lostOctets = 0
  /** Of the lost: those the journal does count, because only their content is wrong. */
  #unreadable = 0
  #retries = 0
  #opened = false

  constructor(options: LogReaderOptions) {
    this.name = options.name
    this.#options = { groupOctets: 1024 * 1024, groupRecords: 20_000, lingerMs: 0, wait: sleep, done: options.from, ...options }
    this.#position = Math.min(options.from, this.#options.done)
    this.#done = this.#options.done
  }

  /**
   * Measures what lies ahead, so that `lag` is right before anything was read. `run` does it when it has not been
   * done.
   */
  async open(): Promise<void> {
    this.#measured = await this.#options.journal.measure(this.#done)
    this.#opened = true
  }

  /**
   * Reads until the signal is aborted or the journal closed. Throws what `apply` threw when trying again is of no
   * use.
   */
  async run(): Promise<void> {
    const { journal, signal, groupOctets } = this.#options
    if (!this.#opened) await this.open()
    while (!signal.aborted) {
      const { entries, next, damaged, damagedItems, damagedOctets } = await journal.read(this.#position, groupOctets)
      if (damaged > 0) this.#lose(damagedItems, damagedOctets, next)
      let group: LogBatch[] = []
      let records = 0
      for (const { offset, next: after, appendMicros, items, bytes } of entries) {
        const again = after <= this.#done
        let batch: FlowBatch
        try {
          batch = decodeBatch(bytes)
        } catch {
          if (!again) this.#unreadable += items
          this.#lose(items, bytes.length, after)
          continue
        }
        group.push({ batch, offset, next: after, appendMicros, again })
        records += batch.flows.length
        if (records < this.#options.groupRecords) continue
        if (!await this.#apply(group)) return
        group = []
        records = 0
      }
      if (!await this.#apply(group)) return
      this.#position = next
      this.#done = Math.max(this.#done, next)
      if (next < journal.end()) continue
      if (!await journal.waitFor(next, signal) || !await this.#linger()) return
    }
  }

  /** False when the reader is to end. */
  async #linger(): Promise<boolean> {
    const { lingerMs, wait, signal } = this.#options
    if (lingerMs === 0) return true
    return wait(lingerMs, signal).then(() => true, () => false)
  }

  /** False when the reader is to end; the group was not applied then. */
  async #apply(group: readonly LogBatch[]): Promise<boolean> {
    const last = group.at(-1)
    const { apply, signal, wait, log } = this.#options
    if (last === undefined) return true
    for (let pauseMs = 100; ; pauseMs = Math.min(5000, pauseMs * 2)) {
      if (signal.aborted) return false
      try {
        await apply(group, last.next)
        break
      } catch (error) {
        if (!(error instanceof VedetteError) || !error.retryable) throw error
        this.#retries++
        log.warn('reader.retry', `The ${this.name} reader could not store its result and tries again`, { code: error.code, reason: error.message, pauseMs })
      }
      try {
        await wait(pauseMs, signal)
      } catch {
        return false
      }
    }
    for (const { batch, again } of group) {
      if (again) continue
      this.#batches++
      this.#records += batch.flows.length
    }
    this.#position = last.next
    this.#done = Math.max(this.#done, last.next)
    return true
  }

  #lose(items: number, octets: number, next: number): void {
    if (next <= this.#done) return
    this.#lost += items
    this.#lostOctets += octets
    this.#options.log.error('reader.damage', `The ${this.name} reader stepped over a damaged place in the journal`, { records: items, octets })
  }

  /** How far behind the end of the log it is. Records in damaged places that still lie ahead are not among them. */
  lag(): ReaderLag {
    const { journal } = this.#options
    const ahead = this.#measured.items + journal.items() - this.#measured.itemsAtEnd - this.#records - this.#unreadable
    return { octets: Math.max(0, journal.end() - this.#done), records: Math.max(0, ahead) }
  }

  /**
   * Since it was made: batches and records applied, records lost (and octets), tries after a failure; `position` is
   * what a retention must keep.
   */
  progress(): { position: number, batches: number, records: number, lost: number, lostOctets: number, retries: number } {
    return {
      position: this.#position, batches: this.#batches, records: this.#records, lost: this.#lost, lostOctets: this.#lostOctets,
      retries: this.#retries,
    }
  }
}
