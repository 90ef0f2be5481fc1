/** A station is anything with an address: hosts of the LAN, servers on the internet, multicast groups. */
import { formatAddress } from '../../../proto/address.ts'

export type Role =
  | 'gateway' | 'domain-controller' | 'file-server' | 'mail-server' | 'application-server' | 'database-server' | 'backup-server'
  | 'monitoring-server' | 'jump-host' | 'build-server' | 'printer' | 'phone' | 'admin-workstation' | 'workstation'
  | 'external' | 'group' | 'absent'

export type Station = {
  name: string
  role: Role
  /** Four octets. */
  address: Uint8Array
  text: string
  /** Sixteen octets; empty where it speaks no IPv6. */
  address6: Uint8Array
  mac: Uint8Array
  /** Number of its subnet; 0 outside, -1 for groups, which are on every link. */
  subnet: number
  /** Tag on its frames, or -1. */
  vlan: number
  /** Time to live when its packets pass the sensor. */
  ttl: number
  windows: boolean
  /** From the sensor to it, one way. */
  delayMicros: number
  /** TCP ports that answer. */
  open: readonly number[]
}

const nothing = new Uint8Array(0)

/** A station from what is particular to it. */
export function makeStation(known: Pick<Station, 'name' | 'role' | 'address' | 'mac' | 'subnet'> & Partial<Station>): Station {
  return { text: formatAddress(known.address), address6: nothing, vlan: -1, ttl: 64, windows: false, delayMicros: 80, open: [], ...known }
}

/** Four octets of a number of 32 bits. */
export const fromNumber = (n: number): Uint8Array => new Uint8Array([n >>> 24, n >>> 16 & 255, n >>> 8 & 255, n & 255])
