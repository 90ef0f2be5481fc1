import { request } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { batchMediaType } from '../../../proto/topic.ts'
import { createGuard } from '../../../collector/api/guard.ts'
import type { Served } from './serve.ts'
import { serve } from './serve.ts'

let served: Served | undefined
afterEach(async () => { await served?.close(); served = undefined })

type Answered = { status: number, headers: Record<string, string | string[] | undefined>, body: string }

/** `fetch` may not set Host or Origin; a plain request may. */
const ask = ({ port }: Served, method: string, path: string, headers: Record<string, string>, body = ''): Promise<Answered> => new Promise((resolve, reject) => {
  const asked = request({ host: '127.0.0.1', port, method, path, headers: { ...headers, 'content-length': Buffer.byteLength(body) } }, (answer) => {
    const chunks: Buffer[] = []
    answer.on('data', (chunk: Buffer) => chunks.push(chunk))
    answer.on('end', () => { resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks).toString() }) })
  })
  asked.on('error', reject)
  asked.end(body)
})

describe('the Host header', () => {
  test('may name this machine or the public address, with any port', async () => {
    const it = served = await serve()
    for (const host of ['localhost', 'localhost:8420', '127.0.0.1:1', '[::1]:8420', 'vedette.example', 'vedette.example:443', 'LOCALHOST']) {
      expect((await ask(it, 'GET', '/healthz', { host })).status, host).toBe(200)
    }
  })

  test('may name nothing else, whatever points here', async () => {
    const it = served = await serve()
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'user@localhost', 'localhost/x', '127.0.0.2', '0.0.0.0', '[::2]', 'vedette.example.evil.example']) {
      const answer = await ask(it, 'GET', '/v1/alerts', { host })
      expect(answer.status, host).toBe(403)
      expect(JSON.parse(answer.body)).toMatchObject({ code: 'E_FORBIDDEN', retryable: false })
    }
  })
})

describe('requests of other pages', () => {
  const batch = { 'content-type': batchMediaType }

  test('a post from another origin or site is refused before the intake', async () => {
    const it = served = await serve()
    const host = `localhost:${it.port}`
    for (const headers of [{ origin: 'http://evil.example' }, { origin: 'null' }, { origin: `https://localhost:${it.port}` }, { origin: 'http://localhost:1' },
      { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }]) {
      expect((await ask(it, 'POST', '/v1/flows', { host, ...batch, ...headers }, 'x')).status, JSON.stringify(headers)).toBe(403)
    }
    expect(it.intake.bodies).toEqual([])
    for (const headers of [{}, { origin: `http://localhost:${it.port}` }, { origin: 'http://vedette.example:8420' }, { 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-site': 'none' }]) {
      expect((await ask(it, 'POST', '/v1/flows', { host, ...batch, ...headers }, 'x')).status, JSON.stringify(headers)).toBe(200)
    }
  })

  test('reading the API from elsewhere is refused; a link to the page is not', () => {
    const check = createGuard('http://localhost:8420')
    const from = (url: string) => () => { check({ method: 'GET', url, headers: { host: 'localhost:8420', 'sec-fetch-site': 'cross-site' } }) }
    expect(from('/v1/alerts')).toThrow(expect.objectContaining({ code: 'E_FORBIDDEN' }))
    expect(from('/queue')).not.toThrow()
  })

  test('writing the address of the API in another way is no way in', async () => {
    const it = served = await serve()
    for (const path of ['/v1/alerts', '/%761/alerts', '/%76%31/alerts', '/v%31/ledger', `http://localhost:${it.port}/v1/alerts`]) {
      expect((await ask(it, 'GET', path, { host: `localhost:${it.port}`, 'sec-fetch-site': 'cross-site' })).status, path).toBe(403)
    }
  })

  test('nothing is shared with another origin, nothing may be framed', async () => {
    const it = served = await serve()
    const answer = await ask(it, 'OPTIONS', '/v1/flows', { host: 'localhost', 'access-control-request-method': 'POST' })
    expect(answer.status).toBe(404)
    for (const path of ['/healthz', '/nothing', '/v1/alerts']) {
      const { headers } = await ask(it, 'GET', path, { host: 'localhost' })
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cross-origin-resource-policy': 'same-origin' })
      const policy = String(headers['content-security-policy'])
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toContain('unsafe')
    }
  })
})

test('the framework adds no name of itself and every answer has its own request id', async () => {
  const it = served = await serve()
  const [first, second] = [await ask(it, 'GET', '/healthz', { host: 'localhost' }), await ask(it, 'GET', '/healthz', { host: 'localhost' })]
  expect(first.headers['x-powered-by']).toBeUndefined()
  expect(first.headers['server']).toBeUndefined()
  expect(first.headers['x-request-id']).not.toBe(second.headers['x-request-id'])
})
