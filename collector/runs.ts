/**
 * What is known of each run: live traffic ('') and replays. Kept as rows of detection memory, in the commit that moved them. At most
 * 200 are remembered, the ones longest unchanged are forgotten first (their alerts and flows stay).
 */
import type { FlowBatch } from '../proto/flow.ts'
import type { RunReport } from './api/options.ts'

const prefix = 'run-report/'
const limit = 200

export class RunBook {
  private readonly reports = new Map<string, RunReport>()
  private readonly changed = new Set<string>()

  constructor(rows: ReadonlyMap<string, string>) {
    for (const value of rows.values()) {
      const report = JSON.parse(value) as RunReport
      this.reports.set(report.name, report)
    }
  }

  /** Takes a batch that detection has read for the first time. */
  take({ run, sensor, simulated, clockMicros, last, flows }: FlowBatch, appendMicros: number): void {
    const known = this.reports.get(run) ?? {
      name: run, kind: run === '' ? 'live' as const : run.startsWith('demo') ? 'demo' as const : 'replay' as const, state: 'running' as const,
      startedMs: Math.floor(appendMicros / 1000), fromMicros: 0, clockMicros: 0, records: 0, flows: 0, detail: simulated ? `${sensor}, generated` : sensor,
    }
    for (const { startMicros, final } of flows) {
      if (known.fromMicros === 0 || startMicros < known.fromMicros) known.fromMicros = Math.floor(startMicros)
      if (final) known.flows++
    }
    known.records += flows.length
    known.clockMicros = Math.max(known.clockMicros, Math.floor(clockMicros))
    known.state = last && run !== '' ? 'done' : 'running'
    this.reports.delete(run)
    this.reports.set(run, known)
    this.changed.add(run)
  }

  /** Writes changed reports into the commit's memory. */
  save(memory: Map<string, string | undefined>): void {
    for (const run of this.changed) memory.set(prefix + encodeURIComponent(run), JSON.stringify(this.reports.get(run)))
    this.changed.clear()
    for (const run of this.reports.keys()) {
      if (this.reports.size <= limit) break
      this.reports.delete(run)
      memory.set(prefix + encodeURIComponent(run), undefined)
    }
  }

  /** Newest first. */
  list(): RunReport[] {
    return [...this.reports.values()].toReversed()
  }
}
