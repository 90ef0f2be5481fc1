/**
 * Small binary protocols of every LAN: NTP (RFC 5905), SNMP v2c (RFC 3416), DHCP (RFC 2131), ARP (RFC 826), ICMP
 * echo, IPv6 neighbours (RFC 4861), LLDP.
 */
import type { Random } from '../random.ts'
import type { Station } from '../station.ts'
import { Octets, octetsOf } from './bytes.ts'

/** Seconds from 1900 to 1970. */
const ntpEpoch = 2_208_988_800

/** NTP message of a client (mode 3) or server (mode 4) at a time, microseconds since 1970. */
export function ntpMessage(mode: 3 | 4, micros: number): Uint8Array {
  const out = new Octets().u8(0x20 | mode, mode === 3 ? 0 : 3, 6, 0xec).u32(0x1234, 0x2345).u8(198, 18, 0, 123)
  const stamp = (at: number): void => { out.u32(Math.floor(at / 1e6) + ntpEpoch, Math.floor(at % 1e6 / 1e6 * 2 ** 32)) }
  stamp(micros - 40e6)
  for (const back of [0.2e3, 0.1e3, 0]) stamp(micros - back)
  return out.done()
}

/** Get-request (0xa0) for some counters below 1.3.6.1.2.1.2.2.1, or the response (0xa2). */
export function snmpMessage(kind: 0xa0 | 0xa2, id: number, counters: readonly number[], random: Random): Uint8Array {
  const out = new Octets()
  // Every length here stays below 128, the short form of BER, except the whole and its list.
  const long = (tag: number, inside: () => void): void => { out.u8(tag, 0x82).sized(2, inside) }
  long(0x30, () => {
    out.u8(2, 1, 1, 4, 6).text('public')
    long(kind, () => {
      out.u8(2, 4).u32(id & 0x7fffffff).u8(2, 1, 0, 2, 1, 0)
      long(0x30, () => {
        for (const counter of counters) {
          out.u8(0x30).sized(1, () => {
            out.u8(6, 10, 0x2b, 6, 1, 2, 1, 2, 2, 1, counter, 1)
            if (kind === 0xa0) out.u8(5, 0)
            else out.u8(0x41, 4).u32(random.bits() & 0x7fffffff)
          })
        }
      })
    })
  })
  return out.done()
}

/** DHCP between a client and its server: type 1 discover, 2 offer, 3 request, 5 acknowledge. `renewing` fills in the client's address. */
export function dhcpMessage(type: 1 | 2 | 3 | 5, transaction: number, client: Station, server: Station, renewing: boolean): Uint8Array {
  const answer = type === 2 || type === 5
  const zero = new Uint8Array(4)
  const out = new Octets().u8(answer ? 2 : 1, 1, 6, 0).u32(transaction).u16(0, 0)
    .raw(renewing ? client.address : zero).raw(answer ? client.address : zero).raw(answer ? server.address : zero).raw(zero)
    .raw(client.mac).padTo(236).u32(0x63825363).u8(53, 1, type, 61, 7, 1).raw(client.mac)
  if (answer) out.u8(54, 4).raw(server.address).u8(51, 4).u32(28800).u8(1, 4, 255, 255, 255, 0)
  else out.u8(12).sized(1, () => out.text(client.name)).u8(55, 4, 1, 3, 6, 15)
  return out.u8(255).padTo(300).done()
}

/** ICMP echo request (8, or 128 for IPv6) or reply (0, 129) with 56 octets. */
export function echoMessage(type: 0 | 8 | 128 | 129, identifier: number, sequence: number): Uint8Array {
  const out = new Octets().u8(type, 0, 0, 0).u16(identifier, sequence)
  for (let i = 0; i < 56; i++) out.u8(i)
  return out.done()
}

/** Neighbour solicitation for `target`, or its advertisement. */
export function neighbourMessage(solicit: boolean, target: Station, speaker: Station): Uint8Array {
  return new Octets().u8(solicit ? 135 : 136, 0).u16(0).u32(solicit ? 0 : 0x60000000).raw(target.address6).u8(solicit ? 1 : 2,
    1).raw(speaker.mac).done()
}

/** ARP request (1, broadcast) or reply (2) in an Ethernet frame. */
export function arpFrame(operation: 1 | 2, from: Station, fromAddress: Uint8Array, to: Station | undefined,
  toAddress: Uint8Array): Uint8Array {
  const out = new Octets().raw(operation === 1 || to === undefined ? new Uint8Array(6).fill(255) : to.mac).raw(from.mac)
  if (from.vlan >= 0) out.u16(0x8100, from.vlan)
  out.u16(0x0806, 1, 0x0800).u8(6, 4).u16(operation)
  return out.raw(from.mac).raw(fromAddress).raw(operation === 1 || to === undefined ? new Uint8Array(6) : to.mac).raw(toAddress).done()
}

/** What the switch says of itself every 30 s. */
export function lldpFrame(mac: Uint8Array, name: string): Uint8Array {
  const out = new Octets().u8(1, 0x80, 0xc2, 0, 0, 14).raw(mac).u16(0x88cc)
  const tlv = (type: number, value: Uint8Array): void => { out.u16(type << 9 | value.length).raw(value) }
  tlv(1, new Uint8Array([4, ...mac]))
  tlv(2, octetsOf('\x05ge-0/0/24'))
  tlv(3, new Uint8Array([0, 120]))
  tlv(5, octetsOf(name))
  return out.u16(0).done()
}
