/**
 * Records -> chunks. A chunk is cut at a number of records, of octets, and by the packet clock, never by the wall
 * clock: the same packets give the same chunks. Records are encoded into one scratch buffer and copied once, when
 * their chunk is cut.
 */
import type { Chunk } from './chunk.ts'
import type { Output } from './record.ts'

/** Octets kept free before a record: tag and a length of two octets, which nearly all records have. */
const prefix = 3
const recordTag = 6 << 3 | 2

export type Chunker = {
  readonly chunks: Chunk[]
  /** The buffer records are written to, at the positions that `reserve` gives. */
  readonly output: Output
  /**
   * Makes room for a record of up to `octets`, cutting the chunk when it does not fit; gives the position of its
   * first byte.
   */
  reserve(octets: number, clockMicros: number): number
  /** The record reserved was written up to `end`. */
  commit(end: number): void
  /** Whether the chunk has as many records as it may. */
  full(): boolean
  /** Ends the chunk, empty or not. */
  cut(clockMicros: number, last: boolean): void
}

/**
 * Chunks of at most `maxRecords` records and `maxOctets` octets, of which none takes more than `largest`. `snapshot`
 * gives the ledger as it stands.
 */
export function createChunker(maxRecords: number, maxOctets: number, largest: number, snapshot: () => Map<string, number>): Chunker {
  const chunks: Chunk[] = []
  const bytes = new Uint8Array(maxOctets + largest + prefix + 1)
  const output = { bytes, view: new DataView(bytes.buffer) }
  let used = 0
  let count = 0

  function reserve(octets: number, clockMicros: number): number {
    if (count > 0 && used + octets + prefix > maxOctets) cut(clockMicros, false)
    return used + prefix
  }

  function commit(end: number): void {
    const length = end - used - prefix
    const size = length < 128 ? 1 : length < 16384 ? 2 : 3
    if (size !== 2) bytes.copyWithin(used + 1 + size, used + prefix, end)
    bytes[used] = recordTag
    let rest = length
    for (let i = 1; i <= size; i++) {
      bytes[used + i] = i === size ? rest : rest & 127 | 128
      rest >>>= 7
    }
    used += 1 + size + length
    count++
  }

  function cut(clockMicros: number, last: boolean): void {
    chunks.push({ bytes: bytes.slice(0, used), count, clockMicros: Math.floor(clockMicros), ledger: snapshot(), unscored: count, last })
    used = 0
    count = 0
  }

  return { chunks, output, reserve, commit, full: () => count >= maxRecords, cut }
}
