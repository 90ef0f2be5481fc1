/** GET /v1/flows: records from the archive, newest first. */
import { FlowFilter, FlowList, refusals } from '../schema.ts'
import { given } from '../route.ts'
import type { Route } from '../route.ts'

export const flows: Route = (app, { options: { archive }, cursors }) => {
  app.get('/v1/flows', { schema: { querystring: FlowFilter, response: { 200: FlowList, ...refusals } } }, async (request) => {
    const { cursor, limit, ...filters } = request.query
    const from = cursor === undefined ? undefined : cursors.open(request.query, cursor)
    const found = await archive.flows({ limit, ...given({ ...filters, cursor: from }) })
    return { items: found.items, ...(found.next === undefined ? {} : { next: cursors.close(request.query, found.next) }) }
  })
}
