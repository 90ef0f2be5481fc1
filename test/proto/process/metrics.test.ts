import { describe, expect, it } from 'vitest'
import { createAgentMetrics } from '../../../agent/metrics.ts'
import { createCollectorMetrics } from '../../../collector/metrics.ts'
import { agentCounters, newAgentLedger, newCollectorLedger } from '../../../proto/ledger.ts'
import { ledgerMetricSpecs, Metrics, snakeCase } from '../../../proto/process/metrics.ts'
import { metricsServer } from '../../../proto/process/metrics-server.ts'

const line = (text: string, name: string): string | undefined => text.split('\n').find((each) => each.startsWith(`${name} `) || each.startsWith(`${name}{`))

describe('the ledger as metrics', () => {
  it('is read when scraped, and never counted twice', async () => {
    const ledger = newAgentLedger()
    const metrics = createAgentMetrics(ledger)
    ledger.add('frames', 41)
    ledger.set('flowsOpen', 7)
    await metrics.text()
    ledger.add('frames')
    ledger.set('flowsOpen', 3)
    const text = await metrics.text()
    expect(line(text, 'vedette_agent_frames_total')).toBe('vedette_agent_frames_total 42')
    expect(line(text, 'vedette_agent_flows_open')).toBe('vedette_agent_flows_open 3')
    expect(text).toContain('# TYPE vedette_agent_frames_total counter')
    expect(text).toContain('vedette_agent_process_cpu_seconds_total')
  })

  it('has every counter, also those that are 0', async () => {
    const text = await createCollectorMetrics(newCollectorLedger()).text()
    expect(line(text, 'vedette_collector_records_lost_total')).toBe('vedette_collector_records_lost_total 0')
    for (const { name } of ledgerMetricSpecs('vedette_agent', agentCounters)) expect(name).toMatch(/^vedette_agent_[a-z0-9_]+$/)
    expect(snakeCase('framesInFlows')).toBe('frames_in_flows')
  })
})

describe('other metrics', () => {
  it('are set, added to, observed, and refreshed before a scrape', async () => {
    const metrics = new Metrics([
      { name: 'x_total', type: 'counter', help: 'x', labels: ['why'] }, { name: 'y', type: 'gauge', help: 'y' },
      { name: 'z_seconds', type: 'histogram', help: 'z', buckets: [1, 2] },
    ] as const)
    metrics.add('x_total', 2, { why: 'a' })
    metrics.add('x_total', 1, { why: 'a' })
    metrics.observe('z_seconds', 1.5)
    metrics.beforeScrape(async () => { metrics.set('y', 5) })
    const text = await metrics.text()
    expect(line(text, 'x_total')).toBe('x_total{why="a"} 3')
    expect(line(text, 'y')).toBe('y 5')
    expect(text).toContain('z_seconds_bucket{le="1"} 0')
    expect(text).toContain('z_seconds_bucket{le="2"} 1')
  })

  it('of two processes in one test do not meet', async () => {
    const [a, b] = [createAgentMetrics(newAgentLedger()), createAgentMetrics(newAgentLedger())]
    a.set('vedette_agent_queue_octets', 1)
    expect(line(await b.text(), 'vedette_agent_queue_octets')).toBe('vedette_agent_queue_octets 0')
  })
})

describe('/metrics', () => {
  it('is served, and nothing else', async () => {
    const server = metricsServer(createAgentMetrics(newAgentLedger()), '127.0.0.1', 0)
    await server.start()
    const answer = await fetch(server.address)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/plain') as string])
    expect(await answer.text()).toContain('vedette_agent_frames_total 0')
    expect((await fetch(server.address.replace('/metrics', '/'))).status).toBe(404)
    expect((await fetch(server.address, { method: 'POST' })).status).toBe(404)
    await server.stop()
  })

  it('says when the port is taken', async () => {
    const metrics = createAgentMetrics(newAgentLedger())
    const first = metricsServer(metrics, '127.0.0.1', 0)
    await first.start()
    const second = metricsServer(metrics, '127.0.0.1', Number(new URL(first.address).port))
    await expect(second.start()).rejects.toMatchObject({ code: 'E_PORT_IN_USE' })
    await first.stop()
  })

  it('answers 500 when a refresh fails', async () => {
    const server = metricsServer({ text: () => Promise.reject(new Error('x')), contentType: '' }, '127.0.0.1', 0)
    await server.start()
    expect((await fetch(server.address)).status).toBe(500)
    await server.stop()
  })
})
