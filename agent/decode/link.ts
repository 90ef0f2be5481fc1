/**
 * Link layers (tcpdump.org/linktypes) and what stands between them and IP: VLAN tags (IEEE 802.1Q, 802.1ad),
 * LLC/SNAP, MPLS labels (RFC 3032), PPPoE (RFC 2516). Anything else that is recognised is `notIp`; an unknown link
 * type is `link`.
 */
import { decodeIpv4, decodeIpv6 } from './internet.ts'
import { layerLimit } from './cursor.ts'
import { outcome } from './packets.ts'
import type { Cursor } from './cursor.ts'

/** What a frame of this link type holds at `at`. */
export function linkLayer(c: Cursor, link: number, at: number): number {
  const { view, end } = c
  switch (link) {
    case 1:
      return ethernet(c, at)
    case 0: // BSD loopback: address family in the byte order of the machine that captured
      return at + 4 > end ? outcome.truncated : family(c, view.getUint32(at, view.getUint16(at) !== 0), at + 4)
    case 108: // OpenBSD loopback: address family in network byte order
      return at + 4 > end ? outcome.truncated : family(c, view.getUint32(at), at + 4)
    case 12: case 14: case 101: // raw IP, also as some systems number it
      return rawIp(c, at)
    case 228:
      return decodeIpv4(c, at)
    case 229:
      return decodeIpv6(c, at)
    case 113: // Linux cooked v1: packet type, ARPHRD, address, protocol
      return at + 16 > end ? outcome.truncated : etherType(c, view.getUint16(at + 14), at + 16)
    case 276: // Linux cooked v2: protocol first
      return at + 20 > end ? outcome.truncated : etherType(c, view.getUint16(at), at + 20)
    case 104: // Cisco HDLC: address, control, EtherType
      return at + 4 > end ? outcome.truncated : etherType(c, view.getUint16(at + 2), at + 4)
    case 9: case 50: // PPP, PPP in HDLC-like framing
      return ppp(c, at)
    default:
      return outcome.link
  }
}

/** An Ethernet frame at `at`. */
export function ethernet(c: Cursor, at: number): number {
  return at + 14 > c.end ? outcome.truncated : etherType(c, c.view.getUint16(at + 12), at + 14)
}

/** What an EtherType announces at `at`. A value below 1536 is an IEEE 802.3 length. */
export function etherType(c: Cursor, type: number, at: number): number {
  const { view, end } = c
  for (;;) {
    switch (type) {
      case 0x0800: return decodeIpv4(c, at)
      case 0x86dd: return decodeIpv6(c, at)
      case 0x0806: return outcome.arp
      case 0x8100: case 0x88a8: case 0x9100: case 0x9200: // 802.1Q, 802.1ad and the numbers used before it
        if (at + 4 > end) return outcome.truncated
        if (!c.tag(view.getUint16(at))) return outcome.nesting
        type = view.getUint16(at + 2)
        at += 4
        break
      case 0x8847: case 0x8848: return mpls(c, at)
      case 0x8864:
        return at + 8 > end ? outcome.truncated : ppp(c, at + 6)
      default:
        return type < 1536 ? llc(c, at) : outcome.notIp
    }
  }
}

/** LLC with SNAP of organisation 0 carries an EtherType (RFC 1042). */
function llc(c: Cursor, at: number): number {
  const { view, end } = c
  if (at + 8 > end) return outcome.notIp
  if (view.getUint32(at) !== 0xaaaa0300 || view.getUint8(at + 4) !== 0) return outcome.notIp
  const type = view.getUint16(at + 6)
  return type < 1536 ? outcome.notIp : etherType(c, type, at + 8)
}

/** A label stack; what lies under it is not said, only shown by its first half-octet (RFC 4928). */
function mpls(c: Cursor, at: number): number {
  const { view, end } = c
  for (;;) {
    if (at + 4 > end) return outcome.truncated
    if (++c.layers > layerLimit) return outcome.nesting
    const bottom = (view.getUint8(at + 2) & 1) === 1
    at += 4
    if (bottom) break
  }
  if (at >= end) return outcome.truncated
  switch (view.getUint8(at) >> 4) {
    case 4: return decodeIpv4(c, at)
    case 6: return decodeIpv6(c, at)
    case 0: return ethernet(c, at + 4) // pseudowire control word (RFC 4385)
    default: return ethernet(c, at)
  }
}

/** PPP: optional HDLC address and control, protocol of one or two octets (RFC 1661, 2). */
function ppp(c: Cursor, at: number): number {
  const { view, end } = c
  if (at + 2 > end) return outcome.truncated
  if (view.getUint16(at) === 0xff03) at += 2
  if (at + 2 > end) return outcome.truncated
  const short = (view.getUint8(at) & 1) === 1
  const protocol = short ? view.getUint8(at) : view.getUint16(at)
  at += short ? 1 : 2
  if (protocol === 0x21) return decodeIpv4(c, at)
  if (protocol === 0x57) return decodeIpv6(c, at)
  return protocol === 0x281 || protocol === 0x283 ? mpls(c, at) : outcome.notIp
}

/** Address families that loopback headers use: IPv4 is 2 everywhere, IPv6 differs. */
function family(c: Cursor, value: number, at: number): number {
  switch (value) {
    case 2: return decodeIpv4(c, at)
    case 10: case 24: case 28: case 30: return decodeIpv6(c, at)
    default: return outcome.notIp
  }
}

/** IP of either version, told by its first half-octet. */
export function rawIp(c: Cursor, at: number): number {
  if (at >= c.end) return outcome.truncated
  switch (c.view.getUint8(at) >> 4) {
    case 4: return decodeIpv4(c, at)
    case 6: return decodeIpv6(c, at)
    default: return outcome.header
  }
}
