/**
 * The simulator's only source of chance: sfc32 (Chris Doty-Humphrey, PractRand), seeded by hashing a label. Streams are forked by
 * name, so one behaviour's draws never shift another's: taking the attacks away leaves the benign traffic as it was.
 * Not for secrets.
 */

/** FNV-1a over UTF-16 units with a final avalanche (MurmurHash3's), 32 bits. */
function hash(text: string, basis: number): number {
  let h = basis >>> 0
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ h >>> 16, 0x85ebca6b)
  h = Math.imul(h ^ h >>> 13, 0xc2b2ae35)
  return (h ^ h >>> 16) >>> 0
}

export class Random {
  private readonly label: string
  private a: number
  private b: number
  private c: number
  private counter = 1

  /** A stream of its own for every label. */
  constructor(label: string) {
    this.label = label
    this.a = hash(label, 0x811c9dc5)
    this.b = hash(label, 0x9e3779b9)
    this.c = hash(label, 0x243f6a88)
    for (let i = 0; i < 12; i++) this.bits()
  }

  /** A stream that depends on this one's label, not on what was drawn from it. */
  fork(label: string): Random {
    return new Random(`${this.label}/${label}`)
  }

  /** 32 random bits, 0 ... 2^32 - 1. */
  bits(): number {
    const sum = (this.a + this.b | 0) + this.counter | 0
    this.counter = this.counter + 1 | 0
    this.a = this.b ^ this.b >>> 9
    this.b = this.c + (this.c << 3) | 0
    this.c = (this.c << 21 | this.c >>> 11) + sum | 0
    return sum >>> 0
  }

  /** 0 <= x < 1. */
  unit(): number {
    return this.bits() / 4294967296
  }

  /** low <= x < high. */
  between(low: number, high: number): number {
    return low + (high - low) * this.unit()
  }

  /** A whole number, both ends included. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.unit() * (high - low + 1))
  }

  chance(probability: number): boolean {
    return this.unit() < probability
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.unit() * list.length)]
  }

  /** Index into `list` with probability falling as 1 / (rank + 1) ^ exponent. */
  zipf<T>(list: readonly T[], exponent = 1): T {
    let total = 0
    for (let i = 0; i < list.length; i++) total += (i + 1) ** -exponent
    let left = this.unit() * total
    for (let i = 0; i < list.length; i++) {
      left -= (i + 1) ** -exponent
      if (left < 0) return list[i]
    }
    return list[list.length - 1]
  }

  /** Exponential with this mean. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.unit())
  }

  /** Log-normal about a median; sigma of the logarithm. Cut at `most`. */
  lognormal(median: number, sigma: number, most = Infinity): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.unit())) * Math.cos(2 * Math.PI * this.unit())
    return Math.min(most, median * Math.exp(sigma * normal))
  }

  /** A new array in random order (Fisher and Yates). */
  shuffled<T>(list: readonly T[]): T[] {
    const out = [...list]
    for (let i = out.length - 1; i > 0; i--) {
      const j = Math.floor(this.unit() * (i + 1))
      const kept = out[i]
      out[i] = out[j]
      out[j] = kept
    }
    return out
  }

  /** `count` different ones, in random order. */
  several<T>(list: readonly T[], count: number): T[] {
    return this.shuffled(list).slice(0, count)
  }

  /** Letters of `alphabet`. */
  text(length: number, alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'): string {
    let out = ''
    for (let i = 0; i < length; i++) out += alphabet[Math.floor(this.unit() * alphabet.length)]
    return out
  }

  bytes(length: number): Uint8Array {
    const out = new Uint8Array(length)
    for (let i = 0; i < length; i++) out[i] = this.bits() >>> 24
    return out
  }
}
