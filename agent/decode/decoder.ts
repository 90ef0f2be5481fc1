/**
 * Frame -> packet, in place and pure: the same frame gives the same slot, whatever came before. Loses nothing
 * silently: a frame that is no packet gets an outcome that is a counter of the ledger. Never blocks, allocates,
 * throws, or reads past the captured bytes; hostile lengths end in `truncated`, `header` or `nesting`. Lengths are
 * those of the IP header, not of the capture.
 *
 * Nearly all frames are Ethernet with at most one tag, plain IP, and TCP or UDP whose headers were captured: `plain`
 * decodes those in one go. Whatever else there is takes the way through the layers (link.ts, internet.ts,
 * transport.ts, tunnel.ts). Both give the same slots; a test says so. Closures, not methods: V8 then knows the arrays
 * as constants.
 */
import { Cursor } from './cursor.ts'
import { linkLayer } from './link.ts'
import * as packet from './packets.ts'
import { isTunnel } from './tunnel.ts'
import type { Frames } from '../capture/source.ts'
import type { Packets } from './packets.ts'

const {
  acknowledgementP, batchSize, destinationP, kindP, lengthP, outcomeP, payloadAtP, payloadEndP, payloadP, portsP, scopeP,
  sequenceP, shiftP, sourceP, tcpFlagsP, ttlP, windowP,
} = packet
const { six, tcpHeader } = packet.kind
const { truncated } = packet.outcome
const ethernet = 1

export type Decoder = {
  readonly packets: Packets
  /** Decodes up to 64 frames from `from` on into slots 0, 1, ...; gives their number. */
  decode(frames: Frames, from: number): number
}

/** A decoder with slots of its own. `direct` off: every frame goes through the layers, for comparison. */
export function createDecoder(direct = true): Decoder {
  const packets = new packet.Packets()
  const { P, micros } = packets
  const cursor = new Cursor(packets)

  /** Decodes the usual kind of frame; false when it is not of that kind, and then the slot means nothing. */
  function plain(view: DataView, s: number, at: number, end: number, tci: number): boolean {
    if (at + 54 > end) return false
    let type = view.getUint16(at + 12)
    at += 14
    let scope = tci & 0xfff
    if (type === 0x8100) {
      if (tci >= 0) return false
      scope = view.getUint16(at) & 0xfff
      type = view.getUint16(at + 2)
      at += 4
    } else if (tci < 0) scope = 0
    let bits: number
    let transport: number
    let length: number
    if (type === 0x0800) {
      const first = view.getUint32(at)
      // Version 4, header of 20 octets; not a fragment.
      if (first >>> 24 !== 0x45 || (view.getUint16(at + 6) & 0x3fff) !== 0) return false
      length = first & 0xffff
      const third = view.getUint16(at + 8)
      bits = third & 255
      P[s + ttlP] = third >> 8
      P[s + sourceP] = view.getInt32(at + 12, true)
      P[s + destinationP] = view.getInt32(at + 16, true)
      transport = at + 20
    } else if (type === 0x86dd) {
      if (view.getUint8(at) >> 4 !== 6) return false
      length = 40 + view.getUint16(at + 4)
      const fourth = view.getUint16(at + 6)
      bits = fourth >> 8 | six
      P[s + ttlP] = fourth & 255
      transport = at + 40
      if (transport > end) return false
      P[s + sourceP] = view.getInt32(at + 8, true)
      P[s + sourceP + 1] = view.getInt32(at + 12, true)
      P[s + sourceP + 2] = view.getInt32(at + 16, true)
      P[s + sourceP + 3] = view.getInt32(at + 20, true)
      P[s + destinationP] = view.getInt32(at + 24, true)
      P[s + destinationP + 1] = view.getInt32(at + 28, true)
      P[s + destinationP + 2] = view.getInt32(at + 32, true)
      P[s + destinationP + 3] = view.getInt32(at + 36, true)
    } else return false
    const stop = at + length
    const protocol = bits & 255
    // Everything that was sent must be here, and the whole transport header with it.
    if (stop > end) return false
    let payloadAt: number
    if (protocol === 6) {
      if (transport + 20 > stop) return false
      const word = view.getUint32(transport + 12)
      payloadAt = transport + (word >>> 28) * 4
      if (payloadAt < transport + 20 || payloadAt > stop) return false
      bits |= tcpHeader
      P[s + sequenceP] = view.getInt32(transport + 4)
      P[s + acknowledgementP] = view.getInt32(transport + 8)
      P[s + tcpFlagsP] = word >>> 16 & 255
      P[s + windowP] = word & 0xffff
    } else if (protocol === 17) {
      payloadAt = transport + 8
      if (payloadAt > stop || isTunnel(view.getUint16(transport + 2))) return false
      P[s + tcpFlagsP] = 0
    } else return false
    P[s + outcomeP] = 0
    P[s + kindP] = bits
    P[s + portsP] = view.getInt32(transport)
    P[s + scopeP] = scope
    P[s + lengthP] = length
    P[s + payloadP] = stop - payloadAt
    P[s + payloadAtP] = payloadAt
    P[s + payloadEndP] = stop
    return true
  }

  /** Decodes any frame. */
  function layered({ view, wire, link }: Frames, s: number, frame: number, at: number, length: number, tci: number): number {
    if (length <= 0) return truncated
    cursor.view = view
    cursor.slot = s
    cursor.end = at + length
    cursor.wireEnd = at + Math.max(length, wire[frame])
    cursor.scope = 0
    cursor.tags = 0
    cursor.layers = 0
    cursor.depth = 0
    if (tci >= 0) cursor.tag(tci)
    return linkLayer(cursor, link[frame], at)
  }

  function decode(frames: Frames, from: number): number {
    const { view, offset, captured, link, vlan, micros: times } = frames
    const count = Math.min(batchSize, frames.count - from)
    for (let i = 0; i < count; i++) {
      const frame = from + i
      const at = offset[frame]
      const length = captured[frame]
      const tci = vlan[frame]
      const s = i << shiftP
      micros[i] = times[frame]
      if (direct && link[frame] === ethernet && plain(view, s, at, at + length, tci)) continue
      P[s + outcomeP] = layered(frames, s, frame, at, length, tci)
    }
    packets.count = count
    return count
  }

  return { packets, decode }
}
