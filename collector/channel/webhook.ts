/**
 * Alerts by HTTP POST, as JSON, signed the way Standard Webhooks says (standardwebhooks.com, 2023): `webhook-id`
 * (stable, so a receiver can drop repetitions), `webhook-timestamp` (seconds) and `webhook-signature` = 'v1,' +
 * base64(HMAC-SHA256(key, id.timestamp.body)). A secret 'whsec_...' is base64 of the key, any other text is the key
 * itself.
 *
 * Delivered: 2xx. Worth another try: 408, 425, 429, 5xx, no connection, no answer in time. Refused: everything else,
 * redirects too (they could lead anywhere). Waits up to `timeoutMs`; reads at most 4 kB of an answer.
 */
import { createHmac } from 'node:crypto'
import { errnoName, VedetteError } from '../../proto/error.ts'
import type { Clock } from '../../proto/process/clock.ts'
import type { Channel, Message } from './channel.ts'

export type WebhookOptions = {
  url: string
  /** Shared secret; '' sends unsigned. */
  secret: string
  timeoutMs?: number
}

const answerLimit = 4096
const retryStatus = new Set([408, 425, 429])

export class WebhookChannel implements Channel {
  readonly name: string
  readonly #url: URL
  readonly #key: Buffer | undefined
  readonly #timeoutMs: number
  readonly #clock: Clock
  readonly #closing = new AbortController()

  /** Throws E_CONFIG when the address is not http or https. */
  constructor(name: string, options: WebhookOptions, parts: { clock: Clock }) {
    this.name = name
    const url = URL.canParse(options.url) ? new URL(options.url) : undefined
    if (url === undefined || url.protocol !== 'http:' && url.protocol !== 'https:') throw new VedetteError('E_CONFIG', `channel ${name}: '${options.url}' is not an http or https address`, 'Write it as https://host/path')
    this.#url = url
    this.#key = options.secret === '' ? undefined : options.secret.startsWith('whsec_') ? Buffer.from(options.secret.slice(6), 'base64') : Buffer.from(options.secret)
    this.#timeoutMs = options.timeoutMs ?? 10_000
    this.#clock = parts.clock
  }

  async deliver(message: Message): Promise<void> {
    const body = JSON.stringify({ type: `alert.${message.kind}`, id: message.id, link: message.link, alert: message.alert })
    const timestamp = String(Math.floor(this.#clock.nowMs() / 1000))
    const headers = new Headers({ 'content-type': 'application/json', 'user-agent': 'vedette', 'webhook-id': message.id, 'webhook-timestamp': timestamp })
    if (this.#key !== undefined) headers.set('webhook-signature', `v1,${createHmac('sha256', this.#key).update(`${message.id}.${timestamp}.${body}`).digest('base64')}`)
    const { status, text } = await this.#post(headers, body)
    if (status >= 200 && status < 300) return
    const said = `${this.#url.host} answered ${String(status)}${text === '' ? '' : `: ${text}`}`
    throw new VedetteError(status >= 500 || retryStatus.has(status) ? 'E_CHANNEL_AWAY' : 'E_CHANNEL_REFUSED', said)
  }

  async #post(headers: Headers, body: string): Promise<{ status: number, text: string }> {
    try {
      const signal = AbortSignal.any([AbortSignal.timeout(this.#timeoutMs), this.#closing.signal])
      const answer = await fetch(this.#url, { method: 'POST', headers, body, redirect: 'manual', signal })
      return { status: answer.status, text: await readStart(answer) }
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined
      const why = error instanceof Error && error.name === 'TimeoutError' ? `no answer within ${String(this.#timeoutMs / 1000)} s` : errnoName(cause) || 'no connection'
      throw new VedetteError('E_CHANNEL_AWAY', `${this.#url.host}: ${why}`, '', { cause: error })
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.resolve()
  }
}

/** The first characters of an answer's first line, for the log; the rest is not read. */
async function readStart(answer: Response): Promise<string> {
  if (answer.body === null) return ''
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of answer.body as ReadableStream<Uint8Array>) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= answerLimit) break
  }
  const [line] = Buffer.concat(chunks).subarray(0, answerLimit).toString('utf8').split('\n')
  return line.replace(/[\p{Cc}\p{Cf}]/gu, '').slice(0, 200)
}
