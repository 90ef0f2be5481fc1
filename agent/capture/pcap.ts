/**
 * Reader of the classic capture format (draft-ietf-opsawg-pcap), both byte orders.
 *
 *   file    magic 4, version 2 + 2, zone 4, accuracy 4, snap length 4, link type 4 (upper bits: check sequence), then records
 *   record  seconds 4, fraction 4, captured octets 4, octets on the wire 4, then the frame
 *
 * Magic numbers: a1b2c3d4 microseconds, a1b23c4d nanoseconds, a1b2cd34 Kuznetzov's form (8 more octets in each record's
 * header). Files before version 2.3 have the two lengths the other way round, and 2.3 itself has them either way
 * (libpcap, sf-pcap.c). What it may lose: from the first impossible length on, nothing can be found again; the file
 * ends there, which is one damaged record.
 */
import { recordLimit } from './records.ts'
import type { RecordReader } from './records.ts'
import type { Frames, SourceCounters } from './source.ts'

export const pcapHeaderOctets = 24

const magic = { micros: 0xa1b2c3d4, nanos: 0xa1b23c4d, modified: 0xa1b2cd34 } as const

/** Whether `view` begins with the header of a capture: the byte order, or undefined. Needs 4 octets. */
export function pcapOrder(view: DataView): 'little' | 'big' | undefined {
  const is = (value: number): boolean => value === magic.micros || value === magic.nanos || value === magic.modified
  return is(view.getUint32(0, true)) ? 'little' : is(view.getUint32(0, false)) ? 'big' : undefined
}

export class PcapReader implements RecordReader {
  readonly format = 'pcap'
  needed = 0
  skip = 0
  broken = ''
  private readonly counters: SourceCounters
  private readonly little: boolean
  private readonly link: number
  private readonly header: number
  /** Fractions of a second per microsecond. */
  private readonly divisor: number
  /** Lengths the other way round: never, always, or where the captured one is the larger. */
  private readonly swapped: 'no' | 'yes' | 'maybe'
  private filled: Int32Array | undefined

  /** `view` holds the file's header of 24 octets, already recognised by `pcapOrder`. */
  constructor(view: DataView, counters: SourceCounters) {
    this.counters = counters
    this.little = pcapOrder(view) === 'little'
    const kind = view.getUint32(0, this.little)
    const major = view.getUint16(4, this.little)
    const minor = view.getUint16(6, this.little)
    this.divisor = kind === magic.nanos ? 1000 : 1
    this.header = kind === magic.modified ? 24 : 16
    this.link = view.getUint32(20, this.little) & 0x03ffffff
    this.swapped = major === 543 || (major === 2 && minor < 3) ? 'yes' : major === 2 && minor === 3 ? 'maybe' : 'no'
  }

  parse(frames: Frames, from: number, to: number): number {
    const { view, offset, captured, wire, micros } = frames
    const { little, header, divisor } = this
    const ordinary = this.swapped === 'no'
    const capacity = offset.length
    if (this.filled !== frames.link) {
      frames.link.fill(this.link)
      this.filled = frames.link
    }
    let at = from
    let n = 0
    let octets = 0
    this.needed = header
    while (n < capacity && at + header <= to) {
      let length = view.getUint32(at + 8, little)
      let whole = view.getUint32(at + 12, little)
      if (!ordinary && (this.swapped === 'yes' || length > whole)) {
        const other = length
        length = whole
        whole = other
      }
      if (length > recordLimit) {
        this.broken = `a record claims ${String(length)} octets`
        this.counters.damaged++
        break
      }
      const next = at + header + length
      if (next > to) {
        this.needed = header + length
        break
      }
      // Nobody sends less than was captured; a larger number than the arrays hold is as good as any.
      if (whole < length || whole > 0x7fffffff) whole = whole < length ? length : 0x7fffffff
      offset[n] = at + header
      captured[n] = length
      wire[n] = whole
      micros[n] = view.getUint32(at, little) * 1e6 + view.getUint32(at + 4, little) / divisor
      octets += whole
      n++
      at = next
    }
    this.counters.octets += octets
    frames.count = n
    return at
  }
}
