/** The whole path, with real processes: a capture with a known truth in, explained alerts out, books balanced on both sides. */
import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { agentEquations, balance } from '../../proto/ledger.ts'
import type { Alert } from '../../proto/alert.ts'
import type { ArchivedFlow } from '../../collector/store/archive.ts'
import type { BruteForceTruth, DnsTunnelTruth, PortScanTruth, Truth } from '../../agent/capture/simulate/index.ts'
import { Collector, folder, generated, replay } from './processes.ts'

type Received = { headers: Record<string, string | string[] | undefined>, body: string }

/** A receiver of webhooks on loopback. */
async function receiver(): Promise<{ url: string, received: Received[] }> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (part: string) => { body += part }).on('end', () => {
      received.push({ headers: request.headers, body })
      response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  onTestFinished(() => { server.close() })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no address')
  return { url: `http://127.0.0.1:${String(address.port)}/hook`, received }
}

const of = <Kind extends Truth['attacks'][number]['kind']>(truth: Truth, kind: Kind): Extract<Truth['attacks'][number], { kind: Kind }> =>
  truth.attacks.find((attack): attack is Extract<Truth['attacks'][number], { kind: Kind }> => attack.kind === kind) ?? (() => { throw new Error(`no ${kind}`) })()

const alertOf = (alerts: readonly Alert[], detector: string, entity: string): Alert => {
  const found = alerts.filter((alert) => alert.detector === detector && alert.entity === entity)
  expect(found, `${detector} by ${entity}`).toHaveLength(1)
  return found[0]
}

test('a generated capture becomes explained alerts, each raised once, and every packet is accounted for', { timeout: 120_000 }, async () => {
  const { path, truth } = await generated(1)
  const data = folder()
  const hook = await receiver()
  const secret = 'a secret for this test'
  const config = join(data, 'collector.yaml')
  writeFileSync(config, `channels:\n  - name: soc\n    kind: webhook\n    url: ${hook.url}\n    secret: \${E2E_SECRET:${secret}}\n`)
  const collector = await Collector.start(data, '--config', config)

  const pushed: Alert[] = []
  const socket = new WebSocket(`${collector.url.replace('http', 'ws')}/v1/live`, { origin: collector.url })
  socket.on('message', (message: Buffer) => {
    const { type, alert } = JSON.parse(message.toString()) as { type: string, alert?: Alert }
    if (type === 'alert' && alert !== undefined) pushed.push(alert)
  })
  onTestFinished(() => { socket.terminate() })

  const agent = replay(data, collector.url, path, '--simulated')
  const done = await agent.message(({ type }) => type === 'done')
  expect(await agent.ended).toBe(0)
  const ledger = await collector.settled()

  // The books: the agent's, the collector's, and between them.
  const counters = new Map(Object.entries(done.ledger as Record<string, number>))
  for (const { name, left, right } of balance(agentEquations, counters)) expect(left, name).toBe(right)
  expect(ledger.balanced).toBe(true)
  expect(counters.get('frames')).toBe(truth.packets)
  expect(ledger.streams).toHaveLength(1)
  expect(ledger.streams[0]).toMatchObject({ last: true, gaps: 0, balanced: true })
  expect(ledger.collector.counters.recordsTaken).toBe(counters.get('recordsMade'))
  expect(ledger.collector.counters.recordsArchived).toBe(counters.get('recordsMade'))
  expect(ledger.streams[0].counters.recordsSealed).toBe(counters.get('recordsMade'))

  // The three detectors found theirs, and nothing else.
  const alerts = await collector.alerts('demo')
  const scan = of(truth, 'port-scan') satisfies PortScanTruth
  const guessing = of(truth, 'brute-force') satisfies BruteForceTruth
  const tunnel = of(truth, 'dns-tunnel') satisfies DnsTunnelTruth
  const expected = [
    { alert: alertOf(alerts, 'port-scan', scan.attackers[0]), peer: scan.victims[0], most: scan.portsFailed, least: 0.9 * scan.portsFailed },
    { alert: alertOf(alerts, 'brute-force', guessing.attackers[0]), peer: guessing.victims[0], most: guessing.attempts, least: 20 },
    { alert: alertOf(alerts, 'dns-tunnel', tunnel.attackers[0]), peer: tunnel.domain, most: tunnel.uniqueSubdomains, least: 60 },
  ]
  expect(alerts.map(({ detector, entity, peer }) => [detector, entity, peer]).toSorted())
    .toEqual(expected.map(({ alert: { detector, entity }, peer }) => [detector, entity, peer]).toSorted())
  for (const { alert, peer, least, most } of expected) {
    expect(alert.sentence).toContain(alert.entity)
    expect(alert.sentence).toContain(peer)
    const [evidence] = alert.evidence
    expect(evidence.value, alert.detector).toBeGreaterThanOrEqual(least)
    expect(evidence.value, alert.detector).toBeLessThanOrEqual(most)
    expect(alert.sentence).toContain(String(evidence.value))
    expect(alert.riskParts.length).toBeGreaterThan(0)
    expect(alert.nextSteps.length).toBeGreaterThan(0)
    const detail = await collector.get<{ flows: ArchivedFlow[] }>(`/v1/alerts/${alert.id}`)
    expect(detail.flows.length).toBeGreaterThan(0)
    for (const flow of detail.flows) expect([flow.initiatorAddress, flow.responderAddress]).toContain(alert.entity)
  }
  expect(expected[1].alert.severity).toBe('critical')

  // A person was told: by webhook, signed, and on the open page.
  const raised = hook.received.map(({ body }) => JSON.parse(body) as { type: string, alert: Alert }).filter(({ type }) => type === 'alert.raised')
  expect(raised.map(({ alert }) => alert.id).toSorted()).toEqual(alerts.map(({ id }) => id).toSorted())
  for (const { headers, body } of hook.received) {
    const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', secret).update(signed).digest('base64')}`)
  }
  expect(new Set(pushed.map(({ id }) => id))).toEqual(new Set(alerts.map(({ id }) => id)))

  // The same replay again is nothing new; neither is a restart.
  const again = replay(data, collector.url, path, '--simulated')
  expect(await again.ended).toBe(0)
  const after = await collector.settled()
  expect(after.collector.counters.batchesDuplicate).toBe(ledger.collector.counters.batchesTaken)
  expect(after.collector.counters.recordsTaken).toBe(ledger.collector.counters.recordsTaken)
  expect(await collector.process.kill('SIGTERM')).toBe(0)
  const restarted = await Collector.start(data, '--config', config)
  const kept = await restarted.settled()
  expect(kept.balanced).toBe(true)
  expect(await restarted.alerts('demo')).toEqual(alerts)
})

test('a replay beside a live sensor is a run of its own: its alerts are there, nobody is notified', { timeout: 120_000 }, async () => {
  const { path } = await generated(2)
  const data = folder()
  const hook = await receiver()
  const config = join(data, 'collector.yaml')
  writeFileSync(config, `channels:\n  - name: soc\n    kind: webhook\n    url: ${hook.url}\n`)
  const collector = await Collector.start(data, '--config', config)
  const agent = replay(data, collector.url, path, '--run', 'replay-of-a-day')
  expect(await agent.ended).toBe(0)
  const ledger = await collector.settled()
  expect(ledger.balanced).toBe(true)
  expect((await collector.alerts('replay-of-a-day')).length).toBeGreaterThanOrEqual(3)
  expect(await collector.alerts('')).toEqual([])
  expect(ledger.collector.counters.notificationsQueued).toBe(0)
  expect(hook.received).toEqual([])
})
