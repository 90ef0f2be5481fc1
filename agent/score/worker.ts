/**
 * The scoring thread: opens the bundle, says so (or why not, and ends), then answers each chunk in the order it came. A chunk that cannot be
 * scored is answered with the reason; the thread lives on. Anything unforeseen ends the thread, and `scorer.ts` deals with that.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { VedetteError } from '../../proto/error.ts'
import { ModelSession } from '../../models/session.ts'
import type { ErrorCode } from '../../proto/error.ts'
import { RecordReader } from './records.ts'

/** Main thread -> worker. The bytes are the worker's from then on. */
export type ScoreRequest = { id: number, bytes: Uint8Array }

/** Worker -> main thread. */
export type ScoreReply =
  | { kind: 'ready', modelHash: string }
  | { kind: 'refused', code: ErrorCode, message: string, advice: string }
  | { kind: 'scored', id: number, count: number, bytes: Uint8Array }
  | { kind: 'failed', id: number, message: string }

const { bundle } = workerData as { bundle: string }
const port = parentPort
if (port === null) throw new VedetteError('E_INTERNAL', 'the scoring worker was started outside a worker thread')
const reply = (message: ScoreReply, transfer: ArrayBuffer[] = []): void => { port.postMessage(message, transfer) }
const reader = new RecordReader()

async function score(session: ModelSession, { id, bytes }: ScoreRequest): Promise<void> {
  try {
    reader.read(bytes)
    const scored = reader.write(await session.score(reader.rows, reader.count))
    reply({ kind: 'scored', id, count: reader.count, bytes: scored }, [scored.buffer as ArrayBuffer])
  } catch (error) {
    reply({ kind: 'failed', id, message: error instanceof Error ? error.message : String(error) })
  }
}

try {
  const session = await ModelSession.open(bundle)
  // One after the other: the reader's buffers are shared between chunks.
  let before = Promise.resolve()
  port.on('message', (request: ScoreRequest) => { before = before.then(() => score(session, request)) })
  reply({ kind: 'ready', modelHash: session.modelHash })
} catch (error) {
  const known = error instanceof VedetteError ? error : new VedetteError('E_MODEL_FAILED', error instanceof Error ? error.message : '')
  reply({ kind: 'refused', code: known.code, message: known.message, advice: known.advice })
}
