/**
 * The life of a flow: it opens with a packet, is reported in parts, ends, and may have to go early when memory is
 * full. Each record that leaves is counted with the packets it reports at the moment it is written, so the ledger
 * balances wherever a chunk is cut. Closures over the arrays: V8 then knows them as constants.
 */
import { directionMethods, endReasons, mark } from '../../proto/flow.ts'
import * as packet from '../decode/packets.ts'
import * as layout from './layout.ts'
import { tally } from './counts.ts'
import { FragmentTable } from './fragments.ts'
import { connState, createRecordWriter, isFailure, maxRecord } from './record.ts'
import { createTable } from './table.ts'
import { acknowledgedLetters, createTcp, flag } from './tcp.ts'
import { createSums } from './update.ts'
import { Wheel } from './wheel.ts'
import type { DirectionMethod, EndReason } from '../../proto/flow.ts'
import type { Chunker } from './chunker.ts'
import type { Counts } from './counts.ts'
import type { EngineOptions } from './options.ts'
import type { ContextStage, Payload, ProtocolStage } from './stages.ts'
import type { FlowTable } from './table.ts'

const {
  applicationB, baseOctetsF, basePacketsF, contextH, deadlineF, extensionI, flagsB, initiatorI, initiatorSeenB, initiatorStateB,
  inspectB, interarrivalMaxI, interarrivalMinI, interarrivalSquaresF, kindI, lastF, lengthMaxH, limitB,
  marksB, methodB, numberF, octetsF, otherFirstF, packetsI, partH, partStartF, payloadF, portsI, responderI,
  responderStateB, scopeI, seenLastF, shiftB, shiftF, shiftH, shiftI, startF, ttlB,
} = layout
const {
  destinationP, hashP, kindP, lengthP, outcomeP, payloadAtP, payloadEndP, portsP, scopeP, shiftP, sourceP, tcpFlagsP, ttlP,
} = packet
const { firstFragment, keyMask, laterFragment, offloaded, six, snapped } = packet.kind
const { syn, ack } = flag
const acknowledged = acknowledgedLetters
const { flowsClosed, flowsEvicted, flowsOpen, flowsOpened, packetsOpen, packetsReported, recordsMade } = tally
const limitClosed = layout.limit.closed
const slotWords = 1 << shiftP

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

export type Flows = {
  readonly table: FlowTable
  readonly wheel: Wheel
  /** Latest time the engine has seen, microseconds, in its only element: what chunks are stamped with. */
  readonly clock: Float64Array
  /**
   * Hashes the batch of `count` packets and reads ahead what `apply` will need. Gives something that depends on what was
   * read; changes no flow.
   */
  touch(count: number): number
  /** Credits the packet in `slot` to its flow. Gives the flow whose part is now full of transactions, else 0. */
  apply(slot: number, micros: number, view: DataView, bytes: Uint8Array): number
  /** The wheel has come to this flow. */
  visit(id: number, now: number): void
  /** Reports what came since the part before, if anything did, and begins the next part. */
  cutPart(id: number, now: number): void
  /** Ends a flow because the engine stops. */
  force(id: number): void
}

/** The flows of one engine, of packets in the slots `P`. */
export function createFlows(
  options: EngineOptions, counts: Counts, chunker: Chunker, protocols: ProtocolStage, context: ContextStage, P: Int32Array,
): Flows {
  const table = createTable(options.memory * 7 / 8, options.hashSeed, P)
  const { I, F, B, H, likely } = table
  const { values } = counts
  const wheel = new Wheel(table)
  const writer = createRecordWriter(table, chunker.output, protocols)
  const sums = createSums(table, P)
  const tcp = createTcp(table, P)
  const fragments = new FragmentTable()
  const limits = Float64Array.of(options.idleMicros, options.synMicros, options.closeMicros)
  const clock = new Float64Array(1)
  const none = new Uint8Array(0)
  const payload: Payload = {
    id: 0, protocol: 0, initiatorPort: 0, responderPort: 0, direction: 0, bytes: none, view: new DataView(none.buffer), from: 0, to: 0,
    offsetMicros: 0, application: 0, wanted: 0,
  }
  let number = 0

  function touch(count: number): number {
    let x = table.touch(count)
    for (let k = 0, slot = 0; k < count; k++, slot += slotWords) {
      if (likely[k] === 0 && P[slot + outcomeP] === 0) x ^= context.touch(P, slot + sourceP, (P[slot + kindP] & six) !== 0)
    }
    return x
  }

  function apply(slot: number, micros: number, view: DataView, bytes: Uint8Array): number {
    const bits = P[slot + kindP]
    if ((bits & (firstFragment | laterFragment)) !== 0) {
      if ((bits & firstFragment) !== 0) fragments.remember(P, slot, micros)
      else {
        fragments.resolve(P, slot, micros)
        table.hash(slot)
      }
    }
    const flags = P[slot + tcpFlagsP]
    let found = table.find(slot)
    if (found >= 0) {
      const id = found >> 1
      const f = id << shiftF
      const limit = B[(id << shiftB) + limitB]
      if (micros - F[f + lastF] > limits[limit]) {
        end(id, limit === limitClosed ? reason.end : reason.idle)
        found = -1
      } else if (limit === limitClosed && (flags & (syn | ack)) === syn && options.closeMicros < Infinity) {
        end(id, reason.end)
        found = -1
      } else if (micros >= F[f + deadlineF]) {
        if (options.parts) cutPart(id, micros)
        else {
          end(id, reason.active)
          found = -1
        }
      }
    }
    const opened = found < 0
    if (opened) found = open(slot, micros)
    const id = found >> 1
    const direction = found & 1
    const i = id << shiftI
    const f = id << shiftF
    const b = id << shiftB
    let extension = I[i + extensionI]
    if (direction === 1 && extension === 0) extension = extend(id, micros)
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
          sums.timeHandshake(id, extension, direction, flags, micros)
        }
        B[(own << shiftB) + flagsB] |= flags
        relimited = tcp.update(id, direction, own, direction === 0 ? extension : id + 1, slot)
      }
    } else if (protocol === 17) tcp.noteData(id, direction)
    sums.addPacket(id, own, direction, slot, micros)
    if ((bits & marked) !== 0 || P[slot + lengthP] > wireMaximum) B[b + marksB] |= marksOf(bits, P[slot + lengthP])
    if (relimited) {
      wheel.add(id, next(id))
      countRejection(id)
    }
    const wanted = B[b + inspectB]
    if (wanted !== 0 && P[slot + payloadEndP] > P[slot + payloadAtP] && (bits & laterFragment) === 0) {
      return inspect(id, direction, slot, micros, wanted, view, bytes) ? id : 0
    }
    return 0
  }

  function inspect(
    id: number, direction: number, slot: number, micros: number, wanted: number, view: DataView, bytes: Uint8Array,
  ): boolean {
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
    const full = protocols.inspect(payload)
    B[b + applicationB] = payload.application
    B[b + inspectB] = payload.wanted
    return full
  }

  /** Opens a flow for the packet; gives id * 2 + direction of the packet. */
  function open(slot: number, micros: number): number {
    let id = table.claim()
    while (id === 0) {
      evict(0)
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
    const words = (bits & six) === 0 ? 1 : 4
    const from = i + (direction === 0 ? initiatorI : responderI)
    const to = i + (direction === 0 ? responderI : initiatorI)
    for (let k = 0; k < words; k++) {
      I[from + k] = P[slot + sourceP + k]
      I[to + k] = P[slot + destinationP + k]
    }
    I[i + portsI] = direction === 0 ? ports : ports >>> 16 | ports << 16
    I[i + kindI] = bits & keyMask
    I[i + scopeI] = P[slot + scopeP]
    I[i + extensionI] = 0
    F[f + numberF] = ++number
    F[f + startF] = micros
    F[f + lastF] = micros
    F[f + deadlineF] = micros + (options.parts ? options.firstPartMicros : options.activeMicros)
    F[f + partStartF] = micros
    F[f + interarrivalSquaresF] = 0
    I[i + interarrivalMinI] = 0x7fffffff
    I[i + interarrivalMaxI] = 0
    // States, limit, counts, bucket, application, marks; letters, inspection, method; part and directions of sizes.
    for (let k = 28; k < 32; k++) I[i + k] = 0
    B[b + inspectB] = protocols.wanted
    B[b + methodB] = direction === 1 ? method.synAck : isTcp && (flags & syn) !== 0 ? method.syn : method.first
    if (isTcp && (flags & syn) === 0) B[b + marksB] = mark.midstream
    sums.beginDirection(id + 1, micros)
    context.begin(I, i + initiatorI, i + responderI, words === 4, I[i + portsI] & 0xffff, micros, H, h + contextH)
    table.insert(P[slot + hashP], id)
    values[flowsOpened]++
    values[flowsOpen]++
    wheel.add(id, next(id))
    if (direction === 1) {
      tcp.noteFlip(id)
      extend(id, micros)
    }
    return id * 2 + direction
  }

  /** Gives the flow its extension; another flow goes when there is no room. */
  function extend(id: number, micros: number): number {
    let extension = table.claimExtension()
    while (extension === 0) {
      evict(id)
      extension = table.claimExtension()
    }
    sums.beginDirection(extension, micros)
    sums.beginExtension(extension, micros)
    I[(id << shiftI) + extensionI] = extension
    return extension
  }

  /** When something can next happen to the flow if no packet comes. */
  function next(id: number): number {
    const f = id << shiftF
    return Math.min(F[f + deadlineF], F[f + lastF] + limits[B[(id << shiftB) + limitB]])
  }

  function visit(id: number, now: number): void {
    const f = id << shiftF
    const limit = B[(id << shiftB) + limitB]
    if (now >= F[f + lastF] + limits[limit]) {
      end(id, limit === limitClosed ? reason.end : reason.idle)
      return
    }
    if (now >= F[f + deadlineF]) {
      if (!options.parts) {
        end(id, reason.active)
        return
      }
      cutPart(id, now)
    }
    wheel.add(id, next(id))
  }

  function cutPart(id: number, now: number): void {
    const f = id << shiftF
    const own = id + 1
    let extension = I[(id << shiftI) + extensionI]
    if (I[(own << shiftI) + packetsI] > 0 || (extension !== 0 && I[(extension << shiftI) + packetsI] > 0)) {
      write(id, false, reason.active)
      if (extension === 0) extension = extend(id, F[f + lastF])
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
  function end(id: number, why: number): void {
    countFailure(id)
    write(id, true, why)
    wheel.remove(id)
    if (B[(id << shiftB) + applicationB] !== 0) protocols.forget(id)
    table.remove(id)
    values[flowsClosed]++
    values[flowsOpen]--
    if (chunker.full()) chunker.cut(clock[0], false)
  }

  function force(id: number): void {
    end(id, B[(id << shiftB) + limitB] === limitClosed ? reason.end : reason.forced)
  }

  function write(id: number, final: boolean, why: number): void {
    const b = id << shiftB
    const extension = I[(id << shiftI) + extensionI]
    const application = B[b + applicationB]
    const position = chunker.reserve(maxRecord + (application === 0 ? 0 : protocols.size(id, application)), clock[0])
    chunker.commit(writer.write(id, final, why, position))
    const packets = I[(id + 1 << shiftI) + packetsI] + (extension === 0 ? 0 : I[(extension << shiftI) + packetsI])
    values[packetsReported] += packets
    values[packetsOpen] -= packets
    values[recordsMade]++
    if (!final) {
      if (application !== 0) protocols.reported(id)
      if (chunker.full()) chunker.cut(clock[0], false)
    }
  }

  /**
   * Makes room: the flow nearest to its end goes, `keep` excepted; answered flows that are busy right now get a
   * second chance.
   */
  function evict(keep: number): void {
    for (let tries = 0; ; tries++) {
      const id = wheel.nearest(keep)
      if (id === 0) return
      const answered = I[(id << shiftI) + extensionI] !== 0
      if (tries >= evictionTries || !answered || F[(id << shiftF) + lastF] < clock[0] - recentMicros) {
        B[(id << shiftB) + marksB] |= mark.evicted
        values[flowsEvicted]++
        end(id, reason.resources)
        return
      }
      wheel.add(id, next(id))
    }
  }

  function connection(id: number): number {
    const b = id << shiftB
    const extension = I[(id << shiftI) + extensionI]
    const answered = extension !== 0 && H[(extension << shiftH) + lengthMaxH] !== 0
    const payload = F[(id + 1 << shiftF) + payloadF] + (answered ? F[(extension << shiftF) + payloadF] : 0)
    return connState(I[(id << shiftI) + kindI] & 255, B[b + initiatorStateB] & 15, B[b + responderStateB] & 15, true, answered, payload > 0)
  }

  /** A refusal counts for its initiator at once, not when the flow ends. */
  function countRejection(id: number): void {
    if (B[(id << shiftB) + limitB] === limitClosed) countFailure(id)
  }

  function countFailure(id: number): void {
    const marks = B[(id << shiftB) + marksB]
    if ((I[(id << shiftI) + kindI] & 255) !== 6 || (marks & (mark.midstream | failureCounted)) !== 0 || !isFailure(connection(id))) return
    B[(id << shiftB) + marksB] = marks | failureCounted
    context.failed(I, (id << shiftI) + initiatorI, (I[(id << shiftI) + kindI] & six) !== 0, F[(id << shiftF) + lastF])
  }

  return { table, wheel, clock, touch, apply, visit, cutPart, force }
}

function marksOf(bits: number, length: number): number {
  return ((bits & snapped) === 0 ? 0 : mark.snapped) | ((bits & offloaded) === 0 && length <= wireMaximum ? 0 : mark.offloaded)
    | ((bits & (firstFragment | laterFragment)) === 0 ? 0 : mark.fragmented)
}
