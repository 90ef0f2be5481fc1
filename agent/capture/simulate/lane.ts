/**
 * One conversation's way onto the wire: Ethernet (with an 802.1Q tag where a station has one), IPv4 or IPv6, and
 * TCP, UDP or ICMP with right lengths and checksums (RFC 1071). The headers are made once and copied for each
 * packet. Identification numbers run per conversation and side, so frames do not depend on what else the host does.
 */
import type { Conversation, Side, Turn } from './conversation.ts'
import type { Pool } from './pool.ts'
import type { Random } from './random.ts'
import type { Station } from './station.ts'
import { idleMicros } from './tally.ts'
import type { Tally } from './tally.ts'
import type { Wire } from './wire.ts'

export const tcpFlag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const

const ethertype = { four: 0x0800, six: 0x86dd, tag: 0x8100 } as const

/** Ones' complement sum of 16-bit words from `from` to `to`, not folded. */
function wordSum(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0
  let i = from
  for (; i + 1 < to; i += 2) sum += bytes[i] << 8 | bytes[i + 1]
  return i < to ? sum + (bytes[i] << 8) : sum
}

function folded(sum: number): number {
  let s = sum
  while (s > 0xffff) s = (s & 0xffff) + (s >>> 16)
  return ~s & 0xffff
}

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

function put32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

export class Lane {
  private readonly wire: Wire
  private readonly pool: Pool
  private readonly tally: Tally
  private readonly six: boolean
  private readonly link: number
  private readonly protocol: number
  private readonly ports: readonly [number, number]
  private readonly headers: readonly [Uint8Array, Uint8Array]
  private readonly pseudo: readonly [number, number]
  private readonly identification: [number, number]
  private lastMicros = -Infinity
  /** Where its 5-tuple may come again: its name in the tally. */
  private readonly name: string

  constructor(wire: Wire, pool: Pool, gateway: Station, c: Exclude<Conversation, { kind: 'frame' }>, random: Random) {
    this.wire = wire
    this.pool = pool
    this.tally = c.tally
    this.six = c.six === true
    this.protocol = c.kind === 'tcp' ? 6 : c.kind === 'udp' ? 17 : this.six ? 58 : 1
    this.ports = c.kind === 'icmp' ? [0, 0] : [c.initiatorPort, c.responderPort]
    this.link = c.initiator.vlan >= 0 ? 18 : 14
    this.headers = [this.header(c.initiator, c.responder, gateway), this.header(c.responder, c.initiator, gateway)]
    this.pseudo = [this.pseudoSum(c.initiator, c.responder), this.pseudoSum(c.responder, c.initiator)]
    this.identification = [random.whole(0, 0xffff), random.whole(0, 0xffff)]
    this.name = c.kind === 'udp' && c.initiatorPort < 1024 ? `${c.initiator.text} ${c.responder.text}` : ''
  }

  /** Largest payload of a TCP segment in a frame of 1514 octets. */
  get segmentOctets(): number {
    return this.six ? 1440 : 1460
  }

  /** Writes one segment; the payload is octets `from` ... `from + count` of `turn`. False past the end of the capture. */
  tcp(micros: number, side: Side, flags: number, sequence: number, acknowledged: number, window: number, options?: Uint8Array,
    turn?: Turn, from = 0, count = 0): boolean {
    const head = 20 + (options === undefined ? 0 : options.length)
    const at = this.begin(micros, side, head + count)
    if (at < 0) return false
    const { bytes } = this.wire
    put16(bytes, at, this.ports[side])
    put16(bytes, at + 2, this.ports[1 - side])
    put32(bytes, at + 4, sequence)
    put32(bytes, at + 8, acknowledged)
    bytes[at + 12] = head << 2
    bytes[at + 13] = flags
    put16(bytes, at + 14, window)
    put32(bytes, at + 16, 0)
    if (options !== undefined) bytes.set(options, at + 20)
    if (turn !== undefined) this.pool.pour(turn, from, count, bytes, at + head)
    put16(bytes, at + 16, folded(this.pseudo[side] + head + count + wordSum(bytes, at, at + head + count)))
    return true
  }

  /** Writes one UDP datagram. False past the end of the capture. */
  udp(micros: number, side: Side, payload: Uint8Array): boolean {
    const length = 8 + payload.length
    const at = this.begin(micros, side, length)
    if (at < 0) return false
    const { bytes } = this.wire
    put16(bytes, at, this.ports[side])
    put16(bytes, at + 2, this.ports[1 - side])
    put16(bytes, at + 4, length)
    put16(bytes, at + 6, 0)
    bytes.set(payload, at + 8)
    // All zeros would mean "no checksum" (RFC 768).
    put16(bytes, at + 6, folded(this.pseudo[side] + length + wordSum(bytes, at, at + length)) || 0xffff)
    return true
  }

  /** Writes one ICMP message; its checksum field is filled in. False past the end of the capture. */
  icmp(micros: number, side: Side, message: Uint8Array): boolean {
    const at = this.begin(micros, side, message.length)
    if (at < 0) return false
    const { bytes } = this.wire
    bytes.set(message, at)
    put16(bytes, at + 2, 0)
    put16(bytes, at + 2, folded((this.six ? this.pseudo[side] + message.length : 0) + wordSum(bytes, at, at + message.length)))
    return true
  }

  /** Link and IP header of a packet with `octets` behind the IP header: where those begin, or -1 past the end. */
  private begin(micros: number, side: Side, octets: number): number {
    const header = this.headers[side]
    const start = this.wire.reserve(micros, header.length + octets)
    if (start < 0) return -1
    const { bytes } = this.wire
    bytes.set(header, start)
    const ip = start + this.link
    const total = header.length - this.link + octets
    if (this.six) put16(bytes, ip + 4, octets)
    else {
      put16(bytes, ip + 2, total)
      put16(bytes, ip + 4, this.identification[side])
      this.identification[side] = this.identification[side] + 1 & 0xffff
      put16(bytes, ip + 10, folded(wordSum(bytes, ip, ip + 20)))
    }
    this.count(micros, side, total)
    return start + header.length
  }

  private count(micros: number, side: Side, octets: number): void {
    const { tally } = this
    if (this.lastMicros === -Infinity) tally.conversations++
    const last = this.name === '' ? this.lastMicros : tally.fixed.get(this.name) ?? -Infinity
    if (micros - last > idleMicros) tally.flows++
    this.lastMicros = Math.max(last, micros)
    if (this.name !== '') tally.fixed.set(this.name, this.lastMicros)
    tally.packets++
    tally.octets[side] += octets
    tally.firstMicros = Math.min(tally.firstMicros, Math.floor(micros))
    tally.lastMicros = Math.max(tally.lastMicros, Math.floor(micros))
  }

  private header(from: Station, to: Station, gateway: Station): Uint8Array {
    const out = new Uint8Array(this.link + (this.six ? 40 : 20))
    out.set(to.subnet === -1 || to.subnet === from.subnet || from.subnet === 0 ? to.mac : gateway.mac, 0)
    out.set(from.subnet === 0 ? gateway.mac : from.mac, 6)
    if (this.link === 18) {
      put16(out, 12, ethertype.tag)
      put16(out, 14, Math.max(from.vlan, to.vlan))
    }
    put16(out, this.link - 2, this.six ? ethertype.six : ethertype.four)
    const ip = this.link
    // A link-local exchange must come with 255 (RFC 4861, 7.1).
    const ttl = this.protocol === 58 && to.subnet === -1 ? 255 : from.ttl
    if (this.six) {
      out[ip] = 0x60
      out[ip + 6] = this.protocol
      out[ip + 7] = ttl
      out.set(from.address6, ip + 8)
      out.set(to.address6, ip + 24)
    } else {
      out[ip] = 0x45
      if (this.protocol === 6) out[ip + 6] = 0x40
      out[ip + 8] = to.subnet === -1 && to.role === 'group' && to.address[0] === 224 && to.address[1] === 0
        && to.address[2] === 0 ? 1 : ttl
      out[ip + 9] = this.protocol
      out.set(from.address, ip + 12)
      out.set(to.address, ip + 16)
    }
    return out
  }

  private pseudoSum(from: Station, to: Station): number {
    const source = this.six ? from.address6 : from.address
    const target = this.six ? to.address6 : to.address
    return wordSum(source, 0, source.length) + wordSum(target, 0, target.length) + this.protocol
  }
}
