/** A growing row of octets, big-endian, with lengths filled in afterwards. */
const encoder = new TextEncoder()

/** UTF-8. */
export const octetsOf = (text: string): Uint8Array => encoder.encode(text)

export class Octets {
  private bytes = new Uint8Array(256)
  length = 0

  private room(count: number): number {
    const at = this.length
    this.length += count
    if (this.length > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, this.bytes.length * 2))
      larger.set(this.bytes)
      this.bytes = larger
    }
    return at
  }

  u8(...values: number[]): this {
    const at = this.room(values.length)
    this.bytes.set(values, at)
    return this
  }

  u16(...values: number[]): this {
    for (const value of values) this.u8(value >>> 8 & 255, value & 255)
    return this
  }

  u24(value: number): this {
    return this.u8(value >>> 16 & 255, value >>> 8 & 255, value & 255)
  }

  u32(...values: number[]): this {
    for (const value of values) this.u8(value >>> 24 & 255, value >>> 16 & 255, value >>> 8 & 255, value & 255)
    return this
  }

  raw(bytes: Uint8Array): this {
    const at = this.room(bytes.length)
    this.bytes.set(bytes, at)
    return this
  }

  text(text: string): this {
    return this.raw(octetsOf(text))
  }

  /** What `inside` writes, with its length in 1, 2, 3 or 4 octets before it. */
  sized(width: 1 | 2 | 3 | 4, inside: (out: this) => void): this {
    const at = this.room(width)
    inside(this)
    const length = this.length - at - width
    for (let i = 0; i < width; i++) this.bytes[at + i] = length >>> 8 * (width - 1 - i)
    return this
  }

  /** Zeros up to `length`. */
  padTo(length: number): this {
    if (this.length < length) this.room(length - this.length)
    return this
  }

  done(): Uint8Array {
    return this.bytes.slice(0, this.length)
  }
}
