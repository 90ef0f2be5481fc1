/**
 * The embedded collector without network, detection or page: journal, intake, both stores and both readers. As a program it takes batches from
 * sequence `argv[3]` on and prints each that was acknowledged, until it is killed; the kill test runs it.
 */
import { join } from 'node:path'
import { Intake } from '../../../collector/ingest/intake.ts'
import { Journal } from '../../../collector/ingest/journal.ts'
import { LogReader } from '../../../collector/ingest/reader.ts'
import { createArchive, createStore } from '../../../collector/store/index.ts'
import { newCollectorLedger } from '../../../proto/ledger.ts'
import { systemClock } from '../../../proto/process/clock.ts'
import { alert, finding, notification } from '../../contract/store.ts'
import { key, memoryLog, sealed } from './batches.ts'
import type { Archive } from '../../../collector/store/archive.ts'
import type { Store } from '../../../collector/store/store.ts'

export const flowsPerBatch = 20

export type Embedded = { journal: Journal, intake: Intake, store: Store, archive: Archive, readers: LogReader[], stop: AbortController }

/** Opens everything in `dir`. Detection here is: count each batch, raise an alert for it, queue a notification. */
export async function openEmbedded(dir: string): Promise<Embedded> {
  const log = memoryLog()
  const store = createStore({ path: join(dir, 'state.db') })
  store.open()
  const archive = createArchive({ path: join(dir, 'flows.duckdb') })
  await archive.open()
  const floor = Math.max(store.position('detection').done, await archive.position())
  const journal = await Journal.open({ dir: join(dir, 'journal'), segmentOctets: 60_000, clock: systemClock, log, floor })
  const checkpoint = { read: () => store.setting('intake'), write: (text: string) => { store.setSetting('intake', text) } }
  const intake = await Intake.open({ journal, ledger: newCollectorLedger(), clock: systemClock, log, keys: [key], checkpoint, checkpointOctets: 50_000 })
  const stop = new AbortController()
  const detection = new LogReader({
    name: 'detection', journal, from: store.position('detection').done, log, signal: stop.signal,
    apply: (batches, next) => {
      const { done } = store.position('detection')
      const counted = Number(store.memory('batches').get('batches') ?? 0) + batches.length
      const sequences = batches.map(({ batch }) => batch.sequence)
      store.commit({
        reader: 'detection', position: { done: next, resume: done }, expectedDone: done, alerts: sequences.map((n) => alert(n)), findings: sequences.map((n) => finding(n)),
        notifications: sequences.map((n) => notification(n)), memory: new Map([['batches', String(counted)]]),
      })
      return Promise.resolve()
    },
  })
  const archiving = new LogReader({
    name: 'archive', journal, from: await archive.position(), log, signal: stop.signal,
    apply: async (batches, next) => { await archive.append(batches.map(({ batch }) => batch), next) },
  })
  return { journal, intake, store, archive, readers: [detection, archiving], stop }
}

export async function closeEmbedded({ journal, store, archive }: Embedded): Promise<void> {
  await journal.close()
  await archive.close()
  store.close()
}

async function main(dir: string, from: number): Promise<void> {
  const { journal, intake, readers, store, archive } = await openEmbedded(dir)
  for (const reader of readers) void reader.run()
  const take = async (sequence: number): Promise<void> => {
    await intake.accept(sealed(sequence, flowsPerBatch))
    process.stdout.write(`${String(sequence)}\n`)
  }
  for (let sequence = from; ; sequence += 4) {
    await Promise.all([0, 1, 2, 3].map((i) => take(sequence + i)))
    await journal.retain({ positions: [store.position('detection').done, await archive.position(), intake.position()], keepMs: 1e9, keepOctets: 200_000 })
  }
}

if (process.argv[1] === import.meta.filename) await main(process.argv[2], Number(process.argv[3]))
