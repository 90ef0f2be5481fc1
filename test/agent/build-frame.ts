/** Frames for tests, byte by byte: Ethernet, IPv4 and IPv6, TCP, UDP, ICMP. Checksums are left 0: decoding does not look at them. */
import { parseAddress } from '../../proto/address.ts'
import type { TestFrame } from './frames-of.ts'

export type Segment = {
  from: string
  to: string
  protocol?: number
  fromPort?: number
  toPort?: number
  flags?: number
  sequence?: number
  acknowledgement?: number
  window?: number
  payload?: Uint8Array | string
  ttl?: number
  /** Identification, more fragments, offset in octets. */
  fragment?: { id: number, more: boolean, offset: number }
  vlans?: number[]
}

export const flag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const

const bytesOf = (payload: Uint8Array | string | undefined): Uint8Array =>
  typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload ?? new Uint8Array(0)

/** What IP carries. */
export function transport({ protocol = 6, fromPort = 0, toPort = 0, flags = 0, sequence = 0, acknowledgement = 0, window = 1000, payload }: Segment): Buffer {
  const body = bytesOf(payload)
  if (protocol === 6) {
    const head = Buffer.alloc(20)
    head.writeUInt16BE(fromPort, 0)
    head.writeUInt16BE(toPort, 2)
    head.writeUInt32BE(sequence >>> 0, 4)
    head.writeUInt32BE(acknowledgement >>> 0, 8)
    head[12] = 0x50
    head[13] = flags
    head.writeUInt16BE(window, 14)
    return Buffer.concat([head, body])
  }
  if (protocol === 17) {
    const head = Buffer.alloc(8)
    head.writeUInt16BE(fromPort, 0)
    head.writeUInt16BE(toPort, 2)
    head.writeUInt16BE(8 + body.length, 4)
    return Buffer.concat([head, body])
  }
  // ICMP: type and code are the ports.
  if (protocol === 1 || protocol === 58) return Buffer.concat([Buffer.of(fromPort, toPort, 0, 0, 0, 0, 0, 0), body])
  return Buffer.from(body)
}

/** An IP packet around `inner`. */
export function ipPacket(segment: Segment, inner: Uint8Array = transport(segment)): Buffer {
  const from = parseAddress(segment.from)
  const to = parseAddress(segment.to)
  if (from === undefined || to === undefined) throw new Error('not an address')
  const { protocol = 6, ttl = 64, fragment } = segment
  if (from.length === 4) {
    const head = Buffer.alloc(20)
    head[0] = 0x45
    head.writeUInt16BE(20 + inner.length, 2)
    if (fragment !== undefined) {
      head.writeUInt16BE(fragment.id, 4)
      head.writeUInt16BE((fragment.more ? 0x2000 : 0) | fragment.offset / 8, 6)
    }
    head[8] = ttl
    head[9] = protocol
    head.set(from, 12)
    head.set(to, 16)
    return Buffer.concat([head, inner])
  }
  const extension = Buffer.alloc(fragment === undefined ? 0 : 8)
  if (fragment !== undefined) {
    extension[0] = protocol
    extension.writeUInt16BE(fragment.offset | (fragment.more ? 1 : 0), 2)
    extension.writeUInt32BE(fragment.id, 4)
  }
  const head = Buffer.alloc(40)
  head[0] = 0x60
  head.writeUInt16BE(extension.length + inner.length, 4)
  head[6] = fragment === undefined ? protocol : 44
  head[7] = ttl
  head.set(from, 8)
  head.set(to, 24)
  return Buffer.concat([head, extension, inner])
}

export const etherTypeOf = (address: string): number => address.includes(':') ? 0x86dd : 0x0800

/** An Ethernet frame around `packet`. */
export function ethernetFrame(etherType: number, packet: Uint8Array, vlans: readonly number[] = []): Buffer {
  const head = Buffer.alloc(14 + 4 * vlans.length)
  head.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1])
  let at = 12
  for (const vlan of vlans) {
    head.writeUInt16BE(0x8100, at)
    head.writeUInt16BE(vlan, at + 2)
    at += 4
  }
  head.writeUInt16BE(etherType, at)
  return Buffer.concat([head, packet])
}

/** A whole frame at a time in seconds. */
export const frame = (seconds: number, segment: Segment): TestFrame =>
  ({ bytes: ethernetFrame(etherTypeOf(segment.from), ipPacket(segment), segment.vlans), micros: 1.7e15 + Math.round(seconds * 1e6) })

export type Talk = { from?: string, to?: string, fromPort?: number, toPort?: number }

/** Both directions of one conversation: `out` goes to the responder, `back` to the initiator. */
export function talk({ from = '10.0.0.1', to = '10.0.0.2', fromPort = 40000, toPort = 80 }: Talk = {}): {
  out: (seconds: number, segment?: Partial<Segment>) => TestFrame
  back: (seconds: number, segment?: Partial<Segment>) => TestFrame
} {
  return {
    out: (seconds, segment) => frame(seconds, { from, to, fromPort, toPort, ...segment }),
    back: (seconds, segment) => frame(seconds, { from: to, to: from, fromPort: toPort, toPort: fromPort, ...segment }),
  }
}

/** A TCP conversation that opens, sends `request`, gets `answer`, and closes. */
export function exchange(seconds: number, who: Talk, request: Uint8Array | string = 'x', answer: Uint8Array | string = 'y'): TestFrame[] {
  const { out, back } = talk(who)
  const { syn, ack, fin, psh } = flag
  const r = bytesOf(request).length
  const a = bytesOf(answer).length
  return [
    out(seconds, { flags: syn, sequence: 100 }),
    back(seconds + 0.01, { flags: syn | ack, sequence: 500, acknowledgement: 101 }),
    out(seconds + 0.02, { flags: ack, sequence: 101, acknowledgement: 501 }),
    out(seconds + 0.03, { flags: psh | ack, sequence: 101, acknowledgement: 501, payload: request }),
    back(seconds + 0.04, { flags: psh | ack, sequence: 501, acknowledgement: 101 + r, payload: answer }),
    out(seconds + 0.05, { flags: fin | ack, sequence: 101 + r, acknowledgement: 501 + a }),
    back(seconds + 0.06, { flags: fin | ack, sequence: 501 + a, acknowledgement: 102 + r }),
    out(seconds + 0.07, { flags: ack, sequence: 102 + r, acknowledgement: 502 + a }),
  ]
}
