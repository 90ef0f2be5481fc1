/**
 * The life of a flow: it opens with a packet, is reported in parts, ends, and may have to go early when memory is
 * full. Each record that leaves is counted with the packets it reports at the moment it is written, so the ledger
 * balances wherever a chunk is cut.
 */
import { directionMethods, endReasons, mark } from '../../proto/flow.ts'
import * as packet from '../decode/packets.ts'
import * as layout from './layout.ts'
import { tally } from './counts.ts'
import { FragmentTable } from './fragments.ts'
import { connState, isFailure, maxRecord, RecordWriter } from './record.ts'
import { FlowTable } from './table.ts'
import { acknowledgedLetters, flag, noteData, noteFlip, updateTcp } from './tcp.ts'
import { addPacket, beginDirection, beginExtension, timeHandshake } from './update.ts'
import { Wheel } from './wheel.ts'
import type { DirectionMethod, EndReason } from '../../proto/flow.ts'
import type { Chunker } from './chunker.ts'
import type { Counts } from './counts.ts'
import type { EngineOptions } from './options.ts'
import type { ContextStage, Payload, ProtocolStage } from './stages.ts'

const {
  applicationB, baseOctetsF, basePacketsF, contextH, deadlineF, extensionI, flagsB, initiatorI, initiatorSeenB, initiatorStateB,
  inspectB, interarrivalMaxI, interarrivalMinI, interarrivalSquaresF, kindI, lastF, lengthMaxH, limitB,
  marksB, methodB, numberF, octetsF, otherFirstF, packetsI, partH, partStartF, payloadF, portsI, responderI,
  responderStateB, scopeI, seenLastF, shiftB, shiftF, shiftH, shiftI, startF, ttlB,
} = layout
const { hashP, kindP, lengthP, payloadAtP, payloadEndP, payloadP, portsP, scopeP, sourceP, tcpFlagsP, transportP, ttlP } = packet
const { firstFragment, keyMask, laterFragment, offloaded, six, snapped, tcpHeader } = packet.kind
const { syn, ack } = flag
const acknowledged = acknowledgedLetters
const { flowsClosed, flowsEvicted, flowsOpen, flowsOpened, packetsOpen, packetsReported, recordsMade } = tally
const limitClosed = layout.limit.closed

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
   * Credits the packet in `slot` to its flow. Gives the flow whose part is
   * now full of transactions, else 0.
   */
  apply(P: Int32Array, slot: number, micros: number, view: DataView, bytes: Uint8Array): number {
    const { table, table: { I, F, B, H } } = this
    const bits = P[slot + kindP]
    if ((bits & (firstFragment | laterFragment)) !== 0) {
      if ((bits & firstFragment) !== 0) this.fragments.remember(P, slot, view, micros)
      else {
        this.fragments.resolve(P, slot, view, micros)
        table.hash(P, slot, view)
      }
    }
    const flags = P[slot + tcpFlagsP]
    let found = table.find(P, slot, view)
    if (found >= 0) {
      const id = found >> 1
      const f = id << shiftF
      const limit = B[(id << shiftB) + limitB]
      if (micros - F[f + lastF] > this.limits[limit]) {
        this.end(id, limit === limitClosed ? reason.end : reason.idle)
        found = -1
      } else if (limit === limitClosed && (flags & (syn | ack)) === syn && this.options.closeMicros < Infinity) {
        this.end(id, reason.end)
        found = -1
      } else if (micros >= F[f + deadlineF]) {
        if (this.options.parts) this.cutPart(id, micros)
        else {
          this.end(id, reason.active)
          found = -1
        }
      }
    }
    const opened = found < 0
    if (opened) found = this.open(P, slot, micros, view)
    const id = found >> 1
    const direction = found & 1
    const i = id << shiftI
    const f = id << shiftF
    const b = id << shiftB
    let extension = I[i + extensionI]
    if (direction === 1 && extension === 0) extension = this.extend(id, micros)
    const own = direction === 0 ? id + 1 : extension
    if (H[(own << shiftH) + lengthMaxH] === 0) {
      B[(own << shiftB) + ttlB] = P[slot + ttlP]
      F[(own << shiftF) + seenLastF] = micros
      if (!opened) F[(extension << shiftF) + otherFirstF] = micros
    }
    if (F[f + partStartF] === 0) F[f + partStartF] = micros
    const protocol = bits & 255
    let relimited = false
    if (protocol === 6) {
      if ((bits & laterFragment) === 0) {
        if (extension !== 0 && ((flags & syn) !== 0 || (direction === 0 && (B[b + initiatorSeenB] & acknowledged) === 0))) {
          timeHandshake(table, id, extension, direction, flags, micros)
        }
        B[(own << shiftB) + flagsB] |= flags
        relimited = updateTcp(table, id, direction, own, direction === 0 ? extension : id + 1, flags, P[slot + payloadP], view, P[slot + transportP], (bits & tcpHeader) !== 0)
      }
    } else if (protocol === 17) noteData(table, id, direction)
    addPacket(table, id, own, direction, P, slot, micros)
    if ((bits & marked) !== 0 || P[slot + lengthP] > wireMaximum) B[b + marksB] |= marksOf(bits, P[slot + lengthP])
    if (relimited) {
      this.wheel.remove(id)
      this.wheel.add(id, this.next(id))
      this.countRejection(id)
    }
    const wanted = B[b + inspectB]
    if (wanted !== 0 && P[slot + payloadEndP] > P[slot + payloadAtP] && (bits & laterFragment) === 0) {
      return this.inspect(id, direction, P, slot, micros, wanted, view, bytes) ? id : 0
    }
    return 0
  }

  private inspect(
    id: number, direction: number, P: Int32Array, slot: number, micros: number, wanted: number, view: DataView, bytes: Uint8Array,
  ): boolean {
    const { payload, table: { I, F, B } } = this
    const b = id << shiftB
    const ports = I[(id << shiftI) + portsI]
    payload.id = id
    payload.protocol = I[(id << shiftI) + kindI] & 255
    payload.initiatorPort = ports >>> 16
    payload.responderPort = ports & 0xffff
    payload.direction = direction
    payload.bytes = bytes
    payload.view = view
    payload.from = P[slot + payloadAtP]
    payload.to = P[slot + payloadEndP]
    payload.offsetMicros = Math.max(0, Math.floor(micros - F[(id << shiftF) + startF]))
    payload.application = B[b + applicationB]
    payload.wanted = wanted
    const full = this.protocols.inspect(payload)
    B[b + applicationB] = payload.application
    B[b + inspectB] = payload.wanted
    return full
  }

  /** Opens a flow for the packet; gives id * 2 + direction of the packet. */
  private open(P: Int32Array, slot: number, micros: number, view: DataView): number {
    const { table, table: { I, F, B, H }, options, counts } = this
    let id = table.claim()
    while (id === 0) {
      this.evict(0)
      id = table.claim()
    }
    const bits = P[slot + kindP]
    const ports = P[slot + portsP]
    const flags = P[slot + tcpFlagsP]
    const isTcp = (bits & (255 | laterFragment)) === 6
    // A SYN/ACK is an answer: whoever it is for began.
    const direction = isTcp && (flags & (syn | ack)) === (syn | ack) ? 1 : 0
    const i = id << shiftI
    const f = id << shiftF
    const b = id << shiftB
    const h = id << shiftH
    const source = P[slot + sourceP]
    const words = (bits & six) === 0 ? 1 : 4
    const from = i + (direction === 0 ? initiatorI : responderI)
    const to = i + (direction === 0 ? responderI : initiatorI)
    for (let k = 0; k < words; k++) {
      I[from + k] = view.getInt32(source + 4 * k, true)
      I[to + k] = view.getInt32(source + 4 * (words + k), true)
    }
    I[i + portsI] = direction === 0 ? ports : ports >>> 16 | ports << 16
    I[i + kindI] = bits & keyMask
    I[i + scopeI] = P[slot + scopeP]
    I[i + extensionI] = 0
    F[f + numberF] = ++this.number
    F[f + startF] = micros
    F[f + lastF] = micros
    F[f + deadlineF] = micros + (options.parts ? options.firstPartMicros : options.activeMicros)
    F[f + partStartF] = micros
    F[f + interarrivalSquaresF] = 0
    I[i + interarrivalMinI] = 0x7fffffff
    I[i + interarrivalMaxI] = 0
    // States, limit, counts, bucket, application, marks; letters, inspection, method; part and directions of sizes.
    for (let k = 28; k < 32; k++) I[i + k] = 0
    B[b + inspectB] = this.protocols.wanted
    B[b + methodB] = direction === 1 ? method.synAck : isTcp && (flags & syn) !== 0 ? method.syn : method.first
    if (isTcp && (flags & syn) === 0) B[b + marksB] = mark.midstream
    beginDirection(table, id + 1, micros, 0)
    this.context.begin(I, i + initiatorI, i + responderI, words === 4, I[i + portsI] & 0xffff, micros, H, h + contextH)
    table.insert(P[slot + hashP], id)
    counts.values[flowsOpened]++
    counts.values[flowsOpen]++
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
    table.I[(id << shiftI) + extensionI] = extension
    return extension
  }

  /** When something can next happen to the flow if no packet comes. */
  private next(id: number): number {
    const { F, B } = this.table
    const f = id << shiftF
    return Math.min(F[f + deadlineF], F[f + lastF] + this.limits[B[(id << shiftB) + limitB]])
  }

  /** The wheel has come to this flow. */
  visit(id: number, now: number): void {
    const { F, B } = this.table
    const f = id << shiftF
    const limit = B[(id << shiftB) + limitB]
    if (now >= F[f + lastF] + this.limits[limit]) {
      this.end(id, limit === limitClosed ? reason.end : reason.idle)
      return
    }
    if (now >= F[f + deadlineF]) {
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
    const f = id << shiftF
    const own = id + 1
    let extension = I[(id << shiftI) + extensionI]
    if (I[(own << shiftI) + packetsI] > 0 || (extension !== 0 && I[(extension << shiftI) + packetsI] > 0)) {
      this.write(id, false, reason.active)
      if (extension === 0) extension = this.extend(id, F[f + lastF])
      for (let side = 0; side < 2; side++) {
        const u = side === 0 ? own : extension
        F[(extension << shiftF) + basePacketsF + side] += I[(u << shiftI) + packetsI]
        F[(extension << shiftF) + baseOctetsF + side] += F[(u << shiftF) + octetsF]
        I[(u << shiftI) + packetsI] = 0
        F[(u << shiftF) + octetsF] = 0
      }
      H[(id << shiftH) + partH]++
      F[f + partStartF] = 0
    }
    const deadline = F[f + deadlineF]
    if (now >= deadline) F[f + deadlineF] = deadline + (Math.floor((now - deadline) / options.partMicros) + 1) * options.partMicros
  }

  /** Ends a flow: its final record, and its place is free. */
  end(id: number, why: number): void {
    const { table: { B }, counts } = this
    this.countFailure(id)
    this.write(id, true, why)
    this.wheel.remove(id)
    if (B[(id << shiftB) + applicationB] !== 0) this.protocols.forget(id)
    this.table.remove(id)
    counts.values[flowsClosed]++
    counts.values[flowsOpen]--
    if (this.chunker.full) this.chunker.cut(this.clock, false)
  }

  /** Ends a flow because the engine stops. */
  force(id: number): void {
    this.end(id, this.table.B[(id << shiftB) + limitB] === limitClosed ? reason.end : reason.forced)
  }

  private write(id: number, final: boolean, why: number): void {
    const { table: { I, B }, chunker, counts: { values } } = this
    const b = id << shiftB
    const extension = I[(id << shiftI) + extensionI]
    const application = B[b + applicationB]
    const position = chunker.reserve(maxRecord + (application === 0 ? 0 : this.protocols.size(id, application)), this.clock)
    chunker.commit(this.writer.write(id, final, why, chunker.buffer, position))
    const packets = I[(id + 1 << shiftI) + packetsI] + (extension === 0 ? 0 : I[(extension << shiftI) + packetsI])
    values[packetsReported] += packets
    values[packetsOpen] -= packets
    values[recordsMade]++
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
      const answered = I[(id << shiftI) + extensionI] !== 0
      if (tries >= evictionTries || !answered || F[(id << shiftF) + lastF] < this.clock - recentMicros) {
        B[(id << shiftB) + marksB] |= mark.evicted
        counts.values[flowsEvicted]++
        this.end(id, reason.resources)
        return
      }
      wheel.remove(id)
      wheel.add(id, this.next(id))
    }
  }

  private connection(id: number): number {
    const { I, F, B } = this.table
    const b = id << shiftB
    const extension = I[(id << shiftI) + extensionI]
    const answered = extension !== 0 && this.table.H[(extension << shiftH) + lengthMaxH] !== 0
    const payload = F[(id + 1 << shiftF) + payloadF] + (answered ? F[(extension << shiftF) + payloadF] : 0)
    return connState(I[(id << shiftI) + kindI] & 255, B[b + initiatorStateB] & 15, B[b + responderStateB] & 15, true, answered, payload > 0)
  }

  /** A refusal counts for its initiator at once, not when the flow ends. */
  private countRejection(id: number): void {
    if (this.table.B[(id << shiftB) + limitB] === limitClosed) this.countFailure(id)
  }

  private countFailure(id: number): void {
    const { I, F, B } = this.table
    const marks = B[(id << shiftB) + marksB]
    if ((I[(id << shiftI) + kindI] & 255) !== 6 || (marks & (mark.midstream | failureCounted)) !== 0 || !isFailure(this.connection(id))) return
    B[(id << shiftB) + marksB] = marks | failureCounted
    this.context.failed(I, (id << shiftI) + initiatorI, (I[(id << shiftI) + kindI] & six) !== 0, F[(id << shiftF) + lastF])
  }
}

function marksOf(bits: number, length: number): number {
  return ((bits & snapped) === 0 ? 0 : mark.snapped) | ((bits & offloaded) === 0 && length <= wireMaximum ? 0 : mark.offloaded)
    | ((bits & (firstFragment | laterFragment)) === 0 ? 0 : mark.fragmented)
}
