/**
 * The life of a flow in the collector, from the journal to the person who is told. Detection is one reader of the log:
 *
 *   batch -> enrich -> rescore -> detect -> explain -> alert -> store (one commit) -> live page, outbox
 *
 * Everything a group of batches led to is one commit with the position it brings: alerts, findings, notifications, what was learnt, the
 * ledger. If the commit fails for a reason that passes, the same commit is tried again; nothing is observed twice. After a restart the
 * last 15 minutes of the packet clock before the position are read again to fill the windows, with emission off.
 *
 * Each run (live traffic, a replay) has windows and baselines of its own; at most 16 are held, the one idle for longest is set down and
 * taken up again from its rows. Loses nothing; blocks while the store is away, so pressure stays in the log.
 */
import type { Alert } from '../proto/alert.ts'
import type { FlowBatch } from '../proto/flow.ts'
import type { CollectorLedger } from '../proto/ledger.ts'
import type { Clock } from '../proto/process/clock.ts'
import { createAggregate } from './aggregate/aggregate.ts'
import type { Grouper } from './alert/grouper.ts'
import type { Detection as Seen } from './detect/detector.ts'
import { createDetectors } from './detect/index.ts'
import type { DetectorSet, DetectorSettings } from './detect/index.ts'
import type { Enricher } from './enrich/enricher.ts'
import type { Explain } from './explain/explain.ts'
import type { LogBatch } from './ingest/reader.ts'
import type { Rescorer } from './rescore/rescorer.ts'
import { ResumePoint } from './resume.ts'
import { RunBook } from './runs.ts'
import type { Archive } from './store/archive.ts'
import type { Commit, Store } from './store/store.ts'

export const detectionReader = 'detection'
const ledgerRow = 'ledger/detection'
const runLimit = 16

/** Counters of detection: cumulative, kept in the commit they belong to. */
const ownCounters = ['recordsDetected', 'findings', 'findingsRaised', 'findingsGrouped', 'findingsRepeated'] as const

export type DetectionParts = {
  store: Store
  ledger: CollectorLedger
  clock: Clock
  settings: DetectorSettings
  enrich: Enricher
  rescorer: Pick<Rescorer, 'score' | 'modelHash'>
  explain: Explain
  grouper: Grouper
  /** After each commit: alerts as stored, and how many notifications were queued. */
  onCommit: (alerts: readonly Alert[], notifications: number) => void
}

/** Detection of one run. */
type Run = { detectors: DetectorSet, rows: Map<string, string | undefined> }

export class Detection {
  readonly runs: RunBook
  private readonly parts: DetectionParts
  private readonly held = new Map<string, Run>()
  private readonly resume = new ResumePoint()
  private done: number
  /** A commit that failed, to be tried again as it is. */
  private pending: { next: number, commit: Commit } | undefined
  /** What the pending commit adds to the ledger. */
  private counted: [typeof ownCounters[number], number][] = []

  constructor(parts: DetectionParts) {
    this.parts = parts
    this.done = parts.store.position(detectionReader).done
    this.runs = new RunBook(parts.store.memory('run-report/'))
    const counters = JSON.parse(parts.store.memory(ledgerRow).get(ledgerRow) ?? '{}') as Record<string, number>
    for (const name of ownCounters) parts.ledger.set(name, counters[name] ?? 0)
  }

  /** Takes a group of batches in log order; the reader calls it. Throws what the store throws. */
  async apply(batches: readonly LogBatch[], next: number): Promise<void> {
    if (this.pending?.next !== next) this.pending = { next, commit: await this.conclude(batches, next) }
    const { commit } = this.pending
    const { store, ledger, onCommit } = this.parts
    if (commit.expectedDone === next) { this.pending = undefined; return }
    const alerts = store.commit(commit)
    this.pending = undefined
    this.done = next
    for (const [name, value] of this.counted) ledger.add(name, value)
    onCommit(alerts, commit.notifications.length)
  }

  /** From batches to what must be stored. Observes each record once. */
  private async conclude(batches: readonly LogBatch[], next: number): Promise<Commit> {
    const { store, ledger, clock, explain, grouper, rescorer } = this.parts
    const scores = batches.map(({ batch }) => batch.flows.length === 0 ? undefined : rescorer.score(batch.flows, batch.featureHash))
    const seen: Seen[] = []
    let records = 0
    for (const [i, { batch, again, offset, appendMicros }] of batches.entries()) {
      const central = await scores[i]
      const run = this.open(batch.run)
      this.observe(run, batch, again, central, seen)
      this.resume.take({ stream: batch.stream, offset, clockMicros: batch.clockMicros, appendMicros, last: batch.last })
      if (!again) {
        records += batch.flows.length
        this.runs.take(batch, appendMicros)
      }
    }
    const grouping = grouper.group(seen.map((detection) => explain(detection)), store, clock.nowMs())
    const { findings, findingsRaised, findingsGrouped, findingsRepeated } = grouping.counts
    const counted = { recordsDetected: records, findings, findingsRaised, findingsGrouped, findingsRepeated }
    this.counted = ownCounters.map((name) => [name, counted[name]])
    const memory = this.takeRows()
    this.runs.save(memory)
    const totals = this.counted.map(([name, value]) => [name, ledger.get(name) + value] as const)
    memory.set(ledgerRow, JSON.stringify(Object.fromEntries(totals)))
    return {
      reader: detectionReader, position: { done: next, resume: Math.min(next, this.resume.offset() ?? next) }, expectedDone: this.done,
      findings: grouping.findings, alerts: grouping.alerts, notifications: grouping.notifications, memory,
    }
  }

  private observe({ detectors }: Run, batch: FlowBatch, again: boolean, central: Float32Array | undefined, seen: Seen[]): void {
    const { enrich, rescorer } = this.parts
    for (const [i, flow] of batch.flows.entries()) {
      const known = enrich(batch, flow)
      if (again) detectors.rebuild(known)
      else if (central === undefined) detectors.observe(known, seen)
      else detectors.observe(Object.assign(known, { centralScore: central[i], centralModelHash: rescorer.modelHash }), seen)
    }
    if (!again) detectors.tick(batch.stream, batch.clockMicros, batch.last, seen)
  }

  /** The detection of a run, taken up from its rows when it is not held. */
  private open(name: string): Run {
    let run = this.held.get(name)
    if (run === undefined) {
      const { settings, store } = this.parts
      const rows = new Map<string, string | undefined>()
      const aggregate = createAggregate({
        capacity: { keys: settings.limits.keys, slots: settings.limits.slots, wide: settings.limits.wide }, hosts: settings.limits.hosts,
        learningDays: settings.learningDays, remember: (key, value) => { rows.set(key, value) },
      })
      run = { detectors: createDetectors(settings, aggregate), rows }
      const prefix = rowPrefix(name)
      run.detectors.restore(new Map([...store.memory(prefix)].map(([key, value]) => [key.slice(prefix.length), value])))
    } else this.held.delete(name)
    this.held.set(name, run)
    return run
  }

  /** Every row the runs have changed, by its key in the store. */
  private takeRows(): Map<string, string | undefined> {
    const memory = new Map<string, string | undefined>()
    for (const [name, { detectors, rows }] of this.held) {
      detectors.save()
      for (const [key, value] of rows) memory.set(rowPrefix(name) + key, value)
      rows.clear()
    }
    this.setDown()
    return memory
  }

  /** Lets go of the runs longest idle, their rows having just been taken; between groups only, so none is in use. */
  private setDown(): void {
    for (const name of this.held.keys()) {
      if (this.held.size <= runLimit) break
      this.held.delete(name)
    }
  }

  /** Window entries held and given up, by detector, over all runs held. */
  sizes(): Map<string, { entries: number, evicted: number }> {
    const sizes = new Map<string, { entries: number, evicted: number }>()
    for (const { detectors } of this.held.values()) {
      for (const [name, { entries, evicted }] of detectors.sizes()) {
        const sum = sizes.get(name) ?? { entries: 0, evicted: 0 }
        sizes.set(name, { entries: sum.entries + entries, evicted: sum.evicted + evicted })
      }
    }
    return sizes
  }
}

const rowPrefix = (run: string): string => `run/${encodeURIComponent(run)}/`

/** The archive's side: every record, stored with the position in one transaction. */
export function archiving(archive: Archive, ledger: CollectorLedger): (batches: readonly LogBatch[], next: number) => Promise<void> {
  return async (batches, next) => {
    const { stored } = await archive.append(batches.map(({ batch }) => batch), next)
    ledger.add('recordsArchived', stored)
  }
}
