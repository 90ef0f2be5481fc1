/**
 * /metrics for a process without an API of its own (the agent). Answers GET /metrics and nothing else; at most 8 connections, so
 * a stranger who finds the port costs little. Starts and stops as a `Part`.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { errnoName, VedetteError } from '../error.ts'
import type { Part } from './lifecycle.ts'

export type MetricsSource = { text(): Promise<string>, readonly contentType: string }

/** `port` 0 takes any free one; `address` says which. Throws E_PORT_IN_USE, E_CONFIG from `start`. */
export function metricsServer(metrics: MetricsSource, host: string, port: number): Part & { readonly address: string } {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, (request, response) => {
    if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('only /metrics is here\n')
      return
    }
    metrics.text().then(
      (text) => { response.writeHead(200, { 'content-type': metrics.contentType }).end(text) },
      () => { response.writeHead(500).end() },
    )
  })
  server.maxConnections = 8
  let address = ''
  return {
    name: 'metrics',
    get address() { return address },
    start: () => new Promise<void>((resolve, reject) => {
      server.once('error', (error) => { reject(cannotListen(error, host, port)) })
      server.listen(port, host, () => {
        const bound = server.address() as AddressInfo
        address = `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${String(bound.port)}/metrics`
        resolve()
      })
    }),
    stop: () => new Promise<void>((resolve) => {
      server.close(() => { resolve() })
      server.closeAllConnections()
    }),
  }
}

function cannotListen(error: Error, host: string, port: number): VedetteError {
  const name = errnoName(error)
  if (name === 'EADDRINUSE') {
    return new VedetteError('E_PORT_IN_USE', `port ${String(port)} on ${host} is in use`, 'Choose another with metrics.port', { cause: error })
  }
  return new VedetteError('E_CONFIG', `metrics cannot be served on ${host}:${String(port)} (${name})`, 'Check metrics.host and metrics.port', { cause: error })
}
