/** WebSocket /v1/live: changed alerts as they change; `?after=VERSION` resumes, `?run=NAME` limits to one run. */
import { Type } from 'typebox'
import { VedetteError } from '../../../proto/error.ts'
import type { Route } from '../route.ts'

const Query = Type.Object({
  after: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })), run: Type.Optional(Type.String({ maxLength: 200 })),
}, { additionalProperties: false })

export const live: Route = (app, { live: feed }) => {
  app.route({
    method: 'GET', url: '/v1/live', schema: { querystring: Query },
    preHandler: (_request, _reply, done) => { done(feed.full ? new VedetteError('E_SINK_BUSY', 'too many pages are open') : undefined) },
    handler: () => { throw new VedetteError('E_REQUEST', 'this address speaks WebSocket only') },
    wsHandler: (socket, request) => { feed.join(socket, request.query.after, request.query.run) },
  })
}
