/**
 * IPv4 (RFC 791) and IPv6 with its extension headers (RFC 8200, 4302, 6275, 7401, 5533). The length of a packet is
 * what its header says, at most what was on the wire; 0 means the sender left it to the interface, and the wire
 * decides. Contradictory headers are `header`.
 */
import { decodeTransport } from './transport.ts'
import * as cursor from './cursor.ts'
import * as packet from './packets.ts'
import type { Cursor } from './cursor.ts'

const { layerLimit } = cursor
const { destinationP, fragmentP, lengthP, sourceP, ttlP } = packet
const { firstFragment, laterFragment, offloaded, six, snapped } = packet.kind
const { header: badHeader, nesting, truncated } = packet.outcome

/** An IPv4 packet at `at`. */
export function decodeIpv4(c: Cursor, at: number): number {
  const { view, end, P, slot } = c
  if (at + 20 > end) return at < end && view.getUint8(at) >> 4 !== 4 ? badHeader : truncated
  const first = view.getUint8(at)
  const header = (first & 15) * 4
  if (first >> 4 !== 4 || header < 20) return badHeader
  if (at + header > end) return truncated
  const room = c.wireEnd - at
  let length = view.getUint16(at + 2)
  let bits = 0
  if (length === 0) {
    length = room
    bits = offloaded
  } else if (length < header) return badHeader
  else if (length > room) {
    length = room
    bits = snapped
  }
  const fragment = view.getUint16(at + 6) & 0x3fff
  if (fragment !== 0) {
    bits |= (fragment & 0x1fff) === 0 ? firstFragment : laterFragment
    P[slot + fragmentP] = view.getUint16(at + 4)
  }
  P[slot + sourceP] = view.getInt32(at + 12, true)
  P[slot + destinationP] = view.getInt32(at + 16, true)
  P[slot + lengthP] = length
  P[slot + ttlP] = view.getUint8(at + 8)
  c.bits = bits
  const protocol = view.getUint8(at + 9)
  return protocol === 51 ? extensions(c, protocol, at + header, at + length) : decodeTransport(c, protocol, at + header, at + length)
}

/** An IPv6 packet at `at`. A payload length of 0 is a jumbogram (RFC 2675) or offloading: the wire decides. */
export function decodeIpv6(c: Cursor, at: number): number {
  const { view, end, P, slot } = c
  if (at + 40 > end) return at < end && view.getUint8(at) >> 4 !== 6 ? badHeader : truncated
  if (view.getUint8(at) >> 4 !== 6) return badHeader
  const room = c.wireEnd - at
  const payload = view.getUint16(at + 4)
  const protocol = view.getUint8(at + 6)
  let length = 40 + payload
  let bits: number = six
  if (payload === 0 && protocol !== 59 && room > 65575) {
    length = room
    bits |= offloaded
  } else if (length > room) {
    length = room
    bits |= snapped
  }
  for (let k = 0; k < 8; k++) P[slot + sourceP + k] = view.getInt32(at + 8 + 4 * k, true)
  P[slot + lengthP] = length
  P[slot + ttlP] = view.getUint8(at + 7)
  c.bits = bits
  switch (protocol) {
    case 0: case 43: case 44: case 51: case 60: case 135: case 139: case 140:
      return extensions(c, protocol, at + 40, at + length)
    default:
      return decodeTransport(c, protocol, at + 40, at + length)
  }
}

/** Walks extension headers from `at` on; what cannot be walked any further is the flow's protocol. */
function extensions(c: Cursor, protocol: number, at: number, stop: number): number {
  const { view, end } = c
  for (;;) {
    let size: number
    switch (protocol) {
      case 0: case 43: case 60: case 135: case 139: case 140:
        if (at + 8 > end) return decodeTransport(c, protocol, at, stop)
        size = (view.getUint8(at + 1) + 1) * 8
        break
      case 51:
        if (at + 8 > end) return decodeTransport(c, protocol, at, stop)
        size = (view.getUint8(at + 1) + 2) * 4
        break
      case 44: {
        if (at + 8 > end) return decodeTransport(c, protocol, at, stop)
        const place = view.getUint16(at + 2)
        if ((place & 0xfff9) !== 0) {
          c.bits |= (place & 0xfff8) === 0 ? firstFragment : laterFragment
          c.P[c.slot + fragmentP] = view.getInt32(at + 4)
          if ((place & 0xfff8) !== 0) return decodeTransport(c, view.getUint8(at), at + 8, stop)
        }
        size = 8
        break
      }
      default:
        return decodeTransport(c, protocol, at, stop)
    }
    if (++c.layers > layerLimit) return nesting
    protocol = view.getUint8(at)
    at += size
  }
}
