/**
 * What IP carries: ports, flags, payload, and the slot of the packet. TCP (RFC 9293), UDP (RFC 768), SCTP (RFC 9260),
 * ICMP (RFC 792), ICMPv6 (RFC 4443); other protocols have no ports. A transport header that was not captured leaves
 * its fields 0: the packet still counts.
 */
import { decodeTunnel, isTunnel } from './tunnel.ts'
import * as packet from './packets.ts'
import type { Cursor } from './cursor.ts'

const {
  acknowledgementP, kindP, payloadAtP, payloadEndP, payloadP, portsP, scopeP, sequenceP, tcpFlagsP, windowP,
} = packet
const { laterFragment, oneWay, snapped, tcpHeader } = packet.kind
const { nesting, packet: isPacket } = packet.outcome

/** ICMP types that have an answering type (Community ID 1.0): index = type, value = answer, 0xffff = none. */
const answers = (pairs: readonly (readonly [number, number])[]): Uint16Array => {
  const table = new Uint16Array(256).fill(0xffff)
  for (const [a, b] of pairs) { table[a] = b; table[b] = a }
  return table
}
const icmpAnswers = answers([[8, 0], [13, 14], [15, 16], [17, 18], [10, 9]])
const icmp6Answers = answers([[128, 129], [133, 134], [135, 136], [130, 131], [144, 145], [139, 140]])

/** The transport layer at `at`; `stop` is the end of the IP packet on the wire. */
export function decodeTransport(c: Cursor, protocol: number, at: number, stop: number): number {
  const { view, P, slot } = c
  let bits = c.bits | protocol
  let end = c.end
  if (stop < end) end = stop
  else if (stop > end) bits |= snapped
  let ports = 0
  let flags = 0
  let header = 0
  if ((bits & laterFragment) === 0) {
    switch (protocol) {
      case 6:
        if (at + 4 <= end) ports = view.getInt32(at)
        header = 20
        if (at + 14 <= end) {
          header = (view.getUint8(at + 12) >> 4) * 4
          flags = view.getUint8(at + 13)
          if (at + 20 <= end) {
            bits |= tcpHeader
            P[slot + sequenceP] = view.getInt32(at + 4)
            P[slot + acknowledgementP] = view.getInt32(at + 8)
            P[slot + windowP] = view.getUint16(at + 14)
          }
          if (header < 20) header = stop - at
        }
        break
      case 17:
        if (at + 4 <= end) ports = view.getInt32(at)
        header = 8
        if (isTunnel(ports & 0xffff) && at + 8 < end) {
          const inner = decodeTunnel(c, protocol, ports & 0xffff, at, stop)
          if (inner === isPacket || inner === nesting) return inner
        }
        break
      case 1: case 58: {
        header = 8
        const type = at < end ? view.getUint8(at) : 0
        const answer = protocol === 1 ? icmpAnswers[type] : icmp6Answers[type]
        if (answer !== 0xffff) ports = type << 16 | answer
        else {
          ports = type << 16 | (at + 1 < end ? view.getUint8(at + 1) : 0)
          bits |= oneWay
        }
        break
      }
      case 132:
        if (at + 4 <= end) ports = view.getInt32(at)
        header = 12
        break
      case 4: case 41: case 47: {
        const inner = decodeTunnel(c, protocol, 0, at, stop)
        if (inner === isPacket || inner === nesting) return inner
        break
      }
      default:
    }
  }
  const payload = stop - at - header
  P[slot + kindP] = bits
  P[slot + portsP] = ports
  P[slot + scopeP] = c.scope
  P[slot + tcpFlagsP] = flags
  P[slot + payloadP] = payload > 0 ? payload : 0
  P[slot + payloadAtP] = at + header
  P[slot + payloadEndP] = end
  return isPacket
}
