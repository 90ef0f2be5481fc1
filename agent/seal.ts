/**
 * Chunks -> sealed batches: numbered, stamped with the ledger, signed, and from then on the same bytes for ever. Sequences have no gaps
 * within (stream, boot). In a replay the header holds nothing that depends on the wall clock or on how fast the sink was, so the same
 * capture gives the same bytes; live batches also say how delivery stands.
 */
import { encodeBatch } from '../proto/codec.ts'
import type { BatchHeader } from '../proto/codec.ts'
import { recordVersion } from '../proto/flow.ts'
import type { AgentCounter, AgentLedger } from '../proto/ledger.ts'
import { sealBatch } from '../proto/signature.ts'
import type { Chunk } from './flow/chunk.ts'
import type { SealedBatch } from './sink/sink.ts'

export type SealerOptions = {
  sensor: string
  worker: number
  boot: string
  run: string
  vantage: string
  simulated: boolean
  live: boolean
  featureHash: string
  modelHash: string
  key: Uint8Array
  ledger: AgentLedger
}

const deliveryCounters: readonly AgentCounter[] = ['recordsWaiting', 'recordsAcknowledged', 'recordsDropped', 'kernelDropped', 'interfaceDropped']

export class Sealer {
  readonly stream: string
  private readonly options: SealerOptions
  private sequence = 0
  private sealed = 0
  private unscored = 0

  constructor(options: SealerOptions) {
    this.options = options
    this.stream = `${options.sensor}/${String(options.worker)}`
  }

  /** Numbers and signs a chunk. Call in the order the engine cut them. */
  seal(chunk: Chunk): SealedBatch {
    const { options, stream } = this
    this.sequence++
    this.sealed += chunk.count
    this.unscored += chunk.unscored
    options.ledger.add('recordsSealed', chunk.count)
    options.ledger.add('recordsScoring', -chunk.count)
    options.ledger.add('recordsUnscored', chunk.unscored)
    const ledger = new Map(chunk.ledger)
    ledger.set('recordsSealed', this.sealed)
    ledger.set('recordsUnscored', this.unscored)
    ledger.set('recordsScoring', (chunk.ledger.get('recordsMade') ?? 0) - this.sealed)
    if (options.live) for (const name of deliveryCounters) ledger.set(name, options.ledger.get(name))
    else for (const name of deliveryCounters) ledger.delete(name)
    const header: BatchHeader = {
      stream, sensor: options.sensor, boot: options.boot, sequence: this.sequence, clockMicros: chunk.clockMicros, run: options.run,
      recordVersion, featureHash: options.featureHash, modelHash: options.modelHash, vantage: options.vantage,
      simulated: options.simulated, last: chunk.last, ledger, dropped: [],
    }
    const bytes = sealBatch(encodeBatch(header, chunk.bytes), options.key)
    return { stream, boot: options.boot, sequence: this.sequence, count: chunk.count, bytes }
  }
}
