/**
 * Whole flows as lines of JSON on standard output. Waits for a slow reader. A reader that has gone (`| head`) is no
 * error: what follows is discarded, and `onReaderGone` lets the process end early.
 */
import type { Writable } from 'node:stream'
import { errnoName, VedetteError } from '../../proto/error.ts'
import { batchLines } from './lines.ts'
import type { SealedBatch, Sink } from './sink.ts'

export type StdoutOptions = { stream?: Writable, onReaderGone?: () => void }

export class StdoutSink implements Sink {
  readonly name = 'stdout'
  private readonly stream: Writable
  private readonly onReaderGone: () => void
  private gone = false
  private failed: Error | undefined
  private readonly onError = (error: Error): void => { this.fail(error) }

  constructor(options: StdoutOptions = {}) {
    this.stream = options.stream ?? process.stdout
    this.onReaderGone = options.onReaderGone ?? ((): void => { /* nobody asked */ })
  }

  open(): Promise<void> {
    this.stream.on('error', this.onError)
    return Promise.resolve()
  }

  /**
   * Resolves when the lines are on their way to the reader. Throws E_DATA_UNWRITABLE (output redirected to a full
   * disk).
   */
  async send(batch: SealedBatch): Promise<void> {
    if (this.gone) return
    const text = batchLines(batch.bytes)
    if (text !== '') await new Promise<void>((resolve) => {
      this.stream.write(text, (error) => {
        if (error instanceof Error) this.fail(error)
        resolve()
      })
    })
    if (this.failed !== undefined) {
      const said = `standard output cannot be written (${this.failed.message})`
      throw new VedetteError('E_DATA_UNWRITABLE', said, 'Check where it goes', { cause: this.failed })
    }
  }

  /** The listener stays: a write that is still under way may yet find its reader gone. */
  close(): Promise<void> {
    return Promise.resolve()
  }

  private fail(error: Error): void {
    const name = errnoName(error)
    if (name !== 'EPIPE' && name !== 'ERR_STREAM_DESTROYED') {
      this.failed = error
      return
    }
    if (!this.gone) this.onReaderGone()
    this.gone = true
  }
}
