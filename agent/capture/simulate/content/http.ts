/** HTTP/1.1 in plain text (RFC 9112). Bodies are octet streams from the pool. */
import { octetsOf } from './bytes.ts'
import type { Talk } from '../conversation.ts'

export type HttpExchange = {
  host: string
  path: string
  agent: string
  status: 200 | 204 | 304 | 404
  /** Octets of the body, where the status has one. */
  body: number
  server: string
  /** The server's time to think, and the pause before the request. */
  thinkMicros: number
  afterMicros: number
}

const reason: Record<HttpExchange['status'], string> = { 200: 'OK', 204: 'No Content', 304: 'Not Modified', 404: 'Not Found' }

/** Request and response. */
export function* httpTurns(exchange: HttpExchange): Talk {
  const { host, path, agent, status, server } = exchange
  const request = octetsOf(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: ${agent}\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n`)
  yield { from: 0, octets: request.length, head: request, afterMicros: exchange.afterMicros }
  const body = status === 200 || status === 404 ? Math.round(exchange.body) : 0
  const length = status === 200 || status === 404 ? `Content-Type: application/octet-stream\r\nContent-Length: ${body}\r\n` : ''
  const head = octetsOf(`HTTP/1.1 ${status} ${reason[status]}\r\nServer: ${server}\r\n${length}Cache-Control: max-age=600\r\n\r\n`)
  yield { from: 1, octets: head.length + body, head, afterMicros: exchange.thinkMicros }
}
