/**
 * The agent's scoring thread: records in, the same records with scores out. Requests come one at a time, so one reader
 * and its buffers do.
 */
import { serveModel } from '../../models/serve.ts'
import { RecordReader } from './records.ts'

const reader = new RecordReader()

await serveModel(async (session, payload) => {
  reader.read(new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength))
  const scores = await session.score(reader.rows, reader.count)
  return { count: reader.count, payload: reader.write(scores) }
})
