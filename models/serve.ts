/**
 * The other side of `thread.ts`: what a scoring worker does. It opens the bundle and says so, or says why not; then it
 * answers requests one after the other. A request that cannot be scored is answered with the reason and the worker
 * lives on. Anything unforeseen ends the thread, and `thread.ts` deals with that.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { VedetteError } from '../proto/error.ts'
import { ModelSession } from './session.ts'
import type { Answer, Payload, ThreadReply, ThreadRequest } from './thread.ts'

/** Serves requests of the parent thread. Throws E_INTERNAL outside a worker. */
export async function serveModel(handle: (session: ModelSession, payload: Payload) => Promise<Answer>): Promise<void> {
  const port = parentPort
  if (port === null) throw new VedetteError('E_INTERNAL', 'a scoring worker was started outside a worker thread')
  const reply = (message: ThreadReply, transfer: ArrayBuffer[] = []): void => { port.postMessage(message, transfer) }
  const { bundle } = workerData as { bundle: string }
  try {
    const session = await ModelSession.open(bundle)
    let before = Promise.resolve()
    port.on('message', ({ id, payload }: ThreadRequest) => {
      before = before.then(() => handle(session, payload)).then(
        (answer) => { reply({ kind: 'done', id, ...answer }, [answer.payload.buffer]) },
        (error: unknown) => { reply({ kind: 'failed', id, message: error instanceof Error ? error.message : String(error) }) },
      )
    })
    reply({ kind: 'ready', modelHash: session.modelHash })
  } catch (error) {
    const known = error instanceof VedetteError ? error : new VedetteError('E_MODEL_FAILED', error instanceof Error ? error.message : '')
    reply({ kind: 'refused', code: known.code, message: known.message, advice: known.advice })
  }
}
