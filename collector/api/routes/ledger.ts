/** GET /v1/ledger: what every sensor and the collector counted, and whether the two sides of each equation are equal. */
import { ledgerBody } from '../account.ts'
import { LedgerBody, refusals } from '../schema.ts'
import type { Route } from '../route.ts'

export const ledger: Route = (app, { options }) => {
  app.get('/v1/ledger', { schema: { response: { 200: LedgerBody, ...refusals } } }, () => ledgerBody(options.ledger(), options.clock.nowMs()))
}
