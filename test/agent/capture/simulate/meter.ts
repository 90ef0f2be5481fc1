/**
 * A reader of frames and a flow meter written for these tests alone, sharing no code with generator or agent: slow, plain, and
 * strict about every length and checksum.
 */
import type { Source } from '../../../../agent/capture/source.ts'

export type Seen = {
  micros: number
  /** 'arp', 'lldp', 'tcp', 'udp', 'icmp', 'icmp6'. */
  kind: string
  vlan: number
  source: string
  target: string
  sourcePort: number
  targetPort: number
  flags: number
  ipOctets: number
  payload: Uint8Array
  frame: Uint8Array
}

const text4 = (b: Uint8Array): string => [...b].join('.')
const text6 = (b: Uint8Array): string => Array.from({ length: 8 }, (_, i) => (b[2 * i] * 256 + b[2 * i + 1]).toString(16)).join(':')

/** RFC 1071 the long way: 16-bit words, end-around carry after each addition. 0xffff where a checksum over itself is right. */
export function onesSum(...pieces: Uint8Array[]): number {
  let sum = 0
  for (const piece of pieces) {
    // All pieces but the last are of even length.
    for (let i = 0; i < piece.length; i += 2) {
      sum += piece[i] * 256 + (i + 1 < piece.length ? piece[i + 1] : 0)
      if (sum > 0xffff) sum -= 0xffff
    }
  }
  return sum
}

/** Reads one frame; throws where a length or a checksum is wrong. */
export function readFrame(frame: Uint8Array, micros: number): Seen {
  const word = (at: number): number => frame[at] * 256 + frame[at + 1]
  let at = 12
  let vlan = -1
  if (word(at) === 0x8100) {
    vlan = word(at + 2) & 0xfff
    at += 4
  }
  const type = word(at)
  const base = { micros, vlan, source: '', target: '', sourcePort: 0, targetPort: 0, flags: 0, ipOctets: 0,
    payload: frame.subarray(0, 0), frame }
  if (type === 0x0806) return { ...base, kind: 'arp' }
  if (type === 0x88cc) return { ...base, kind: 'lldp' }
  const ip = at + 2
  const four = type === 0x0800
  if (!four && type !== 0x86dd) throw new Error(`ethertype ${type.toString(16)}`)
  const header = four ? 20 : 40
  const ipOctets = four ? word(ip + 2) : 40 + word(ip + 4)
  if (ip + ipOctets > frame.length) throw new Error('IP packet longer than its frame')
  if (frame.length > Math.max(60, ip + ipOctets)) throw new Error('octets behind the packet that are no padding')
  if (four && onesSum(frame.subarray(ip, ip + 20)) !== 0xffff) throw new Error('IP checksum')
  const protocol = four ? frame[ip + 9] : frame[ip + 6]
  const from = four ? frame.subarray(ip + 12, ip + 16) : frame.subarray(ip + 8, ip + 24)
  const to = four ? frame.subarray(ip + 16, ip + 20) : frame.subarray(ip + 24, ip + 40)
  const inside = frame.subarray(ip + header, ip + ipOctets)
  const pseudo = Uint8Array.of(0, protocol, inside.length >> 8, inside.length & 255)
  const sum = protocol === 1 ? onesSum(inside) : onesSum(from, to, pseudo, inside)
  if (sum !== 0xffff) throw new Error(`checksum of protocol ${protocol}`)
  const text = four ? text4 : text6
  const known = { ...base, source: text(from), target: text(to), ipOctets }
  if (protocol === 1 || protocol === 58) return { ...known, kind: protocol === 1 ? 'icmp' : 'icmp6', sourcePort: inside[0],
    targetPort: inside[1] }
  const ports = { sourcePort: inside[0] * 256 + inside[1], targetPort: inside[2] * 256 + inside[3] }
  if (protocol === 17) {
    if (inside[4] * 256 + inside[5] !== inside.length) throw new Error('UDP length')
    return { ...known, ...ports, kind: 'udp', payload: inside.subarray(8) }
  }
  return { ...known, ...ports, kind: 'tcp', flags: inside[13], payload: inside.subarray((inside[12] >> 4) * 4) }
}

/** Runs a source to its end. */
export async function everyFrame(source: Source, take: (frame: Uint8Array, micros: number) => void): Promise<void> {
  await source.open()
  for (let frames = await source.next(); frames !== undefined; frames = await source.next()) {
    for (let i = 0; i < frames.count; i++) {
      if (frames.captured[i] !== frames.wire[i]) throw new Error('frame cut')
      take(frames.bytes.subarray(frames.offset[i], frames.offset[i] + frames.captured[i]), frames.micros[i])
    }
  }
  await source.close()
}

export type Metered = {
  kind: string
  initiator: string
  responder: string
  initiatorPort: number
  responderPort: number
  startMicros: number
  endMicros: number
  packets: number
  initiatorOctets: number
  responderOctets: number
  /** Flags of both sides together. */
  initiatorFlags: number
  responderFlags: number
  payloadOut: number
  /** Query names, for UDP port 53. */
  names: Set<string>
}

/** Flows by 5-tuple, cut after 120 s of silence. */
export class Meter {
  readonly flows: Metered[] = []
  readonly #open = new Map<string, Metered>()

  take(seen: Seen): void {
    if (seen.kind === 'arp' || seen.kind === 'lldp') return
    const { kind, source, target, sourcePort, targetPort, micros } = seen
    const icmp = kind.startsWith('icmp')
    const ends = icmp ? [`${source} `, `${target} `] : [`${source} ${sourcePort}`, `${target} ${targetPort}`]
    const key = `${kind} ${ends.sort().join(' ')}${icmp && sourcePort > 8 ? sourcePort : ''}`
    let flow = this.#open.get(key)
    if (flow === undefined || micros - flow.endMicros > 120e6) {
      flow = {
        kind, initiator: source, responder: target, initiatorPort: sourcePort, responderPort: targetPort, startMicros: micros,
          endMicros: micros, packets: 0,
        initiatorOctets: 0, responderOctets: 0, initiatorFlags: 0, responderFlags: 0, payloadOut: 0, names: new Set(),
      }
      this.#open.set(key, flow)
      this.flows.push(flow)
    }
    flow.endMicros = micros
    flow.packets++
    if (source === flow.initiator && sourcePort === flow.initiatorPort) {
      flow.initiatorOctets += seen.ipOctets
      flow.initiatorFlags |= seen.flags
      flow.payloadOut += seen.payload.length
      if (kind === 'udp' && targetPort === 53) flow.names.add(queryName(seen.payload))
    } else {
      flow.responderOctets += seen.ipOctets
      flow.responderFlags |= seen.flags
    }
  }
}

/** S0 (no answer at all) or REJ (answered by RST without SYN). */
export const failed = ({ initiatorFlags, responderFlags }: Metered): boolean => (initiatorFlags & 2) !== 0 && (responderFlags & 2) === 0

function queryName(message: Uint8Array): string {
  const labels: string[] = []
  for (let at = 12; message[at] !== 0; at += message[at] + 1) labels.push(String.fromCharCode(...message.subarray(at + 1,
    at + 1 + message[at])))
  return labels.join('.')
}
