import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Intake } from '../../../collector/ingest/intake.ts'
import { Journal } from '../../../collector/ingest/journal.ts'
import { balance, collectorEquations, newCollectorLedger } from '../../../proto/ledger.ts'
import { ManualClock } from '../../../proto/process/clock.ts'
import { encodeBatch, encodeRecords, makeFlow } from '../../../proto/codec.ts'
import { sealBatch } from '../../../proto/signature.ts'
import { boot, header, key, memoryLog, scratch, sealed } from './batches.ts'
import type { IntakeOptions } from '../../../collector/ingest/intake.ts'
import type { BatchHeader } from '../../../proto/codec.ts'
import type { DnsTransaction, Flow } from '../../../proto/flow.ts'
import type { CollectorLedger } from '../../../proto/ledger.ts'

const transaction: DnsTransaction = { query: '', type: 1, answers: 0, rttMicros: 0, offsetMicros: 0 }

let folder: ReturnType<typeof scratch>
let clock: ManualClock
let journal: Journal
let ledger: CollectorLedger
let saved: string | undefined
const log = memoryLog()

async function intake(over: Partial<IntakeOptions> = {}): Promise<Intake> {
  ledger = newCollectorLedger()
  return await Intake.open({
    journal, ledger, clock, log, keys: [key], checkpoint: { read: () => saved, write: (text) => { saved = text } }, ...over,
  })
}

/** A journal whose next writes fail or wait, as told. */
function controlled(): { journal: Journal, settle: ((fail?: Error) => void)[] } {
  const settle: ((fail?: Error) => void)[] = []
  const append = journal.append.bind(journal)
  const proxy = Object.create(journal, {
    append: {
      value: async (bytes: Uint8Array, items: number) => {
        const fail = await new Promise<Error | undefined>((resolve) => { settle.push(resolve) })
        if (fail !== undefined) throw fail
        return await append(bytes, items)
      },
    },
    end: { value: () => journal.end() },
    read: { value: (from: number, octets: number) => journal.read(from, octets) },
  }) as Journal
  return { journal: proxy, settle }
}

beforeEach(async () => {
  folder = scratch()
  clock = new ManualClock(1.7e12)
  saved = undefined
  journal = await Journal.open({ dir: folder.dir, clock, log })
})
afterEach(async () => {
  const uneven = balance(collectorEquations.filter(({ name }) => name === 'batches'), ledger.snapshot()).filter(({ balanced }) => !balanced)
  expect(uneven).toEqual([])
  await journal.close()
  folder.remove()
})

async function journalled(): Promise<number> {
  let n = 0
  for (let at = 0; at < journal.end();) {
    const { entries, next } = await journal.read(at, 1000)
    n += entries.length
    at = next
  }
  return n
}

describe('accepting', () => {
  it('takes a batch once, and answers for a copy', async () => {
    const made = await intake()
    expect(await made.accept(sealed(1, 3))).toEqual({ taken: 1, duplicate: 0 })
    expect(await made.accept(sealed(1, 3))).toEqual({ taken: 0, duplicate: 1 })
    expect(await made.accept(sealed(1, 3, { boot: 'ffffffffffffffff' }))).toEqual({ taken: 1, duplicate: 0 })
    expect(Object.fromEntries(ledger.counters)).toMatchObject({ batchesReceived: 3, batchesTaken: 2, batchesDuplicate: 1, batchesRefused: 0, recordsTaken: 6 })
    expect(await journalled()).toBe(2)
  })

  it('refuses what is too large, undecodable, unsigned or of another age, and counts it', async () => {
    const made = await intake({ maxOctets: 5000 })
    const good = sealed(1, 2)
    const forged = Uint8Array.from(good)
    forged[forged.length - 1] ^= 1
    const cases: [Uint8Array, string][] = [
      [new Uint8Array(5001), 'E_BATCH_TOO_LARGE'],
      [new Uint8Array(0), 'E_BATCH_SIGNATURE'],
      [good.subarray(0, 50), 'E_BATCH_SIGNATURE'],
      [sealBatch(good.subarray(0, 50), key), 'E_BATCH_UNDECODABLE'],
      [forged, 'E_BATCH_SIGNATURE'],
      [sealed(1, 1, { recordVersion: 3 }), 'E_BATCH_VERSION'],
      [sealed(1, 1, { boot: 'not-hexadecimal' }), 'E_BATCH_UNDECODABLE'],
    ]
    for (const [body, code] of cases) await expect(made.accept(body)).rejects.toMatchObject({ code })
    expect(ledger.get('batchesRefused')).toBe(cases.length)
    expect(ledger.get('batchesReceived')).toBe(cases.length)
    expect(journal.end()).toBe(0)
    expect(await made.accept(sealed(1, 1, { recordVersion: 2 }))).toEqual({ taken: 1, duplicate: 0 })
  })

  it.each<[string, Partial<Flow>]>([
    ['a sum that is not a number, which no answer of the API could hold', { interarrivalSquares: NaN }], ['an infinite sum', { responderInterarrivalSquares: Infinity }],
    ['a score that is not a number', { edgeScore: NaN }], ['a weight that is not a number', { weight: NaN }],
    ['a server name of 100 kB', { serverName: 'x'.repeat(100_000) }], ['a DNS name of 100 kB', { dns: [{ ...transaction, query: 'x'.repeat(100_000) }] }],
    ['a hundred thousand DNS transactions', { dns: Array.from({ length: 100_000 }, () => transaction) }],
  ])('refuses a signed record with %s', async (_, fields) => {
    const flow = makeFlow({ number: 1, initiatorAddress: '10.0.0.1', responderAddress: '10.0.0.2', ...fields })
    const made = await intake()
    await expect(made.accept(sealBatch(encodeBatch(header(1), encodeRecords([flow])), key))).rejects.toMatchObject({ code: 'E_BATCH_UNDECODABLE' })
  })

  it.each<[string, Partial<BatchHeader>]>([
    ['a run that ends the line', { run: 'a\nalert: none' }], ['a sensor that turns the text round', { sensor: '\u202egde' }],
    ['a stream of a megabyte, ten thousand of which would be kept', { stream: 'x'.repeat(1_000_000) }], ['a vantage that colours the terminal', { vantage: '\u001b[31m' }],
  ])('refuses %s', async (_, names) => {
    const made = await intake()
    await expect(made.accept(sealed(1, 1, names))).rejects.toMatchObject({ code: 'E_BATCH_UNDECODABLE' })
    expect(made.streams()).toEqual([])
  })

  it('reads nothing of what nobody signed, because reading 8 MiB of it holds everybody else up', async () => {
    const made = await intake()
    const records = new Uint8Array(8_000_000).map((_, i) => i % 2 === 0 ? 0x32 : 0)
    const begun = performance.now()
    for (let i = 0; i < 10; i++) await expect(made.accept(records)).rejects.toMatchObject({ code: 'E_BATCH_SIGNATURE' })
    expect(performance.now() - begun).toBeLessThan(500)
  })

  it('refuses a batch of which one record is broken, even if it is signed', async () => {
    const ends = { initiatorAddress: '10.0.0.1', responderAddress: '10.0.0.2' }
    const good = encodeRecords([makeFlow({ number: 1, ...ends })])
    const made = await intake()
    const addressOfThreeOctets = Uint8Array.of(0x32, 5, 0x22, 3, 10, 0, 0)
    const noAddress = Uint8Array.of(0x32, 2, 8, 1)
    const port = encodeRecords([makeFlow({ ...ends, responderPort: 65_536 })])
    const time = encodeRecords([makeFlow({ ...ends, startMicros: 2 ** 62 })])
    for (const broken of [addressOfThreeOctets, noAddress, port, time]) {
      const body = sealBatch(encodeBatch(header(1), Buffer.concat([good, broken])), key)
      await expect(made.accept(body)).rejects.toMatchObject({ code: 'E_BATCH_UNDECODABLE' })
    }
    expect(await made.accept(sealBatch(encodeBatch(header(1), good), key))).toMatchObject({ taken: 1 })
  })

  it('makes a copy wait for the first, and takes it when the first fails', async () => {
    const { journal: slow, settle } = controlled()
    const made = await intake({ journal: slow })
    const first = made.accept(sealed(1))
    const second = made.accept(sealed(1))
    let answered = false
    void second.then(() => { answered = true })
    await new Promise(setImmediate)
    expect(answered).toBe(false)
    settle[0](new Error('disk away'))
    await expect(first).rejects.toThrow('disk away')
    await new Promise(setImmediate)
    expect(answered).toBe(false)
    const third = made.accept(sealed(1))
    settle[1]()
    expect([await second, await third]).toEqual([{ taken: 1, duplicate: 0 }, { taken: 0, duplicate: 1 }])
    expect(ledger.get('batchesReceived')).toBe(2)
    expect(await journalled()).toBe(1)
  })

  it('accepts unsigned batches only when told to', async () => {
    const made = await intake({ keys: 'unsigned' })
    expect(await made.accept(sealed(1).slice(0, -34))).toEqual({ taken: 1, duplicate: 0 })
  })

  it('reports what each stream said last, and what is missing from it', async () => {
    const made = await intake()
    await made.accept(sealed(1))
    await made.accept(sealed(5, 0, { last: true, dropped: [2] }))
    await made.accept(sealed(4))
    expect(made.streams()).toEqual([{
      stream: 'edge/0', sensor: 'edge', boot, run: '', vantage: 'host', simulated: true, sequence: 5, clockMicros: 1.7e15 + 5e6, receivedMs: 1.7e12,
      last: true, counters: new Map([['frames', 50]]), records: 2, gaps: 1,
    }])
    expect(made.counts()).toMatchObject({ dropped: 1, missing: 0 })
  })
})

describe('starting again', () => {
  it.each(['from the journal alone', 'from a checkpoint and the journal after it', 'with a broken checkpoint'])('knows what it took %s', async (how) => {
    const first = await intake()
    for (const sequence of [1, 2, 3, 7]) await first.accept(sealed(sequence, 2))
    if (how.startsWith('from a')) first.checkpoint()
    if (how.startsWith('with')) saved = '{"version":1,"offset":"x","dedupe":{}}'
    for (const sequence of [8, 5]) await first.accept(sealed(sequence, 2))
    await journal.close()
    journal = await Journal.open({ dir: folder.dir, clock, log })
    const again = await intake()
    expect(ledger.get('recordsTaken')).toBe(12)
    expect(ledger.get('batchesTaken')).toBe(6)
    expect(again.streams()[0]).toMatchObject({ sequence: 8, gaps: 2 })
    for (const sequence of [1, 2, 3, 5, 7, 8]) expect(await again.accept(sealed(sequence, 2))).toMatchObject({ duplicate: 1 })
    for (const sequence of [4, 6, 9]) expect(await again.accept(sealed(sequence, 2))).toMatchObject({ taken: 1 })
  })

  it('saves a checkpoint by itself as the journal grows, and needs nothing before it', async () => {
    const first = await intake({ checkpointOctets: 1000 })
    for (let sequence = 1; sequence <= 30; sequence++) await first.accept(sealed(sequence, 1))
    expect(first.position()).toBeGreaterThan(1000)
    await journal.close()
    folder.remove()
    journal = await Journal.open({ dir: folder.dir, clock, log, floor: first.position() })
    const again = await intake()
    expect(await again.accept(sealed(3))).toMatchObject({ duplicate: 1 })
    expect(await again.accept(sealed(99))).toMatchObject({ taken: 1 })
  })

  it('goes on when the checkpoint cannot be saved', async () => {
    const made = await intake({ checkpointOctets: 1, checkpoint: { read: () => undefined, write: () => { throw new Error('full') } } })
    expect(await made.accept(sealed(1))).toMatchObject({ taken: 1 })
    expect(log.lines.at(-1)).toMatchObject({ level: 'warn', code: 'intake.checkpoint' })
  })
})
