/** The API over the embedded store and archive, as in life. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { communityId } from '../../../proto/community-id.ts'
import type { FlowBatch } from '../../../proto/flow.ts'
import { createArchive, createStore } from '../../../collector/store/index.ts'
import type { Archive } from '../../../collector/store/archive.ts'
import type { Store } from '../../../collector/store/store.ts'
import type { AlertDetailBody, AlertListBody, FlowListBody } from '../../../collector/api/schema.ts'
import { boot, dayMicros, sampleAlerts, sampleFindings, sampleFlows } from './samples.ts'
import { serve } from './serve.ts'
import type { Served } from './serve.ts'

let folder: string
let store: Store
let archive: Archive
let it: Served

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vedette-api-'))
  store = createStore({ path: join(folder, 'state.sqlite') })
  archive = createArchive({ path: join(folder, 'flows.duckdb'), memoryLimit: 256 << 20 })
  store.open()
  await archive.open()
  const batch: FlowBatch = {
    stream: 'demo/0', sensor: 'demo', boot, sequence: 1, clockMicros: dayMicros, run: 'demo', recordVersion: 1, featureHash: '', modelHash: '',
    vantage: 'tap', simulated: true, last: true, ledger: new Map(), dropped: [], flows: sampleFlows(),
  }
  await archive.append([batch], 1)
  const alerts = sampleAlerts().map((alert, index) => ({ ...alert, version: index + 1 }))
  store.commit({
    reader: 'detection', expectedDone: 0, position: { done: 1, resume: 0 }, alerts, findings: alerts.flatMap(sampleFindings), notifications: [],
    memory: new Map(),
  })
  it = await serve({ store, archive })
})

afterAll(async () => {
  await it.close()
  await archive.close()
  store.close()
  await rm(folder, { recursive: true })
})

const read = async <T>(path: string): Promise<T> => {
  const response = await fetch(`${it.url}${path}`)
  expect(response.status).toBe(200)
  return await response.json() as T
}

test('alerts by cursor, in both orders, complete and without doubles', async () => {
  for (const [order, ids] of [['risk', 'a-brute a-scan a-dns a-hostile a-low'], ['newest', 'a-scan a-brute a-dns a-hostile a-low']] as const) {
    const seen: string[] = []
    let next: string | undefined
    do {
      const cursor = next === undefined ? '' : `&cursor=${next}`
      const page: AlertListBody = await read(`/v1/alerts?run=demo&limit=2&order=${order}${cursor}`)
      seen.push(...page.items.map(({ id }) => id))
      next = page.next
    } while (next !== undefined)
    expect(seen.join(' ')).toBe(ids)
  }
})

test('an alert with its findings and the flows it names', async () => {
  const { alert, findings, flows }: AlertDetailBody = await read('/v1/alerts/a-scan')
  const [, scan] = sampleAlerts()
  expect(alert).toEqual({ ...scan, version: alert.version })
  expect(findings).toHaveLength(4)
  expect(flows.map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
  expect(flows[0]).toMatchObject({ run: 'demo', responderPort: 22, connState: 'SF', application: 'ssh', endReason: 'end' })
})

test('flows by either side, by Community ID, by time, and by cursor', async () => {
  const [first] = sampleFlows()
  if (first === undefined) throw new Error('there are no sample flows')
  const id = communityId(first)
  const found: FlowListBody = await read(`/v1/flows?communityId=${encodeURIComponent(id)}`)
  expect(found.items.map(({ number }) => number)).toEqual([1])
  expect((await read<FlowListBody>('/v1/flows?host=10.1.4.31')).items).toHaveLength(8)
  expect((await read<FlowListBody>(`/v1/flows?fromMicros=${dayMicros + 81 * 60e6}&limit=500`)).items).toHaveLength(20)
  const page: FlowListBody = await read('/v1/flows?host=10.1.4.31&limit=5')
  expect((await read<FlowListBody>(`/v1/flows?host=10.1.4.31&limit=5&cursor=${page.next ?? ''}`)).items).toHaveLength(3)
})

test('a hostile name goes through store, archive and API unchanged, as JSON', async () => {
  const { alert, flows }: AlertDetailBody = await read('/v1/alerts/a-hostile')
  const hostile = sampleAlerts().find(({ id }) => id === 'a-hostile')
  expect(alert.peer).toBe(hostile?.peer)
  expect(flows[0]?.serverName).toBe(hostile?.peer)
  const raw = await fetch(`${it.url}/v1/alerts/a-hostile`)
  expect(raw.headers.get('content-type')).toMatch(/^application\/json/)
  expect(raw.headers.get('x-content-type-options')).toBe('nosniff')
})
