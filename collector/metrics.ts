/**
 * The metrics of a collector: the loss ledger and what stands beside it. docs/metrics.md is made from this table. Every name begins with
 * `vedette_collector_`. Labels have values from tables of ours only.
 */
import { collectorCounters } from '../proto/ledger.ts'
import { createMetrics, ledgerMetricSpecs } from '../proto/process/metrics.ts'
import type { CollectorLedger } from '../proto/ledger.ts'
import type { Metrics, MetricSpec } from '../proto/process/metrics.ts'

const prefix = 'vedette_collector'

/** What the ledger does not hold. */
export const collectorMetrics = [
  { name: 'vedette_collector_build_info', type: 'gauge', help: 'always 1; version, Node and model are labels', labels: ['version', 'node', 'model'] },
  { name: 'vedette_collector_journal_octets', type: 'gauge', help: 'octets of the journal' },
  {
    name: 'vedette_collector_batch_seconds', type: 'histogram', help: 'time from a batch\'s arrival to its being on disk',
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5],
  },
  {
    name: 'vedette_collector_commit_seconds', type: 'histogram', help: 'time of one group of batches through detection, its commit included',
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5],
  },
  { name: 'vedette_collector_window_entries', type: 'gauge', help: 'entries of a detector\'s windows', labels: ['detector'] },
  { name: 'vedette_collector_window_evicted', type: 'gauge', help: 'entries a detector gave up because its windows were full, since the start', labels: ['detector'] },
  { name: 'vedette_collector_alerts', type: 'gauge', help: 'alerts stored' },
  { name: 'vedette_collector_pages_open', type: 'gauge', help: 'pages that follow the alerts live' },
  { name: 'vedette_collector_ledger_balanced', type: 'gauge', help: '1 when both sides of this equation of the loss ledger are equal', labels: ['equation'] },
] as const satisfies readonly MetricSpec[]

export type CollectorMetricName = typeof collectorMetrics[number]['name']

/** Every metric a collector exports, for docs/metrics.md. */
export const collectorMetricSpecs: readonly MetricSpec[] = [...ledgerMetricSpecs(prefix, collectorCounters), ...collectorMetrics]

/** The metrics of this process; the ledger is read whenever they are scraped. */
export const createCollectorMetrics = (ledger: CollectorLedger): Metrics<CollectorMetricName> =>
  createMetrics({ prefix, specs: collectorMetrics, counters: collectorCounters, ledger, processMetrics: true })
