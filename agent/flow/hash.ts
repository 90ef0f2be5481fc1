/**
 * Hash of a conversation: the same for both directions (the endpoints' hashes are added), and keyed, because whoever
 * sends packets chooses their addresses: multipliers drawn from a secret make colliding endpoints unknowable from
 * outside (multiply-shift, Dietzfelbinger et al. 1997).
 */

/** Multipliers and additive constants from a 32-bit seed (splitmix). */
export function hashKeys(seed: number): Int32Array {
  const keys = new Int32Array(8)
  let state = seed | 0
  for (let i = 0; i < keys.length; i++) {
    state = state + 0x9e3779b9 | 0
    let x = Math.imul(state ^ state >>> 16, 0x85ebca6b)
    x = Math.imul(x ^ x >>> 13, 0xc2b2ae35)
    keys[i] = (x ^ x >>> 16) | 1
  }
  return keys
}

/** Murmur3's finaliser. */
export function finish(h: number): number {
  h = Math.imul(h ^ h >>> 16, 0x85ebca6b)
  h = Math.imul(h ^ h >>> 13, 0xc2b2ae35)
  return h ^ h >>> 16
}

/** Four words of an address to one. */
export function fold(keys: Int32Array, a: number, b: number, c: number, d: number): number {
  const x = Math.imul(a, keys[0]) + Math.imul(b, keys[1]) + Math.imul(c, keys[2]) + Math.imul(d, keys[3]) | 0
  return x ^ x >>> 16
}
