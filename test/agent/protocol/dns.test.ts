import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frame } from '../build-frame.ts'
import { runEngine } from '../run-engine.ts'
import type { TestFrame } from '../frames-of.ts'
import type { DnsTransaction, Flow } from '../../../proto/flow.ts'

type Message = { id: number, name: string | Buffer, type?: number, answer?: { rcode: number, answers: number } }

/** A DNS message with one question. */
function message({ id, name, type = 1, answer }: Message): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt16BE(id, 0)
  head.writeUInt16BE(answer === undefined ? 0x0100 : 0x8180 | answer.rcode, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(answer?.answers ?? 0, 6)
  const labels = typeof name === 'string' ? name.split('.').filter((label) => label !== '').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)])) : [name]
  const tail = Buffer.alloc(4)
  tail.writeUInt16BE(type, 0)
  tail.writeUInt16BE(1, 2)
  return Buffer.concat([head, ...labels, Buffer.of(0), tail])
}

const query = (seconds: number, m: Message, port = 53): TestFrame =>
  frame(seconds, { from: '10.0.0.1', to: '10.0.0.53', protocol: 17, fromPort: 40000, toPort: port, payload: message(m) })
const reply = (seconds: number, m: Message, port = 53): TestFrame =>
  frame(seconds, { from: '10.0.0.53', to: '10.0.0.1', protocol: 17, fromPort: port, toPort: 40000, payload: message(m) })
const one = (frames: TestFrame[]): Flow => runEngine(frames, { parts: false }).flows[0]

describe('DNS', () => {
  it('pairs questions with answers', () => {
    const flow = one([
      query(0, { id: 1, name: 'Www.Example.COM', type: 28 }), query(0.1, { id: 2, name: 'example.org' }),
      reply(0.25, { id: 2, name: 'example.org', answer: { rcode: 3, answers: 0 } }), reply(0.5, { id: 1, name: 'www.example.com', type: 28, answer: { rcode: 0, answers: 4 } }),
      query(1, { id: 3, name: '', type: 2 }),
    ])
    expect(flow.application).toBe('dns')
    expect(flow.dns).toEqual<DnsTransaction[]>([
      { query: 'www.example.com', type: 28, rcode: 0, answers: 4, rttMicros: 500000, offsetMicros: 0 },
      { query: 'example.org', type: 1, rcode: 3, answers: 0, rttMicros: 150000, offsetMicros: 100000 },
      { query: '', type: 2, answers: 0, rttMicros: 0, offsetMicros: 1000000 },
    ])
  })

  it('writes what is not printable as RFC 1035 does', () => {
    expect(one([query(0, { id: 1, name: Buffer.from('\u0006a.b\\\u0000\u00ff\u0003com', 'latin1') })]).dns[0].query).toBe('a\\046b\\092\\000\\255.com')
  })

  it('closes a part when it has sixteen transactions, and loses none', () => {
    const frames = Array.from({ length: 40 }, (_, i) => [query(i / 10, { id: i, name: `n${String(i)}.example` }), reply(i / 10 + 0.01, { id: i, name: `n${String(i)}.example`, answer: { rcode: 0, answers: 1 } })]).flat()
    const { flows } = runEngine(frames)
    expect(flows.map(({ dns }) => dns.length)).toEqual([16, 16, 8])
    expect(flows.flatMap(({ dns }) => dns.map((d) => d.query))).toEqual(Array.from({ length: 40 }, (_, i) => `n${String(i)}.example`))
    expect(flows.reduce((sum, f) => sum + f.initiatorPacketsDelta + f.responderPacketsDelta, 0)).toBe(80)
    expect(one(frames).dns).toHaveLength(16)
  })

  it('is recognised over TCP, and as mDNS and LLMNR by port', () => {
    const body = message({ id: 9, name: 'big.example', type: 252 })
    const tcp = frame(0, { from: '10.0.0.1', to: '10.0.0.53', fromPort: 4, toPort: 53, flags: 24, payload: Buffer.concat([Buffer.of(0, body.length), body]) })
    expect(one([tcp])).toMatchObject({ application: 'dns', dns: [{ query: 'big.example', type: 252 }] })
    expect(one([query(0, { id: 0, name: '_ipp._tcp.local', type: 12 }, 5353)])).toMatchObject({ application: 'mdns', dns: [{ query: '_ipp._tcp.local' }] })
    expect(one([query(0, { id: 0, name: 'wpad' }, 5355)])).toMatchObject({ application: 'llmnr', dns: [{ query: 'wpad' }] })
  })

  it('is not what merely uses the port', () => {
    expect(one([frame(0, { from: '10.0.0.1', to: '10.0.0.53', protocol: 17, toPort: 53, payload: Buffer.alloc(60, 0xff) })])).toMatchObject({ application: '', dns: [] })
  })

  it('survives any payload', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.boolean(), fc.uint8Array({ maxLength: 80 }), fc.nat(120)), { maxLength: 30 }), (payloads) => {
      const base = message({ id: 1, name: 'www.example.com' })
      const { flows } = runEngine(payloads.map(([up, noise, where], i) => {
        const payload = Buffer.concat([base, noise])
        payload.set(noise.subarray(0, Math.max(0, payload.length - where)), Math.min(where, payload.length))
        const [from, to] = up ? ['10.0.0.1', '10.0.0.53'] : ['10.0.0.53', '10.0.0.1']
        return frame(i, { from, to, protocol: 17, fromPort: 53, toPort: 53, payload: payload.subarray(0, payload.length - where % 20) })
      }))
      expect(flows.reduce((sum, f) => sum + f.initiatorPacketsDelta + f.responderPacketsDelta, 0)).toBe(payloads.length)
      for (const { dns } of flows) expect(dns.length).toBeLessThanOrEqual(16)
    }), { numRuns: 200 })
  })

  it('keeps to its budget: names are dropped, packets are not', () => {
    const frames = Array.from({ length: 3000 }, (_, i) => frame(i / 1000, {
      from: `10.1.${String(i >> 8)}.${String(i & 255)}`, to: '10.0.0.53', protocol: 17, fromPort: 5, toPort: 53, payload: message({ id: 1, name: 'a-rather-long-name.example.com' }),
    }))
    const { flows, ledger } = runEngine(frames, { memory: 2 << 20 })
    expect(ledger.get('packetsReported')).toBe(3000)
    const named = flows.filter(({ dns }) => dns.length > 0).length
    expect(named).toBeGreaterThan(100)
    expect(named).toBeLessThan(1000)
  })
})
