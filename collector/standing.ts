/**
 * How the collector stands right now: its ledger with the stocks filled in, what each sensor last said, which parts are ready, and the
 * gauges. Reads only; never blocks.
 */
import { balance, collectorEquations } from '../proto/ledger.ts'
import type { CollectorLedger } from '../proto/ledger.ts'
import type { Clock } from '../proto/process/clock.ts'
import type { Logger } from '../proto/process/log.ts'
import type { Metrics } from '../proto/process/metrics.ts'
import type { Dispatcher } from './alert/dispatch.ts'
import type { LedgerReport, Readiness } from './api/options.ts'
import type { Intake } from './ingest/intake.ts'
import type { Journal } from './ingest/journal.ts'
import type { LogReader } from './ingest/reader.ts'
import type { StreamReport } from './ingest/stream-reports.ts'
import type { CollectorMetricName } from './metrics.ts'
import type { Detection } from './pipeline.ts'
import type { Store } from './store/store.ts'

export type StandingParts = {
  clock: Clock
  ledger: CollectorLedger
  store: Store
  journal: Journal
  intake: Intake
  detecting: LogReader
  archived: LogReader
  dispatcher: Dispatcher
  detection: Detection
}

export class Standing {
  private readonly parts: StandingParts
  private readonly sinceMs: number
  private readonly failures = new Map<string, { atMs: number, reason: string }>()

  constructor(parts: StandingParts) {
    this.parts = parts
    this.sinceMs = parts.clock.nowMs()
  }

  /** A reader ended for a reason that does not pass: said once in the log, and in readiness from now on. */
  failed(name: string, error: unknown, log: Logger): void {
    const reason = error instanceof Error ? error.message : String(error)
    this.failures.set(name, { atMs: this.parts.clock.nowMs(), reason })
    log.error('reader-ended', `the ${name} reader ended: ${reason}`, { error })
  }

  /** The ledger at this moment: cumulative counters and stocks together. */
  ledger(): LedgerReport {
    const { ledger, store, detecting, archived, intake } = this.parts
    const notifications = store.notificationCounts()
    ledger.set('recordsDetecting', detecting.lag().records)
    ledger.set('recordsArchiving', archived.lag().records)
    ledger.set('recordsLost', detecting.progress().lost)
    ledger.set('notificationsQueued', notifications.queued)
    ledger.set('notificationsDelivered', notifications.delivered)
    ledger.set('notificationsRefused', notifications.refused)
    ledger.set('notificationsWaiting', notifications.waiting)
    return { streams: intake.streams().map((report) => ({ ...report, counters: delivered(report) })), collector: ledger.snapshot() }
  }

  readiness(): Readiness {
    const { journal, dispatcher } = this.parts
    const part = (name: string): Readiness['parts'][number] => {
      const failure = this.failures.get(name)
      return failure === undefined ? { name, state: 'ready', sinceMs: this.sinceMs, reason: '' } : { name, state: 'failed', sinceMs: failure.atMs, reason: failure.reason }
    }
    const channels = dispatcher.states().filter(({ state }) => state !== 'closed')
    const parts: Readiness['parts'] = [
      { name: 'journal', state: 'ready', sinceMs: this.sinceMs, reason: `${String(journal.status().octets)} octets` },
      part('detection'), part('archive'),
      { name: 'channels', state: channels.length === 0 ? 'ready' : 'degraded', sinceMs: this.sinceMs,
        reason: channels.map(({ channel, waiting }) => `${channel} does not take notifications, ${String(waiting)} wait`).join('; ') },
    ]
    return { ready: parts.every(({ state }) => state === 'ready' || state === 'degraded'), parts }
  }

  /** Sets the gauges that are read rather than kept. */
  measure(metrics: Metrics<CollectorMetricName>, pages: number): void {
    const { journal, store, detection } = this.parts
    const { collector } = this.ledger()
    metrics.set('vedette_collector_journal_octets', journal.status().octets)
    metrics.set('vedette_collector_alerts', store.counts().alerts)
    metrics.set('vedette_collector_pages_open', pages)
    for (const [detector, { entries, evicted }] of detection.sizes()) {
      metrics.set('vedette_collector_window_entries', entries, { detector })
      metrics.set('vedette_collector_window_evicted', evicted, { detector })
    }
    for (const { name, balanced } of balance(collectorEquations, collector)) metrics.set('vedette_collector_ledger_balanced', balanced ? 1 : 0, { equation: name })
  }
}

/**
 * A sensor's counters with delivery as this side sees it: what the sensor sealed against what is in the journal. The two are counted on two
 * machines; while no batch is missing they are equal.
 */
function delivered({ counters, records, gaps }: StreamReport): Map<string, number> {
  const whole = new Map(counters)
  const dropped = counters.get('recordsDropped') ?? 0
  whole.set('recordsAcknowledged', records)
  whole.set('recordsWaiting', gaps === 0 ? 0 : (counters.get('recordsSealed') ?? 0) - records - dropped)
  return whole
}
