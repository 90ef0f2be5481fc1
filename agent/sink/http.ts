/**
 * Batches to a collector over HTTP: POST {url}/v1/flows, one batch as the body, on a connection that is kept. 200 means
 * the batch is in the collector's log. Nothing is retried here: an error says whether it is worth it (`retryable`).
 *
 *   200                          acknowledged
 *   429, 503                     E_SINK_BUSY, with Retry-After (seconds, or a date beside the answer's own Date)
 *   400, 401, 413, 415, 422      E_SINK_REFUSED: the same bytes will be refused again
 *   anything else, no answer     E_SINK_AWAY: another status is a proxy or a wrong address, which can be put right
 *
 * At most 16 KiB of an answer are read. A send takes at most `timeoutMs`; `close` ends the one in flight with
 * E_SINK_AWAY.
 */
import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { errnoName, VedetteError } from '../../proto/error.ts'
import { batchMediaType } from '../../proto/topic.ts'
import { SinkBusyError } from './busy.ts'
import type { SealedBatch, Sink } from './sink.ts'

const answerLimit = 16 * 1024
/** Words of an answer that are repeated to a person. */
const quoteLimit = 200
const refusals: ReadonlySet<number> = new Set([400, 401, 413, 415, 422])

export type HttpOptions = { url: string, timeoutMs?: number, headers?: Record<string, string> }

type Answer = { status: number, retryAfterMs: number, text: string }

export class HttpSink implements Sink {
  readonly name = 'http'
  private readonly target: URL
  private readonly timeoutMs: number
  private readonly headers: Record<string, string>
  private readonly agent: HttpAgent | HttpsAgent
  private readonly closing = new AbortController()

  /** `url` is the collector's, without `/v1/flows`. Throws E_CONFIG. */
  constructor({ url, timeoutMs = 30_000, headers = {} }: HttpOptions) {
    const base = URL.canParse(url) ? new URL(url) : undefined
    if (base === undefined || (base.protocol !== 'http:' && base.protocol !== 'https:')) {
      throw new VedetteError('E_CONFIG', `not the address of a collector: ${url}`, 'Write it like http://127.0.0.1:8420')
    }
    base.pathname = `${base.pathname.replace(/\/+$/, '')}/v1/flows`
    this.target = base
    this.timeoutMs = timeoutMs
    this.headers = headers
    const options = { keepAlive: true, maxSockets: 1, keepAliveMsecs: 15_000 }
    this.agent = base.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options)
  }

  open(): Promise<void> {
    return Promise.resolve()
  }

  async send(batch: SealedBatch): Promise<void> {
    const { status, retryAfterMs, text } = await this.post(batch.bytes)
    if (status === 200) return
    const said = `${this.target.origin} answered ${String(status)}${text === '' ? '' : `: ${text}`}`
    if (status === 429 || status === 503) throw new SinkBusyError(said, retryAfterMs)
    if (refusals.has(status)) throw new VedetteError('E_SINK_REFUSED', said, refusalAdvice(status))
    throw new VedetteError('E_SINK_AWAY', said, 'Check that this is the address of a Vedette collector')
  }

  close(): Promise<void> {
    this.closing.abort()
    this.agent.destroy()
    return Promise.resolve()
  }

  private post(body: Uint8Array): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const away = (error: Error): void => {
      const late = signal.aborted ? `no answer within ${String(this.timeoutMs)} ms` : errnoName(error) || error.message
      const why = this.closing.signal.aborted ? 'closed' : late
      const said = `${this.target.origin} cannot be reached (${why})`
      reject(new VedetteError('E_SINK_AWAY', said, 'Check that the collector runs', { cause: error }))
    }
    const signal = AbortSignal.any([AbortSignal.timeout(this.timeoutMs), this.closing.signal])
    const send = this.target.protocol === 'https:' ? httpsRequest : httpRequest
    const request = send(this.target, {
      method: 'POST', agent: this.agent, signal,
      headers: { ...this.headers, 'content-type': batchMediaType, 'content-length': body.length },
    })
    request.on('error', away)
    request.on('response', (response) => { readAnswer(response).then(resolve, away) })
    request.end(body)
    return promise
  }
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const { statusCode: status = 0, headers } = response
  const chunks: Buffer[] = []
  let octets = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    octets += chunk.length
    // Leaving the loop destroys the connection, which is what a chatty stranger deserves.
    if (octets > answerLimit) break
  }
  const text = Buffer.concat(chunks).toString('utf8').replace(/[^\x21-\x7e]+/g, ' ').trim().slice(0, quoteLimit)
  return { status, retryAfterMs: retryAfter(headers['retry-after'], headers.date), text }
}

/**
 * RFC 9110, 10.2.3: seconds, or a date; a date is compared with the answer's own Date, not with this machine's clock.
 */
export function retryAfter(value: string | undefined, date: string | undefined): number {
  if (value === undefined) return 0
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000
  const wait = Date.parse(value) - Date.parse(date ?? '')
  return Number.isNaN(wait) ? 0 : Math.max(0, wait)
}

function refusalAdvice(status: number): string {
  if (status === 401) return 'The signing key of this agent is not the collector\'s: give both the same key file'
  if (status === 413) return 'Raise the limit of the collector or of the proxy before it'
  return 'Check that agent and collector are of neighbouring versions'
}
