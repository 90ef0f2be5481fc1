/** The collector's pipeline over the real store: one commit for everything, tried again as it is, rebuilt after a restart, runs apart. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { Grouper } from '../../collector/alert/grouper.ts'
import { createEnricher } from '../../collector/enrich/enricher.ts'
import { createExplainer } from '../../collector/explain/explain.ts'
import { Detection, detectionReader } from '../../collector/pipeline.ts'
import { createStore } from '../../collector/store/index.ts'
import { privateNetworks } from '../../proto/address.ts'
import { VedetteError } from '../../proto/error.ts'
import { newCollectorLedger } from '../../proto/ledger.ts'
import { ManualClock } from '../../proto/process/clock.ts'
import { cut, makeEntry, refused, shippedSettings } from './chain.ts'
import type { LogBatch } from '../../collector/ingest/reader.ts'
import type { Store } from '../../collector/store/store.ts'
import type { Alert } from '../../proto/alert.ts'
import type { Flow, FlowBatch } from '../../proto/flow.ts'
import type { CollectorLedger } from '../../proto/ledger.ts'
import type { Entry } from './chain.ts'

const begin = Date.UTC(2026, 0, 12, 9) * 1000

/** `ports` connection attempts from one host to another, all refused, one a second. */
const scan = (ports: number, from = '10.1.4.7'): Flow[] => Array.from({ length: ports }, (_, i) => refused({
  number: i + 1, initiatorAddress: from, responderAddress: '10.1.2.9', initiatorPort: 61000, responderPort: 1000 + i,
  startMicros: begin + i * 1e6, endMicros: begin + i * 1e6 + 1000, partStartMicros: begin + i * 1e6,
}))

const logged = (entries: readonly Entry[], again = false): LogBatch[] =>
  entries.map(({ batch, offset, next }) => ({ batch, offset, next, appendMicros: batch.clockMicros, again }))

function newStore(): Store {
  const dir = mkdtempSync(join(tmpdir(), 'vedette-pipeline-'))
  const store = createStore({ path: join(dir, 'state.sqlite') })
  store.open()
  onTestFinished(() => { store.close(); rmSync(dir, { recursive: true }) })
  return store
}

type Made = { detection: Detection, ledger: CollectorLedger, raised: Alert[] }

function detectionOver(store: Store): Made {
  const ledger = newCollectorLedger()
  const raised: Alert[] = []
  const detection = new Detection({
    store, ledger, clock: new ManualClock(1_790_000_000_000), settings: shippedSettings(), enrich: createEnricher({ internal: privateNetworks }),
    rescorer: { modelHash: 'm', score: (flows) => Promise.resolve(new Float32Array(flows.length).fill(0.5)) }, explain: createExplainer(),
    grouper: new Grouper({ channels: ['log'] }), onCommit: (alerts) => { raised.push(...alerts) },
  })
  return { detection, ledger, raised }
}

const apply = (made: Made, entries: readonly Entry[], again = false): Promise<void> =>
  made.detection.apply(logged(entries, again), entries[entries.length - 1].next)

it('turns a group of batches into one commit: alert, position, ledger, run', async () => {
  const store = newStore()
  const made = detectionOver(store)
  const entries = cut(scan(40), 10)
  await apply(made, entries)
  const [alert, ...others] = store.alerts({ limit: 10, order: 'newest' }).items
  expect(others).toEqual([])
  expect(alert).toMatchObject({ detector: 'port-scan', entity: '10.1.4.7', peer: '10.1.2.9', centralScore: 0.5 })
  expect(made.raised.map(({ id }) => id)).toEqual([alert.id])
  // The stream has said its last: nothing needs to be read again.
  const end = entries[entries.length - 1].next
  expect(store.position(detectionReader)).toEqual({ done: end, resume: end })
  expect(made.ledger.get('recordsDetected')).toBe(40)
  expect(made.ledger.get('findings')).toBe(made.ledger.get('findingsRaised') + made.ledger.get('findingsGrouped'))
  expect(made.detection.runs.list()).toMatchObject([{ records: 40, fromMicros: begin }])
})

it('a commit that fails is tried again as it is: nothing is observed twice', async () => {
  const calm = newStore()
  const troubled = newStore()
  let failures = 2
  const failing: Store = new Proxy(troubled, {
    get(target, name) {
      if (name === 'commit' && failures > 0) return () => { failures--; throw new VedetteError('E_DATA_FULL') }
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) as unknown : value
    },
  })
  const smooth = detectionOver(calm)
  const rough = detectionOver(failing)
  for (const entry of cut(scan(40), 13)) {
    await apply(smooth, [entry])
    for (;;) {
      try {
        await apply(rough, [entry])
        break
      } catch (error) {
        expect(error).toMatchObject({ code: 'E_DATA_FULL' })
      }
    }
  }
  expect(failures).toBe(0)
  expect(troubled.alerts({ limit: 10, order: 'newest' })).toEqual(calm.alerts({ limit: 10, order: 'newest' }))
  expect(rough.ledger.snapshot()).toEqual(smooth.ledger.snapshot())
})

it('after a restart the windows are filled from the resume point, and the same alert goes on', async () => {
  const undisturbed = newStore()
  const whole = detectionOver(undisturbed)
  const entries = cut(scan(60), 6)
  for (const entry of entries) await apply(whole, [entry])

  for (const stop of [1, 2, 3, 5, 9]) {
    const store = newStore()
    const first = detectionOver(store)
    for (const entry of entries.slice(0, stop)) await apply(first, [entry])
    const second = detectionOver(store)
    const { done, resume } = store.position(detectionReader)
    await apply(second, entries.filter(({ offset, next }) => offset >= resume && next <= done), true)
    for (const entry of entries.slice(stop)) await apply(second, [entry])
    expect(store.alerts({ limit: 10, order: 'newest' }), String(stop)).toEqual(undisturbed.alerts({ limit: 10, order: 'newest' }))
    expect(second.ledger.snapshot(), String(stop)).toEqual(whole.ledger.snapshot())
    expect(second.detection.runs.list()).toEqual(whole.detection.runs.list())
  }
})

it('runs do not see each other, and one that was set down is taken up again', async () => {
  const store = newStore()
  const made = detectionOver(store)
  const half = scan(20)
  let offset = 0
  const entry = (flows: Flow[], run: string): Entry => {
    const made = makeEntry(flows, offset, { run } satisfies Partial<FlowBatch>)
    offset = made.next
    return made
  }
  // 8 failed ports in each of two runs: below the threshold of 15 apart, above it together.
  await apply(made, [entry(half.slice(0, 8), 'a')])
  await apply(made, [entry(half.slice(8, 16), 'b')])
  expect(store.alerts({ limit: 10, order: 'newest' }).items).toEqual([])
  await apply(made, [entry(half, 'c')])
  expect(store.alerts({ limit: 10, order: 'newest' }).items.map(({ run }) => run)).toEqual(['c'])
  // Twenty other runs push 'c' out; its alert is continued, not raised anew.
  for (let i = 0; i < 20; i++) await apply(made, [entry(half.slice(0, 1), `other-${String(i)}`)])
  await apply(made, [entry(scan(60), 'c')])
  const alerts = store.alerts({ run: 'c', limit: 10, order: 'newest' }).items
  expect(alerts).toHaveLength(1)
  expect(alerts[0].findings).toBeGreaterThan(1)
})
