/** Live capture on the loopback interface, from datagram to archive. Needs the right to capture. */
import { createSocket } from 'node:dgram'
import { expect, onTestFinished, test } from 'vitest'
import { agentEquations, balance } from '../../proto/ledger.ts'
import type { ArchivedFlow } from '../../collector/store/archive.ts'
import { agentMain, Collector, folder, Process } from './processes.ts'

const privileged = process.getuid?.() === 0
if (!privileged) process.stdout.write('Live capture is not tested: it needs root or CAP_NET_RAW.\n')

/** Two sockets on loopback; resolves when `count` datagrams went there and back. */
async function talk(count: number): Promise<{ from: number, to: number }> {
  const server = createSocket('udp4')
  const client = createSocket('udp4')
  onTestFinished(() => { server.close(); client.close() })
  await new Promise<void>((resolve) => { server.bind(0, '127.0.0.1', resolve) })
  await new Promise<void>((resolve) => { client.bind(0, '127.0.0.1', resolve) })
  server.on('message', (message, { port }) => { server.send(message, port, '127.0.0.1') })
  for (let i = 0; i < count; i++) {
    const back = new Promise<void>((resolve) => { client.once('message', () => { resolve() }) })
    client.send(`datagram ${String(i)}`, server.address().port, '127.0.0.1')
    await back
  }
  return { from: client.address().port, to: server.address().port }
}

test.runIf(privileged)('datagrams on lo become one flow with the right counts', { timeout: 60_000 }, async () => {
  const data = folder()
  const collector = await Collector.start(data)
  const agent = new Process(agentMain, ['capture', '--interface', 'lo', '--sink', 'http', '--url', collector.url, '--key-file', `${data}/key`, '--sensor', 'here', '--log-level', 'warn'])
  await agent.message(({ type }) => type === 'started')
  const { from, to } = await talk(50)
  const enough = await agent.message(({ type, packets }) => type === 'progress' && Number(packets) >= 100)
  expect(Number(enough.packets)).toBeGreaterThanOrEqual(100)
  agent.child.kill('SIGTERM')
  const done = await agent.message(({ type }) => type === 'done')
  expect(await agent.ended).toBe(0)
  const counters = new Map(Object.entries(done.ledger as Record<string, number>))
  for (const { name, left, right } of balance(agentEquations, counters)) expect(left, name).toBe(right)

  const ledger = await collector.settled()
  expect(ledger.balanced).toBe(true)
  const { items } = await collector.get<{ items: ArchivedFlow[] }>(`/v1/flows?port=${String(to)}&limit=10`)
  expect(items.filter(({ final }) => final)).toMatchObject([{
    sensor: 'here', run: '', initiatorPort: from, responderPort: to, protocol: 17, initiatorPackets: 50, responderPackets: 50,
  }])
})
