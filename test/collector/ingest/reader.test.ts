import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Journal } from '../../../collector/ingest/journal.ts'
import { LogReader } from '../../../collector/ingest/reader.ts'
import { VedetteError } from '../../../proto/error.ts'
import { ManualClock } from '../../../proto/process/clock.ts'
import { memoryLog, scratch, sealed } from './batches.ts'
import type { LogBatch, LogReaderOptions } from '../../../collector/ingest/reader.ts'

let folder: ReturnType<typeof scratch>
let journal: Journal
let stop: AbortController
const log = memoryLog()
const clock = new ManualClock(1.7e12)

beforeEach(async () => {
  folder = scratch()
  stop = new AbortController()
  journal = await Journal.open({ dir: folder.dir, clock, log })
})
afterEach(async () => {
  await journal.close()
  folder.remove()
})

type Seen = { groups: number[][], again: number[], nexts: number[] }

/** A reader that remembers what it was given and ends itself after sequence `until`. */
function reader(until: number, over: Partial<LogReaderOptions> = {}): { reader: LogReader, seen: Seen } {
  const seen: Seen = { groups: [], again: [], nexts: [] }
  const apply = (batches: readonly LogBatch[], next: number): Promise<void> => {
    seen.groups.push(batches.map(({ batch }) => batch.sequence))
    seen.again.push(...batches.filter(({ again }) => again).map(({ batch }) => batch.sequence))
    seen.nexts.push(next)
    if (batches.some(({ batch }) => batch.sequence === until)) stop.abort()
    return Promise.resolve()
  }
  return { reader: new LogReader({ name: 'test', journal, from: 0, apply, log, signal: stop.signal, ...over }), seen }
}

it('brings every batch in order, in bounded groups, and what comes later as it comes', async () => {
  for (const sequence of [1, 2, 3, 4]) await journal.append(sealed(sequence, 10), 10)
  const { reader: made, seen } = reader(6, { groupRecords: 20 })
  const running = made.run()
  await journal.append(sealed(5, 10), 10)
  await journal.append(sealed(6, 10), 10)
  await running
  expect(seen.groups.flat()).toEqual([1, 2, 3, 4, 5, 6])
  expect(seen.groups[0]).toEqual([1, 2])
  expect(seen.nexts.at(-1)).toBe(journal.end())
  expect(made.progress()).toMatchObject({ batches: 6, records: 60, lost: 0, retries: 0, position: journal.end() })
  expect(made.lag()).toEqual({ octets: 0, records: 0 })
})

it('knows how far behind it is before it has read anything', async () => {
  const offset = await journal.append(sealed(1, 5), 5)
  await journal.append(sealed(2, 7), 7)
  const [{ next }] = (await journal.read(offset, 1)).entries
  const { reader: made } = reader(9, { from: next })
  await made.open()
  expect(made.lag()).toEqual({ octets: journal.end() - next, records: 7 })
  await journal.append(sealed(3, 4), 4)
  expect(made.lag().records).toBe(11)
})

it('reads from before its position to rebuild, marks those batches and does not count them', async () => {
  for (const sequence of [1, 2, 3]) await journal.append(sealed(sequence, 2), 2)
  const done = (await journal.read(0, 1e6)).entries[1].next
  const { reader: made, seen } = reader(3, { from: 0, done })
  await made.run()
  expect(seen.groups.flat()).toEqual([1, 2, 3])
  expect(seen.again).toEqual([1, 2])
  expect(made.progress()).toMatchObject({ batches: 1, records: 2 })
})

it('offers the same group again, more and more slowly, while its store is away', async () => {
  await journal.append(sealed(1), 1)
  const pauses: number[] = []
  let failures = 8
  const applied: number[] = []
  const made = new LogReader({
    name: 'test', journal, from: 0, log, signal: stop.signal,
    wait: (ms) => { pauses.push(ms); return Promise.resolve() },
    apply: (batches) => {
      if (failures-- > 0) return Promise.reject(new VedetteError('E_STORE', 'away'))
      applied.push(...batches.map(({ batch }) => batch.sequence))
      stop.abort()
      return Promise.resolve()
    },
  })
  await made.run()
  expect(applied).toEqual([1])
  expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000])
  expect(made.progress()).toMatchObject({ retries: 8, batches: 1 })
})

it('ends when asked while it waits for its store, and has not moved on', async () => {
  await journal.append(sealed(1), 1)
  const made = new LogReader({
    name: 'test', journal, from: 0, log, signal: stop.signal,
    apply: () => { stop.abort(); return Promise.reject(new VedetteError('E_STORE', 'away')) },
  })
  await made.run()
  expect(made.progress()).toMatchObject({ position: 0, batches: 0 })
})

it('ends with the error when trying again is of no use', async () => {
  await journal.append(sealed(1), 1)
  for (const error of [new VedetteError('E_STORE_STALE'), new TypeError('a defect')]) {
    const made = new LogReader({ name: 'test', journal, from: 0, log, signal: stop.signal, apply: () => Promise.reject(error) })
    await expect(made.run()).rejects.toBe(error)
  }
})

it('steps over damage and over what is no batch, and counts the records lost', async () => {
  for (const sequence of [1, 2, 3]) await journal.append(sealed(sequence, 4), 4)
  await journal.append(Buffer.from('not a batch'), 3)
  await journal.append(sealed(5, 4), 4)
  await journal.close()
  const path = join(folder.dir, readdirSync(folder.dir)[0])
  const bytes = readFileSync(path)
  bytes[80 + 32 + 10] ^= 1
  writeFileSync(path, bytes)
  journal = await Journal.open({ dir: folder.dir, clock, log })
  const { reader: made, seen } = reader(5)
  await made.run()
  expect(seen.groups.flat()).toEqual([2, 3, 5])
  expect(made.progress()).toMatchObject({ records: 12, lost: 7 })
  expect(made.lag().records).toBe(0)
  expect(log.lines.filter(({ code }) => code === 'reader.damage')).toHaveLength(2)
})

it('lets two readers go at their own pace', async () => {
  const { reader: quick, seen } = reader(-1)
  const slow = new LogReader({
    name: 'slow', journal, from: 0, log, signal: stop.signal,
    apply: () => new Promise<void>((resolve) => { stop.signal.addEventListener('abort', () => { resolve() }) }),
  })
  const running = [quick.run(), slow.run()]
  for (const sequence of [1, 2, 3]) await journal.append(sealed(sequence), 1)
  while (seen.groups.flat().length < 3) await new Promise(setImmediate)
  expect(slow.lag().records).toBe(3)
  stop.abort()
  await Promise.all(running)
})

it('ends when the journal is closed', async () => {
  const { reader: made } = reader(-1)
  const running = made.run()
  await new Promise(setImmediate)
  await journal.close()
  await running
})
