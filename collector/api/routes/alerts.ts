/** GET /v1/alerts: a page of alerts, and the version to resume the live feed from. */
import { AlertFilter, AlertList, refusals } from '../schema.ts'
import { given } from '../route.ts'
import type { Route } from '../route.ts'

export const alerts: Route = (app, { options: { store }, cursors }) => {
  app.get('/v1/alerts', { schema: { querystring: AlertFilter, response: { 200: AlertList, ...refusals } } }, (request) => {
    const { run, state, detector, entity, severity, order, limit, cursor } = request.query
    // Read first: what changes while the list is read comes again over the live feed, rather than never.
    const version = store.version()
    const from = cursor === undefined ? undefined : cursors.open(request.query, cursor)
    const found = store.alerts({ order, limit, ...given({ run, state, detector, entity, minSeverity: severity, cursor: from }) })
    return { items: found.items, version, ...(found.next === undefined ? {} : { next: cursors.close(request.query, found.next) }) }
  })
}
