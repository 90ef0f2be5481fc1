/**
 * A packet enters its flow: the sums of the flow and of one direction, and what TCP says. Allocates nothing, never
 * throws. Times that run backwards count as no time at all. Formulas are sums only (proto/flow.ts: readers derive
 * means and deviations). Closures over the arrays, so that V8 knows them as constants.
 */
import * as layout from './layout.ts'
import * as packet from '../decode/packets.ts'
import { flag } from './tcp.ts'
import type { Slab } from './table.ts'

const {
  baseOctetsF, basePacketsF, directionF, flagsB, gapMaxI, gapMinI, gapSquaresF, handshakeAckI, handshakeSynI,
  interarrivalMaxI, interarrivalMinI, interarrivalSquaresF, lastF, lengthMaxH, lengthMinH, lengthSquaresF, octetsF,
  otherFirstF, packetsI, payloadF, retransmittedB, seenLastF, sequenceI, shiftB, shiftF, shiftH, shiftI,
  sizeDirectionsH, sizesCountB, sizesH, sizesMax, ttlB, zeroWindowB,
} = layout
const { lengthP, payloadP } = packet
const { syn, ack, rst } = flag

/** Largest value that gap and length fields hold. */
const maxGap = 0x7fffffff
const maxLength = 0xffff

/** Whole microseconds, at least 1 so that "measured" differs from "not seen", at most 2^31 - 1. */
const span = (micros: number): number => micros < 1 ? 1 : micros < maxGap ? micros | 0 : maxGap

export type Sums = {
  /** Starts the sums of one direction at unit `u`. */
  beginDirection(u: number, micros: number): void
  /** Starts the fields of an extension that are not the responder's sums. */
  beginExtension(u: number, micros: number): void
  /** Adds the packet at `slot` to flow `id` and to the direction at unit `u` (its line of sums). */
  addPacket(id: number, u: number, direction: number, slot: number, micros: number): void
  /** Handshake times: SYN to SYN/ACK, and SYN/ACK to the initiator's first ACK. Both are in the extension `e`. */
  timeHandshake(id: number, e: number, direction: number, flags: number, micros: number): void
}

/** The sums of records in `slab`, of packets in the slots `P`. */
export function createSums({ I, F, B, H }: Slab, P: Int32Array): Sums {
  function beginDirection(u: number, micros: number): void {
    const i = u << shiftI
    const f = u << shiftF
    const h = u << shiftH
    F[f + seenLastF] = micros
    F[f + octetsF] = 0
    F[f + lengthSquaresF] = 0
    F[f + gapSquaresF] = 0
    F[f + payloadF] = 0
    I[i + packetsI] = 0
    H[h + lengthMinH] = maxLength
    H[h + lengthMaxH] = 0
    I[i + gapMinI] = maxGap
    I[i + gapMaxI] = 0
    I[i + sequenceI] = 0
    // TTL, flags, counts of retransmissions and zero windows.
    const b = u << shiftB
    B[b + ttlB] = 0
    B[b + flagsB] = 0
    B[b + retransmittedB] = 0
    B[b + zeroWindowB] = 0
  }

  function beginExtension(u: number, micros: number): void {
    const i = u << shiftI
    const f = u << shiftF
    F[f + basePacketsF] = 0
    F[f + basePacketsF + 1] = 0
    F[f + baseOctetsF] = 0
    F[f + baseOctetsF + 1] = 0
    F[f + otherFirstF] = micros
    I[i + handshakeSynI] = 0
    I[i + handshakeAckI] = 0
  }

  function addPacket(id: number, u: number, direction: number, slot: number, micros: number): void {
    const f = id << shiftF
    const i = id << shiftI
    const b = id << shiftB
    const length = P[slot + lengthP]
    const di = u << shiftI
    const df = u << shiftF
    const dh = u << shiftH
    const size = length < maxLength ? length : maxLength
    const before = I[di + packetsI]
    const last = F[f + lastF]
    // A flow without sizes has no packet yet, so there is no gap before this one.
    const count = B[b + sizesCountB]
    if (count !== 0) {
      const gap = micros > last ? micros - last : 0
      const whole = gap < maxGap ? gap | 0 : maxGap
      F[f + interarrivalSquaresF] += gap * gap
      if (whole < I[i + interarrivalMinI]) I[i + interarrivalMinI] = whole
      if (whole > I[i + interarrivalMaxI]) I[i + interarrivalMaxI] = whole
      if (micros > last) F[f + lastF] = micros
    }
    // Neither has a direction whose longest packet is 0.
    if (H[dh + lengthMaxH] !== 0) {
      const since = micros - F[df + seenLastF]
      const gap = since > 0 ? since : 0
      const whole = gap < maxGap ? gap | 0 : maxGap
      F[df + gapSquaresF] += gap * gap
      if (whole < I[di + gapMinI]) I[di + gapMinI] = whole
      if (whole > I[di + gapMaxI]) I[di + gapMaxI] = whole
      if (since > 0) F[df + seenLastF] = micros
    }
    I[di + packetsI] = before + 1
    F[df + octetsF] += length
    F[df + lengthSquaresF] += length * length
    F[df + payloadF] += P[slot + payloadP]
    if (size < H[dh + lengthMinH]) H[dh + lengthMinH] = size
    if (size > H[dh + lengthMaxH]) H[dh + lengthMaxH] = size
    if (count < sizesMax) {
      H[(id << shiftH) + sizesH + count] = size
      if (direction !== 0) H[(id << shiftH) + sizeDirectionsH] |= 1 << count
      B[b + sizesCountB] = count + 1
    }
  }

  function timeHandshake(id: number, e: number, direction: number, flags: number, micros: number): void {
    const e32 = e << shiftI
    if (direction === 1) {
      if ((flags & (syn | ack)) === (syn | ack) && I[e32 + handshakeSynI] === 0) {
        I[e32 + handshakeSynI] = span(micros - F[(id << shiftF) + directionF + seenLastF])
      }
    } else if (I[e32 + handshakeAckI] === 0 && I[e32 + handshakeSynI] !== 0 && (flags & (syn | ack | rst)) === ack) {
      I[e32 + handshakeAckI] = span(micros - F[(e << shiftF) + seenLastF])
    }
  }

  return { beginDirection, beginExtension, addPacket, timeHandshake }
}
