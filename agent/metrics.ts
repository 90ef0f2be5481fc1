/**
 * The metrics of an agent: the loss ledger and what stands beside it. docs/metrics.md is made from this table. Every name begins with
 * `vedette_agent_`; there is one process per scrape, so no label says which sensor it is.
 */
import { agentCounters } from '../proto/ledger.ts'
import { createMetrics, ledgerMetricSpecs } from '../proto/process/metrics.ts'
import type { AgentLedger } from '../proto/ledger.ts'
import type { Metrics, MetricSpec } from '../proto/process/metrics.ts'

const prefix = 'vedette_agent'

/** What the ledger does not hold. */
export const agentMetrics = [
  { name: 'vedette_agent_build_info', type: 'gauge', help: 'always 1; version, Node and model are labels', labels: ['version', 'node', 'model'] },
  { name: 'vedette_agent_packet_clock_seconds', type: 'gauge', help: 'time of the newest packet, seconds since 1970' },
  { name: 'vedette_agent_queue_octets', type: 'gauge', help: 'octets of sealed batches that wait for the sink' },
  { name: 'vedette_agent_queue_batches', type: 'gauge', help: 'sealed batches that wait for the sink' },
  { name: 'vedette_agent_captured_octets_total', type: 'counter', help: 'octets of frames delivered by the source' },
  {
    name: 'vedette_agent_score_seconds', type: 'histogram', help: 'time from cutting a chunk of records to having its scores',
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1],
  },
  { name: 'vedette_agent_ledger_balanced', type: 'gauge', help: '1 when both sides of this equation of the loss ledger are equal', labels: ['equation'] },
] as const satisfies readonly MetricSpec[]

export type AgentMetricName = typeof agentMetrics[number]['name']

/** Every metric an agent exports, for docs/metrics.md. */
export const agentMetricSpecs: readonly MetricSpec[] = [...ledgerMetricSpecs(prefix, agentCounters), ...agentMetrics]

/** The metrics of this process; the ledger is read whenever they are scraped. */
export const createAgentMetrics = (ledger: AgentLedger): Metrics<AgentMetricName> =>
  createMetrics({ prefix, specs: agentMetrics, counters: agentCounters, ledger, processMetrics: true })
