/**
 * The collector's HTTP server: ingest, API, live feed and the page, on one port. Order of every request: Host and Origin checked, schema
 * validated, handled, answer serialised by its schema, safety headers set. Blocks never; bodies, times and open pages are limited.
 * What fails is answered as problem+json with the request's id, and logged under it when it is a defect.
 */
import { createHash, randomBytes } from 'node:crypto'
import fastify from 'fastify'
import fastifyWebsocket from '@fastify/websocket'
import { VedetteError, errnoName } from '../../proto/error.ts'
import { Cursors } from './cursor.ts'
import { createGuard, safetyHeaders } from './guard.ts'
import { LiveFeed } from './live.ts'
import { answerFor, problemMediaType } from './problem.ts'
import { routes } from './routes/index.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Server, ServerOptions } from './options.ts'
import type { App, SchemaTypes } from './route.ts'

const requestMs = 30_000
const idleMs = 75_000
/** A page says nothing over its WebSocket; what it does say may not be large. */
const socketMessageOctets = 1024

/** Builds the server; nothing is opened before `listen`. */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { log, clock, store } = options
  const live = new LiveFeed(store, clock, options.live)
  const start = randomBytes(4).toString('hex')
  let requests = 0
  const app: App = fastify({
    logger: false,
    genReqId: () => `${start}-${(requests += 1).toString(36)}`,
    requestTimeout: requestMs, handlerTimeout: requestMs, keepAliveTimeout: idleMs,
    bodyLimit: 65_536,
    routerOptions: { maxParamLength: 256, caseSensitive: true },
    forceCloseConnections: true,
    // Nothing is dropped silently: an unknown parameter is an error that names it.
    // Not strict: a strict validator leaves `1e309`, which is read as Infinity, out of the comparison with the maximum.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true, useDefaults: true, allErrors: false, strictNumbers: false } },
    frameworkErrors: (error, request, reply) => { void refuse(error, request.id, reply) },
  }).withTypeProvider<SchemaTypes>()

  // Before the checks: its own hook must mark a refused upgrade first, or the socket would stay open after the refusal.
  await app.register(fastifyWebsocket, { options: { maxPayload: socketMessageOctets, perMessageDeflate: false, clientTracking: true } })
  guard(app, options)
  answerFailures(app, options)
  const context = { options, cursors: new Cursors(store), live }
  await app.register((inner, _options, done) => {
    for (const route of Object.values(routes)) route(inner, context)
    done()
  })
  await app.ready()

  return {
    live,
    async listen(host, port) {
      try {
        return await app.listen({ host, port })
      } catch (error) {
        throw listenError(error, host, port)
      }
    },
    async close() {
      live.close()
      await app.close()
      log.debug('API_CLOSED', 'the API has stopped', {})
    },
  }
}

function guard(app: App, { publicUrl }: ServerOptions): void {
  const check = createGuard(publicUrl)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id).headers(safetyHeaders)
    check({ method: request.method, url: addressOf(request), headers: request.headers })
  })
  app.addHook('onSend', async (request, reply, payload) => {
    if (request.method !== 'GET' || typeof payload !== 'string' || !addressOf(request).startsWith('/v1/')) return payload
    // What a reader polls for is mostly unchanged: its tag spares the body. Answers are for this reader alone.
    const tag = `W/"${createHash('sha1').update(payload).digest('base64url')}"`
    reply.headers({ 'cache-control': 'private, no-cache', etag: tag })
    if (reply.statusCode !== 200 || request.headers['if-none-match'] !== tag) return payload
    reply.code(304).removeHeader('content-type').removeHeader('content-length')
    return ''
  })
}

/** The address as the router has read it: `/%76%31/alerts` is an address of the API too. */
function addressOf({ routeOptions: { url: route }, url }: FastifyRequest): string {
  return route ?? url
}

/** What the framework refuses before any route or hook has seen it: an address that cannot be read. */
function refuse(error: Error, requestId: string, reply: FastifyReply): FastifyReply {
  const { problem } = answerFor(error, requestId)
  return reply.code(problem.status).headers({ 'x-request-id': requestId, ...safetyHeaders }).type(problemMediaType).serializer(JSON.stringify).send(problem)
}

function answerFailures(app: App, { log }: ServerOptions): void {
  app.setErrorHandler((error, request, reply) => {
    const { problem, retryAfterSeconds, defect } = answerFor(error, request.id)
    if (defect) {
      const cause = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
      log.error(problem.code, 'a request failed', { requestId: request.id, method: request.method, route: request.routeOptions.url ?? '', cause })
    }
    if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds)
    return reply.code(problem.status).type(problemMediaType).serializer(JSON.stringify).send(problem)
  })
  app.setNotFoundHandler((request) => {
    throw new VedetteError('E_NOT_FOUND', request.url.startsWith('/v1/') ? 'the API has no such address' : 'there is no such page')
  })
}

function listenError(error: unknown, host: string, port: number): Error {
  const where = `${host}:${port}`
  switch (errnoName(error)) {
    case 'EADDRINUSE': return new VedetteError('E_PORT_IN_USE', `port ${port} on ${host} is in use`, 'Stop what listens there, or choose another with --port', { cause: error })
    case 'EACCES': return new VedetteError('E_CONFIG', `no permission to listen on ${where}`, 'Choose a port above 1023', { cause: error })
    case 'EADDRNOTAVAIL': case 'ENOTFOUND': case 'EAI_AGAIN':
      return new VedetteError('E_CONFIG', `${host} is not an address of this machine`, 'Listen on 127.0.0.1', { cause: error })
    default: return error instanceof Error ? error : new Error(String(error))
  }
}
