import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { HttpSink, retryAfter } from '../../../agent/sink/http.ts'
import { sealed } from './batches.ts'

type Seen = { path: string, headers: IncomingMessage['headers'], body: Buffer, port: number }
const ends: (() => Promise<unknown>)[] = []
afterEach(async () => { for (const end of ends.splice(0)) await end() })

/** A collector that answers as told; gives its address and what it has received. */
async function collector(answer: (response: ServerResponse, count: number) => void): Promise<{ url: string, seen: Seen[] }> {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      seen.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks), port: request.socket.remotePort ?? 0 })
      answer(response, seen.length)
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  ends.push(() => new Promise((resolve) => { server.close(resolve); server.closeAllConnections() }))
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, seen }
}

function sinkTo(url: string, timeoutMs?: number): HttpSink {
  const sink = new HttpSink({ url, ...(timeoutMs === undefined ? {} : { timeoutMs }) })
  ends.unshift(() => sink.close())
  return sink
}

describe('HttpSink', () => {
  it('posts the sealed bytes as they are, on one connection', async () => {
    const { url, seen } = await collector((response) => response.writeHead(200).end('{"taken":1}'))
    const sink = sinkTo(`${url}/behind/proxy/`)
    await sink.open()
    for (let i = 1; i <= 5; i++) await sink.send(sealed(i))
    expect(seen.map(({ body }) => body.equals(sealed(1).bytes))).toEqual([true, false, false, false, false])
    expect(seen[4].body.equals(sealed(5).bytes)).toBe(true)
    expect(seen[0]).toMatchObject({ path: '/behind/proxy/v1/flows', headers: { 'content-type': 'application/vnd.vedette.flows.v1+protobuf' } })
    expect(new Set(seen.map(({ port }) => port)).size).toBe(1)
  })

  it.each([400, 401, 413, 415, 422])('takes %d for a refusal, and repeats what was said', async (status) => {
    const { url } = await collector((response) => response.writeHead(status).end('E_BATCH_SIGNATURE:\u0007 the signature is wrong'))
    await expect(sinkTo(url).send(sealed(1)))
      .rejects.toMatchObject({ code: 'E_SINK_REFUSED', retryable: false, message: `${url} answered ${String(status)}: E_BATCH_SIGNATURE: the signature is wrong` })
  })

  it.each([429, 503])('takes %d for a wish to slow down', async (status) => {
    const { url } = await collector((response, count) => response.writeHead(status, count === 1 ? { 'retry-after': '7' } : {}).end())
    const sink = sinkTo(url)
    await expect(sink.send(sealed(1))).rejects.toMatchObject({ code: 'E_SINK_BUSY', retryable: true, retryAfterMs: 7000 })
    await expect(sink.send(sealed(1))).rejects.toMatchObject({ code: 'E_SINK_BUSY', retryAfterMs: 0 })
  })

  it.each([204, 301, 403, 404, 500, 502])('takes %d for an address that can be put right', async (status) => {
    const { url } = await collector((response) => response.writeHead(status).end())
    await expect(sinkTo(url).send(sealed(1))).rejects.toMatchObject({ code: 'E_SINK_AWAY', retryable: true, message: `${url} answered ${String(status)}` })
  })

  it('says that nobody is there, or that nobody answers in time, and is ready for the next', async () => {
    await expect(sinkTo('http://127.0.0.1:1').send(sealed(1))).rejects.toMatchObject({ code: 'E_SINK_AWAY', message: expect.stringContaining('ECONNREFUSED') as string })
    const { url } = await collector((response, count) => { if (count === 2) response.writeHead(200).end() })
    const sink = sinkTo(url, 50)
    await expect(sink.send(sealed(1))).rejects.toMatchObject({ code: 'E_SINK_AWAY', message: expect.stringContaining('no answer within 50 ms') as string })
    await sinkTo(url).send(sealed(1))
  })

  it('says that the connection broke in the middle', async () => {
    const { url } = await collector((response) => { response.writeHead(200, { 'content-length': 100 }).write('half'); setImmediate(() => response.destroy()) })
    await expect(sinkTo(url).send(sealed(1))).rejects.toMatchObject({ code: 'E_SINK_AWAY', retryable: true })
  })

  it('reads no more of an answer than it needs', async () => {
    let written = 0
    const { url } = await collector((response) => {
      response.writeHead(500)
      const more = (): void => {
        for (let going = !response.destroyed; going; written += 65536) going = response.write('x'.repeat(65536))
        if (!response.destroyed) response.once('drain', more)
      }
      response.on('error', () => {})
      more()
    })
    await expect(sinkTo(url).send(sealed(1))).rejects.toMatchObject({ code: 'E_SINK_AWAY', message: expect.stringMatching(/answered 500: x{200}$/) as string })
    expect(written).toBeLessThan(20e6)
  })

  it('ends the send in flight when it is closed', async () => {
    let arrived = (): void => {}
    const arrival = new Promise<void>((resolve) => { arrived = resolve })
    const { url } = await collector(() => { arrived() })
    const sink = sinkTo(url)
    const sending = expect(sink.send(sealed(1))).rejects.toMatchObject({ code: 'E_SINK_AWAY', message: expect.stringContaining('closed') as string })
    await arrival
    await sink.close()
    await sending
    await expect(sink.send(sealed(1))).rejects.toMatchObject({ code: 'E_SINK_AWAY' })
  })

  it.each(['', 'collector:8420', '127.0.0.1', 'ftp://collector', 'http://'])('refuses %j as an address', (url) => {
    expect(() => new HttpSink({ url })).toThrow(expect.objectContaining({ code: 'E_CONFIG' }) as Error)
  })
})

describe('retryAfter', () => {
  it('reads seconds, and a date beside the answer\'s own', () => {
    const date = 'Wed, 21 Oct 2026 07:28:00 GMT'
    expect(retryAfter('120', undefined)).toBe(120000)
    expect(retryAfter('Wed, 21 Oct 2026 07:28:30 GMT', date)).toBe(30000)
    expect(retryAfter('Wed, 21 Oct 2026 07:27:30 GMT', date)).toBe(0)
    for (const nonsense of [undefined, '', 'soon', '-1', '1e9999']) expect(retryAfter(nonsense, date)).toBe(0)
    expect(retryAfter(date, undefined)).toBe(0)
  })
})
