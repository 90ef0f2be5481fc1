/** kill -9 at random moments: what was acknowledged is in the log, in the archive and in detection's results exactly once. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { closeEmbedded, flowsPerBatch, openEmbedded } from './embedded.ts'
import { scratch, sealed } from './batches.ts'

let folder: ReturnType<typeof scratch>
beforeEach(() => { folder = scratch() })
afterEach(() => { folder.remove() })

const program = new URL('embedded.ts', import.meta.url).pathname
const rounds = Number(process.env['VEDETTE_KILL_ROUNDS'] ?? 6)

/** Runs the collector from `from` on and kills it some moment after its first acknowledgement. Gives the sequences it acknowledged. */
async function runAndKill(from: number, afterMs: number): Promise<number[]> {
  const child = spawn(process.execPath, [program, folder.dir, String(from)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (part: Buffer) => {
    if (text === '') setTimeout(() => { child.kill('SIGKILL') }, afterMs)
    text += part.toString()
  })
  const [code, signal] = await once(child, 'close') as [number | null, string | null]
  expect([code, signal]).toEqual([null, 'SIGKILL'])
  // A line cut by the kill was acknowledged all the same, but nobody heard it.
  return text.slice(0, text.lastIndexOf('\n') + 1).split('\n').filter((line) => line !== '').map(Number)
}

it(`stores every acknowledged batch exactly once through ${String(rounds)} kills`, async () => {
  const acknowledged = new Set<number>()
  let next = 1
  for (let round = 0; round < rounds; round++) {
    for (const sequence of await runAndKill(next, Math.floor(Math.random() * 250))) acknowledged.add(sequence)
    // As an agent does: everything from the first that was not acknowledged comes again.
    next = 1
    while (acknowledged.has(next)) next++
  }
  expect(acknowledged.size).toBeGreaterThan(rounds)
  const highest = Math.max(...acknowledged)

  const opened = await openEmbedded(folder.dir)
  const { journal, intake, store, archive, readers, stop } = opened
  for (const sequence of acknowledged) expect(await intake.accept(sealed(sequence, flowsPerBatch))).toEqual({ taken: 0, duplicate: 1 })
  const running = readers.map((reader) => reader.run())
  while (readers.some((reader) => reader.lag().octets > 0)) await new Promise(setImmediate)
  stop.abort()
  await Promise.all(running)

  // Up to three batches after the highest may have reached the log without an acknowledgement.
  const { records } = await archive.counts()
  const batches = records / flowsPerBatch
  expect(batches).toBeGreaterThanOrEqual(acknowledged.size)
  expect(batches).toBeLessThanOrEqual(highest + 7)
  const seen = new Set<string>()
  let cursor: string | undefined
  do {
    const page = await archive.flows({ limit: 1000, ...cursor === undefined ? {} : { cursor } })
    for (const { number } of page.items) {
      expect(seen.has(String(number))).toBe(false)
      seen.add(String(number))
    }
    cursor = page.next
  } while (cursor !== undefined)
  expect(seen.size).toBe(records)
  for (const sequence of acknowledged) for (let i = 0; i < flowsPerBatch; i++) expect(seen.has(String(sequence * 1000 + i))).toBe(true)

  expect(store.memory('batches').get('batches')).toBe(String(batches))
  expect(store.counts()).toEqual({ alerts: batches, findings: batches })
  expect(store.version()).toBe(batches)
  expect(store.notificationCounts().queued).toBe(batches)
  // Nothing is left to read: a kill just after a roll leaves a segment with a header and nothing in it.
  for (const position of [store.position('detection').done, await archive.position()]) {
    expect((await journal.read(position, 1 << 20)).entries).toEqual([])
  }
  await closeEmbedded(opened)
}, 30_000 + rounds * 5000)
