/**
 * Everything the views show, as signals, and what keeps it fresh: runs, ledger, the queue and the alert being looked at. News are taken
 * in at most four times a second, however fast they come.
 */
import { batch, computed, effect, signal, untracked } from '@preact/signals'
import { severities } from '../../proto/alert.ts'
import type { Alert } from '../../proto/alert.ts'
import type { AlertDetailBody, Ledger, ReadinessReport, Run } from '../api/schema.ts'
import { readAlert, readAlerts, readLedger, readReadiness, readRuns } from './client.ts'
import type { Failure } from './client.ts'
import { LiveLink } from './live.ts'
import type { LinkState } from './live.ts'
import { wide } from './preference.ts'
import { emptyQueue, extended, listed, offered, released } from './queue.ts'
import type { Filter, Queue } from './queue.ts'
import { change, route } from './route.ts'

const pageSize = 100
const paintMs = 250
const refreshMs = 5000

export const runs = signal<readonly Run[]>([])
export const version = signal('')
export const ledger = signal<Ledger | undefined>(undefined)
export const ledgerFailure = signal<Failure | undefined>(undefined)
export const parts = signal<ReadinessReport['parts']>([])
export const linkState = signal<LinkState>('connecting')
export const queue = signal<Queue>(emptyQueue)
export const queueState = signal<'loading' | 'ready' | { failure: Failure }>('loading')
export const moreCursor = signal<string | undefined>(undefined)
export const wallMs = signal(Date.now())
const ready = signal(false)

/** The run being looked at: the one in the address, else live traffic where there is some, else the newest run. */
export const run = computed<string | undefined>(() => {
  const asked = route.value.query.get('run')
  if (asked !== null) return asked
  return (runs.value.find(({ kind }) => kind === 'live') ?? runs.value[0])?.name
})
export const currentRun = computed<Run | undefined>(() => runs.value.find(({ name }) => name === run.value))

/** What ages are counted from: the wall clock for live traffic, the newest event of the run otherwise. */
export const nowMicros = computed(() => {
  if (run.value === undefined || run.value === '') return wallMs.value * 1000
  return Math.max(currentRun.value?.clockMicros ?? 0, ...queue.value.shown.map(({ lastMicros }) => lastMicros), 0) || wallMs.value * 1000
})

export const filter = computed<Filter>(() => {
  const { query } = route.value
  return {
    run: run.value, order: query.get('order') === 'risk' ? 'risk' : 'newest', severity: severities.find((name) => name === query.get('severity')),
    detector: query.get('detector') ?? undefined, entity: query.get('entity') ?? undefined,
  }
}, { name: 'filter' })
const filterText = computed(() => JSON.stringify(filter.value))

export const selected = computed<string | undefined>(() => {
  const now = route.value
  return now.page === 'alert' ? now.id : now.page === 'queue' ? now.query.get('at') ?? undefined : undefined
})

const queryOf = ({ run: name, severity, detector, entity, order }: Filter): Record<string, string | undefined> =>
  ({ run: name, severity, detector, entity, order, limit: String(pageSize) })

let news: Alert[] = []
let painting: ReturnType<typeof setTimeout> | undefined
const link = new LiveLink({
  open: (query, heard, closed) => {
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/v1/live${query}`)
    socket.onmessage = ({ data }) => { heard(String(data)) }
    socket.onclose = closed
    return () => {
      socket.onmessage = socket.onclose = null
      socket.close()
    }
  },
  poll,
  onAlert: (alert) => {
    news.push(alert)
    painting ??= setTimeout(takeNews, paintMs)
  },
  onState: (state) => { linkState.value = state },
  onReset: () => { void poll() },
  later: (work, ms) => setTimeout(work, ms),
  cancel: (timer) => { clearTimeout(timer as ReturnType<typeof setTimeout>) },
})

function takeNews(): void {
  painting = undefined
  const taken = news
  news = []
  batch(() => { queue.value = offered(queue.value, taken, filter.value) })
  if (taken.some(({ id }) => id === selected.value)) void loadDetail(selected.value, true)
}

/** Loads the list from the beginning and follows it. */
async function load(): Promise<void> {
  const asked = filterText.value
  queueState.value = 'loading'
  const reply = await readAlerts(queryOf(filter.value))
  if (asked !== filterText.value) return
  if (!reply.ok) {
    queueState.value = { failure: reply.failure }
    linkState.value = 'stale'
    setTimeout(() => { if (asked === filterText.value) void load() }, refreshMs)
    return
  }
  const { items, next, version: from } = reply.body
  batch(() => {
    queue.value = listed(items, filter.value.order)
    moreCursor.value = next
    queueState.value = 'ready'
  })
  link.start(filter.value.run, from)
  if (route.value.page === 'queue' && wide.value && selected.value === undefined && items[0] !== undefined) change({ at: queue.value.shown[0]?.id })
}

async function poll(): Promise<boolean> {
  const asked = filterText.value
  const reply = await readAlerts(queryOf(filter.value))
  if (reply.ok && asked === filterText.value) queue.value = offered(queue.value, reply.body.items, filter.value)
  return reply.ok
}

export const reload = (): void => { void load() }

export async function loadMore(): Promise<void> {
  const cursor = moreCursor.value
  const asked = filterText.value
  if (cursor === undefined) return
  moreCursor.value = undefined
  const reply = await readAlerts({ ...queryOf(filter.value), cursor })
  if (asked !== filterText.value) return
  batch(() => {
    if (reply.ok) queue.value = extended(queue.value, reply.body.items)
    moreCursor.value = reply.ok ? reply.body.next : cursor
  })
}

export const showNew = (): void => { queue.value = released(queue.value, filter.value.order) }

export type Detail = { id: string, state: 'loading' | 'ready', body?: AlertDetailBody } | { id: string, state: 'failed', failure: Failure, body?: AlertDetailBody }
export const detail = signal<Detail | undefined>(undefined)

/** The alert being looked at, as new as anything the page knows. */
export const shownAlert = computed<Alert | undefined>(() => {
  const id = selected.value
  if (id === undefined) return undefined
  const whole = detail.value?.id === id ? detail.value.body?.alert : undefined
  const brief = queue.value.shown.find((alert) => alert.id === id) ?? queue.value.waiting.get(id)
  return whole === undefined || (brief !== undefined && brief.version > whole.version) ? brief : whole
})

/** The alerts looked at last, so that going back to one shows it whole at once. */
const bodies = new Map<string, AlertDetailBody>()
const keptBodies = 30

function remember(id: string, body: AlertDetailBody): void {
  bodies.delete(id)
  bodies.set(id, body)
  for (const oldest of bodies.keys()) if (bodies.size > keptBodies) bodies.delete(oldest)
}

export async function loadDetail(id: string | undefined, quietly = false): Promise<void> {
  if (id === undefined) { detail.value = undefined; return }
  const body = bodies.get(id)
  if (!quietly) detail.value = { id, state: 'loading', ...(body === undefined ? {} : { body }) }
  const reply = await readAlert(id)
  if (reply.ok) remember(id, reply.body)
  if (selected.value !== id) return
  detail.value = reply.ok ? { id, state: 'ready', body: reply.body } : { id, state: 'failed', failure: reply.failure, ...(body === undefined ? {} : { body }) }
}

async function refresh(): Promise<void> {
  const [found, counted, states] = await Promise.all([readRuns(), readLedger(), readReadiness()])
  batch(() => {
    if (found.ok) {
      if (JSON.stringify(found.body.items) !== JSON.stringify(runs.value)) runs.value = found.body.items
      version.value = found.body.version
    }
    if (counted.ok) ledger.value = counted.body
    if (states.ok) parts.value = states.body.parts
    ledgerFailure.value = counted.ok ? undefined : counted.failure
    wallMs.value = Date.now()
    ready.value = true
  })
}

/** Begins to follow the collector; called once. */
export function start(): void {
  const turn = (): void => { void refresh().finally(() => { setTimeout(turn, refreshMs) }) }
  turn()
  setInterval(() => { wallMs.value = Date.now() }, 1000)
  effect(() => {
    // Which run to show is known only after the first answer.
    if (ready.value && filterText.value !== '') untracked(() => { void load() })
  })
  effect(() => {
    const id = selected.value
    untracked(() => { void loadDetail(id) })
  })
}
