/**
 * Vedette's own traffic: TCP between an address of this host and a collector. Capturing it would make flows about the
 * sending of flows. Only this host's own connections count: what other sensors send to the same collector is traffic
 * like any other.
 */
import { parseAddress } from '../../proto/address.ts'

export type Endpoint = { address: string, port: number }

const ethernetHeader = 14
const tcp = 6

export class OwnTraffic {
  private readonly ports: ReadonlySet<number>
  private readonly collectors: ReadonlySet<string>
  private readonly local: ReadonlySet<string>

  /** `local`: addresses of this host. Anything that is not an address is passed over. */
  constructor(collectors: readonly Endpoint[], local: readonly string[]) {
    this.ports = new Set(collectors.map(({ port }) => port))
    this.collectors = new Set(collectors.map(({ address, port }) => `${key(address)}/${String(port)}`))
    this.local = new Set(local.map(key))
  }

  /**
   * Whether the frame at `bytes[at, at + captured)`, Ethernet or (`raw`) an IP packet, is own traffic. Addresses are
   * compared only when a port fits; options before TCP and tags within the frame are not looked behind: such a packet
   * is then simply counted as traffic.
   */
  matches(bytes: Uint8Array, at: number, captured: number, raw: boolean): boolean {
    const ip = raw ? at : at + ethernetHeader
    const end = at + captured
    if (ip + 24 > end) return false
    const version = bytes[ip] >> 4
    const size = version === 4 ? 4 : 16
    const ports = version === 4 ? ip + (bytes[ip] & 15) * 4 : ip + 40
    if ((version !== 4 && version !== 6) || bytes[version === 4 ? ip + 9 : ip + 6] !== tcp || ports + 4 > end) return false
    const source = bytes[ports] << 8 | bytes[ports + 1]
    const destination = bytes[ports + 2] << 8 | bytes[ports + 3]
    const from = version === 4 ? ip + 12 : ip + 8
    const to = from + size
    return (this.ports.has(destination) && this.pair(bytes, from, to, size, destination))
      || (this.ports.has(source) && this.pair(bytes, to, from, size, source))
  }

  private pair(bytes: Uint8Array, local: number, collector: number, size: number, port: number): boolean {
    return this.local.has(hex(bytes, local, size)) && this.collectors.has(`${hex(bytes, collector, size)}/${String(port)}`)
  }
}

function hex(bytes: Uint8Array, at: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString('hex')
}

function key(address: string): string {
  const bytes = parseAddress(address)
  return bytes === undefined ? '' : Buffer.from(bytes).toString('hex')
}
