/** GET /healthz: the process turns (the answer is the proof). */
import { HealthBody, refusals } from '../schema.ts'
import type { Route } from '../route.ts'

export const health: Route = (app, { options: { version } }) => {
  app.get('/healthz', { schema: { response: { 200: HealthBody, ...refusals } } }, () => ({ status: 'ok' as const, version }))
}
