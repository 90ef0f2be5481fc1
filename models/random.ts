/**
 * Random numbers for training: the same seed gives the same model, on every machine. xoshiro128** (Blackman and Vigna,
 * "Scrambled linear pseudorandom number generators", 2021), its state filled by splitmix32. Not for secrets.
 */
export class Random {
  private readonly s = new Uint32Array(4)

  constructor(seed: number) {
    let z = seed >>> 0
    for (let i = 0; i < 4; i++) {
      z = z + 0x9e3779b9 >>> 0
      let x = z
      x = Math.imul(x ^ x >>> 16, 0x21f0aaad)
      x = Math.imul(x ^ x >>> 15, 0x735a2d97)
      this.s[i] = x ^ x >>> 15
    }
  }

  /** A whole number, 0 ... 2^32 - 1. */
  uint32(): number {
    const { s } = this
    const x = Math.imul(s[1], 5)
    const result = Math.imul(x << 7 | x >>> 25, 9) >>> 0
    const t = s[1] << 9
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = s[3] << 11 | s[3] >>> 21
    return result
  }

  /** 0 <= x < 1. */
  next(): number {
    return this.uint32() / 4294967296
  }

  /** A whole number, 0 ... n - 1. */
  below(n: number): number {
    return Math.floor(this.next() * n)
  }

  /** Shuffles in place (Fisher and Yates). */
  shuffle(order: Int32Array): void {
    for (let i = order.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const kept = order[i]
      order[i] = order[j]
      order[j] = kept
    }
  }
}
