/** GET /v1/runs: live traffic and replays that the page can show, newest first. */
import { RunList, refusals } from '../schema.ts'
import type { Route } from '../route.ts'

export const runs: Route = (app, { options }) => {
  app.get('/v1/runs', { schema: { response: { 200: RunList, ...refusals } } }, () => ({ items: [...options.runs?.() ?? []], version: options.version }))
}
