/**
 * Slab -> message Flow, without an object in between. Field numbers are those of proto/flow.ts, in its order, zero
 * and empty values left out as proto3 does; a test compares with the codec, byte for byte. The caller guarantees room
 * for `maxRecord` octets beside what the protocol stage needs.
 */
import { writeVarint } from '../../proto/wire.ts'
import { state, tcpConnState } from './tcp.ts'
import * as layout from './layout.ts'
import type { FlowTable } from './table.ts'
import type { ProtocolStage } from './stages.ts'

const {
  applicationB, baseOctetsF, basePacketsF, contextH, directionB, directionF, directionH, directionI, extensionI,
  flagsB, gapMaxI, gapMinI, gapSquaresF, handshakeAckI, handshakeSynI, historyB, historyCountB, historyMax,
  initiatorI, initiatorStateB, interarrivalMaxI, interarrivalMinI, interarrivalSquaresF, kindI, lastF, lengthMaxH,
  lengthMinH, lengthSquaresF, marksB, methodB, moreHistoryB, numberF, octetsF, otherFirstF, packetsI, partH,
  partStartF, payloadF, portsI, responderI, responderStateB, scopeI, seenLastF, shiftB, shiftF, shiftH, shiftI,
  sizeDirectionsH, sizesCountB, sizesH, startF, ttlB,
} = layout

/** Octets of the largest record without application, server name and DNS. */
export const maxRecord = 768

const two52 = 4294967296

/** Appends a varint field unless it is 0. `tag` is field << 3, below 2^14. */
function uint(out: Uint8Array, p: number, tag: number, value: number): number {
  if (value === 0) return p
  if (tag < 128) out[p++] = tag
  else {
    out[p++] = tag & 127 | 128
    out[p++] = tag >> 7
  }
  if (value < 128) {
    out[p++] = value
    return p
  }
  return writeVarint(out, p, value)
}

export class RecordWriter {
  private readonly table: FlowTable
  private readonly protocols: ProtocolStage
  private readonly scratch = new DataView(new ArrayBuffer(8))
  private readonly scratchBytes = new Uint8Array(this.scratch.buffer)

  constructor(table: FlowTable, protocols: ProtocolStage) {
    this.table = table
    this.protocols = protocols
  }

  private fixed64(out: Uint8Array, p: number, tag: number, value: number): number {
    p = writeVarint(out, p, tag)
    const whole = Math.floor(value)
    let low = whole % two52
    let high = Math.floor(whole / two52)
    for (let i = 0; i < 4; i++) { out[p++] = low & 255; low = Math.floor(low / 256) }
    for (let i = 0; i < 4; i++) { out[p++] = high & 255; high = Math.floor(high / 256) }
    return p
  }

  private double(out: Uint8Array, p: number, tag: number, value: number): number {
    if (value === 0) return p
    p = writeVarint(out, p, tag)
    this.scratch.setFloat64(0, value, true)
    const { scratchBytes } = this
    for (let i = 0; i < 8; i++) out[p++] = scratchBytes[i]
    return p
  }

  private address(out: Uint8Array, p: number, tag: number, from: number, length: number): number {
    const { B } = this.table
    out[p++] = tag
    out[p++] = length
    for (let i = 0; i < length; i++) out[p++] = B[from + i]
    return p
  }

  /** Writes the record of flow `id` at `p`; gives the position after. `reason` is an index of `endReasons`. */
  write(id: number, final: boolean, reason: number, out: Uint8Array, p: number): number {
    const { I, F, B, H } = this.table
    const i = id << shiftI
    const f = id << shiftF
    const b = id << shiftB
    const h = id << shiftH
    const e = I[i + extensionI]
    const bits = I[i + kindI]
    const protocol = bits & 255
    const six = (bits & 0x100) !== 0
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
    const length = six ? 16 : 4

    p = uint(out, p, 1 << 3, F[f + numberF])
    p = uint(out, p, 2 << 3, H[h + partH])
    if (final) p = uint(out, p, 3 << 3, 1)
    p = this.address(out, p, 4 << 3 | 2, b + 4 * initiatorI, length)
    p = this.address(out, p, 5 << 3 | 2, b + 4 * responderI, length)
    p = uint(out, p, 6 << 3, I[i + portsI] >>> 16)
    p = uint(out, p, 7 << 3, I[i + portsI] & 0xffff)
    p = uint(out, p, 8 << 3, protocol)
    p = this.fixed64(out, p, 9 << 3 | 1, start)
    p = this.fixed64(out, p, 10 << 3 | 1, F[f + lastF])
    p = uint(out, p, 11 << 3, oTotal)
    p = uint(out, p, 12 << 3, rTotal)
    p = uint(out, p, 13 << 3, oOctets + (both ? F[rf + baseOctetsF] : 0))
    p = uint(out, p, 14 << 3, rOctets + (both ? F[rf + baseOctetsF + 1] : 0))
    p = uint(out, p, 15 << 3, reason)
    const initiatorState = B[b + initiatorStateB] & 15
    const responderState = B[b + responderStateB] & 15
    p = uint(out, p, 16 << 3, connState(protocol, initiatorState, responderState, oTotal > 0, rTotal > 0, oPayload + rPayload > 0))
    p = this.history(out, p, b, rb)
    const scope = I[i + scopeI]
    p = uint(out, p, 18 << 3, scope & 0xfff)
    p = uint(out, p, 19 << 3, scope >>> 12)
    p = uint(out, p, 20 << 3, oPackets)
    p = uint(out, p, 21 << 3, rPackets)
    p = uint(out, p, 22 << 3, oOctets)
    p = uint(out, p, 23 << 3, rOctets)
    p = this.fixed64(out, p, 24 << 3 | 1, F[f + partStartF])
    p = uint(out, p, 25 << 3, B[ob + flagsB])
    if (both) p = uint(out, p, 26 << 3, B[rb + flagsB])
    p = uint(out, p, 27 << 3, oPayload)
    p = uint(out, p, 28 << 3, rPayload)
    p = uint(out, p, 29 << 3, B[b + methodB])
    p = uint(out, p, 30 << 3, B[b + marksB])
    if (oTotal > 0) {
      p = uint(out, p, 31 << 3, H[oh + lengthMinH])
      p = uint(out, p, 32 << 3, H[oh + lengthMaxH])
    }
    if (rTotal > 0) {
      p = uint(out, p, 33 << 3, H[rh + lengthMinH])
      p = uint(out, p, 34 << 3, H[rh + lengthMaxH])
    }
    p = uint(out, p, 35 << 3, F[of + lengthSquaresF])
    if (both) p = uint(out, p, 36 << 3, F[rf + lengthSquaresF])
    if (oTotal + rTotal > 1) {
      p = uint(out, p, 37 << 3, I[i + interarrivalMinI])
      p = uint(out, p, 38 << 3, I[i + interarrivalMaxI])
      p = this.double(out, p, 39 << 3 | 1, F[f + interarrivalSquaresF])
    }
    const otherFirst = both ? F[rf + otherFirstF] : 0
    const flipped = B[b + methodB] === 3
    if (oTotal > 1) {
      p = uint(out, p, 40 << 3, I[oi + gapMinI])
      p = uint(out, p, 41 << 3, I[oi + gapMaxI])
      p = this.double(out, p, 42 << 3 | 1, F[of + gapSquaresF])
      p = uint(out, p, 43 << 3, Math.floor(F[of + seenLastF] - (flipped ? otherFirst : start)))
    }
    if (rTotal > 1) {
      p = uint(out, p, 44 << 3, I[ri + gapMinI])
      p = uint(out, p, 45 << 3, I[ri + gapMaxI])
      p = this.double(out, p, 46 << 3 | 1, F[rf + gapSquaresF])
      p = uint(out, p, 47 << 3, Math.floor(F[rf + seenLastF] - (flipped ? start : otherFirst)))
    }
    p = this.sizes(out, p, b, h)
    if (both) {
      p = uint(out, p, 49 << 3, I[ri + handshakeSynI])
      p = uint(out, p, 50 << 3, I[ri + handshakeAckI])
    }
    p = this.protocols.write(id, B[b + applicationB], out, p)
    p = this.context(out, p, h)
    p = uint(out, p, 56 << 3, B[ob + ttlB])
    if (both) p = uint(out, p, 57 << 3, B[rb + ttlB])
    return p
  }

  private history(out: Uint8Array, p: number, b: number, rb: number): number {
    const { B } = this.table
    const count = B[b + historyCountB]
    if (count === 0) return p
    p = writeVarint(out, p, 17 << 3 | 2)
    out[p++] = count
    for (let k = 0; k < count; k++) out[p++] = k < historyMax ? B[b + historyB + k] : B[rb + moreHistoryB + k - historyMax]
    return p
  }

  private sizes(out: Uint8Array, p: number, b: number, h: number): number {
    const { B, H } = this.table
    const count = B[b + sizesCountB]
    if (count === 0) return p
    p = writeVarint(out, p, 48 << 3 | 2)
    const directions = H[h + sizeDirectionsH]
    const length = p++
    for (let k = 0; k < count; k++) {
      const size = H[h + sizesH + k]
      // Zigzag: n is 2 n, -n is 2 n - 1.
      const value = 2 * size - (size === 0 ? 0 : directions >> k & 1)
      p = value < 128 ? (out[p] = value, p + 1) : writeVarint(out, p, value)
    }
    out[length] = p - length - 1
    return p
  }

  private context(out: Uint8Array, p: number, h: number): number {
    const { H } = this.table
    p = writeVarint(out, p, 54 << 3 | 2)
    const length = p++
    for (let k = 0; k < 8; k++) p = writeVarint(out, p, H[h + contextH + k])
    out[length] = p - length - 1
    return p
  }
}

/** Index of `connStates`. UDP is SF when both sides spoke, ICMP always OTH, as Zeek says; other protocols have none. */
export function connState(protocol: number, initiator: number, responder: number, spoke: boolean, answered: boolean, payload: boolean): number {
  switch (protocol) {
    case 6: return tcpConnState(initiator, responder, payload)
    case 17: return spoke ? (answered ? state.SF : state.S0) : answered ? state.SHR : state.OTH
    case 1: case 58: return state.OTH
    default: return 0
  }
}

/** A connection that was tried and did not come about. */
export const isFailure = (connection: number): boolean => connection === state.S0 || connection === state.REJ || connection === state.RSTOS0
