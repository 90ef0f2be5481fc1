/** The channels against real receivers: an HTTP server, a log. */
import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import { describe, expect, it } from 'vitest'
import { channelKinds, createChannel } from '../../../collector/channel/index.ts'
import { VedetteError } from '../../../proto/error.ts'
import { ManualClock } from '../../../proto/process/clock.ts'
import { createLogger, silentLogger } from '../../../proto/process/log.ts'
import { alertExample, channelContract, messageExample } from '../../contract/channel.ts'
import type { IncomingHttpHeaders, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Channel } from '../../../collector/channel/channel.ts'

type Taken = { headers: IncomingHttpHeaders, body: string }
type Receiver = { url: string, taken: Taken[], answer: (response: ServerResponse) => void, server: Server, close: () => Promise<void> }

/** A receiver that keeps what it accepts with 2xx, answering as a test says. */
async function receiver(): Promise<Receiver> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      it.answer(response)
      if (response.statusCode < 300) it.taken.push({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8') })
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const it: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, taken: [], server, answer: (response) => response.writeHead(204).end(),
    close: async () => { server.closeAllConnections(); await new Promise((resolve) => { server.close(resolve) }) },
  }
  return it
}

const clock = new ManualClock(1_800_000_000_500)
const hook = (url: string, options: { secret?: string, timeoutMs?: number } = {}): Channel => createChannel('hook', { kind: 'webhook', url, ...options }, { clock, log: silentLogger })

channelContract('webhook', async () => {
  const server = await receiver()
  return {
    channel: hook(server.url, { secret: 'shared secret' }),
    received: () => server.taken.map(({ body }) => {
      const { id, alert } = JSON.parse(body) as typeof messageExample
      return { id, sentence: alert.sentence }
    }),
    behave: (how) => { server.answer = (response) => response.writeHead({ well: 200, away: 503, refusing: 400 }[how]).end() },
    done: server.close,
  }
})

channelContract('log', async () => {
  const lines: { message: string, msg: string }[] = []
  const log = createLogger({ name: 'test', level: 'info', format: 'json', clock, stream: { write: (line) => { lines.push(JSON.parse(line) as typeof lines[number]) } } })
  return {
    channel: createChannel('lines', { kind: 'log' }, { clock, log }), received: () => lines.map(({ message, msg }) => ({ id: message, sentence: msg })), done: async () => {},
  }
})

describe('a webhook', () => {
  it('signs identity, time and body, so that a receiver can check all three', async () => {
    const server = await receiver()
    await hook(server.url, { secret: 'shared secret' }).deliver(messageExample)
    const [{ headers, body }] = server.taken
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': messageExample.id, 'webhook-timestamp': '1800000000' })
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', 'shared secret').update(`${messageExample.id}.1800000000.${body}`).digest('base64')}`)
    expect(JSON.parse(body)).toEqual({ type: 'alert.raised', id: messageExample.id, link: messageExample.link, alert: alertExample })
    await server.close()
  })

  it('takes a key in the form of Standard Webhooks, and sends unsigned without one', async () => {
    const server = await receiver()
    const key = Buffer.from('0123456789abcdef01234567')
    await hook(server.url, { secret: `whsec_${key.toString('base64')}` }).deliver(messageExample)
    await hook(server.url).deliver(messageExample)
    const [signed, plain] = server.taken
    expect(signed.headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(`${messageExample.id}.1800000000.${signed.body}`).digest('base64')}`)
    expect(plain.headers['webhook-signature']).toBeUndefined()
    await server.close()
  })

  it.each([
    [200, 'delivered'], [204, 'delivered'], [408, 'E_CHANNEL_AWAY'], [425, 'E_CHANNEL_AWAY'], [429, 'E_CHANNEL_AWAY'], [500, 'E_CHANNEL_AWAY'], [503, 'E_CHANNEL_AWAY'],
    [301, 'E_CHANNEL_REFUSED'], [400, 'E_CHANNEL_REFUSED'], [401, 'E_CHANNEL_REFUSED'], [404, 'E_CHANNEL_REFUSED'], [410, 'E_CHANNEL_REFUSED'],
  ])('takes status %i as %s', async (status, outcome) => {
    const server = await receiver()
    server.answer = (response) => response.writeHead(status, status === 301 ? { location: 'http://127.0.0.1:1/' } : {}).end('because\u001b[2J\nsecond line')
    const error = await hook(server.url).deliver(messageExample).then(() => undefined, (problem: unknown) => problem as VedetteError)
    expect(error?.code ?? 'delivered').toBe(outcome)
    if (error !== undefined) expect(error.message).toMatch(new RegExp(`answered ${status}: because\\[2J$`))
    await server.close()
  })

  it('does not wait for ever, nor read for ever', async () => {
    const server = await receiver()
    server.answer = () => {}
    await expect(hook(server.url, { timeoutMs: 50 }).deliver(messageExample)).rejects.toMatchObject({ code: 'E_CHANNEL_AWAY', message: expect.stringContaining('no answer within 0.05 s') as string })
    server.answer = (response) => {
      const pour = (): void => { while (!response.destroyed && response.write('x'.repeat(65_536))); response.once('drain', pour) }
      response.writeHead(200)
      pour()
    }
    await hook(server.url, { timeoutMs: 5000 }).deliver(messageExample)
    await server.close()
  })

  it('says when nobody listens, and gives up what is under way when it is closed', async () => {
    const server = await receiver()
    await server.close()
    await expect(hook(server.url).deliver(messageExample)).rejects.toMatchObject({ code: 'E_CHANNEL_AWAY', message: expect.stringContaining('ECONNREFUSED') as string })
    const slow = await receiver()
    slow.answer = () => { void channel.close() }
    const channel = hook(slow.url)
    await expect(channel.deliver(messageExample)).rejects.toMatchObject({ code: 'E_CHANNEL_AWAY' })
    await slow.close()
  })

  it('refuses an address that is not one for the web, and an unknown kind', () => {
    for (const url of ['', 'example.com/hook', 'ftp://example.com', 'file:///etc/passwd']) expect(() => hook(url)).toThrow(VedetteError)
    expect(() => createChannel('x', { kind: 'pigeon' }, { clock, log: silentLogger })).toThrow(/there is no kind 'pigeon'/)
    expect(channelKinds).toEqual(['webhook', 'log'])
  })
})
