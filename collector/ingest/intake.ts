/**
 * The door to the log: a sealed batch is checked (size, signature, form, version, every record), compared with what
 * was taken before, and written to the journal. `accept` resolves when the batch is on the disk; a copy that arrives
 * while the first is being written waits for that write. A batch is taken whole or not at all. Loses nothing it has
 * answered for; what it refuses is counted with its outcome, what was turned away for a reason that passes (journal
 * full or behind) is not counted, because it comes again.
 *
 * State (what was taken, counters, each stream's newest report) is a function of the log: at open it is read from the
 * last checkpoint on. `position` is that checkpoint's place: the journal must keep what follows it.
 */
import { decodeFlow, openBatch } from '../../proto/codec.ts'
import { VedetteError } from '../../proto/error.ts'
import { recordVersion } from '../../proto/flow.ts'
import { recordHeaderOctets } from '../../proto/segment.ts'
import { verifyBatch } from '../../proto/signature.ts'
import { Dedupe } from './dedupe.ts'
import { StreamReports } from './stream-reports.ts'
import type { BatchFrame } from '../../proto/codec.ts'
import type { Flow } from '../../proto/flow.ts'
import type { CollectorCounter, CollectorLedger } from '../../proto/ledger.ts'
import type { Clock } from '../../proto/process/clock.ts'
import type { Logger } from '../../proto/process/log.ts'
import type { DedupeState } from './dedupe.ts'
import type { Journal } from './journal.ts'
import type { StoredReport, StreamReport } from './stream-reports.ts'

export type IntakeOptions = {
  journal: Journal
  ledger: CollectorLedger
  clock: Clock
  log: Logger
  /** HMAC keys, any of which may have signed; 'unsigned' switches the check off. */
  keys: readonly Uint8Array[] | 'unsigned'
  /** Largest batch, octets. Default 8 MiB. */
  maxOctets?: number
  /** Where the checkpoint is kept: a setting of the store. */
  checkpoint: { read(): string | undefined, write(text: string): void }
  /** A checkpoint is written when the journal has grown by so much. Default 32 MiB. */
  checkpointOctets?: number
}

type Checkpoint = { version: 1, offset: number, dedupe: DedupeState, counters: [CollectorCounter, number][], streams: StoredReport[] }

/** Characters of a stream, a sensor, a run, a vantage, a hash: what the page can filter by. */
const maxName = 200
/** Characters of any text in a record; a DNS name as text has at most 1,020. */
const maxText = 2048
/** DNS transactions, sizes or context numbers of one record. */
const maxItems = 4096

const undecodable = (why: string): VedetteError => new VedetteError('E_BATCH_UNDECODABLE', `undecodable batch: ${why}`)

/** What everybody behind the log takes for granted; no agent writes anything else. */
function checkFlow(flow: Flow): void {
  const { initiatorAddress, responderAddress, initiatorPort, responderPort, protocol, startMicros, endMicros } = flow
  const sound = initiatorAddress !== '' && responderAddress !== '' && initiatorPort <= 65_535 && responderPort <= 65_535 && protocol <= 255
  if (!sound || !Number.isSafeInteger(startMicros) || !Number.isSafeInteger(endMicros)) {
    throw undecodable('a record without addresses, or with a port, protocol or time out of range')
  }
  const { interarrivalSquares, initiatorInterarrivalSquares, responderInterarrivalSquares, edgeScore = 0, weight } = flow
  // One that is none makes the sum none.
  if (!Number.isFinite(interarrivalSquares + initiatorInterarrivalSquares + responderInterarrivalSquares + edgeScore + weight)) {
    throw undecodable('a record with a number that is none')
  }
  const { history, application, serverName, dns, sizes, context } = flow
  const long = [history, application, serverName].some((text) => text.length > maxText) || dns.some(({ query }) => query.length > maxText)
  if (long || dns.length > maxItems || sizes.length > maxItems || context.length > maxItems) throw undecodable('a record with more in it than a sensor writes')
}

/** Names are shown to people, written to logs and kept for every stream heard of: short, and nothing that moves a cursor. */
function checkNames({ stream, sensor, run, vantage, featureHash, modelHash }: BatchFrame): void {
  for (const name of [stream, sensor, run, vantage, featureHash, modelHash]) {
    if (name.length > maxName || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(name)) throw undecodable('a name that is too long or cannot be shown')
  }
}

/** Counters that belong to intake: cumulative over restarts. */
const ownCounters = ['batchesReceived', 'batchesTaken', 'batchesDuplicate', 'batchesRefused', 'recordsTaken'] as const satisfies readonly CollectorCounter[]

export class Intake {
  readonly #journal: Journal
  readonly #ledger: CollectorLedger
  readonly #clock: Clock
  readonly #log: Logger
  readonly #keys: readonly Uint8Array[] | 'unsigned'
  readonly #maxOctets: number
  readonly #checkpoint: IntakeOptions['checkpoint']
  readonly #checkpointOctets: number
  readonly #dedupe = new Dedupe()
  readonly #streams = new StreamReports()
  /** Batches being written, by identity; the promise tells whether the write succeeded. */
  readonly #pending = new Map<string, Promise<boolean>>()
  /** All before this is in `#dedupe`. */
  #applied = 0
  #saved = 0

  private constructor(options: IntakeOptions) {
    this.#journal = options.journal
    this.#ledger = options.ledger
    this.#clock = options.clock
    this.#log = options.log
    this.#keys = options.keys
    this.#maxOctets = options.maxOctets ?? 8 * 1024 * 1024
    this.#checkpoint = options.checkpoint
    this.#checkpointOctets = options.checkpointOctets ?? 32 * 1024 * 1024
  }

  /**
   * Rebuilds its state from the checkpoint and the journal after it (a bad checkpoint only means reading from the
   * start).
   */
  static async open(options: IntakeOptions): Promise<Intake> {
    const intake = new Intake(options)
    intake.#restore()
    await intake.#rebuild()
    return intake
  }

  /**
   * Takes one sealed FlowBatch. Gives how many batches were taken and how many were known already. Throws
   * E_BATCH_TOO_LARGE, E_BATCH_UNDECODABLE, E_BATCH_VERSION, E_BATCH_SIGNATURE (never try again), E_SINK_BUSY,
   * E_DATA_FULL, E_STORE (try again: it was not taken).
   */
  async accept(body: Uint8Array): Promise<{ taken: number, duplicate: number }> {
    let batch: BatchFrame
    try {
      batch = this.#check(body)
    } catch (error) {
      this.#ledger.add('batchesReceived')
      this.#ledger.add('batchesRefused')
      throw error
    }
    const id = `${String(batch.sequence)}:${batch.boot}:${batch.stream}`
    for (let first = this.#pending.get(id); first !== undefined; first = this.#pending.get(id)) {
      if (await first) break
    }
    if (!this.#dedupe.isNew(batch.stream, batch.boot, batch.sequence, this.#nowMicros())) {
      this.#ledger.add('batchesReceived')
      this.#ledger.add('batchesDuplicate')
      return { taken: 0, duplicate: 1 }
    }
    const written = this.#append(batch, body)
    this.#pending.set(id, written.then(() => true, () => false).finally(() => this.#pending.delete(id)))
    await written
    return { taken: 1, duplicate: 0 }
  }

  async #append(batch: BatchFrame, body: Uint8Array): Promise<void> {
    const offset = await this.#journal.append(body, batch.count)
    this.#ledger.add('batchesReceived')
    this.#take(batch, this.#nowMicros(), offset + recordHeaderOctets + body.length)
    if (this.#applied - this.#saved < this.#checkpointOctets) return
    try {
      this.checkpoint()
    } catch (error) {
      this.#saved = this.#applied
      this.#log.warn('intake.checkpoint', 'The intake could not save its checkpoint; the next start reads more of the journal', { reason: String(error) })
    }
  }

  #take(batch: BatchFrame, appendMicros: number, next: number): void {
    this.#ledger.add('batchesTaken')
    this.#ledger.add('recordsTaken', batch.count)
    this.#dedupe.take(batch.stream, batch.boot, batch.sequence, appendMicros)
    this.#dedupe.drop(batch.stream, batch.boot, batch.dropped)
    this.#streams.take(batch, appendMicros)
    this.#applied = next
  }

  /** Append time, as the journal counts it: the clock of missing ranges. */
  #nowMicros(): number {
    return Math.floor(this.#clock.nowMs() * 1000)
  }

  #check(body: Uint8Array): BatchFrame {
    if (body.length > this.#maxOctets) {
      throw new VedetteError('E_BATCH_TOO_LARGE', `a batch of ${String(body.length)} octets is larger than the limit of ${String(this.#maxOctets)}`)
    }
    // First of all: what nobody signed is not worth reading, and reading 8 MiB of it holds everybody else up.
    if (this.#keys !== 'unsigned' && !verifyBatch(body, this.#keys)) throw new VedetteError('E_BATCH_SIGNATURE')
    const batch = openBatch(body)
    if (batch.recordVersion === 0 || Math.abs(batch.recordVersion - recordVersion) > 1) {
      throw new VedetteError('E_BATCH_VERSION', `records of version ${String(batch.recordVersion)} are not supported, this collector reads ${String(recordVersion)}`, 'Bring agent and collector to neighbouring versions')
    }
    if (!/^[0-9a-f]{16}$/.test(batch.boot) || !Number.isSafeInteger(batch.sequence) || !Number.isSafeInteger(batch.clockMicros)) {
      throw undecodable('boot, sequence or clock is not one')
    }
    checkNames(batch)
    for (let i = 0; i < batch.count; i++) checkFlow(decodeFlow(body, batch.spans[2 * i], batch.spans[2 * i + 1]))
    return batch
  }

  /** Place in the journal up to which a saved checkpoint makes reading unnecessary. */
  position(): number {
    return this.#saved
  }

  /** Saves the state; call it at the end, so that the next start reads nothing. Throws what the store throws. */
  checkpoint(): void {
    this.#dedupe.expire(this.#nowMicros())
    const state: Checkpoint = {
      version: 1, offset: this.#applied, dedupe: this.#dedupe.toJSON(), streams: this.#streams.toJSON(),
      counters: ownCounters.map((name) => [name, this.#ledger.get(name)]),
    }
    this.#checkpoint.write(JSON.stringify(state))
    this.#saved = this.#applied
  }

  /** The newest report of every stream heard of, with the sequences missing from it. */
  streams(): StreamReport[] {
    return this.#streams.list((stream, boot) => this.#dedupe.open(stream, boot))
  }

  /** Missing and dropped sequences, and (stream, boot) pairs remembered or forgotten. */
  counts(): ReturnType<Dedupe['counts']> {
    return this.#dedupe.counts()
  }

  #restore(): void {
    const text = this.#checkpoint.read()
    if (text === undefined) return
    try {
      // Written by this class into the process's own store; a broken one is as good as none.
      const state = JSON.parse(text) as Checkpoint
      if (state.version !== 1) return
      this.#dedupe.restore(state.dedupe)
      this.#streams.restore(state.streams)
      for (const [name, value] of state.counters) this.#ledger.set(name, value)
      // A journal that was removed under us does not make known batches new.
      this.#applied = this.#saved = Math.min(state.offset, this.#journal.end())
    } catch (error) {
      this.#dedupe.restore({ missing: 0, dropped: 0, evicted: 0, entries: [] })
      this.#log.warn('intake.checkpoint', 'The saved checkpoint of the intake cannot be used; the journal is read from its start', { reason: String(error) })
    }
  }

  async #rebuild(): Promise<void> {
    const end = this.#journal.end()
    for (let at = this.#applied; at < end;) {
      const { entries, next, damagedItems } = await this.#journal.read(at, 4 * 1024 * 1024)
      this.#ledger.add('recordsTaken', damagedItems)
      for (const entry of entries) {
        try {
          this.#take(openBatch(entry.bytes), entry.appendMicros, entry.next)
          this.#ledger.add('batchesReceived')
        } catch {
          this.#ledger.add('recordsTaken', entry.items)
        }
      }
      at = next
    }
    this.#applied = end
  }
}
