/** GET /readyz: each part with its state, since when and why; 503 while the collector should get no work. */
import { ReadinessBody } from '../schema.ts'
import type { Route } from '../route.ts'

export const ready: Route = (app, { options }) => {
  app.get('/readyz', { schema: { response: { 200: ReadinessBody, 503: ReadinessBody } } }, (_request, reply) => {
    const { ready: isReady, parts } = options.readiness()
    reply.code(isReady ? 200 : 503)
    return { ready: isReady, parts: [...parts] }
  })
}
