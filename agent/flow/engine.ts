/**
 * The flow engine: frames in, chunks of encoded records out. Synchronous; nothing is allocated per packet. Content
 * goes by packet time, emission by the packet clock (the latest time of any frame, or the wall clock's when a live
 * source is silent): a packet after the idle limit starts a new flow even if no tick came. So the same frames give
 * the same chunks, however they are cut into blocks.
 *
 * Loses nothing: every frame is counted as one packet of one flow or under its reason for not being one, and every
 * flow is reported. When the table is full the flow that is nearest to its end is reported early, marked `evicted`.
 * `consume`, `advance` and `finish` stop early while `maxChunks` chunks wait, and go on where they stopped when
 * called again.
 */
import { createChunker } from './chunker.ts'
import { Counts, tally } from './counts.ts'
import { createFlows } from './flows.ts'
import { maxRecord } from './record.ts'
import * as packet from '../decode/packets.ts'
import type { AgentLedger } from '../../proto/ledger.ts'
import type { Frames } from '../capture/source.ts'
import type { Chunk } from './chunk.ts'
import type { Chunker } from './chunker.ts'
import type { Flows } from './flows.ts'
import type { EngineOptions } from './options.ts'
import type { ContextStage, DecodeStage, ProtocolStage } from './stages.ts'

export { defaultEngineOptions, nfstreamEngineOptions } from './options.ts'
export type { EngineOptions } from './options.ts'

const { outcomeP, shiftP } = packet
const { frames: framesTally, framesInFlows, packetsOpen } = tally

/**
 * A clock that frames have left so far behind for so long was wrong (a second file, a stepped clock): it is set back.
 */
const behindMicros = 120e6
const behindFrames = 1024

export type Stages = { decoder: DecodeStage, protocols: ProtocolStage, context: ContextStage }

export class FlowEngine {
  /** Chunks cut, oldest first; whoever reads takes them off. */
  readonly chunks: Chunk[]
  private readonly options: EngineOptions
  private readonly decoder: DecodeStage
  private readonly counts: Counts
  private readonly chunker: Chunker
  private readonly flows: Flows
  /** Written to so that reading ahead is not optimised away. */
  touched = 0
  private nextTick = -Infinity
  private nextCut = -Infinity
  private behind = 0
  private finished = false

  /** The engine counts into `ledger`: frames ... recordsMade, flowsOpen, packetsOpen. */
  constructor(options: EngineOptions, ledger: AgentLedger, stages: Stages) {
    this.options = options
    this.decoder = stages.decoder
    this.counts = new Counts(ledger)
    const largest = maxRecord + stages.protocols.largest
    this.chunker = createChunker(options.chunkRecords, options.chunkOctets, largest, () => this.counts.snapshot())
    this.chunks = this.chunker.chunks
    this.flows = createFlows(options, this.counts, this.chunker, stages.protocols, stages.context, stages.decoder.packets.P)
  }

  /** Takes frames from index `from` on; gives the index of the first frame not taken (`count` unless chunks wait). */
  consume(frames: Frames, from: number): number {
    const { chunks, options: { maxChunks }, decoder, decoder: { packets: { P, micros: times } }, flows, counts: { values } } = this
    const { bytes, view } = frames
    const { clock } = flows
    while (from < frames.count) {
      if (chunks.length >= maxChunks) return from
      const count = decoder.decode(frames, from)
      this.touched ^= flows.touch(count)
      for (let k = 0; k < count; k++) {
        const micros = times[k]
        if (micros >= this.nextTick) {
          if (!this.tick(micros)) return from + k
        } else if (micros < this.nextTick - behindMicros) this.fallBehind(micros)
        if (micros > clock[0]) clock[0] = micros
        const slot = k << shiftP
        const what = P[slot + outcomeP]
        if (what === 0) {
          const full = flows.apply(slot, micros, view, bytes)
          values[framesTally]++
          values[framesInFlows]++
          values[packetsOpen]++
          if (full !== 0 && this.options.parts) flows.cutPart(full, micros)
        } else {
          values[framesTally]++
          values[what]++
        }
        if (chunks.length >= maxChunks) return from + k + 1
      }
      from += count
    }
    this.counts.flush()
    return from
  }

  /** Time passes without packets: what is due by `clockMicros` is reported. False when it stopped early; call again. */
  advance(clockMicros: number): boolean {
    if (clockMicros >= this.nextTick && !this.tick(clockMicros)) return false
    this.counts.flush()
    return this.chunks.length < this.options.maxChunks
  }

  /** Ends every flow (`forced`) and cuts the last chunk. False when it stopped early; call again. */
  finish(): boolean {
    const { flows, chunks, options: { maxChunks } } = this
    if (this.finished) return true
    for (let id = flows.wheel.nearest(); id !== 0; id = flows.wheel.nearest()) {
      if (chunks.length >= maxChunks) return false
      flows.force(id)
    }
    if (chunks.length >= maxChunks) return false
    this.chunker.cut(flows.clock[0], true)
    this.finished = true
    return true
  }

  /**
   * The clock enters another second: flows whose time has come are visited, and the chunk is cut when its time has
   * come.
   */
  private tick(now: number): boolean {
    const { flows, flows: { wheel }, chunks, options } = this
    const second = Math.floor(now / 1e6)
    if (this.nextTick === -Infinity) {
      wheel.reset(second)
      this.nextCut = (Math.floor(now / options.chunkClockMicros) + 1) * options.chunkClockMicros
    }
    this.behind = 0
    flows.clock[0] = now
    while (wheel.second < second) {
      for (let id = wheel.due(); id !== 0; id = wheel.due()) {
        if (chunks.length >= options.maxChunks) return false
        flows.visit(id, now)
      }
      wheel.step(second)
    }
    if (now >= this.nextCut) {
      if (chunks.length >= options.maxChunks) return false
      this.nextCut = (Math.floor(now / options.chunkClockMicros) + 1) * options.chunkClockMicros
      this.chunker.cut(now, false)
    }
    this.nextTick = (second + 1) * 1e6
    return true
  }

  /** Frames far behind the clock: when there is nothing else for long enough, the clock follows them back. */
  private fallBehind(micros: number): void {
    if (++this.behind < behindFrames) return
    this.behind = 0
    const { chunkClockMicros } = this.options
    const second = Math.floor(micros / 1e6)
    this.flows.clock[0] = micros
    this.flows.wheel.reset(second)
    this.nextTick = (second + 1) * 1e6
    this.nextCut = (Math.floor(micros / chunkClockMicros) + 1) * chunkClockMicros
  }
}
