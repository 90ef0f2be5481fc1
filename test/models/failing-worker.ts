/**
 * A worker that fails to order: the first byte of a payload says how. It echoes everything else, so tests see order and
 * loss.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { order } from './order.ts'
import type { ThreadReply, ThreadRequest } from '../../models/thread.ts'

const port = parentPort!
const { bundle } = workerData as { bundle: string }
const reply = (message: ThreadReply): void => { port.postMessage(message) }
const held: ThreadRequest[] = []
const echo = ({ id, payload }: ThreadRequest): void => { reply({ kind: 'done', id, count: payload.length, payload }) }

if (bundle === 'dies') throw new Error('planned death at the start')
if (bundle === 'refused') reply({ kind: 'refused', code: 'E_MODEL_MISSING', message: 'planned refusal', advice: 'Do nothing' })
else reply({ kind: 'ready', modelHash: '0123456789abcdef' })

port.on('message', (request: ThreadRequest) => {
  switch (request.payload[0]) {
    case order.exit: process.exit(3); break
    case order.throw: throw new Error('planned failure')
    case order.hang: for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
    case order.refuse: reply({ kind: 'failed', id: request.id, message: 'planned refusal of one' }); break
    case order.hold: held.push(request); break
    case order.release:
      echo(request)
      for (const one of held.splice(0).reverse()) echo(one)
      break
    default: echo(request)
  }
})
