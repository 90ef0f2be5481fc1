/**
 * Slab -> message Flow, without an object in between. Field numbers are those of proto/flow.ts, in its order, zero
 * and empty values left out as proto3 does; a test compares with the codec, byte for byte. The caller guarantees room
 * for `maxRecord` octets beside what the protocol stage needs. Closures over the arrays: V8 then knows them as
 * constants.
 */
import { writeVarint } from '../../proto/wire.ts'
import * as packet from '../decode/packets.ts'
import * as layout from './layout.ts'
import { state, tcpConnState } from './tcp.ts'
import type { ProtocolStage } from './stages.ts'
import type { Slab } from './table.ts'

const {
  applicationB, baseOctetsF, basePacketsF, contextH, directionB, directionF, directionH, directionI, extensionI,
  flagsB, gapMaxI, gapMinI, gapSquaresF, handshakeAckI, handshakeSynI, historyB, historyCountB, historyMax,
  initiatorI, initiatorStateB, interarrivalMaxI, interarrivalMinI, interarrivalSquaresF, kindI, lastF, lengthMaxH,
  lengthMinH, lengthSquaresF, marksB, methodB, moreHistoryB, numberF, octetsF, otherFirstF, packetsI, partH,
  partStartF, payloadF, portsI, responderI, responderStateB, scopeI, seenLastF, shiftB, shiftF, shiftH, shiftI,
  sizeDirectionsH, sizesCountB, sizesH, startF, ttlB,
} = layout
const { six } = packet.kind

/** Octets of the largest record without application, server name and DNS. */
export const maxRecord = 768

/** Where records are written: a buffer that never changes, and a view of it. */
export type Output = { readonly bytes: Uint8Array, readonly view: DataView }

export type RecordWriter = {
  /** Writes the record of flow `id` at `p`; gives the position after. `reason` is an index of `endReasons`. */
  write(id: number, final: boolean, reason: number, p: number): number
}

/** The marks of proto/flow.ts; the bit above them is the engine's own. */
const marksMask = 127
const two32 = 4294967296

export function createRecordWriter({ I, F, B, H }: Slab, { bytes: out, view }: Output, protocols: ProtocolStage): RecordWriter {
  function varint(p: number, value: number): number {
    if (value < 128) {
      out[p] = value
      return p + 1
    }
    if (value < 16384) {
      out[p] = value & 127 | 128
      out[p + 1] = value >> 7
      return p + 2
    }
    return writeVarint(out, p, value)
  }

  /** Appends a varint field with a tag (field << 3) of one octet, unless it is 0. */
  function short(p: number, tag: number, value: number): number {
    if (value === 0) return p
    out[p] = tag
    return varint(p + 1, value)
  }

  /** The same with a tag of two octets. */
  function uint(p: number, tag: number, value: number): number {
    if (value === 0) return p
    out[p] = tag & 127 | 128
    out[p + 1] = tag >> 7
    return varint(p + 2, value)
  }

  function fixed64(p: number, tag: number, value: number): number {
    p = varint(p, tag)
    const whole = Math.floor(value)
    view.setUint32(p, whole % two32, true)
    view.setUint32(p + 4, Math.floor(whole / two32), true)
    return p + 8
  }

  function double(p: number, tag: number, value: number): number {
    if (value === 0) return p
    p = varint(p, tag)
    view.setFloat64(p, value, true)
    return p + 8
  }

  function address(p: number, tag: number, from: number, length: number): number {
    out[p] = tag
    out[p + 1] = length
    for (let k = 0; k < length; k += 4) view.setInt32(p + 2 + k, I[from + (k >> 2)], true)
    return p + 2 + length
  }

  function write(id: number, final: boolean, reason: number, p: number): number {
    const i = id << shiftI
    const f = id << shiftF
    const b = id << shiftB
    const h = id << shiftH
    const e = I[i + extensionI]
    const bits = I[i + kindI]
    const protocol = bits & 255
    const oi = i + directionI
    const of = f + directionF
    const ob = b + directionB
    const oh = h + directionH
    const ri = e << shiftI
    const rf = e << shiftF
    const rb = e << shiftB
    const rh = e << shiftH
    const both = e !== 0
    const oPackets = I[oi + packetsI]
    const rPackets = both ? I[ri + packetsI] : 0
    const oOctets = F[of + octetsF]
    const rOctets = both ? F[rf + octetsF] : 0
    const oTotal = oPackets + (both ? F[rf + basePacketsF] : 0)
    const rTotal = rPackets + (both ? F[rf + basePacketsF + 1] : 0)
    const oPayload = F[of + payloadF]
    const rPayload = both ? F[rf + payloadF] : 0
    const start = F[f + startF]
    const length = (bits & six) === 0 ? 4 : 16

    p = short(p, 1 << 3, F[f + numberF])
    p = short(p, 2 << 3, H[h + partH])
    if (final) p = short(p, 3 << 3, 1)
    p = address(p, 4 << 3 | 2, i + initiatorI, length)
    p = address(p, 5 << 3 | 2, i + responderI, length)
    p = short(p, 6 << 3, I[i + portsI] >>> 16)
    p = short(p, 7 << 3, I[i + portsI] & 0xffff)
    p = short(p, 8 << 3, protocol)
    p = fixed64(p, 9 << 3 | 1, start)
    p = fixed64(p, 10 << 3 | 1, F[f + lastF])
    p = short(p, 11 << 3, oTotal)
    p = short(p, 12 << 3, rTotal)
    p = short(p, 13 << 3, oOctets + (both ? F[rf + baseOctetsF] : 0))
    p = short(p, 14 << 3, rOctets + (both ? F[rf + baseOctetsF + 1] : 0))
    p = short(p, 15 << 3, reason)
    const initiatorState = B[b + initiatorStateB] & 15
    const responderState = B[b + responderStateB] & 15
    p = uint(p, 16 << 3, connState(protocol, initiatorState, responderState, oTotal > 0, rTotal > 0, oPayload + rPayload > 0))
    p = history(p, b, rb)
    const scope = I[i + scopeI]
    p = uint(p, 18 << 3, scope & 0xfff)
    p = uint(p, 19 << 3, scope >>> 12)
    p = uint(p, 20 << 3, oPackets)
    p = uint(p, 21 << 3, rPackets)
    p = uint(p, 22 << 3, oOctets)
    p = uint(p, 23 << 3, rOctets)
    p = fixed64(p, 24 << 3 | 1, F[f + partStartF])
    p = uint(p, 25 << 3, B[ob + flagsB])
    if (both) p = uint(p, 26 << 3, B[rb + flagsB])
    p = uint(p, 27 << 3, oPayload)
    p = uint(p, 28 << 3, rPayload)
    p = uint(p, 29 << 3, B[b + methodB])
    p = uint(p, 30 << 3, B[b + marksB] & marksMask)
    if (oTotal > 0) {
      p = uint(p, 31 << 3, H[oh + lengthMinH])
      p = uint(p, 32 << 3, H[oh + lengthMaxH])
    }
    if (rTotal > 0) {
      p = uint(p, 33 << 3, H[rh + lengthMinH])
      p = uint(p, 34 << 3, H[rh + lengthMaxH])
    }
    p = uint(p, 35 << 3, F[of + lengthSquaresF])
    if (both) p = uint(p, 36 << 3, F[rf + lengthSquaresF])
    if (oTotal + rTotal > 1) {
      p = uint(p, 37 << 3, I[i + interarrivalMinI])
      p = uint(p, 38 << 3, I[i + interarrivalMaxI])
      p = double(p, 39 << 3 | 1, F[f + interarrivalSquaresF])
    }
    const otherFirst = both ? F[rf + otherFirstF] : 0
    const flipped = B[b + methodB] === 3
    if (oTotal > 1) {
      p = uint(p, 40 << 3, I[oi + gapMinI])
      p = uint(p, 41 << 3, I[oi + gapMaxI])
      p = double(p, 42 << 3 | 1, F[of + gapSquaresF])
      p = uint(p, 43 << 3, Math.floor(F[of + seenLastF] - (flipped ? otherFirst : start)))
    }
    if (rTotal > 1) {
      p = uint(p, 44 << 3, I[ri + gapMinI])
      p = uint(p, 45 << 3, I[ri + gapMaxI])
      p = double(p, 46 << 3 | 1, F[rf + gapSquaresF])
      p = uint(p, 47 << 3, Math.floor(F[rf + seenLastF] - (flipped ? start : otherFirst)))
    }
    p = sizes(p, b, h)
    if (both) {
      p = uint(p, 49 << 3, I[ri + handshakeSynI])
      p = uint(p, 50 << 3, I[ri + handshakeAckI])
    }
    p = protocols.write(id, B[b + applicationB], out, p)
    p = context(p, h)
    p = uint(p, 56 << 3, B[ob + ttlB])
    if (both) p = uint(p, 57 << 3, B[rb + ttlB])
    return p
  }

  function history(p: number, b: number, rb: number): number {
      const count = B[b + historyCountB]
    if (count === 0) return p
    p = varint(p, 17 << 3 | 2)
    out[p++] = count
    for (let k = 0; k < count; k++) out[p++] = k < historyMax ? B[b + historyB + k] : B[rb + moreHistoryB + k - historyMax]
    return p
  }

  function sizes(p: number, b: number, h: number): number {
      const count = B[b + sizesCountB]
    if (count === 0) return p
    p = varint(p, 48 << 3 | 2)
    const directions = H[h + sizeDirectionsH]
    const length = p++
    for (let k = 0; k < count; k++) {
      const size = H[h + sizesH + k]
      // Zigzag: n is 2 n, -n is 2 n - 1.
      const value = 2 * size - (size === 0 ? 0 : directions >> k & 1)
      p = varint(p, value)
    }
    out[length] = p - length - 1
    return p
  }

  function context(p: number, h: number): number {
      p = varint(p, 54 << 3 | 2)
    const length = p++
    for (let k = 0; k < 8; k++) p = varint(p, H[h + contextH + k])
    out[length] = p - length - 1
    return p
  }

  return { write }
}

/** Index of `connStates`. UDP is SF when both sides spoke, ICMP always OTH, as Zeek says; other protocols have none. */
export function connState(
  protocol: number, initiator: number, responder: number, spoke: boolean, answered: boolean, payload: boolean,
): number {
  switch (protocol) {
    case 6: return tcpConnState(initiator, responder, payload)
    case 17: return spoke ? (answered ? state.SF : state.S0) : answered ? state.SHR : state.OTH
    case 1: case 58: return state.OTH
    default: return 0
  }
}

/** A connection that was tried and did not come about. */
export const isFailure = (connection: number): boolean => connection === state.S0 || connection === state.REJ || connection === state.RSTOS0
