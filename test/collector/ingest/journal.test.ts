import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Journal } from '../../../collector/ingest/journal.ts'
import { ManualClock } from '../../../proto/process/clock.ts'
import { memoryLog, scratch } from './batches.ts'
import type { JournalOptions } from '../../../collector/ingest/journal.ts'
import type { JournalRead } from '../../../collector/ingest/journal-read.ts'

let folder: ReturnType<typeof scratch>
let clock: ManualClock
let log: ReturnType<typeof memoryLog>
const opened: Journal[] = []

beforeEach(() => {
  folder = scratch()
  clock = new ManualClock(1.7e12)
  log = memoryLog()
})
afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close()
  folder.remove()
})

async function journal(over: Partial<JournalOptions> = {}): Promise<Journal> {
  const made = await Journal.open({ dir: folder.dir, clock, log, ...over })
  opened.push(made)
  return made
}

const body = (n: number, length = 100): Uint8Array => new Uint8Array(length).fill(n)
const segments = (): string[] => readdirSync(folder.dir).filter((name) => name.endsWith('.seg')).sort()

async function readAll(from: Journal, at = 0, octets = 1000): Promise<{ numbers: number[], damaged: number, damagedItems: number, offsets: number[] }> {
  const all = { numbers: [] as number[], damaged: 0, damagedItems: 0, offsets: [] as number[] }
  for (let next = at; next < from.end();) {
    const read: JournalRead = await from.read(next, octets)
    expect(read.next).toBeGreaterThan(next)
    for (const { bytes, offset } of read.entries) {
      all.numbers.push(bytes[0])
      all.offsets.push(offset)
    }
    all.damaged += read.damaged
    all.damagedItems += read.damagedItems
    next = read.next
  }
  return all
}

describe('appending', () => {
  it('gives back in order, at their offsets, what was appended, also after it was opened again', async () => {
    const first = await journal({ segmentOctets: 1000 })
    const offsets = [await first.append(body(1)), ...await Promise.all([2, 3, 4, 5, 6, 7, 8, 9].map((n) => first.append(body(n), n)))]
    expect(segments().length).toBeGreaterThan(1)
    expect(await readAll(first)).toMatchObject({ numbers: [1, 2, 3, 4, 5, 6, 7, 8, 9], offsets, damaged: 0 })
    await first.close()
    const again = await journal({ segmentOctets: 1000 })
    expect(await again.append(body(10))).toBeGreaterThanOrEqual(first.end())
    expect((await readAll(again)).numbers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    const [entry] = (await again.read(offsets[3], 1)).entries
    expect(entry).toMatchObject({ offset: offsets[3], items: 4, kind: 1, appendMicros: 1.7e15 })
    expect((await again.read(entry.next, 1)).entries[0].offset).toBe(offsets[4])
  })

  it('flushes once for all appends that wait', async () => {
    const made = await journal()
    await Promise.all(Array.from({ length: 200 }, (_, n) => made.append(body(n))))
    expect(made.status().flushes).toBeLessThanOrEqual(2)
  })

  it('takes records larger than a segment and larger than a read', async () => {
    const made = await journal({ segmentOctets: 1000 })
    for (const n of [1, 2, 3]) await made.append(body(n, 50_000))
    expect((await readAll(made, 0, 10)).numbers).toEqual([1, 2, 3])
  })

  it('turns away what would not fit in its queue, and takes it when the queue is written', async () => {
    const made = await journal({ queueOctets: 250 })
    const waiting = [made.append(body(1)), made.append(body(2))]
    await expect(made.append(body(3))).rejects.toMatchObject({ code: 'E_SINK_BUSY', retryable: true })
    await Promise.all(waiting)
    await made.append(body(4))
    await expect(made.append(new Uint8Array(65 * 1024 * 1024))).rejects.toMatchObject({ code: 'E_BATCH_TOO_LARGE' })
    expect((await readAll(made)).numbers).toEqual([1, 2, 4])
  })

  it('never lets append times run backwards', async () => {
    const made = await journal()
    await made.append(body(1))
    clock.step(-3_600_000)
    await made.append(body(2))
    expect((await made.read(0, 1000)).entries.map(({ appendMicros }) => appendMicros)).toEqual([1.7e15, 1.7e15])
  })

  it('refuses a folder that is in use, and one that is a file', async () => {
    await journal()
    await expect(journal()).rejects.toMatchObject({ code: 'E_DATA_IN_USE' })
    const path = join(folder.dir, 'file')
    writeFileSync(path, '')
    await expect(journal({ dir: path })).rejects.toMatchObject({ code: 'E_DATA_UNWRITABLE' })
  })
})

describe('waiting', () => {
  it('wakes readers when there is something, and when they are to end', async () => {
    const made = await journal()
    const stop = new AbortController()
    const first = made.waitFor(made.end())
    const second = made.waitFor(1e9, stop.signal)
    await made.append(body(1))
    expect(await first).toBe(true)
    expect(await made.waitFor(0)).toBe(true)
    stop.abort()
    expect(await second).toBe(false)
    expect(await made.waitFor(made.end(), stop.signal)).toBe(false)
    const third = made.waitFor(made.end())
    await made.close()
    expect(await third).toBe(false)
    await expect(made.append(body(2))).rejects.toMatchObject({ code: 'E_SINK_BUSY' })
  })
})

describe('damage', () => {
  async function written(): Promise<number[]> {
    const made = await journal({ segmentOctets: 500 })
    const offsets: number[] = []
    for (let n = 1; n <= 9; n++) offsets.push(await made.append(body(n), n))
    await made.close()
    expect(segments()).toHaveLength(3)
    return offsets
  }

  it('cuts a torn tail off and says so', async () => {
    await written()
    appendFileSync(join(folder.dir, segments()[2]), body(5, 77))
    const made = await journal()
    expect(made.status().cutOctets).toBe(77)
    expect(log.lines.map(({ code }) => code)).toEqual(['journal.torn-tail'])
    await made.append(body(10))
    expect(await readAll(made)).toMatchObject({ numbers: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], damaged: 0 })
  })

  it('steps over flipped bits, and knows how many records were in them', async () => {
    await written()
    const path = join(folder.dir, segments()[1])
    const bytes = readFileSync(path)
    bytes[80 + 132 + 60] ^= 1
    writeFileSync(path, bytes)
    expect(await readAll(await journal())).toMatchObject({ numbers: [1, 2, 3, 4, 6, 7, 8, 9], damaged: 1, damagedItems: 5 })
  })

  it.each([0, 40, 80, 100, 80 + 132, 300])('goes on after a segment cut to %i octets', async (octets) => {
    await written()
    truncateSync(join(folder.dir, segments()[1]), octets)
    const kept = [1, 2, 3, ...octets >= 80 + 132 ? [4] : [], ...octets >= 80 + 264 ? [5] : [], 7, 8, 9]
    const { numbers, damaged } = await readAll(await journal())
    expect(numbers).toEqual(kept)
    expect(damaged).toBeGreaterThan(0)
  })

  it('goes on after a segment that is missing', async () => {
    await written()
    unlinkSync(join(folder.dir, segments()[1]))
    expect(await readAll(await journal())).toMatchObject({ numbers: [1, 2, 3, 7, 8, 9], damaged: 1 })
  })

  it('opens when the last segment has no readable header, or none at all', async () => {
    await written()
    const path = join(folder.dir, segments()[2])
    const bytes = readFileSync(path)
    writeFileSync(path, bytes.fill(0, 0, 80))
    const made = await journal()
    await made.append(body(10))
    expect(await readAll(made)).toMatchObject({ numbers: [1, 2, 3, 4, 5, 6, 10], damaged: 1 })
    await made.close()
    truncateSync(join(folder.dir, segments().at(-1) ?? ''), 12)
    const again = await journal()
    await again.append(body(11))
    expect((await readAll(again)).numbers).toEqual([1, 2, 3, 4, 5, 6, 11])
  })

  it('goes on behind its readers when its files were taken away', async () => {
    const offsets = await written()
    const floor = offsets[8] + 132
    for (const name of segments().slice(1)) rmSync(join(folder.dir, name))
    const made = await journal({ floor })
    const offset = await made.append(body(10))
    expect(offset).toBeGreaterThanOrEqual(floor)
    expect((await readAll(made, floor)).numbers).toEqual([10])
    await made.close()
    rmSync(folder.dir, { recursive: true })
    expect((await journal({ floor: 5000 })).end()).toBe(5000)
  })
})

describe('retention', () => {
  it('removes what is old and read by all, never what a reader needs or what is being written', async () => {
    const made = await journal({ segmentOctets: 300 })
    const offsets: number[] = []
    for (let n = 1; n <= 8; n++) {
      offsets.push(await made.append(body(n)))
      clock.advance(60_000)
    }
    const all = segments()
    expect(all.length).toBe(8)
    const keep = { keepMs: 3 * 60_000, keepOctets: 1e9 }
    expect(await made.retain({ positions: [0, 1e9], ...keep })).toBe(0)
    expect(await made.retain({ positions: [offsets[3], made.end()], ...keep })).toBeGreaterThan(0)
    expect(segments()).toEqual(all.slice(3))
    await made.retain({ positions: [made.end()], ...keep })
    expect(segments()).toEqual(all.slice(4))
    await made.retain({ positions: [made.end()], keepMs: 1e9, keepOctets: 450 })
    expect(segments()).toEqual(all.slice(6))
    clock.advance(1e9)
    await made.retain({ positions: [], ...keep })
    expect(segments()).toEqual(all.slice(7))
    expect(made.start()).toBe(offsets[7] - 80)
    expect((await readAll(made)).numbers).toEqual([8])
  })

  it('measures the items that lie ahead', async () => {
    const made = await journal({ segmentOctets: 300 })
    const offsets = []
    for (let n = 1; n <= 5; n++) offsets.push(await made.append(body(n), n))
    expect(await made.measure(offsets[2])).toEqual({ items: 12, itemsAtEnd: 15 })
    expect(await made.measure(made.end())).toEqual({ items: 0, itemsAtEnd: 15 })
  })
})

describe('a full disk', () => {
  const root = process.getuid?.() === 0
  it.skipIf(!root)('says E_DATA_FULL, keeps what it had, and goes on when there is room (needs root, to mount a small tmpfs)', async () => {
    const dir = join(folder.dir, 'small')
    mkdirSync(dir)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', dir])
    try {
      const made = await journal({ dir, segmentOctets: 40_000 })
      let taken = 0
      let failure: unknown
      while (failure === undefined && taken < 100) await made.append(body(taken, 9000)).then(() => { taken++ }, (error: unknown) => { failure = error })
      expect(failure).toMatchObject({ code: 'E_DATA_FULL', retryable: true })
      await expect(Promise.all([made.append(body(1, 30_000)), made.append(body(2, 30_000))])).rejects.toMatchObject({ code: 'E_DATA_FULL' })
      const all = Array.from({ length: taken }, (_, n) => n)
      expect((await readAll(made, 0, 20_000)).numbers).toEqual(all)
      const freed = await made.retain({ positions: [made.end()], keepMs: 1e9, keepOctets: 100_000 })
      expect(freed).toBeGreaterThan(50_000)
      await made.append(body(200, 9000))
      await made.close()
      const again = await journal({ dir })
      const numbers = (await readAll(again, 0, 20_000)).numbers
      expect(numbers.at(-1)).toBe(200)
      expect(numbers.slice(0, -1)).toEqual(all.slice(-(numbers.length - 1)))
      expect(statSync(dir).isDirectory()).toBe(true)
      await again.close()
    } finally {
      execFileSync('umount', [dir])
    }
  })
})

describe('a failing disk', () => {
  it('gives up a file whose flush failed, tells the sender to try again, and goes on in a new segment', async () => {
    const made = await journal()
    await made.append(body(1))
    const { open } = await import('node:fs/promises')
    const probe = await open(join(folder.dir, segments()[0]), 'r')
    const prototype = Object.getPrototypeOf(probe) as { datasync: () => Promise<void> }
    await probe.close()
    const failing = vi.spyOn(prototype, 'datasync').mockRejectedValueOnce(Object.assign(new Error('EIO'), { code: 'EIO' }))
    await expect(made.append(body(2))).rejects.toMatchObject({ code: 'E_STORE', retryable: true })
    failing.mockRestore()
    await made.append(body(2))
    expect(segments()).toHaveLength(2)
    expect(await readAll(made)).toMatchObject({ numbers: [1, 2], damaged: 0 })
    await made.close()
    expect((await readAll(await journal())).numbers).toEqual([1, 2])
  })
})
