/**
 * Where sealed batches go. A sink knows its own format and answers one question: was it taken, and if not, is it worth trying again
 * (`VedetteError.retryable`)? Retrying, order and bounds are outside, once (`deliver.ts`).
 */
export type SealedBatch = {
  stream: string
  boot: string
  sequence: number
  count: number
  /** Signed FlowBatch. */
  bytes: Uint8Array
}

export interface Sink {
  readonly name: string
  open(): Promise<void>
  /** Resolves when the batch is acknowledged: in a log, or on its way to a pipe. Throws VedetteError. */
  send(batch: SealedBatch): Promise<void>
  close(): Promise<void>
}
