/**
 * Records -> chunks. A chunk is cut at a number of records, of octets, and by the packet clock, never by the wall
 * clock: the same packets give the same chunks. Records are encoded into one scratch buffer and copied once, when
 * their chunk is cut.
 */
import type { Chunk } from './chunk.ts'

/** Octets before a record: tag and the longest length. */
const prefix = 4
const recordTag = 6 << 3 | 2

export class Chunker {
  readonly chunks: Chunk[] = []
  private readonly maxRecords: number
  private readonly maxOctets: number
  private readonly snapshot: () => Map<string, number>
  private bytes: Uint8Array
  private used = 0
  private count = 0

  /** `snapshot` gives the ledger as it stands. */
  constructor(maxRecords: number, maxOctets: number, snapshot: () => Map<string, number>) {
    this.maxRecords = maxRecords
    this.maxOctets = maxOctets
    this.snapshot = snapshot
    this.bytes = new Uint8Array(maxOctets + 4096)
  }

  /** The buffer to write the next record to, at `position()`. */
  get buffer(): Uint8Array {
    return this.bytes
  }

  /**
   * Makes room for a record of up to `octets`, cutting the chunk when it does not fit; gives the position of its
   * first byte.
   */
  reserve(octets: number, clockMicros: number): number {
    if (this.count > 0 && this.used + octets + prefix > this.maxOctets) this.cut(clockMicros, false)
    if (this.used + octets + prefix > this.bytes.length) {
      const wider = new Uint8Array(this.used + octets + prefix)
      wider.set(this.bytes.subarray(0, this.used))
      this.bytes = wider
    }
    return this.used + prefix
  }

  /** The record reserved was written up to `end`. */
  commit(end: number): void {
    const { bytes, used } = this
    const length = end - used - prefix
    const size = length < 128 ? 1 : length < 16384 ? 2 : 3
    bytes.copyWithin(used + 1 + size, used + prefix, end)
    bytes[used] = recordTag
    let rest = length
    for (let i = 1; i <= size; i++) {
      bytes[used + i] = i === size ? rest : rest & 127 | 128
      rest >>>= 7
    }
    this.used = used + 1 + size + length
    this.count++
  }

  /** Whether the chunk has as many records as it may. */
  get full(): boolean {
    return this.count >= this.maxRecords
  }

  /** Ends the chunk, empty or not. */
  cut(clockMicros: number, last: boolean): void {
    this.chunks.push({
      bytes: this.bytes.slice(0, this.used), count: this.count, clockMicros: Math.floor(clockMicros), ledger: this.snapshot(), unscored: this.count, last,
    })
    this.used = 0
    this.count = 0
  }
}
