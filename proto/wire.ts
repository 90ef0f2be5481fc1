/**
 * Protobuf wire format (protobuf.dev/programming-guides/encoding), the few primitives both codecs need. Writers take a buffer
 * and a position and return the next position; the caller guarantees room (a varint takes at most 10 bytes). Readers are bounded by `end`
 * and throw RangeError on anything that does not fit: codec.ts turns that into E_BATCH_UNDECODABLE.
 */

/** Unsigned varint below 2^53. */
export function writeVarint(out: Uint8Array, at: number, value: number): number {
  while (value > 0x7fffffff) {
    out[at++] = value % 128 | 128
    value = Math.floor(value / 128)
  }
  while (value > 127) {
    out[at++] = value & 127 | 128
    value >>>= 7
  }
  out[at++] = value
  return at
}

export const varintLength = (value: number): number => {
  let n = 1
  while (value > 127) { value = Math.floor(value / 128); n++ }
  return n
}

export const zigzag = (value: number): number => value < 0 ? -2 * value - 1 : 2 * value
export const unzigzag = (value: number): number => value % 2 === 0 ? value / 2 : -(value + 1) / 2

/** Cursor over a buffer that comes from outside: nothing past `end` is ever read. */
export class Reader {
  readonly bytes: Uint8Array
  readonly view: DataView
  at: number
  end: number

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = at
    this.end = end
  }

  /** Most varints are one or two bytes: those are read here, small enough to be inlined. */
  varint(): number {
    const { bytes, at } = this
    if (at + 1 < this.end) {
      const first = bytes[at]
      if (first < 128) { this.at = at + 1; return first }
      const second = bytes[at + 1]
      if (second < 128) { this.at = at + 2; return first & 127 | second << 7 }
    }
    return this.longVarint()
  }

  private longVarint(): number {
    const { bytes } = this
    let at = this.at
    let low = 0
    for (let shift = 0; shift < 28; shift += 7) {
      if (at >= this.end) throw new RangeError('varint past the end')
      const byte = bytes[at++]
      low |= (byte & 127) << shift
      if (byte < 128) { this.at = at; return low }
    }
    let value = low
    let scale = 268435456
    for (let i = 0; i < 6; i++) {
      if (at >= this.end) throw new RangeError('varint past the end')
      const byte = bytes[at++]
      value += (byte & 127) * scale
      scale *= 128
      if (byte < 128) { this.at = at; return value }
    }
    throw new RangeError('varint of more than 10 bytes')
  }

  /** Length of a length-delimited field, checked against the end. */
  length(): number {
    const n = this.varint()
    if (n > this.end - this.at) throw new RangeError('length past the end')
    return n
  }

  take(n: number): number {
    const at = this.at
    if (n > this.end - at) throw new RangeError('field past the end')
    this.at = at + n
    return at
  }

  float(): number { return this.view.getFloat32(this.take(4), true) }
  double(): number { return this.view.getFloat64(this.take(8), true) }

  fixed64(): number {
    const at = this.take(8)
    return this.view.getUint32(at, true) + this.view.getUint32(at + 4, true) * 4294967296
  }

  string(): string {
    const n = this.length()
    const from = this.take(n)
    return text(this.bytes, from, n)
  }

  /** Skips a field of this wire type (0, 1, 2, 5; groups are refused). */
  skip(wire: number): void {
    if (wire === 0) this.varint()
    else if (wire === 1) this.take(8)
    else if (wire === 2) this.take(this.length())
    else if (wire === 5) this.take(4)
    else throw new RangeError(`wire type ${String(wire)}`)
  }
}

const decoder = new TextDecoder()

/** Short ASCII is built by hand (TextDecoder costs more than the field); the rest is decoded as UTF-8, bad bytes as U+FFFD. */
export function text(bytes: Uint8Array, from: number, length: number): string {
  if (length <= 24) {
    let s = ''
    for (let i = from; i < from + length; i++) {
      if (bytes[i] > 127) return decoder.decode(bytes.subarray(from, from + length))
      s += String.fromCharCode(bytes[i])
    }
    return s
  }
  return decoder.decode(bytes.subarray(from, from + length))
}
