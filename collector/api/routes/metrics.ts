/** GET /metrics: Prometheus text. */
import type { Route } from '../route.ts'

export const metrics: Route = (app, { options }) => {
  app.get('/metrics', async (_request, reply) => reply.type('text/plain; version=0.0.4; charset=utf-8').send(await options.metricsText()))
}
