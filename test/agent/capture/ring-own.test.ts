import { describe, expect, it } from 'vitest'
import { OwnTraffic } from '../../../agent/capture/ring-own.ts'
import { parseAddress } from '../../../proto/address.ts'

type Segment = { from: string, fromPort: number, to: string, toPort: number, protocol?: number }

/** An IP packet with the first four octets of its transport header, and room for the rest. */
function packet({ from, fromPort, to, toPort, protocol = 6 }: Segment): Buffer {
  const source = parseAddress(from) ?? Buffer.alloc(0)
  const destination = parseAddress(to) ?? Buffer.alloc(0)
  const header = source.length === 4 ? Buffer.alloc(12) : Buffer.alloc(8)
  header[0] = source.length === 4 ? 0x45 : 0x60
  header[source.length === 4 ? 9 : 6] = protocol
  const ports = Buffer.alloc(20)
  ports.writeUInt16BE(fromPort, 0)
  ports.writeUInt16BE(toPort, 2)
  return Buffer.concat([header, source, destination, ports])
}

const ethernet = (payload: Buffer): Buffer => Buffer.concat([Buffer.alloc(14), payload])
const own = new OwnTraffic([{ address: '192.0.2.9', port: 8420 }, { address: '2001:db8::9', port: 443 }, { address: 'no address', port: 1 }], ['192.0.2.1', '2001:db8::1'])
const matches = (segment: Segment): boolean => {
  const raw = packet(segment)
  const framed = ethernet(raw)
  const seen = own.matches(framed, 0, framed.length, false)
  expect(own.matches(raw, 0, raw.length, true)).toBe(seen)
  return seen
}

describe('OwnTraffic', () => {
  it('knows both directions of a connection from this host to a collector', () => {
    expect(matches({ from: '192.0.2.1', fromPort: 5555, to: '192.0.2.9', toPort: 8420 })).toBe(true)
    expect(matches({ from: '192.0.2.9', fromPort: 8420, to: '192.0.2.1', toPort: 5555 })).toBe(true)
    expect(matches({ from: '2001:db8::1', fromPort: 5555, to: '2001:db8::9', toPort: 443 })).toBe(true)
    expect(matches({ from: '2001:db8::9', fromPort: 443, to: '2001:db8::1', toPort: 5555 })).toBe(true)
  })

  it('takes everything else for traffic', () => {
    expect(matches({ from: '192.0.2.2', fromPort: 5555, to: '192.0.2.9', toPort: 8420 })).toBe(false)
    expect(matches({ from: '192.0.2.1', fromPort: 5555, to: '192.0.2.8', toPort: 8420 })).toBe(false)
    expect(matches({ from: '192.0.2.1', fromPort: 5555, to: '192.0.2.9', toPort: 443 })).toBe(false)
    expect(matches({ from: '192.0.2.1', fromPort: 8420, to: '192.0.2.9', toPort: 5555 })).toBe(false)
    expect(matches({ from: '192.0.2.1', fromPort: 5555, to: '192.0.2.9', toPort: 8420, protocol: 17 })).toBe(false)
  })

  it('reads nothing past the captured octets', () => {
    const framed = ethernet(packet({ from: '192.0.2.1', fromPort: 5555, to: '192.0.2.9', toPort: 8420 }))
    for (let captured = 0; captured < 38; captured++) expect(own.matches(framed, 0, captured, false)).toBe(false)
    expect(own.matches(framed, 0, 38, false)).toBe(true)
    expect(own.matches(Buffer.alloc(60), 0, 60, true)).toBe(false)
  })
})
