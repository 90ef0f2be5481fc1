/**
 * Tunnels: the flow is the innermost one. IP in IP (RFC 2003), 6in4 (RFC 4213), GRE (RFC 2784, 2890) with IP,
 * Ethernet, MPLS or ERSPAN in it, VXLAN (RFC 7348), GENEVE (RFC 8926), GTP-U (3GPP TS 29.281). An inside that makes
 * no sense is no error: the packet then counts as the tunnel's own.
 */
import { decodeIpv4, decodeIpv6 } from './internet.ts'
import { etherType, ethernet, rawIp } from './link.ts'
import { layerLimit } from './cursor.ts'
import { kind, outcome } from './packets.ts'
import type { Cursor } from './cursor.ts'

const vxlanPort = 4789
const genevePort = 6081
const gtpPort = 2152

/** Whether a UDP port announces a tunnel. */
export const isTunnel = (port: number): boolean => port === vxlanPort || port === genevePort || port === gtpPort

/**
 * Tries the inside of a tunnel whose header is at `at`; `stop` is the end of the outer packet on the wire. The cursor
 * is as before unless it succeeds.
 */
export function decodeTunnel(c: Cursor, protocol: number, port: number, at: number, stop: number): number {
  const { P, slot, bits, scope, tags, end, wireEnd, layers } = c
  if ((bits & kind.firstFragment) !== 0) return outcome.header
  if (++c.layers > layerLimit) return outcome.nesting
  // The inside writes over what the outer header said.
  const outer = c.outer[c.depth++]
  outer.set(P.subarray(slot, slot + outer.length))
  if (stop < c.end) c.end = stop
  c.wireEnd = stop
  const result = inside(c, protocol, port, at)
  c.depth--
  if (result !== outcome.packet) {
    P.set(outer, slot)
    c.bits = bits
    c.scope = scope
    c.tags = tags
    c.end = end
    c.wireEnd = wireEnd
    c.layers = layers
  }
  return result
}

function inside(c: Cursor, protocol: number, port: number, at: number): number {
  switch (protocol) {
    case 4: return decodeIpv4(c, at)
    case 41: return decodeIpv6(c, at)
    case 47: return gre(c, at)
    default: return port === vxlanPort ? vxlan(c, at + 8) : port === genevePort ? geneve(c, at + 8) : gtp(c, at + 8)
  }
}

function gre(c: Cursor, at: number): number {
  const { view, end } = c
  if (at + 4 > end) return outcome.truncated
  const flags = view.getUint16(at)
  // Version 1 is PPTP's, bit 1 a source route; neither is walked.
  if ((flags & 0x4007) !== 0) return outcome.header
  const type = view.getUint16(at + 2)
  let inner = at + 4
  if ((flags & 0x8000) !== 0) inner += 4
  if ((flags & 0x2000) !== 0) inner += 4
  const sequence = (flags & 0x1000) !== 0
  if (sequence) inner += 4
  switch (type) {
    case 0x6558: return ethernet(c, inner)
    case 0x88be: return ethernet(c, sequence ? inner + 8 : inner) // ERSPAN type II has a sequence number, type I has no header
    case 0x22eb: return erspan3(c, inner)
    case 0x0800: case 0x86dd: case 0x8847: case 0x8848: case 0x8100: return etherType(c, type, inner)
    default: return outcome.notIp
  }
}

/** ERSPAN type III: 12 octets, and 8 more when its O bit says so (draft-foschiano-erspan-03, 4.3). */
function erspan3(c: Cursor, at: number): number {
  if (at + 12 > c.end) return outcome.truncated
  return ethernet(c, at + 12 + ((c.view.getUint8(at + 11) & 1) === 1 ? 8 : 0))
}

function vxlan(c: Cursor, at: number): number {
  if (at + 8 > c.end) return outcome.truncated
  return (c.view.getUint8(at) & 0x08) === 0 ? outcome.header : ethernet(c, at + 8)
}

function geneve(c: Cursor, at: number): number {
  const { view, end } = c
  if (at + 8 > end) return outcome.truncated
  const first = view.getUint8(at)
  if (first >> 6 !== 0) return outcome.header
  const inner = at + 8 + (first & 63) * 4
  const type = view.getUint16(at + 2)
  return type === 0x6558 ? ethernet(c, inner) : type < 1536 ? outcome.notIp : etherType(c, type, inner)
}

/** GTP-U version 1 with user data in it; extension headers are walked (TS 29.281, 5). */
function gtp(c: Cursor, at: number): number {
  const { view, end } = c
  if (at + 8 > end) return outcome.truncated
  const flags = view.getUint8(at)
  if (flags >> 4 !== 3 || view.getUint8(at + 1) !== 255) return outcome.header
  if ((flags & 7) === 0) return rawIp(c, at + 8)
  let next = at + 11
  for (let inner = at + 12; ; ) {
    if (inner > end) return outcome.truncated
    if ((flags & 4) === 0 || view.getUint8(next) === 0) return rawIp(c, inner)
    if (inner >= end) return outcome.truncated
    const size = view.getUint8(inner) * 4
    if (size === 0 || ++c.layers > layerLimit) return outcome.header
    next = inner + size - 1
    inner += size
  }
}
