/**
 * TLS 1.3 as it looks from outside (RFC 8446): a ClientHello with SNI (RFC 6066), the server's flight, encrypted
 * records. Keys and secrets are random octets, so nothing can be decrypted, but every length and type is right.
 */
import type { Talk, Turn } from '../conversation.ts'
import type { Random } from '../random.ts'
import { Octets } from './bytes.ts'

export type TlsClient = 'browser' | 'browser-2' | 'system' | 'tool' | 'implant'

type Profile = {
  ciphers: readonly number[]
  groups: readonly number[]
  signatures: readonly number[]
  alpn: readonly string[]
  /** Adds the meaningless values of RFC 8701, and padding. */
  grease: boolean
}

const browserCiphers = [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c,
  0x009d, 0x002f, 0x0035]
const profiles: Record<TlsClient, Profile> = {
  'browser': { ciphers: browserCiphers, groups: [29, 23, 24],
    signatures: [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601], alpn: ['h2', 'http/1.1'], grease: true },
  'browser-2': { ciphers: [0x1301, 0x1303, 0x1302, 0xc02b, 0xc02f, 0xcca9, 0xcca8, 0xc02c, 0xc030, 0xc00a, 0xc009, 0xc013,
    0xc014, 0x009c, 0x009d, 0x002f, 0x0035],
    groups: [29, 23, 24, 25, 256, 257], signatures: [0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601,
      0x0203, 0x0201], alpn: ['h2', 'http/1.1'], grease: false },
  'system': { ciphers: [0x1302, 0x1301, 0xc02c, 0xc02b, 0xc030, 0xc02f, 0x009f, 0x009e, 0xc024, 0xc023, 0xc028, 0xc027],
    groups: [29, 23, 24], signatures: [0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0201, 0x0403, 0x0503, 0x0203, 0x0202, 0x0601,
    0x0603], alpn: [], grease: false },
  'tool': { ciphers: [0x1302, 0x1303, 0x1301, 0xc02c, 0xc030, 0x009f, 0xcca9, 0xcca8, 0xccaa, 0xc02b, 0xc02f, 0x009e, 0xc024,
    0xc028, 0x006b, 0xc023, 0xc027, 0x0067, 0x00ff],
    groups: [29, 23, 30, 25, 24], signatures: [0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080a, 0x080b, 0x0804, 0x0805,
      0x0806, 0x0401, 0x0501, 0x0601], alpn: ['http/1.1'], grease: false },
  'implant': { ciphers: [0xc02f, 0xc030, 0xc02b, 0xc02c, 0xcca8, 0xcca9, 0xc013, 0xc009, 0xc014, 0xc00a, 0x1301, 0x1302,
    0x1303], groups: [29, 23, 24, 25], signatures: [0x0804, 0x0403, 0x0807, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0503,
    0x0603, 0x0201, 0x0203], alpn: [], grease: false },
}

const grease = (random: Random): number => 0x0a0a + 0x1010 * random.whole(0, 15)

/** A handshake record with a ClientHello; no name, no SNI. */
export function clientHello(random: Random, serverName: string, client: TlsClient): Uint8Array {
  const profile = profiles[client]
  const out = new Octets()
  const extension = (type: number, inside: () => void): void => { out.u16(type).sized(2, inside) }
  return out.u8(22).u16(0x0301).sized(2, () => out.u8(1).sized(3, () => {
    out.u16(0x0303).raw(random.bytes(32)).sized(1, () => out.raw(random.bytes(32)))
    out.sized(2, () => { if (profile.grease) out.u16(grease(random)); out.u16(...profile.ciphers) }).u8(1, 0).sized(2, () => {
      if (profile.grease) extension(grease(random), () => undefined)
      if (serverName !== '') extension(0, () => out.sized(2, () => out.u8(0).sized(2, () => out.text(serverName))))
      extension(23, () => undefined)
      extension(0xff01, () => out.u8(0))
      extension(10, () => out.sized(2, () => { if (profile.grease) out.u16(grease(random)); out.u16(...profile.groups) }))
      extension(11, () => out.u8(1, 0))
      if (client !== 'implant') extension(35, () => undefined)
      if (profile.alpn.length > 0) extension(16, () => out.sized(2,
        () => { for (const name of profile.alpn) out.sized(1, () => out.text(name)) }))
      if (profile.grease) extension(5, () => out.u8(1, 0, 0, 0, 0))
      extension(13, () => out.sized(2, () => out.u16(...profile.signatures)))
      extension(51, () => out.sized(2, () => out.u16(29).sized(2, () => out.raw(random.bytes(32)))))
      extension(45, () => out.u8(1, 1))
      extension(43, () => out.sized(1, () => out.u16(0x0304, 0x0303)))
      if (profile.grease) extension(21, () => out.raw(new Uint8Array(random.whole(100, 180))))
    })
  })).done()
}

/** ServerHello and ChangeCipherSpec; certificate and the rest follow encrypted. */
function serverHello(random: Random): Uint8Array {
  const out = new Octets()
  return out.u8(22).u16(0x0303).sized(2, () => out.u8(2).sized(3, () => {
    out.u16(0x0303).raw(random.bytes(32)).sized(1, () => out.raw(random.bytes(32))).u16(0x1301).u8(0).sized(2, () => {
      out.u16(51, 36, 29, 32).raw(random.bytes(32)).u16(43, 2, 0x0304)
    })
  })).u8(20, 3, 3, 0, 1, 1).done()
}

const changeCipherSpec = new Uint8Array([20, 3, 3, 0, 1, 1])

/** Octets on the wire of `plain` octets of application data: record headers, tags (RFC 8446, 5.2). */
export const tlsOctets = (plain: number): number => plain + 22 * Math.max(1, Math.ceil(plain / 16384))

/** One encrypted say. */
export function tlsTurn(from: Turn['from'], plain: number, afterMicros: number): Turn {
  return { from, octets: tlsOctets(Math.max(1, Math.round(plain))), afterMicros, framing: 'tls' }
}

/** The handshake's turns; the client's Finished travels with its first request of `request` octets. */
export function* tlsHandshake(random: Random, serverName: string, client: TlsClient, request: number,
  certificate = 2800): Talk {
  const hello = clientHello(random, serverName, client)
  yield { from: 0, octets: hello.length, head: hello, afterMicros: random.between(100, 900) }
  const answer = serverHello(random)
  yield { from: 1, octets: answer.length + tlsOctets(certificate), head: answer, framing: 'tls', afterMicros: random.between(500, 4000) }
  yield { from: 0, octets: changeCipherSpec.length + tlsOctets(36 + Math.round(request)), head: changeCipherSpec,
    framing: 'tls', afterMicros: random.between(600, 3000) }
}

/** close_notify, encrypted. */
export const tlsGoodbye = (from: Turn['from'], afterMicros: number): Turn => ({ from, octets: 24, afterMicros, framing: 'tls' })

/** A question and its answer inside TLS: plain octets of both, the pause before, the server's thinking time. An answer of 0 is none. */
export type Exchange = { request: number, answer: number, pauseMicros: number, thinkMicros: number }

/** A whole TLS conversation: handshake with the first request, the exchanges, close_notify by the client. */
export function* tlsTalk(random: Random, serverName: string, client: TlsClient, exchanges: Iterable<Exchange>,
  certificate = 2400): Talk {
  let begun = false
  for (const { request, answer, pauseMicros, thinkMicros } of exchanges) {
    if (begun) yield tlsTurn(0, request, pauseMicros)
    else yield* tlsHandshake(random, serverName, client, request, certificate)
    begun = true
    if (answer > 0) yield tlsTurn(1, answer, thinkMicros)
  }
  yield tlsGoodbye(0, random.between(100, 3000))
}
