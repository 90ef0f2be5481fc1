/**
 * POST /v1/flows: one sealed batch as an agent spooled it, byte for byte. 200 means it is in the log (or was there before); anything
 * else means it is not, and `retryable` with Retry-After says whether to send the same bytes again.
 */
import { VedetteError } from '../../../proto/error.ts'
import { batchMediaType } from '../../../proto/topic.ts'
import { Receipt, refusals } from '../schema.ts'
import type { Route } from '../route.ts'

const defaultBodyOctets = 8 << 20

export const postFlows: Route = (app, { options }) => {
  const bodyLimit = options.bodyOctets ?? defaultBodyOctets
  app.addContentTypeParser([batchMediaType, 'application/x-protobuf'], { parseAs: 'buffer', bodyLimit }, (_request, body, done) => { done(null, body) })
  app.post('/v1/flows', { bodyLimit, schema: { response: { 200: Receipt, ...refusals } } }, async (request) => {
    if (!(request.body instanceof Uint8Array) || request.body.length === 0) throw new VedetteError('E_BATCH_UNDECODABLE', 'the body is empty')
    const { taken, duplicate } = await options.intake.accept(request.body)
    return { taken, duplicate, rejected: 0 }
  })
}
