/**
 * The bundled page. Its files carry a hash in their names and are kept for ever by the browser; index.html is asked for each time and
 * answers every address that the page knows how to show.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyReply } from 'fastify'
import type { Route } from '../route.ts'

const addresses = ['/', '/queue', '/alerts/:id', '/flows', '/sensors']
const yearSeconds = 31_536_000

export const page: Route = (app, { options: { webRoot, log } }) => {
  if (webRoot === undefined) return
  if (!existsSync(join(webRoot, 'index.html'))) {
    log.warn('E_SETUP_WEB', 'the page has not been bundled, only the API is served: npm run web', {})
    return
  }
  // Only files that were there at the start are served: no path from outside ever reaches the file system.
  void app.register(fastifyStatic, {
    root: webRoot, wildcard: false, index: false, preCompressed: true, cacheControl: false, lastModified: false, dotfiles: 'ignore',
    setHeaders: (response, path) => {
      const lasting = /-[A-Z0-9]{8}\.(js|css)(\.br|\.gz)?$/.test(path)
      response.header('cache-control', lasting ? `public, max-age=${yearSeconds}, immutable` : 'no-cache')
    },
  })
  const send = (_request: unknown, reply: FastifyReply): FastifyReply => reply.sendFile('index.html')
  for (const address of addresses) app.get(address, send)
}
