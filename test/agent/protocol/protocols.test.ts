import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exchange, flag, frame, talk } from '../build-frame.ts'
import { runEngine } from '../run-engine.ts'
import type { Flow } from '../../../proto/flow.ts'

const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 255)
const sized = (body: Buffer): Buffer => Buffer.concat([u16(body.length), body])

/** A ClientHello that names a server, with `padding` octets of another extension before the name. */
function clientHello(name: string, padding = 0): Buffer {
  const host = Buffer.concat([Buffer.of(0), sized(Buffer.from(name))])
  const extensions = Buffer.concat([u16(21), sized(Buffer.alloc(padding)), u16(0), sized(sized(host))])
  const body = Buffer.concat([
    Buffer.of(3, 3), Buffer.alloc(32, 7), Buffer.of(32), Buffer.alloc(32, 8), sized(Buffer.of(19, 1, 19, 2)), Buffer.of(1, 0), sized(extensions),
  ])
  const handshake = Buffer.concat([Buffer.of(1, 0), u16(body.length), body])
  return Buffer.concat([Buffer.of(22, 3, 1), sized(handshake)])
}

const one = (request: Buffer | string, toPort = 9999, answer: string | Buffer = 'y'): Flow => runEngine(exchange(0, { toPort }, request, answer)).flows[0]

describe('the first payload', () => {
  it('names a TLS server', () => {
    expect(one(clientHello('Login.Example.com'))).toMatchObject({ application: 'tls', serverName: 'login.example.com' })
    expect(one(clientHello('a\u0001b'))).toMatchObject({ application: 'tls', serverName: '' })
  })

  it('names it when the greeting comes in pieces', () => {
    const hello = clientHello('split.example.com', 2500)
    const { out } = talk()
    const { syn, ack } = flag
    const pieces = [0, 1000, 2000, 3000].map((from) => hello.subarray(from, from + 1000)).filter(({ length }) => length > 0)
    const frames = [out(0, { flags: syn, sequence: 99 }), ...pieces.map((payload, i) => out(i + 1, { flags: ack, sequence: 100 + 1000 * i, payload }))]
    expect(runEngine(frames).flows.at(-1)).toMatchObject({ application: 'tls', serverName: 'split.example.com' })
  })

  it('names a web host', () => {
    expect(one('GET / HTTP/1.1\r\nAccept: x\r\nhOsT:  Shop.example:8080 \r\n\r\n')).toMatchObject({ application: 'http', serverName: 'shop.example:8080' })
    expect(one('GET / HTTP/1.0\r\n\r\nHost: body.example\r\n')).toMatchObject({ application: 'http', serverName: '' })
  })

  const others: [string, string | Buffer, string | Buffer, number][] = [
    ['ssh', 'SSH-2.0-OpenSSH_9.2\r\n', 'y', 2022], ['http', 'zz', 'HTTP/1.1 200 OK\r\n', 81], ['http2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'y', 82],
    ['smtp', 'EHLO me\r\n', 'y', 26], ['smtp', '', '220 mail.example ESMTP\r\n', 25], ['ftp', '', '220 ready\r\n', 21], ['ftp', 'USER me\r\n', 'y', 2121],
    ['pop3', '', '+OK hello\r\n', 1110], ['imap', '', '* OK hello\r\n', 1143], ['smb', Buffer.from('00000010fe534d4200000000', 'hex'), 'y', 1445],
    ['rdp', Buffer.from('0300000b06e00000000000', 'hex'), 'y', 33890], ['', 'nothing known', 'nothing', 80], ['', '220', '230', 1234],
  ]
  it.each(others)('is %s', (application, request, answer, port) => { expect(one(request as Buffer, port, answer).application).toBe(application) })

  const datagrams: [string, Buffer, number][] = [
    ['ntp', Buffer.concat([Buffer.of(0x23), Buffer.alloc(47)]), 123], ['quic', Buffer.concat([Buffer.of(0xc3, 0, 0, 0, 1), Buffer.alloc(1200)]), 443],
    ['dhcp', Buffer.concat([Buffer.alloc(236), Buffer.of(99, 130, 83, 99)]), 67], ['snmp', Buffer.from('302602010104067075626c6963', 'hex'), 161], ['', Buffer.alloc(48), 123],
  ]
  it.each(datagrams)('is %s (UDP)', (application, payload, toPort) => {
    expect(runEngine([frame(0, { from: '10.0.0.1', to: '10.0.0.2', protocol: 17, fromPort: 5000, toPort, payload })]).flows[0].application).toBe(application)
  })

  it('survives anything', () => {
    const seeds = [clientHello('x.example', 300), Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), Buffer.from('SSH-2.0-x\r\n'), Buffer.from('00000010fe534d42', 'hex')]
    const edits = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 6 })
    fc.assert(fc.property(fc.constantFrom(...seeds), edits, fc.nat(400), fc.nat(400), (seed, changes, cut, from) => {
      const payload = Buffer.from(seed)
      for (const [where, value] of changes) payload[where % payload.length] = value
      const { flows } = runEngine(exchange(0, {}, payload.subarray(0, cut), payload.subarray(Math.min(from, payload.length))))
      expect(flows.reduce((sum, f) => sum + f.initiatorPackets + f.responderPackets, 0)).toBe(8)
      expect(flows[0].serverName).toMatch(/^[\x21-\x7e]*$/)
    }), { numRuns: 500 })
  })
})
