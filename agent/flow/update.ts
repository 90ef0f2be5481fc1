/**
 * A packet enters its flow: the sums of the flow and of one direction, and what TCP says. Allocates nothing, never
 * throws. Times that run backwards count as no time at all. Formulas are sums only (proto/flow.ts: readers derive
 * means and deviations).
 */
import * as at from './layout.ts'
import { flag } from './tcp.ts'
import type { FlowTable } from './table.ts'
import type { Packets } from '../decode/packets.ts'

const laterFragment = 0x800

/** Largest value that gap and length fields hold. */
const maxGap = 0x7fffffff
const maxLength = 0xffff

/** Starts the sums of one direction at unit `u`. The first packet's TTL stands for all. */
export function beginDirection(table: FlowTable, u: number, micros: number, ttl: number): void {
  const { I, F, B, H } = table
  const i = u << at.shiftI
  const f = u << at.shiftF
  const h = u << at.shiftH
  F[f + at.seenLastF] = micros
  F[f + at.octetsF] = 0
  F[f + at.lengthSquaresF] = 0
  F[f + at.gapSquaresF] = 0
  F[f + at.payloadF] = 0
  I[i + at.packetsI] = 0
  H[h + at.lengthMinH] = maxLength
  H[h + at.lengthMaxH] = 0
  I[i + at.gapMinI] = maxGap
  I[i + at.gapMaxI] = 0
  I[i + at.sequenceI] = 0
  // TTL, flags, counts of retransmissions and zero windows.
  const b = u << at.shiftB
  B[b + at.ttlB] = ttl
  B[b + at.flagsB] = 0
  B[b + at.retransmittedB] = 0
  B[b + at.zeroWindowB] = 0
}

/** Starts the fields of an extension that are not the responder's sums. */
export function beginExtension(table: FlowTable, u: number, micros: number): void {
  const { I, F } = table
  const i = u << at.shiftI
  const f = u << at.shiftF
  F[f + at.basePacketsF] = 0
  F[f + at.basePacketsF + 1] = 0
  F[f + at.baseOctetsF] = 0
  F[f + at.baseOctetsF + 1] = 0
  F[f + at.otherFirstF] = micros
  I[i + at.handshakeSynI] = 0
  I[i + at.handshakeAckI] = 0
}

/** Adds the packet in `slot` to flow `id` and to the direction at unit `u` (its line of sums). */
export function addPacket(table: FlowTable, id: number, u: number, direction: number, packets: Packets, slot: number): void {
  const { I, F, B, H } = table
  const f = id << at.shiftF
  const i = id << at.shiftI
  const b = id << at.shiftB
  const micros = packets.micros[slot]
  const length = packets.length[slot]
  const di = u << at.shiftI
  const df = u << at.shiftF
  const dh = u << at.shiftH
  const size = length < maxLength ? length : maxLength
  const before = I[di + at.packetsI]
  const last = F[f + at.lastF]
  // A flow without sizes has no packet yet, so there is no gap before this one.
  const count = B[b + at.sizesCountB]
  if (count !== 0) {
    const gap = micros > last ? micros - last : 0
    const whole = gap < maxGap ? gap | 0 : maxGap
    F[f + at.interarrivalSquaresF] += gap * gap
    if (whole < I[i + at.interarrivalMinI]) I[i + at.interarrivalMinI] = whole
    if (whole > I[i + at.interarrivalMaxI]) I[i + at.interarrivalMaxI] = whole
    if (micros > last) F[f + at.lastF] = micros
  }
  // Neither has a direction whose longest packet is 0.
  if (H[dh + at.lengthMaxH] !== 0) {
    const since = micros - F[df + at.seenLastF]
    const gap = since > 0 ? since : 0
    const whole = gap < maxGap ? gap | 0 : maxGap
    F[df + at.gapSquaresF] += gap * gap
    if (whole < I[di + at.gapMinI]) I[di + at.gapMinI] = whole
    if (whole > I[di + at.gapMaxI]) I[di + at.gapMaxI] = whole
    if (since > 0) F[df + at.seenLastF] = micros
  }
  I[di + at.packetsI] = before + 1
  F[df + at.octetsF] += length
  F[df + at.lengthSquaresF] += length * length
  F[df + at.payloadF] += packets.payload[slot]
  if (size < H[dh + at.lengthMinH]) H[dh + at.lengthMinH] = size
  if (size > H[dh + at.lengthMaxH]) H[dh + at.lengthMaxH] = size
  if (count < at.sizesMax) {
    H[(id << at.shiftH) + at.sizesH + count] = size
    if (direction !== 0) H[(id << at.shiftH) + at.sizeDirectionsH] |= 1 << count
    B[b + at.sizesCountB] = count + 1
  }
}

/**
 * Handshake times, kept as: SYN to SYN/ACK, and SYN/ACK to the initiator's first ACK. Both are in the extension `e`.
 */
export function timeHandshake(table: FlowTable, id: number, e: number, direction: number, flags: number, micros: number): void {
  const { I, F } = table
  const e32 = e << at.shiftI
  if (direction === 1) {
    if ((flags & (flag.syn | flag.ack)) === (flag.syn | flag.ack) && I[e32 + at.handshakeSynI] === 0) {
      I[e32 + at.handshakeSynI] = span(micros - F[(id << at.shiftF) + at.directionF + at.seenLastF])
    }
  } else if (I[e32 + at.handshakeAckI] === 0 && I[e32 + at.handshakeSynI] !== 0 && (flags & (flag.syn | flag.ack | flag.rst)) === flag.ack) {
    I[e32 + at.handshakeAckI] = span(micros - F[(e << at.shiftF) + at.seenLastF])
  }
}

/** Whole microseconds, at least 1 so that "measured" differs from "not seen", at most 2^31 - 1. */
const span = (micros: number): number => micros < 1 ? 1 : micros < maxGap ? micros | 0 : maxGap

export { laterFragment }
