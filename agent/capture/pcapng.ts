/**
 * Reader of pcapng (draft-ietf-opsawg-pcapng), both byte orders, any number of sections and interfaces.
 *
 *   block   type 4, total length 4, body (padded to 4), total length 4
 *
 * Read: section header, interface description (link type, snap length, if_tsresol, if_tsoffset), enhanced, simple and
 * obsolete packet, interface statistics (what the capturing host dropped). Every other block is passed over. Simple
 * packets have no time: they get the one before. What it may lose: a packet whose block contradicts itself, names an
 * interface that was never described, or a time that no record can hold (before 1970, after 2255), is one damaged record
 * and reading goes on; a block whose length is impossible ends the file. At most 65,536 interfaces per section.
 */
import { recordLimit } from './records.ts'
import type { RecordReader } from './records.ts'
import type { Frames, SourceCounters } from './source.ts'

const block = { section: 0x0a0d0d0a, interface: 1, packet: 2, simple: 3, statistics: 5, enhanced: 6 } as const
const option = { end: 0, tsresol: 9, tsoffset: 14, ifdrop: 5, osdrop: 7 } as const
const orderMagic = 0x1a2b3c4d
/** Options and padding a packet block may have beside its frame, octets. */
const optionLimit = 1024 * 1024
const interfaceLimit = 65536

/** Octets from the start of a block to its frame, and the least length of a whole block, by type. */
const frameAt = { packet: 28, simple: 12, enhanced: 28 } as const

/** Least octets of a file that is recognised: a section header up to its byte-order magic. */
export const pcapngHeaderOctets = 12

/** Whether `view` (12 octets or more) begins with a section header. */
export function isPcapng(view: DataView): boolean {
  return view.getUint32(0) === block.section && (view.getUint32(8, true) === orderMagic || view.getUint32(8, false) === orderMagic)
}

type Interface = {
  link: number
  snapLength: number
  /** Units per second: a power of ten, or of two when `binary`. */
  exponent: number
  binary: boolean
  offsetMicros: number
  kernelDropped: number
  interfaceDropped: number
}

export class PcapngReader implements RecordReader {
  readonly format = 'pcapng'
  needed = 8
  skip = 0
  broken = ''
  private readonly counters: SourceCounters
  private little = true
  private interfaces: Interface[] = []
  private lastMicros = 0

  constructor(counters: SourceCounters) {
    this.counters = counters
  }

  parse(frames: Frames, from: number, to: number): number {
    const { view } = frames
    const capacity = frames.offset.length
    let at = from
    frames.count = 0
    this.needed = 12
    while (frames.count < capacity && at + 12 <= to) {
      const type = view.getUint32(at, this.little)
      if (type === block.section && !this.beginSection(view, at)) break
      const length = view.getUint32(at + 4, this.little)
      if (length < 12 || length % 4 !== 0) return this.stop(at, `a block claims ${String(length)} octets`)
      const frame = type === block.enhanced || type === block.packet || type === block.simple
      const wanted = frame || type === block.interface || type === block.statistics
      if (!wanted || length > recordLimit + optionLimit) {
        if (frame) this.counters.damaged++
        this.skip = length
        return at
      }
      if (at + length > to) {
        this.needed = length
        break
      }
      if (view.getUint32(at + length - 4, this.little) !== length) return this.stop(at, 'the two lengths of a block differ')
      if (type === block.enhanced) this.enhanced(frames, at, length)
      else if (type === block.interface) {
        if (!this.describe(view, at, length)) return this.stop(at, 'an interface description is too short, or one too many')
      } else if (type === block.statistics) this.statistics(view, at, length)
      else if (type === block.simple) this.simple(frames, at, length)
      else this.obsolete(frames, at, length)
      at += length
    }
    return at
  }

  private stop(at: number, why: string): number {
    this.broken = why
    this.counters.damaged++
    return at
  }

  /** A section header: new byte order, no interfaces yet. False when it is none. */
  private beginSection(view: DataView, at: number): boolean {
    const little = view.getUint32(at + 8, true) === orderMagic
    if (!little && view.getUint32(at + 8, false) !== orderMagic) {
      this.stop(at, 'a section header without its byte-order magic')
      return false
    }
    this.little = little
    this.interfaces = []
    return true
  }

  private enhanced(frames: Frames, at: number, length: number): void {
    const { view } = frames
    if (length < frameAt.enhanced + 4) { this.counters.damaged++; return }
    const from = this.interfaces[view.getUint32(at + 8, this.little)] as Interface | undefined
    const captured = view.getUint32(at + 20, this.little)
    if (from === undefined || captured > length - frameAt.enhanced - 4) { this.counters.damaged++; return }
    if (!this.stamp(from, view.getUint32(at + 12, this.little), view.getUint32(at + 16, this.little))) { this.counters.damaged++; return }
    this.deliver(frames, at + frameAt.enhanced, captured, view.getUint32(at + 24, this.little), from.link)
  }

  private obsolete(frames: Frames, at: number, length: number): void {
    const { view } = frames
    if (length < frameAt.packet + 4) { this.counters.damaged++; return }
    const from = this.interfaces[view.getUint16(at + 8, this.little)] as Interface | undefined
    const captured = view.getUint32(at + 20, this.little)
    if (from === undefined || captured > length - frameAt.packet - 4) { this.counters.damaged++; return }
    if (!this.stamp(from, view.getUint32(at + 12, this.little), view.getUint32(at + 16, this.little))) { this.counters.damaged++; return }
    this.deliver(frames, at + frameAt.packet, captured, view.getUint32(at + 24, this.little), from.link)
  }

  /**
   * A simple packet belongs to the first interface, and its captured length follows from the block's and the snap
   * length.
   */
  private simple(frames: Frames, at: number, length: number): void {
    const from = this.interfaces[0] as Interface | undefined
    if (from === undefined || length < frameAt.simple + 4) { this.counters.damaged++; return }
    const wire = frames.view.getUint32(at + 8, this.little)
    const room = length - frameAt.simple - 4
    const captured = Math.min(wire, from.snapLength === 0 ? wire : from.snapLength)
    if (captured > room) { this.counters.damaged++; return }
    this.deliver(frames, at + frameAt.simple, captured, wire, from.link)
  }

  private deliver(frames: Frames, offset: number, captured: number, wire: number, link: number): void {
    const n = frames.count++
    const whole = wire < captured ? captured : wire > 0x7fffffff ? 0x7fffffff : wire
    frames.offset[n] = offset
    frames.captured[n] = captured
    frames.wire[n] = whole
    frames.micros[n] = this.lastMicros
    frames.link[n] = link
    this.counters.octets += whole
  }

  /**
   * Units since 1970 as two words -> microseconds; exact to the rounding of a double. False when that is no time a
   * record can hold.
   */
  private stamp({ exponent, binary, offsetMicros }: Interface, high: number, low: number): boolean {
    let micros: number
    if (!binary && exponent === 6) micros = high * 4294967296 + low + offsetMicros
    else if (!binary && exponent === 9) {
      // 64 bits of nanoseconds are more than a double holds: divide the two halves in turn.
      const rest = high % 1000 * 4294967296 + low
      micros = Math.floor(high / 1000) * 4294967296 + Math.floor(rest / 1000) + rest % 1000 / 1000 + offsetMicros
    } else {
      const units = (BigInt(high) << 32n) + BigInt(low)
      const perSecond = (binary ? 2n : 10n) ** BigInt(exponent)
      micros = Number(units / perSecond) * 1e6 + Number(units % perSecond) * 1e6 / Number(perSecond) + offsetMicros
    }
    if (!(micros >= 0 && micros <= Number.MAX_SAFE_INTEGER)) return false
    this.lastMicros = micros
    return true
  }

  private describe(view: DataView, at: number, length: number): boolean {
    if (length < 20 || this.interfaces.length === interfaceLimit) return false
    const made: Interface = {
      link: view.getUint16(at + 8, this.little), snapLength: view.getUint32(at + 12, this.little),
      exponent: 6, binary: false, offsetMicros: 0, kernelDropped: 0, interfaceDropped: 0,
    }
    this.options(view, at + 16, at + length - 4, (code, value, size) => {
      if (code === option.tsresol && size >= 1) {
        const resolution = view.getUint8(value)
        made.binary = resolution >= 128
        made.exponent = resolution & 127
      } else if (code === option.tsoffset && size >= 8) made.offsetMicros = Number(view.getBigInt64(value, this.little)) * 1e6
    })
    this.interfaces.push(made)
    return true
  }

  /** Statistics are cumulative per interface: the last block counts. */
  private statistics(view: DataView, at: number, length: number): void {
    if (length < 24) return
    const of = this.interfaces[view.getUint32(at + 8, this.little)] as Interface | undefined
    if (of === undefined) return
    const before = { kernel: of.kernelDropped, interface: of.interfaceDropped }
    this.options(view, at + 20, at + length - 4, (code, value, size) => {
      if (size < 8 || (code !== option.ifdrop && code !== option.osdrop)) return
      const count = Number(view.getBigUint64(value, this.little))
      if (!Number.isSafeInteger(count)) return
      if (code === option.osdrop) of.kernelDropped = Math.max(of.kernelDropped, count)
      else of.interfaceDropped = Math.max(of.interfaceDropped, count)
    })
    this.counters.kernelDropped += of.kernelDropped - before.kernel
    this.counters.interfaceDropped += of.interfaceDropped - before.interface
  }

  private options(view: DataView, from: number, to: number, take: (code: number, value: number, size: number) => void): void {
    for (let at = from; at + 4 <= to;) {
      const code = view.getUint16(at, this.little)
      const size = view.getUint16(at + 2, this.little)
      if (code === option.end || at + 4 + size > to) return
      take(code, at + 4, size)
      at += 4 + (size + 3 & ~3)
    }
  }
}
