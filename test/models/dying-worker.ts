/**
 * A worker that opens and then dies of the first request.
 */
import { parentPort } from 'node:worker_threads'
import type { ThreadReply } from '../../models/thread.ts'

const ready: ThreadReply = { kind: 'ready', modelHash: '0123456789abcdef' }
parentPort!.postMessage(ready)
parentPort!.on('message', () => process.exit(1))
