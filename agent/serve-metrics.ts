/**
 * `/metrics` of an agent, for Prometheus: plain HTTP on the address the configuration names (loopback by default), off
 * unless a port is set. Answers nothing else. Blocks nothing; a scrape reads counters.
 */
import { createServer } from 'node:http'
import { errnoName, VedetteError } from '../proto/error.ts'
import { agentEquations, balance } from '../proto/ledger.ts'
import type { AgentLedger } from '../proto/ledger.ts'
import type { Part } from '../proto/process/lifecycle.ts'
import type { Source } from './capture/source.ts'
import { createAgentMetrics } from './metrics.ts'
import type { Deliverer } from './sink/deliver.ts'

export type MetricsOptions = {
  host: string
  port: number
  version: string
  modelHash: string
  ledger: AgentLedger
  source: Source
  deliverer: Pick<Deliverer, 'waiting'>
}

/** The metrics as a part to start and stop. `start` throws E_PORT_IN_USE. */
export function metricsPart({ host, port, version, modelHash, ledger, source, deliverer }: MetricsOptions): Part {
  const metrics = createAgentMetrics(ledger)
  metrics.set('vedette_agent_build_info', 1, { version, node: process.version, model: modelHash })
  let octets = 0
  metrics.beforeScrape(() => {
    metrics.add('vedette_agent_captured_octets_total', source.counters.octets - octets)
    octets = source.counters.octets
    metrics.set('vedette_agent_queue_batches', deliverer.waiting)
    for (const { name, balanced } of balance(agentEquations, ledger.snapshot())) {
      metrics.set('vedette_agent_ledger_balanced', balanced ? 1 : 0, { equation: name })
    }
  })
  const server = createServer((request, response) => {
    if (request.url !== '/metrics' || request.method !== 'GET') { response.writeHead(404).end(); return }
    metrics.text().then(
      (text) => { response.writeHead(200, { 'content-type': metrics.contentType }).end(text) },
      () => { response.writeHead(500).end() })
  })
  return {
    name: 'metrics',
    start: () => new Promise((resolve, reject) => {
      server.on('error', (error) => {
        reject(errnoName(error) === 'EADDRINUSE'
          ? new VedetteError('E_PORT_IN_USE', `port ${String(port)} on ${host} is in use`, 'Choose another with --set metrics.port=N')
          : new VedetteError('E_CONFIG', `cannot serve metrics on ${host}:${String(port)} (${errnoName(error)})`))
      })
      server.listen(port, host, resolve)
    }),
    stop: () => new Promise((resolve) => { server.close(() => { resolve() }); server.closeAllConnections() }),
  }
}
