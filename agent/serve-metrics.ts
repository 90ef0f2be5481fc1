/**
 * `/metrics` of an agent: the ledger, how much was captured, how much waits. Off unless a port is set. Blocks nothing; a scrape
 * reads counters.
 */
import { agentEquations, balance } from '../proto/ledger.ts'
import type { Part } from '../proto/process/lifecycle.ts'
import { metricsServer } from '../proto/process/metrics-server.ts'
import type { Source } from './capture/source.ts'
import { createAgentMetrics } from './metrics.ts'
import type { Assembled } from './pipeline.ts'

export type MetricsOptions = { host: string, port: number, version: string, source: Source, assembled: Assembled }

/** The metrics as a part to start and stop. `start` throws E_PORT_IN_USE. */
export function metricsPart({ host, port, version, source, assembled }: MetricsOptions): Part {
  const { ledger, deliverer, pipeline, modelHash } = assembled
  const metrics = createAgentMetrics(ledger)
  pipeline.onScored = (seconds) => { metrics.observe('vedette_agent_score_seconds', seconds) }
  metrics.set('vedette_agent_build_info', 1, { version, node: process.version, model: modelHash })
  let octets = 0
  metrics.beforeScrape(() => {
    metrics.add('vedette_agent_captured_octets_total', source.counters.octets - octets)
    octets = source.counters.octets
    metrics.set('vedette_agent_packet_clock_seconds', pipeline.clockMicros / 1e6)
    metrics.set('vedette_agent_queue_batches', deliverer.waiting)
    metrics.set('vedette_agent_queue_octets', deliverer.waitingOctets)
    for (const { name, balanced } of balance(agentEquations, ledger.snapshot())) {
      metrics.set('vedette_agent_ledger_balanced', balanced ? 1 : 0, { equation: name })
    }
  })
  return metricsServer(metrics, host, port)
}
