/**
 * The life of a flow: it opens with a packet, is reported in parts, ends, and may have to go early when memory is
 * full. Each record that leaves is counted with the packets it reports at the moment it is written, so the ledger
 * balances wherever a chunk is cut.
 */
import { directionMethods, endReasons, mark } from '../../proto/flow.ts'
import * as at from './layout.ts'
import { tally } from './counts.ts'
import { FragmentTable } from './fragments.ts'
import { connState, isFailure, maxRecord, RecordWriter } from './record.ts'
import { FlowTable } from './table.ts'
import { flag, noteData, noteFlip, updateTcp } from './tcp.ts'
import { addPacket, beginDirection, beginExtension, timeHandshake } from './update.ts'
import { Wheel } from './wheel.ts'
import type { DirectionMethod, EndReason } from '../../proto/flow.ts'
import type { Packets } from '../decode/packets.ts'
import type { Chunker } from './chunker.ts'
import type { Counts } from './counts.ts'
import type { EngineOptions } from './options.ts'
import type { ContextStage, Payload, ProtocolStage } from './stages.ts'

// Bits of a packet's `kind` (agent/decode/packets.ts).
const six = 0x100
const keyMask = 0x3ff
const firstFragment = 0x400
const laterFragment = 0x800
const tcpHeader = 0x1000
const snapped = 0x2000
const offloaded = 0x4000
const marked = firstFragment | laterFragment | snapped | offloaded

/** Largest frame that jumbo Ethernet sends: a longer packet was joined by the interface. */
const wireMaximum = 9216
/** Candidates looked at before one is evicted. */
const evictionTries = 8
/** An answered flow that had a packet so recently is not the first to go. */
const recentMicros = 10e6
/** Beside the marks of the record: this flow's failure is already counted for its initiator. */
const failureCounted = 128

const reasonOf = (name: EndReason): number => endReasons.indexOf(name)
const reason = { idle: reasonOf('idle'), active: reasonOf('active'), end: reasonOf('end'), forced: reasonOf('forced'), resources: reasonOf('resources') }
const methodOf = (name: DirectionMethod): number => directionMethods.indexOf(name)
const method = { syn: methodOf('syn'), first: methodOf('first-packet'), synAck: methodOf('syn-ack') }

export class Flows {
  readonly table: FlowTable
  readonly wheel: Wheel
  /** Latest time the engine has seen, microseconds: what chunks are stamped with. */
  clock = 0
  private readonly options: EngineOptions
  private readonly counts: Counts
  private readonly chunker: Chunker
  private readonly writer: RecordWriter
  private readonly protocols: ProtocolStage
  private readonly context: ContextStage
  private readonly fragments = new FragmentTable()
  private readonly limits: Float64Array
  private readonly payload: Payload
  private number = 0

  constructor(options: EngineOptions, counts: Counts, chunker: Chunker, protocols: ProtocolStage, context: ContextStage) {
    this.options = options
    this.counts = counts
    this.chunker = chunker
    this.protocols = protocols
    this.context = context
    this.table = new FlowTable(options.memory * 7 / 8, options.hashSeed)
    this.wheel = new Wheel(this.table)
    this.writer = new RecordWriter(this.table, protocols)
    this.limits = Float64Array.of(options.idleMicros, options.synMicros, options.closeMicros)
    const bytes = new Uint8Array(0)
    this.payload = {
      id: 0, protocol: 0, initiatorPort: 0, responderPort: 0, direction: 0, bytes, view: new DataView(bytes.buffer), from: 0, to: 0, offsetMicros: 0,
      application: 0, wanted: 0,
    }
  }

  /**
   * Credits the packet in `slot` to its flow. `hash` is that of its addresses and ports. Gives the flow whose part is
   * now full of transactions, else 0.
   */
  apply(packets: Packets, slot: number, hash: number, view: DataView, bytes: Uint8Array): number {
    const { table, table: { I, F, B, H } } = this
    const bits = packets.kind[slot]
    if ((bits & (firstFragment | laterFragment)) !== 0) {
      if ((bits & firstFragment) !== 0) this.fragments.remember(packets, slot, view)
      else {
        this.fragments.resolve(packets, slot, view)
        hash = table.hash(packets, slot, view)
      }
    }
    const micros = packets.micros[slot]
    const flags = packets.tcpFlags[slot]
    let found = table.find(hash, packets, slot, view)
    if (found >= 0) {
      const id = found >> 1
      const f = id << at.shiftF
      const limit = B[(id << at.shiftB) + at.limitB]
      if (micros - F[f + at.lastF] > this.limits[limit]) {
        this.end(id, limit === at.limit.closed ? reason.end : reason.idle)
        found = -1
      } else if (limit === at.limit.closed && (flags & (flag.syn | flag.ack)) === flag.syn && this.options.closeMicros < Infinity) {
        this.end(id, reason.end)
        found = -1
      } else if (micros >= F[f + at.deadlineF]) {
        if (this.options.parts) this.cutPart(id, micros)
        else {
          this.end(id, reason.active)
          found = -1
        }
      }
    }
    const opened = found < 0
    if (opened) found = this.open(packets, slot, hash, view)
    const id = found >> 1
    const direction = found & 1
    const i = id << at.shiftI
    const f = id << at.shiftF
    const b = id << at.shiftB
    let extension = I[i + at.extensionI]
    if (direction === 1 && extension === 0) extension = this.extend(id, micros)
    const own = direction === 0 ? id + 1 : extension
    if (H[(own << at.shiftH) + at.lengthMaxH] === 0) {
      B[(own << at.shiftB) + at.ttlB] = packets.ttl[slot]
      F[(own << at.shiftF) + at.seenLastF] = micros
      if (!opened) F[(extension << at.shiftF) + at.otherFirstF] = micros
    }
    if (F[f + at.partStartF] === 0) F[f + at.partStartF] = micros
    const protocol = bits & 255
    let relimited = false
    if (protocol === 6) {
      if ((bits & laterFragment) === 0) {
        if (extension !== 0) timeHandshake(table, id, extension, direction, flags, micros)
        B[(own << at.shiftB) + at.flagsB] |= flags
        relimited = updateTcp(table, id, direction, own, direction === 0 ? extension : id + 1, flags, packets.payload[slot], view, packets.transport[slot], (bits & tcpHeader) !== 0)
      }
    } else if (protocol === 17) noteData(table, id, direction)
    addPacket(table, id, own, direction, packets, slot)
    if ((bits & marked) !== 0 || packets.length[slot] > wireMaximum) B[b + at.marksB] |= marksOf(bits, packets.length[slot])
    if (relimited) {
      this.wheel.remove(id)
      this.wheel.add(id, this.next(id))
      this.countRejection(id)
    }
    const wanted = B[b + at.inspectB]
    if (wanted !== 0 && packets.payloadEnd[slot] > packets.payloadAt[slot] && (bits & laterFragment) === 0) {
      return this.inspect(id, direction, packets, slot, wanted, view, bytes) ? id : 0
    }
    return 0
  }

  private inspect(id: number, direction: number, packets: Packets, slot: number, wanted: number, view: DataView, bytes: Uint8Array): boolean {
    const { payload, table: { I, F, B } } = this
    const b = id << at.shiftB
    const ports = I[(id << at.shiftI) + at.portsI]
    payload.id = id
    payload.protocol = I[(id << at.shiftI) + at.kindI] & 255
    payload.initiatorPort = ports >>> 16
    payload.responderPort = ports & 0xffff
    payload.direction = direction
    payload.bytes = bytes
    payload.view = view
    payload.from = packets.payloadAt[slot]
    payload.to = packets.payloadEnd[slot]
    payload.offsetMicros = Math.max(0, Math.floor(packets.micros[slot] - F[(id << at.shiftF) + at.startF]))
    payload.application = B[b + at.applicationB]
    payload.wanted = wanted
    const full = this.protocols.inspect(payload)
    B[b + at.applicationB] = payload.application
    B[b + at.inspectB] = payload.wanted
    return full
  }

  /** Opens a flow for the packet; gives id * 2 + direction of the packet. */
  private open(packets: Packets, slot: number, hash: number, view: DataView): number {
    const { table, table: { I, F, B, H }, options, counts } = this
    let id = table.claim()
    while (id === 0) {
      this.evict(0)
      id = table.claim()
    }
    const bits = packets.kind[slot]
    const ports = packets.ports[slot]
    const flags = packets.tcpFlags[slot]
    const micros = packets.micros[slot]
    const isTcp = (bits & (255 | laterFragment)) === 6
    // A SYN/ACK is an answer: whoever it is for began.
    const direction = isTcp && (flags & (flag.syn | flag.ack)) === (flag.syn | flag.ack) ? 1 : 0
    const i = id << at.shiftI
    const f = id << at.shiftF
    const b = id << at.shiftB
    const h = id << at.shiftH
    const source = packets.source[slot]
    const words = (bits & six) === 0 ? 1 : 4
    const from = i + (direction === 0 ? at.initiatorI : at.responderI)
    const to = i + (direction === 0 ? at.responderI : at.initiatorI)
    for (let k = 0; k < words; k++) {
      I[from + k] = view.getInt32(source + 4 * k, true)
      I[to + k] = view.getInt32(source + 4 * (words + k), true)
    }
    I[i + at.portsI] = direction === 0 ? ports : ports >>> 16 | ports << 16
    I[i + at.kindI] = bits & keyMask
    I[i + at.scopeI] = packets.scope[slot]
    I[i + at.extensionI] = 0
    F[f + at.numberF] = ++this.number
    F[f + at.startF] = micros
    F[f + at.lastF] = micros
    F[f + at.deadlineF] = micros + (options.parts ? options.firstPartMicros : options.activeMicros)
    F[f + at.partStartF] = micros
    F[f + at.interarrivalSquaresF] = 0
    I[i + at.interarrivalMinI] = 0x7fffffff
    I[i + at.interarrivalMaxI] = 0
    // States, limit, counts, bucket, application, marks; letters, inspection, method; part and directions of sizes.
    for (let k = 28; k < 32; k++) I[i + k] = 0
    B[b + at.inspectB] = this.protocols.wanted
    B[b + at.methodB] = direction === 1 ? method.synAck : isTcp && (flags & flag.syn) !== 0 ? method.syn : method.first
    if (isTcp && (flags & flag.syn) === 0) B[b + at.marksB] = mark.midstream
    beginDirection(table, id + 1, micros, 0)
    this.context.begin(I, i + at.initiatorI, i + at.responderI, words === 4, I[i + at.portsI] & 0xffff, micros, H, h + at.contextH)
    table.insert(hash, id)
    counts.values[tally.flowsOpened]++
    counts.values[tally.flowsOpen]++
    if (direction === 1) {
      noteFlip(table, id)
      this.wheel.add(id, this.next(id))
      this.extend(id, micros)
    } else this.wheel.add(id, this.next(id))
    return id * 2 + direction
  }

  /** Gives the flow its extension; another flow goes when there is no room. */
  private extend(id: number, micros: number): number {
    const { table } = this
    let extension = table.claimExtension()
    while (extension === 0) {
      this.evict(id)
      extension = table.claimExtension()
    }
    beginDirection(table, extension, micros, 0)
    beginExtension(table, extension, micros)
    table.I[(id << at.shiftI) + at.extensionI] = extension
    return extension
  }

  /** When something can next happen to the flow if no packet comes. */
  private next(id: number): number {
    const { F, B } = this.table
    const f = id << at.shiftF
    return Math.min(F[f + at.deadlineF], F[f + at.lastF] + this.limits[B[(id << at.shiftB) + at.limitB]])
  }

  /** The wheel has come to this flow. */
  visit(id: number, now: number): void {
    const { F, B } = this.table
    const f = id << at.shiftF
    const limit = B[(id << at.shiftB) + at.limitB]
    if (now >= F[f + at.lastF] + this.limits[limit]) {
      this.end(id, limit === at.limit.closed ? reason.end : reason.idle)
      return
    }
    if (now >= F[f + at.deadlineF]) {
      if (!this.options.parts) {
        this.end(id, reason.active)
        return
      }
      this.cutPart(id, now)
    }
    this.wheel.remove(id)
    this.wheel.add(id, this.next(id))
  }

  /** Reports what came since the part before, if anything did, and begins the next part. */
  cutPart(id: number, now: number): void {
    const { table: { I, F, H }, options } = this
    const f = id << at.shiftF
    const own = id + 1
    let extension = I[(id << at.shiftI) + at.extensionI]
    if (I[(own << at.shiftI) + at.packetsI] > 0 || (extension !== 0 && I[(extension << at.shiftI) + at.packetsI] > 0)) {
      this.write(id, false, reason.active)
      if (extension === 0) extension = this.extend(id, F[f + at.lastF])
      for (let side = 0; side < 2; side++) {
        const u = side === 0 ? own : extension
        F[(extension << at.shiftF) + at.basePacketsF + side] += I[(u << at.shiftI) + at.packetsI]
        F[(extension << at.shiftF) + at.baseOctetsF + side] += F[(u << at.shiftF) + at.octetsF]
        I[(u << at.shiftI) + at.packetsI] = 0
        F[(u << at.shiftF) + at.octetsF] = 0
      }
      H[(id << at.shiftH) + at.partH]++
      F[f + at.partStartF] = 0
    }
    const deadline = F[f + at.deadlineF]
    if (now >= deadline) F[f + at.deadlineF] = deadline + (Math.floor((now - deadline) / options.partMicros) + 1) * options.partMicros
  }

  /** Ends a flow: its final record, and its place is free. */
  end(id: number, why: number): void {
    const { table: { B }, counts } = this
    this.countFailure(id)
    this.write(id, true, why)
    this.wheel.remove(id)
    if (B[(id << at.shiftB) + at.applicationB] !== 0) this.protocols.forget(id)
    this.table.remove(id)
    counts.values[tally.flowsClosed]++
    counts.values[tally.flowsOpen]--
    if (this.chunker.full) this.chunker.cut(this.clock, false)
  }

  /** Ends a flow because the engine stops. */
  force(id: number): void {
    this.end(id, this.table.B[(id << at.shiftB) + at.limitB] === at.limit.closed ? reason.end : reason.forced)
  }

  private write(id: number, final: boolean, why: number): void {
    const { table: { I, B }, chunker, counts: { values } } = this
    const b = id << at.shiftB
    const extension = I[(id << at.shiftI) + at.extensionI]
    const application = B[b + at.applicationB]
    const position = chunker.reserve(maxRecord + (application === 0 ? 0 : this.protocols.size(id, application)), this.clock)
    chunker.commit(this.writer.write(id, final, why, chunker.buffer, position))
    const packets = I[(id + 1 << at.shiftI) + at.packetsI] + (extension === 0 ? 0 : I[(extension << at.shiftI) + at.packetsI])
    values[tally.packetsReported] += packets
    values[tally.packetsOpen] -= packets
    values[tally.recordsMade]++
    if (!final) {
      if (application !== 0) this.protocols.reported(id)
      if (chunker.full) chunker.cut(this.clock, false)
    }
  }

  /**
   * Makes room: the flow nearest to its end goes, `keep` excepted; answered flows that are busy right now get a
   * second chance.
   */
  private evict(keep: number): void {
    const { table: { I, F, B }, wheel, counts } = this
    for (let tries = 0; ; tries++) {
      const id = wheel.nearest(keep)
      if (id === 0) return
      const answered = I[(id << at.shiftI) + at.extensionI] !== 0
      if (tries >= evictionTries || !answered || F[(id << at.shiftF) + at.lastF] < this.clock - recentMicros) {
        B[(id << at.shiftB) + at.marksB] |= mark.evicted
        counts.values[tally.flowsEvicted]++
        this.end(id, reason.resources)
        return
      }
      wheel.remove(id)
      wheel.add(id, this.next(id))
    }
  }

  private connection(id: number): number {
    const { I, F, B } = this.table
    const b = id << at.shiftB
    const extension = I[(id << at.shiftI) + at.extensionI]
    const answered = extension !== 0 && this.table.H[(extension << at.shiftH) + at.lengthMaxH] !== 0
    const payload = F[(id + 1 << at.shiftF) + at.payloadF] + (answered ? F[(extension << at.shiftF) + at.payloadF] : 0)
    return connState(I[(id << at.shiftI) + at.kindI] & 255, B[b + at.initiatorStateB] & 15, B[b + at.responderStateB] & 15, true, answered, payload > 0)
  }

  /** A refusal counts for its initiator at once, not when the flow ends. */
  private countRejection(id: number): void {
    if (this.table.B[(id << at.shiftB) + at.limitB] === at.limit.closed) this.countFailure(id)
  }

  private countFailure(id: number): void {
    const { I, F, B } = this.table
    const marks = B[(id << at.shiftB) + at.marksB]
    if ((I[(id << at.shiftI) + at.kindI] & 255) !== 6 || (marks & (mark.midstream | failureCounted)) !== 0 || !isFailure(this.connection(id))) return
    B[(id << at.shiftB) + at.marksB] = marks | failureCounted
    this.context.failed(I, (id << at.shiftI) + at.initiatorI, (I[(id << at.shiftI) + at.kindI] & six) !== 0, F[(id << at.shiftF) + at.lastF])
  }
}

function marksOf(bits: number, length: number): number {
  return ((bits & snapped) === 0 ? 0 : mark.snapped) | ((bits & offloaded) === 0 && length <= wireMaximum ? 0 : mark.offloaded)
    | ((bits & (firstFragment | laterFragment)) === 0 ? 0 : mark.fragmented)
}
