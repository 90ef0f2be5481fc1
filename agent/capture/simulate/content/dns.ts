/** DNS messages (RFC 1035, EDNS of RFC 6891). The answers point back to the question's name (offset 12). */
import { Octets } from './bytes.ts'

export const dnsType = { a: 1, ns: 2, cname: 5, soa: 6, null: 10, ptr: 12, mx: 15, txt: 16, aaaa: 28, srv: 33, https: 65 } as const

export type DnsAnswer = { type: number, ttlSeconds: number, data: Uint8Array }

/** A name of labels of at most 63 octets, uncompressed. */
export function dnsName(name: string): Uint8Array {
  const out = new Octets()
  for (const label of name.split('.')) out.sized(1, () => out.text(label))
  return out.u8(0).done()
}

/** A recursive query; `edns` adds an OPT record of 1232 octets. */
export function dnsQuery(id: number, name: string, type: number, edns = false): Uint8Array {
  const out = new Octets().u16(id, 0x0100, 1, 0, 0, edns ? 1 : 0).raw(dnsName(name)).u16(type, 1)
  if (edns) out.u8(0).u16(41, 1232, 0, 0, 0)
  return out.done()
}

/** The answer to it. Without answers comes the zone's SOA, as for NXDOMAIN (rcode 3) and empty answers (RFC 2308). */
export function dnsAnswer(id: number, name: string, type: number, answers: readonly DnsAnswer[], rcode = 0): Uint8Array {
  const out = new Octets().u16(id, 0x8180 | rcode, 1, answers.length, answers.length === 0 ? 1 : 0, 0).raw(dnsName(name)).u16(type, 1)
  for (const { type: kind, ttlSeconds, data } of answers) out.u16(0xc00c, kind, 1).u32(ttlSeconds).sized(2, () => out.raw(data))
  if (answers.length === 0) {
    const zone = name.split('.').slice(-2).join('.')
    out.raw(dnsName(zone)).u16(dnsType.soa, 1).u32(900)
      .sized(2, () => out.raw(dnsName(`ns1.${zone}`)).raw(dnsName(`hostmaster.${zone}`)).u32(2026011201, 7200, 1800, 1209600, 900))
  }
  return out.done()
}

/** TXT data: strings of at most 255 octets. */
export function txtData(bytes: Uint8Array): Uint8Array {
  const out = new Octets()
  for (let at = 0; at < bytes.length; at += 255) out.sized(1, () => out.raw(bytes.subarray(at, at + 255)))
  return out.done()
}
