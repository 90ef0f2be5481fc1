import { afterEach, describe, expect, test } from 'vitest'
import { VedetteError } from '../../../proto/error.ts'
import { batchMediaType } from '../../../proto/topic.ts'
import type { AlertDetailBody, AlertListBody, Ledger } from '../../../collector/api/schema.ts'
import type { Problem } from '../../../collector/api/problem.ts'
import type { Served } from './serve.ts'
import { serve } from './serve.ts'
import { alertOf, sampleAlerts, sampleFindings, sampleFlows, sampleLedger, sampleRuns } from './samples.ts'

let served: Served | undefined
const start = async (...change: Parameters<typeof serve>): Promise<Served> => served = await serve(...change)
afterEach(async () => { await served?.close(); served = undefined })

const post = (url: string, body: BodyInit, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}/v1/flows`, { method: 'POST', body, headers: { 'content-type': batchMediaType, ...headers } })

/** The body as the type the route promises; every test below checks what matters of it. */
const bodyOf = async <T>(response: Response | Promise<Response>): Promise<T> => await (await response).json() as T

describe('POST /v1/flows', () => {
  test('hands the bytes on as they came and answers what became of them', async () => {
    const { url, intake } = await start()
    intake.answer = async () => ({ taken: 0, duplicate: 1 })
    const response = await post(url, Uint8Array.of(1, 2, 3))
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ taken: 0, duplicate: 1, rejected: 0 })
    expect([...intake.bodies[0] ?? []]).toEqual([1, 2, 3])
    expect((await post(url, Uint8Array.of(4), { 'content-type': 'application/x-protobuf' })).status).toBe(200)
  })

  const refusals = [
    ['E_BATCH_SIGNATURE', 401, false, null], ['E_BATCH_TOO_LARGE', 413, false, null], ['E_BATCH_UNDECODABLE', 400, false, null],
    ['E_BATCH_VERSION', 400, false, null], ['E_SINK_BUSY', 429, true, '1'], ['E_DATA_FULL', 503, true, '10'], ['E_STORE', 503, true, '2'],
  ] as const
  for (const [code, status, retryable, retryAfter] of refusals) {
    test(`${code} is a problem with status ${status}`, async () => {
      const { url, intake } = await start()
      intake.answer = async () => { throw new VedetteError(code, 'what happened', 'what to do') }
      const response = await post(url, Uint8Array.of(1))
      expect(response.status).toBe(status)
      expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
      expect(response.headers.get('retry-after')).toBe(retryAfter)
      const body = await bodyOf<Problem>(response)
      expect(body).toMatchObject({ type: `urn:vedette:error:${code}`, status, code, retryable, advice: 'what to do' })
      expect(body.requestId).toBe(response.headers.get('x-request-id'))
    })
  }

  test('a defect is answered without its details, which are in the log under the request id', async () => {
    const { url, intake, lines } = await start()
    intake.answer = async () => { throw new TypeError('secret path /var/lib/vedette') }
    const response = await post(url, Uint8Array.of(1))
    const text = await response.text()
    expect(response.status).toBe(500)
    expect(text).not.toMatch(/secret|\/var|at \w+ \(/)
    expect(JSON.parse(text)).toMatchObject({ code: 'E_INTERNAL', retryable: false })
    const requestId = response.headers.get('x-request-id')
    expect(lines.find(({ code }) => code === 'E_INTERNAL')).toMatchObject({ level: 'error', fields: { requestId } })
  })

  test('other content types, empty and oversized bodies are refused before the intake', async () => {
    const { url, intake } = await start({ bodyOctets: 1000 })
    expect((await post(url, '{}', { 'content-type': 'application/json' })).status).toBe(400)
    expect((await post(url, 'x', { 'content-type': 'text/csv' })).status).toBe(415)
    expect((await post(url, new Uint8Array(0))).status).toBe(400)
    const large = await post(url, new Uint8Array(1001))
    expect(large.status).toBe(413)
    expect(await large.json()).toMatchObject({ code: 'E_BATCH_TOO_LARGE' })
    expect(intake.bodies).toEqual([])
  })
})

test.each(['fromMicros', 'toMicros', 'port', 'protocol', 'limit'])('a number too large to be one is refused as %s before it reaches the archive', async (name) => {
  const { url } = await start()
  for (const value of ['1e309', '-1e309', 'NaN', 'Infinity', '9007199254740993', '1.5']) {
    const response = await fetch(`${url}/v1/flows?${name}=${value}`)
    expect(await bodyOf<Problem>(response), value).toMatchObject({ code: 'E_REQUEST', status: 400 })
  }
})

test.each(['/%', '/v1/alerts/%ff', `/v1/alerts/${'a'.repeat(1000)}`])('an address that cannot be read is a problem like any other: %.20s', async (path) => {
  const { url } = await start()
  const response = await fetch(`${url}${path}`)
  expect(response.status).toBeLessThan(500)
  expect(Object.fromEntries(response.headers)).toMatchObject({ 'content-type': 'application/problem+json; charset=utf-8', 'x-content-type-options': 'nosniff' })
  expect(await bodyOf<Problem>(response)).toMatchObject({ code: 'E_REQUEST', requestId: response.headers.get('x-request-id') })
})

describe('GET /v1/alerts', () => {
  const fill = ({ store }: Served): void => { for (const alert of sampleAlerts()) store.put(alert) }
  const ids = async (url: string, query: string): Promise<string[]> =>
    (await bodyOf<AlertListBody>(fetch(`${url}/v1/alerts?${query}`))).items.map(({ id }) => id)

  test('filters, orders, and says where the live feed goes on', async () => {
    const it = await start()
    fill(it)
    it.store.put(alertOf({ id: 'live', run: '', risk: 99 }))
    expect(await ids(it.url, 'run=demo&order=risk')).toEqual(['a-brute', 'a-scan', 'a-dns', 'a-hostile', 'a-low'])
    expect(await ids(it.url, 'run=demo')).toEqual(['a-scan', 'a-brute', 'a-dns', 'a-hostile', 'a-low'])
    expect(await ids(it.url, 'run=')).toEqual(['live'])
    expect(await ids(it.url, 'severity=high&run=demo&order=risk')).toEqual(['a-brute', 'a-scan', 'a-dns'])
    expect(await ids(it.url, 'entity=10.1.4.31')).toEqual(['a-dns'])
    expect(await ids(it.url, 'detector=brute-force&state=new')).toEqual(['a-brute'])
    expect((await bodyOf<AlertListBody>(fetch(`${it.url}/v1/alerts`))).version).toBe(6)
  })

  test('a cursor walks the whole list and fits only the query it came from', async () => {
    const it = await start()
    fill(it)
    const seen: string[] = []
    let cursor = ''
    do {
      const page = await bodyOf<AlertListBody>(fetch(`${it.url}/v1/alerts?limit=2&order=risk${cursor === '' ? '' : `&cursor=${cursor}`}`))
      seen.push(...page.items.map(({ id }) => id))
      if (page.next !== undefined && cursor === '') {
        const elsewhere = await fetch(`${it.url}/v1/alerts?limit=2&order=newest&cursor=${page.next}`)
        expect(elsewhere.status).toBe(400)
        const edited = `${page.next.slice(0, -1)}${page.next.endsWith('A') ? 'E' : 'A'}`
        expect((await fetch(`${it.url}/v1/alerts?limit=2&order=risk&cursor=${edited}`)).status).toBe(400)
      }
      cursor = page.next ?? ''
    } while (cursor !== '')
    expect(seen).toEqual(['a-brute', 'a-scan', 'a-dns', 'a-hostile', 'a-low'])
  })

  test.each(['limit=0', 'limit=501', 'limit=x', 'state=gone', 'severity=worst', 'order=oldest', 'colour=red'])('refuses %s and names it', async (query) => {
    const { url } = await start()
    const response = await fetch(`${url}/v1/alerts?${query}`)
    expect(response.status).toBe(400)
    const body = await bodyOf<Problem>(response)
    expect(body).toMatchObject({ code: 'E_REQUEST', retryable: false })
    expect(body.errors?.[0]?.pointer).toBe(`/${query.split('=')[0]}`)
  })

  test('an unchanged list costs no body', async () => {
    const it = await start()
    fill(it)
    const first = await fetch(`${it.url}/v1/alerts`)
    const tag = first.headers.get('etag') ?? ''
    const second = await fetch(`${it.url}/v1/alerts`, { headers: { 'if-none-match': tag } })
    expect(second.status).toBe(304)
    expect(await second.text()).toBe('')
    it.store.put(alertOf({ id: 'more' }))
    expect((await fetch(`${it.url}/v1/alerts`, { headers: { 'if-none-match': tag } })).status).toBe(200)
  })
})

describe('GET /v1/alerts/:id', () => {
  test('gives the alert, its findings and its flows', async () => {
    const { url, store, archive } = await start()
    const alert = store.put(sampleAlerts()[1] ?? alertOf({ id: 'a-scan' }))
    store.findingsOf.set(alert.id, sampleFindings(alert))
    archive.rows.push(...sampleFlows())
    const body = await bodyOf<AlertDetailBody>(fetch(`${url}/v1/alerts/a-scan`))
    expect(body.alert).toEqual(JSON.parse(JSON.stringify(alert)))
    expect(body.findings).toHaveLength(4)
    expect(body.flows).toHaveLength(20)
    expect(body.flows[0]).toEqual(JSON.parse(JSON.stringify(archive.rows[0])))
    expect(body.missing).toBeUndefined()
  })

  test('is still answered while the archive is away, and says what is missing', async () => {
    const { url, store, archive, lines } = await start()
    store.put(alertOf({ id: 'x', flows: [{ stream: 's', boot: 'b', number: 1 }] }))
    archive.failure = new VedetteError('E_STORE', 'locked')
    const response = await fetch(`${url}/v1/alerts/x`)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ flows: [], missing: { part: 'flows', code: 'E_STORE' } })
    expect(lines.map(({ code }) => code)).toContain('E_STORE')
  })

  test('an unknown id is 404', async () => {
    const { url } = await start()
    const response = await fetch(`${url}/v1/alerts/__proto__`)
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ code: 'E_NOT_FOUND' })
  })
})

test('GET /v1/flows hands every filter to the archive, typed', async () => {
  const { url, archive } = await start()
  archive.rows.push(...sampleFlows())
  const id = `1:${'A'.repeat(27)}=`
  const query = { run: 'demo', host: '10.1.4.7', port: 22, protocol: 6, fromMicros: 1, toMicros: 9e15, communityId: id, limit: 5 }
  const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))
  expect((await fetch(`${url}/v1/flows?${search}`)).status).toBe(200)
  expect(archive.lastQuery).toEqual(query)
  expect((await fetch(`${url}/v1/flows?communityId=nonsense`)).status).toBe(400)
  expect((await fetch(`${url}/v1/flows?port=70000`)).status).toBe(400)
})

test('a failing store is 503 without its words', async () => {
  const { url, archive } = await start()
  archive.failure = new VedetteError('E_STORE', 'near "SELEC": syntax error')
  const response = await fetch(`${url}/v1/flows`)
  expect(response.status).toBe(503)
  expect(response.headers.get('retry-after')).toBe('2')
  expect(await response.text()).not.toContain('SELEC')
})

describe('GET /v1/ledger', () => {
  test('evaluates every equation, in words', async () => {
    const { url, ledger } = await start()
    ledger.now = sampleLedger()
    const body = await bodyOf<Ledger>(fetch(`${url}/v1/ledger`))
    expect(body.balanced).toBe(true)
    const frames = body.streams[0]?.equations[0]
    expect(frames).toMatchObject({ name: 'frames', leftSum: 1_154_954, rightSum: 1_154_954, balanced: true })
    expect(frames?.right).toContainEqual({ name: 'notIpArp', text: 'not IP: ARP', kind: 'exit', value: 11_220 })
    expect(body.streams[0]?.estimates).toContainEqual(expect.objectContaining({ name: 'kernelDropped', value: 49 }))
    expect(body.collector.counters['findings']).toBe(14)
  })

  test('unequal sides are told', async () => {
    const { url, ledger } = await start()
    ledger.now = sampleLedger(true)
    const body = await bodyOf<Ledger>(fetch(`${url}/v1/ledger`))
    expect(body.balanced).toBe(false)
    expect(body.streams[0]?.equations[0]).toMatchObject({ balanced: false, leftSum: 1_154_954, rightSum: 1_154_931 })
  })
})

test('health, readiness, metrics and runs', async () => {
  const { url, readiness, runs, clock } = await start()
  runs.push(...sampleRuns())
  expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: 'ok', version: '0.1.0' })
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
  readiness.now = { ready: false, parts: [{ name: 'archive', state: 'failed', sinceMs: clock.ms, reason: 'the disk is full' }] }
  const notReady = await fetch(`${url}/readyz`)
  expect(notReady.status).toBe(503)
  expect(await notReady.json()).toEqual(readiness.now)
  const metrics = await fetch(`${url}/metrics`)
  expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(await metrics.text()).toContain('vedette_up 1')
  expect(await (await fetch(`${url}/v1/runs`)).json()).toEqual({ items: sampleRuns(), version: '0.1.0' })
})

test('an unknown address is a problem, in the API and outside', async () => {
  const { url } = await start()
  for (const path of ['/v1/nothing', '/nothing', '/../etc/passwd', '/queue']) {
    const response = await fetch(`${url}${path}`)
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ code: 'E_NOT_FOUND', status: 404 })
  }
})

test('a port in use is a one-line error with advice', async () => {
  const { port } = await start()
  const failure: unknown = await serve({}, port).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(VedetteError)
  expect(failure).toMatchObject({ code: 'E_PORT_IN_USE', message: `port ${port} on 127.0.0.1 is in use` })
  expect((failure as VedetteError).line).toContain('--port')
})
