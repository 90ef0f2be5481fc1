/**
 * The life of a packet, from top to bottom. One worker: a source, a flow engine, a scorer in its own thread, a sealer, a sink.
 *
 *   source -> decode -> flow -> protocol, feature      (the engine: synchronous, no allocation per packet)
 *          -> score                                    (a thread; at most 8 chunks in flight, order kept)
 *          -> seal -> deliver -> sink                  (one send in flight, bounded in octets)
 *
 * Pressure runs backwards: a slow sink fills the deliverer, which holds the sealer, which holds the engine, which stops reading the
 * source. A replay then waits; a live source drops in the kernel's ring, where the ledger says so. Nothing here grows without bound.
 */
import { join } from 'node:path'
import { newAgentLedger } from '../proto/ledger.ts'
import type { AgentLedger } from '../proto/ledger.ts'
import type { Clock } from '../proto/process/clock.ts'
import type { Logger } from '../proto/process/log.ts'
import type { Source } from './capture/source.ts'
import type { AgentConfig } from './config.ts'
import type { Chunk } from './flow/chunk.ts'
import { createEngine } from './engine.ts'
import { defaultEngineOptions, nfstreamEngineOptions } from './flow/engine.ts'
import type { EngineOptions, FlowEngine } from './flow/engine.ts'
import { createScorer } from './score/scorer.ts'
import type { Scorer } from './score/scorer.ts'
import { Sealer } from './seal.ts'
import { Deliverer } from './sink/deliver.ts'
import { createSink } from './sink/index.ts'
import type { SealedBatch } from './sink/sink.ts'

/** Chunks between the engine and the deliverer. */
const inFlightLimit = 8
/** A replay gives timers, sockets and workers a turn this often, milliseconds. */
const turnMs = 20
/** A quiet ring may still hold packets this old: time passes that much later. */
const ringDelayMs = 500

export type PipelineParts = {
  source: Source
  engine: FlowEngine
  scorer: Scorer
  sealer: Sealer
  deliver: { offer(batch: SealedBatch): Promise<void>, drain(): Promise<void> }
  ledger: AgentLedger
  clock: Clock
  /** Live: time passes without packets. */
  live: boolean
}

export class Pipeline {
  private readonly parts: PipelineParts
  /** Chunks on their way, oldest first; each settles after the one before it. */
  private readonly inFlight: Promise<void>[] = []
  private failed: unknown
  private stopping = false
  private seen = { damaged: 0, ignored: 0 }
  /** Packet clock of the newest chunk, microseconds. */
  clockMicros = 0
  /** Told how long each chunk was at the scorer, seconds. */
  onScored: ((seconds: number) => void) | undefined

  constructor(parts: PipelineParts) {
    this.parts = parts
  }

  /** Runs until the source ends or `stop` is called; returns when every batch is acknowledged. Throws what a stage threw. */
  async run(): Promise<void> {
    const { source, engine, deliver, clock, live } = this.parts
    const started = { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() }
    let turn = clock.monotonicMs()
    for (;;) {
      const frames = this.stopping ? undefined : await source.next()
      if (frames === undefined) break
      this.account()
      for (let at = 0; at < frames.count;) {
        at = engine.consume(frames, at)
        await this.passOn()
      }
      if (live && frames.count === 0) {
        const now = (started.wallMs + clock.monotonicMs() - started.monotonicMs - ringDelayMs) * 1000
        while (!engine.advance(now)) await this.passOn()
        await this.passOn()
      }
      if (clock.monotonicMs() - turn >= turnMs) {
        await new Promise((resolve) => { setImmediate(resolve) })
        turn = clock.monotonicMs()
      }
    }
    this.account()
    while (!engine.finish()) await this.passOn()
    await this.passOn()
    await this.inFlight.at(-1)
    this.rethrow()
    await deliver.drain()
  }

  /** Ends the run as if the source had ended: open flows are reported, everything is delivered. */
  stop(): void {
    this.stopping = true
  }

  /** What the source left out or could not deliver enters the ledger here: it never reached the engine. */
  private account(): void {
    const { source: { counters }, ledger } = this.parts
    const damaged = counters.damaged - this.seen.damaged
    const ignored = counters.ignored - this.seen.ignored
    if (damaged > 0) { ledger.add('frames', damaged); ledger.add('undecodableRecord', damaged) }
    if (ignored > 0) { ledger.add('frames', ignored); ledger.add('framesIgnored', ignored) }
    this.seen = { damaged: counters.damaged, ignored: counters.ignored }
    ledger.set('kernelDropped', counters.kernelDropped)
    ledger.set('interfaceDropped', counters.interfaceDropped)
  }

  /** Hands the chunks that were cut to the scorer; waits while too many are on their way. */
  private async passOn(): Promise<void> {
    for (let chunk = this.parts.engine.chunks.shift(); chunk !== undefined; chunk = this.parts.engine.chunks.shift()) {
      this.parts.ledger.add('recordsScoring', chunk.count)
      this.send(chunk)
      while (this.inFlight.length >= inFlightLimit) await this.inFlight[0]
      this.rethrow()
    }
  }

  private send(chunk: Chunk): void {
    const { scorer, sealer, deliver, clock } = this.parts
    const before = this.inFlight.at(-1)
    const sentMs = clock.monotonicMs()
    this.clockMicros = Math.max(this.clockMicros, chunk.clockMicros)
    const scored = scorer.score(chunk)
    const send = async (): Promise<void> => {
      try {
        const ready = await scored
        this.onScored?.((clock.monotonicMs() - sentMs) / 1000)
        await before
        if (this.failed === undefined) await deliver.offer(sealer.seal(ready))
      } catch (error) {
        this.failed ??= error
      }
      void this.inFlight.shift()
    }
    this.inFlight.push(send())
  }

  private rethrow(): void {
    if (this.failed !== undefined) throw this.failed as Error
  }
}

/** The shipped model. */
export const shippedBundle = join(import.meta.dirname, '../models/flow-anomaly/1')

/** The part of the configuration that changes records: it belongs to a replay's identity. */
export function effective({ vantage, flow, score, batch }: AgentConfig): unknown {
  return { vantage, flow, score, batch }
}

export function engineOptions({ flow, batch }: AgentConfig): EngineOptions {
  const base = flow.preset === 'nfstream' ? nfstreamEngineOptions : {
    ...defaultEngineOptions, idleMicros: flow.idle * 1000, synMicros: flow.syn * 1000, closeMicros: flow.close * 1000,
    firstPartMicros: flow.firstPart * 1000, partMicros: flow.part * 1000,
  }
  return { ...base, memory: flow.memory, chunkRecords: batch.records, chunkOctets: batch.octets, chunkClockMicros: batch.clock * 1000 }
}

export type AssembleOptions = {
  config: AgentConfig
  sensor: string
  source: Source
  boot: string
  run: string
  key: Uint8Array
  live: boolean
  clock: Clock
  log: Logger
  random: () => number
  onReaderGone: () => void
}

export type Assembled = {
  pipeline: Pipeline
  ledger: AgentLedger
  deliverer: Deliverer
  modelHash: string
  close(): Promise<void>
}

/** Opens source, model and sink and puts the stages together. Throws what a person can put right (E_FILE_*, E_CAPTURE_*, E_SINK_*). */
export async function assemble(options: AssembleOptions): Promise<Assembled> {
  const { config, source, live, clock, log } = options
  const ledger = newAgentLedger()
  await source.open()
  const sink = createSink(config.sink.kind, {
    url: config.sink.url, timeoutMs: config.sink.timeout, onReaderGone: options.onReaderGone,
    ...(config.sink.path === undefined ? {} : { path: config.sink.path }),
  })
  await sink.open()
  const scorer = await createScorer({ bundle: config.score.enabled ? config.score.bundle ?? shippedBundle : undefined, log, clock })
  const sealer = new Sealer({
    sensor: options.sensor, worker: 0, boot: options.boot, run: options.run, vantage: config.vantage, simulated: config.simulated, live,
    featureHash: scorer.featureHash, modelHash: scorer.modelHash, key: options.key, ledger,
  })
  const deliverer = new Deliverer(sink, { maxOctets: config.sink.queue, ledger, clock, log, random: options.random })
  // A live sensor's hash tables are keyed at random, so that nobody can aim at one bucket; records do not depend on it.
  const hashSeed = live ? Math.floor(options.random() * 2 ** 31) : defaultEngineOptions.hashSeed
  const engine = createEngine({ ...engineOptions(config), hashSeed }, ledger)
  const pipeline = new Pipeline({ source, engine, scorer, sealer, deliver: deliverer, ledger, clock, live })
  return {
    pipeline, ledger, deliverer, modelHash: scorer.modelHash,
    close: async () => {
      await deliverer.stop()
      await scorer.close()
      await sink.close()
      await source.close()
    },
  }
}
