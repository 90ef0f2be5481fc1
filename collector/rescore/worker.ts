/**
 * The collector's scoring thread: vectors in (the main thread has the flows decoded anyway), scores out.
 */
import { featureCount } from '../../proto/feature.ts'
import { serveModel } from '../../models/serve.ts'

await serveModel(async (session, payload) => {
  const rows = new Float32Array(payload.buffer, payload.byteOffset, payload.byteLength >> 2)
  const count = rows.length / featureCount
  return { count, payload: await session.score(rows, count) }
})
