import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDecoder } from '../../../agent/decode/decoder.ts'
import * as at from '../../../agent/decode/packets.ts'
import { makeFrames } from '../../../agent/capture/source.ts'
import { ethernetFrame, etherTypeOf, ipPacket, transport } from '../build-frame.ts'
import { blockOf } from '../frames-of.ts'
import type { Decoder } from '../../../agent/decode/decoder.ts'
import type { Segment } from '../build-frame.ts'
import type { TestFrame } from '../frames-of.ts'

const { kind, outcome, outcomeCounters } = at
const four: Segment = { from: '10.1.2.3', to: '10.4.5.6', fromPort: 1000, toPort: 443, flags: 2, payload: 'hello', ttl: 61 }
const six: Segment = { ...four, from: '2001:db8::1', to: '2001:db8::2' }

/** Slot 0 after decoding one frame. */
function decode(frame: TestFrame): Slot {
  const [direct, layered] = [true, false].map((way) => {
    const decoder = createDecoder(way)
    decoder.decode(blockOf([frame]), 0)
    return slotOf(decoder)
  })
  expect(direct).toEqual(layered)
  return direct
}

type Slot = ReturnType<typeof slotOf>

/** The fields of slot 0; those that mean nothing for this packet are 0. */
function slotOf({ packets: { P } }: Decoder) {
  const outcome = P[at.outcomeP]
  const bits = P[at.kindP]
  const numbers = (bits & at.kind.tcpHeader) !== 0
  const length = (bits & at.kind.six) === 0 ? 1 : 4
  const address = (from: number): number[] => [...P.subarray(from, from + length)]
  if (outcome !== 0) {
    const nothing = { kind: 0, ports: 0, scope: 0, length: 0, ttl: 0, flags: 0, payload: 0, payloadAt: 0, payloadEnd: 0, fragment: 0 }
    return { outcome, ...nothing, addresses: [], numbers: [] }
  }
  return {
    outcome, kind: bits, ports: P[at.portsP], scope: P[at.scopeP], length: P[at.lengthP], ttl: P[at.ttlP], flags: P[at.tcpFlagsP],
    payload: P[at.payloadP], payloadAt: P[at.payloadAtP], payloadEnd: P[at.payloadEndP],
    fragment: (bits & (at.kind.firstFragment | at.kind.laterFragment)) === 0 ? 0 : P[at.fragmentP],
    addresses: [...address(at.sourceP), ...address(at.destinationP)],
    numbers: numbers ? [P[at.sequenceP], P[at.acknowledgementP], P[at.windowP]] : [],
  }
}

/** What matters of slot 0, offsets aside. */
function slot(frame: TestFrame): Record<string, number> {
  const p = decode(frame)
  if (p.outcome !== 0) return { outcome: p.outcome }
  return {
    protocol: p.kind & 255, from: p.ports >>> 16, to: p.ports & 0xffff, length: p.length, ttl: p.ttl, payload: p.payload,
    captured: Math.max(0, p.payloadEnd - p.payloadAt), vlan: p.scope & 0xfff, inner: p.scope >>> 12, flags: p.flags,
  }
}

const packet = { protocol: 6, from: 1000, to: 443, length: 45, ttl: 61, payload: 5, captured: 5, vlan: 0, inner: 0, flags: 2 }
const raw = (segment: Segment): Buffer => ipPacket(segment)
const bytes = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const on = (frame: Uint8Array, link = 1, more: Partial<TestFrame> = {}): TestFrame => ({ bytes: frame, micros: 0, link, ...more })

describe('link layers', () => {
  const linux = (type: string): Buffer => bytes(`0000 0001 0006 020000000001 0000 ${type}`)
  const cases: [string, TestFrame][] = [
    ['Ethernet', on(ethernetFrame(0x0800, raw(four)))],
    ['LLC and SNAP', on(ethernetFrame(60, Buffer.concat([bytes('aaaa03 000000 0800'), raw(four)])))],
    ['raw IP', on(raw(four), 101)], ['raw IP, BSD', on(raw(four), 12)], ['raw IP, OpenBSD', on(raw(four), 14)], ['raw IPv4', on(raw(four), 228)],
    ['loopback, little endian', on(Buffer.concat([bytes('02000000'), raw(four)]), 0)],
    ['loopback, big endian', on(Buffer.concat([bytes('00000002'), raw(four)]), 0)],
    ['loopback, OpenBSD', on(Buffer.concat([bytes('00000002'), raw(four)]), 108)],
    ['Linux cooked v1', on(Buffer.concat([linux('0800'), raw(four)]), 113)],
    ['Linux cooked v2', on(Buffer.concat([bytes('0800 0000 00000001 0001 00 06 0200000000010000'), raw(four)]), 276)],
    ['PPP', on(Buffer.concat([bytes('ff03 0021'), raw(four)]), 9)],
    ['Cisco HDLC', on(Buffer.concat([bytes('0f00 0800'), raw(four)]), 104)],
    ['PPPoE', on(ethernetFrame(0x8864, Buffer.concat([bytes('1100 0001 002f 0021'), raw(four)])))],
    ['MPLS', on(ethernetFrame(0x8847, Buffer.concat([bytes('00010040 00020140'), raw(four)])))],
    ['Ethernet over MPLS', on(ethernetFrame(0x8847, Buffer.concat([bytes('00010140 00000000'), ethernetFrame(0x0800, raw(four))])))],
  ]
  it.each(cases)('%s', (_, frame) => { expect(slot(frame)).toEqual(packet) })

  it('keep the outer and the inner VLAN, from the frame and from the ring', () => {
    expect(slot(on(ethernetFrame(0x0800, raw(four), [100, 200])))).toEqual({ ...packet, vlan: 100, inner: 200 })
    expect(slot(on(ethernetFrame(0x0800, raw(four), [200]), 1, { vlan: 0x6064 }))).toEqual({ ...packet, vlan: 100, inner: 200 })
    expect(slot(on(Buffer.concat([linux('8100'), bytes('0064 0800'), raw(four)]), 113))).toEqual({ ...packet, vlan: 100 })
  })

  it('give a reason for what is no packet', () => {
    const reasons: [TestFrame, number][] = [
      [on(ethernetFrame(0x0806, Buffer.alloc(28))), outcome.arp], [on(ethernetFrame(0x88cc, Buffer.alloc(28))), outcome.notIp],
      [on(ethernetFrame(38, Buffer.alloc(38))), outcome.notIp], [on(raw(four), 147), outcome.link], [on(new Uint8Array(0)), outcome.truncated],
      [on(new Uint8Array(13)), outcome.truncated], [on(ethernetFrame(0x0800, raw(four).subarray(0, 19))), outcome.truncated],
      [on(ethernetFrame(0x86dd, raw(six).subarray(0, 39))), outcome.truncated], [on(ethernetFrame(0x0800, raw(six))), outcome.header],
      [on(ethernetFrame(0x86dd, raw(four))), outcome.header], [on(ethernetFrame(0x0800, bytes('44').fill(0x44, 0)), 1), outcome.truncated],
      [on(ethernetFrame(0x0800, raw(four), Array.from({ length: 40 }, () => 5))), outcome.nesting],
    ]
    for (const [frame, expected] of reasons) expect(outcomeCounters[decode(frame).outcome]).toBe(outcomeCounters[expected])
    const short = raw(four)
    short[0] = 0x44
    expect(decode(on(ethernetFrame(0x0800, short))).outcome).toBe(outcome.header)
    short[0] = 0x45
    short.writeUInt16BE(19, 2)
    expect(decode(on(ethernetFrame(0x0800, short))).outcome).toBe(outcome.header)
  })
})

describe('IP', () => {
  it('has the length its header says, whatever was captured', () => {
    const frame = ethernetFrame(0x0800, raw(four))
    expect(slot(on(Buffer.concat([frame, Buffer.alloc(20)])))).toEqual(packet)
    const snapped = on(frame.subarray(0, 56), 1, { wire: frame.length })
    expect(slot(snapped)).toEqual({ ...packet, captured: 2 })
    expect(decode(snapped).kind & kind.snapped).toBe(kind.snapped)
    expect(decode(on(frame)).kind & kind.snapped).toBe(0)
    const offloaded = Buffer.from(frame)
    offloaded.writeUInt16BE(0, 16)
    expect(slot(on(offloaded))).toEqual(packet)
    expect(decode(on(offloaded)).kind & kind.offloaded).toBe(kind.offloaded)
  })

  it('walks every extension header, up to a limit', () => {
    const chain = (types: number[]): Buffer => {
      const inner = transport(six)
      const parts = types.map((type, i) => {
        const next = types[i + 1] ?? 6
        return type === 51 ? Buffer.concat([Buffer.of(next, 1), Buffer.alloc(10)]) : Buffer.concat([Buffer.of(next, 0), Buffer.alloc(6)])
      })
      const whole = ipPacket(six, Buffer.concat([...parts, inner]))
      whole[6] = types[0] ?? 6
      return ethernetFrame(0x86dd, whole)
    }
    expect(slot(on(chain([])))).toEqual({ ...packet, length: 65 })
    expect(slot(on(chain([0, 60, 43, 44, 51, 60, 135])))).toEqual({ ...packet, length: 65 + 6 * 8 + 12 })
    expect(slot(on(chain(Array.from({ length: 30 }, () => 60))))).toEqual({ outcome: outcome.nesting })
  })

  it('leaves later fragments without ports', () => {
    const later: Segment = { ...four, protocol: 17, fragment: { id: 7, more: false, offset: 64 } }
    for (const segment of [later, { ...later, from: six.from, to: six.to }]) {
      const { kind: bits, ports, fragment } = decode(on(ethernetFrame(etherTypeOf(segment.from), ipPacket(segment, Buffer.from('rest of it')))))
      expect([bits & kind.laterFragment, ports, fragment]).toEqual([kind.laterFragment, 0, 7])
    }
  })
})

describe('tunnels', () => {
  const wrap = (protocol: number, header: string, inner: Buffer): TestFrame =>
    on(ethernetFrame(0x0800, ipPacket({ from: '192.0.2.1', to: '192.0.2.2', protocol }, Buffer.concat([bytes(header), inner]))))
  const udp = (port: number, header: string, inner: Buffer): TestFrame =>
    on(ethernetFrame(0x0800, ipPacket({ from: '192.0.2.1', to: '192.0.2.2', protocol: 17, fromPort: 9, toPort: port, payload: Buffer.concat([bytes(header), inner]) })))
  const inside = ethernetFrame(0x0800, raw(four))
  const cases: [string, TestFrame][] = [
    ['IP in IP', wrap(4, '', raw(four))], ['GRE', wrap(47, '0000 0800', raw(four))],
    ['GRE with checksum, key and sequence', wrap(47, 'b000 0800 00000000 00000001 00000002', raw(four))], ['Ethernet in GRE', wrap(47, '0000 6558', inside)],
    ['ERSPAN I', wrap(47, '0000 88be', inside)], ['ERSPAN II', wrap(47, '1000 88be 00000001 1000000000000000', inside)],
    ['ERSPAN III', wrap(47, '1000 22eb 00000001 200000000000000000000000', inside)], ['VXLAN', udp(4789, '08000000 00007b00', inside)],
    ['GENEVE', udp(6081, '0100 6558 00007b00 00000000', inside)], ['GTP-U', udp(2152, '30ff 002d 00000001', raw(four))],
    ['GTP-U with an extension', udp(2152, '34ff 0035 00000001 000000 85 01 000000', raw(four))],
    ['VXLAN in IP in IP', wrap(4, '', ipPacket({ from: '192.0.2.3', to: '192.0.2.4', protocol: 17, toPort: 4789, payload: Buffer.concat([bytes('08000000 00007b00'), inside]) }))],
  ]
  it.each(cases)('%s', (_, frame) => { expect(slot(frame)).toEqual(packet) })

  it('6in4', () => { expect(slot(wrap(41, '', raw(six)))).toEqual({ ...packet, length: 65 }) })

  it('count as themselves when their inside makes no sense', () => {
    expect(slot(wrap(47, '0000 0800', Buffer.from('nonsense')))).toMatchObject({ protocol: 47, length: 32, from: 0, to: 0 })
    expect(slot(udp(4789, '08000000 00007b00', Buffer.from('nonsense that is long enough')))).toMatchObject({ protocol: 17, to: 4789 })
  })

  it('end at a limit', () => {
    let frame = raw(four)
    for (let i = 0; i < 30; i++) frame = ipPacket({ from: '192.0.2.1', to: '192.0.2.2', protocol: 4 }, frame)
    expect(slot(on(frame, 101))).toEqual({ outcome: outcome.nesting })
  })
})

describe('hostile frames', () => {
  const seeds = [raw(four), raw(six), ethernetFrame(0x0800, raw(four), [1, 2]), ethernetFrame(0x8847, Buffer.concat([bytes('00010140'), raw(four)])),
    ethernetFrame(0x0800, ipPacket({ from: '192.0.2.1', to: '192.0.2.2', protocol: 47 }, Buffer.concat([bytes('3000 6558 00000001 00000002'), ethernetFrame(0x86dd, raw(six))])))]
  const changes = fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 8 })
  const links = fc.constantFrom(0, 1, 1, 1, 9, 12, 101, 108, 113, 228, 229, 276)
  const hostile = fc.tuple(fc.constantFrom(...seeds), changes, fc.nat(140), links)

  it('never make decoding read past what was captured, throw, or claim more than was on the wire', () => {
    fc.assert(fc.property(hostile, fc.nat(255), ([seed, changes, cut, link], filler) => {
      const frame = Buffer.from(seed)
      for (const [where, value] of changes) frame[where % frame.length] = value
      const captured = Math.min(cut, frame.length)
      // The same captured bytes with different bytes after them must decode alike; the block ends where the frame does.
      const results = [new Uint8Array(0), new Uint8Array(200).fill(filler)].map((after) => {
        const block = makeFrames(Buffer.concat([frame.subarray(0, captured), after]), 1)
        Object.assign(block, { count: 1 })
        block.captured[0] = captured
        block.wire[0] = frame.length
        block.link[0] = link
        const [p, layered] = [true, false].map((way) => {
          const decoder = createDecoder(way)
          decoder.decode(block, 0)
          return slotOf(decoder)
        })
        expect(p).toEqual(layered)
        expect(p.length).toBeLessThanOrEqual(frame.length)
        expect(p.payload).toBeGreaterThanOrEqual(0)
        expect(p.payloadEnd).toBeLessThanOrEqual(captured)
        return p
      })
      expect(results[0]).toEqual(results[1])
    }), { numRuns: 3000 })
  })
})
