/** `kill -9` at any moment: afterwards every flow is stored exactly once, every alert was raised exactly once, and the books balance. */
import { expect, test } from 'vitest'
import type { Alert } from '../../proto/alert.ts'
import { Random } from '../../models/random.ts'
import { Collector, folder, generated, replay } from './processes.ts'
import type { LedgerAnswer } from './processes.ts'

/** What must be the same whatever happened: all but the collector's own clock and the order of changes. */
const essence = (alerts: readonly Alert[]): unknown[] => alerts
  .map(({ raisedMs: _, updatedMs: __, version: ___, ...rest }) => rest)
  .toSorted((a, b) => a.id < b.id ? -1 : 1)

async function whole(data: string, capture: string): Promise<{ alerts: Alert[], ledger: LedgerAnswer }> {
  const collector = await Collector.start(data)
  await replay(data, collector.url, capture).ended
  return { ledger: await collector.settled(), alerts: await collector.alerts('demo') }
}

const seed = Number(process.env.VEDETTE_KILL_SEED ?? Date.now() % 100_000)
const rounds = Number(process.env.VEDETTE_KILL_ROUNDS ?? 1)

test(`agent and collector killed at random moments (seed ${String(seed)}): the same alerts as without`, { timeout: 120_000 + rounds * 120_000 }, async () => {
  const random = new Random(seed)
  const { path } = await generated(1)
  const undisturbed = await whole(folder(), path)
  expect(undisturbed.alerts.length).toBeGreaterThan(0)

  for (let round = 0; round < rounds; round++) {
    const data = folder()
    let collector = await Collector.start(data)
    const port = new URL(collector.url).port

    // The agent dies after some of the packets, and is started again.
    const first = replay(data, collector.url, path)
    const enough = 0.1 + 0.5 * random.next()
    await first.message(({ type, fraction }) => type === 'progress' && Number(fraction) > enough)
    await first.kill('SIGKILL')

    // The collector dies while the second agent sends; the agent waits for the next one.
    const second = replay(data, collector.url, path)
    const further = 0.3 + 0.6 * random.next()
    await second.message(({ type, fraction }) => type === 'progress' && Number(fraction) > further)
    await collector.process.kill('SIGKILL')
    collector = await Collector.start(data, '--port', port)
    expect(await second.ended).toBe(0)

    const ledger = await collector.settled()
    expect(ledger.balanced).toBe(true)
    expect(ledger.streams[0]).toMatchObject({ last: true, gaps: 0 })
    for (const name of ['recordsTaken', 'recordsDetected', 'recordsArchived'] as const) {
      expect(ledger.collector.counters[name], name).toBe(undisturbed.ledger.collector.counters[name])
    }
    expect(essence(await collector.alerts('demo'))).toEqual(essence(undisturbed.alerts))
  }
})
