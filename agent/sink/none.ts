/** Takes everything and keeps nothing: for benches, and for looking at the ledger alone. */
import type { Sink } from './sink.ts'

export class NoneSink implements Sink {
  readonly name = 'none'

  open(): Promise<void> {
    return Promise.resolve()
  }

  send(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
