/** Payload from a shared pool of random octets: cheap, incompressible like encrypted traffic, and the same for the same seed. */
import type { Turn } from './conversation.ts'
import type { Random } from './random.ts'

const poolOctets = 1 << 18
/** Longest fragment of a TLS record (RFC 8446, 5.1). */
const recordOctets = 16384

export class Pool {
  private readonly bytes: Uint8Array

  constructor(random: Random) {
    const words = new Uint32Array(poolOctets / 4)
    for (let i = 0; i < words.length; i++) words[i] = random.bits()
    // Octet by octet, so that the machine's byte order does not matter.
    this.bytes = new Uint8Array(poolOctets)
    for (let i = 0; i < poolOctets; i++) this.bytes[i] = words[i >>> 2] >>> 8 * (i & 3)
  }

  /** Octets `from` ... `from + count` of what `turn` says, to `target` at `at`. */
  pour(turn: Turn, from: number, count: number, target: Uint8Array, at: number): void {
    const head = turn.head
    const headOctets = head === undefined ? 0 : head.length
    let done = 0
    if (head !== undefined && from < headOctets) {
      done = Math.min(count, headOctets - from)
      target.set(head.subarray(from, from + done), at)
    }
    if (done === count) return
    this.fill(from + done + turn.octets * 7, count - done, target, at + done)
    if (turn.framing === 'tls') this.frameRecords(turn, headOctets, from, count, target, at)
  }

  private fill(from: number, count: number, target: Uint8Array, at: number): void {
    let start = from % poolOctets
    let done = 0
    while (done < count) {
      const n = Math.min(count - done, poolOctets - start)
      target.set(this.bytes.subarray(start, start + n), at + done)
      done += n
      start = 0
    }
  }

  /** Lays the record headers that fall into this segment over the random octets. */
  private frameRecords(turn: Turn, headOctets: number, from: number, count: number, target: Uint8Array, at: number): void {
    const stride = recordOctets + 5
    const first = Math.max(0, Math.floor((from - headOctets - 4) / stride))
    for (let k = first; ; k++) {
      const start = headOctets + k * stride
      if (start >= from + count || start >= turn.octets) return
      const length = Math.min(recordOctets, turn.octets - start - 5)
      const header = [0x17, 3, 3, length >>> 8, length & 255]
      for (let i = 0; i < 5; i++) {
        const position = start + i - from
        if (position >= 0 && position < count) target[at + position] = header[i]
      }
    }
  }
}
