/**
 * The wire the sensor is tapped into: frames are written here in any order and leave sorted by time. `flush(until)` promises that
 * nothing earlier than `until` will be written any more; a frame that comes later than that promise is a defect and throws.
 * Frames at or past the end of the capture are not recorded. Frames of equal time keep the order in which they were written. Memory is
 * what was written but not flushed; the arena grows by doubling.
 */
import { VedetteError } from '../../../proto/error.ts'
import { makeFrames } from '../source.ts'
import type { Frames } from '../source.ts'

const smallestFrame = 60
const orderBits = 2 ** 20

export class Wire {
  bytes: Uint8Array
  packets = 0
  octets = 0
  firstMicros = 0
  lastMicros = 0
  private readonly endMicros: number
  private frames: Frames
  private used = 0
  private count = 0
  private left = 0
  private micros: Float64Array
  private offset: Int32Array
  private length: Int32Array
  private horizon: number
  /** Frames handed out by the last flush lie in the arena until the next write. */
  private out: Uint8Array | undefined

  constructor(startMicros: number, endMicros: number) {
    this.bytes = new Uint8Array(1 << 22)
    this.endMicros = endMicros
    this.horizon = startMicros
    this.micros = new Float64Array(1 << 14)
    this.offset = new Int32Array(1 << 14)
    this.length = new Int32Array(1 << 14)
    this.frames = makeFrames(this.bytes, 1 << 14)
  }

  /** Frames written and not yet flushed. */
  get pending(): number {
    return this.out === undefined ? this.count : this.left
  }

  /**
   * Room for a frame of `length` octets (padded to 60, as Ethernet does): its offset in `bytes`, zeroed behind `length`; -1 past the end.
   */
  reserve(micros: number, length: number): number {
    if (this.out !== undefined) this.compact(this.out)
    if (micros < this.horizon) throw new VedetteError('E_INTERNAL', `a simulated frame comes ${this.horizon - micros} us too late`)
    if (micros >= this.endMicros) return -1
    const size = Math.max(length, smallestFrame)
    if (this.used + size > this.bytes.length) this.growBytes()
    if (this.count === this.micros.length) this.growColumns()
    const at = this.used
    if (size > length) this.bytes.fill(0, at + length, at + size)
    this.micros[this.count] = Math.floor(micros)
    this.offset[this.count] = at
    this.length[this.count] = size
    this.count++
    this.used += size
    return at
  }

  /** All frames before `until`, in order; valid until the next `reserve`. */
  flush(until: number): Frames {
    if (this.out !== undefined) this.compact(this.out)
    const base = this.horizon
    const keys = new Float64Array(this.count)
    const left = new Uint8Array(this.count)
    let taken = 0
    for (let i = 0; i < this.count; i++) {
      if (this.micros[i] < until) keys[taken++] = (this.micros[i] - Math.floor(base)) * orderBits + i
      else left[i] = 1
    }
    const order = keys.subarray(0, taken).sort()
    if (this.frames.bytes !== this.bytes || this.frames.offset.length < taken) this.frames = makeFrames(this.bytes,
      Math.max(1 << 14, taken))
    const { frames } = this
    frames.count = taken
    for (let k = 0; k < taken; k++) {
      const i = order[k] % orderBits
      frames.offset[k] = this.offset[i]
      frames.captured[k] = frames.wire[k] = this.length[i]
      frames.micros[k] = this.micros[i]
      frames.link[k] = 1
      this.octets += this.length[i]
    }
    if (taken > 0) {
      if (this.packets === 0) this.firstMicros = frames.micros[0]
      this.lastMicros = frames.micros[taken - 1]
    }
    this.packets += taken
    this.horizon = until
    this.out = left
    this.left = this.count - taken
    return frames
  }

  /** Moves what was not flushed to the front. */
  private compact(left: Uint8Array): void {
    let kept = 0
    let used = 0
    for (let i = 0; i < this.count; i++) {
      if (left[i] === 0) continue
      const size = this.length[i]
      this.bytes.copyWithin(used, this.offset[i], this.offset[i] + size)
      this.micros[kept] = this.micros[i]
      this.offset[kept] = used
      this.length[kept] = size
      kept++
      used += size
    }
    this.count = kept
    this.used = used
    this.out = undefined
  }

  private growBytes(): void {
    const larger = new Uint8Array(this.bytes.length * 2)
    larger.set(this.bytes)
    this.bytes = larger
  }

  private growColumns(): void {
    if (this.count * 2 > orderBits) throw new VedetteError('E_INTERNAL', 'too many simulated frames at once')
    const grow = <T extends Float64Array | Int32Array>(column: T, larger: T): T => { larger.set(column); return larger }
    this.micros = grow(this.micros, new Float64Array(this.count * 2))
    this.offset = grow(this.offset, new Int32Array(this.count * 2))
    this.length = grow(this.length, new Int32Array(this.count * 2))
  }
}
