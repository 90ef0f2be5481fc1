/**
 * What an initiator did just before: flows begun, flows failed, distinct responders, distinct ports, over about ten
 * seconds and about ten minutes of packet time. A window is the pane being filled and the one before it (5 s, 300 s
 * each), so it covers the last 5 to 10 s, 5 to 10 min. Distinct things are counted with a bitmap of 128 bits (linear
 * counting, Whang et al. 1990): exact to a few per cent up to 100, about 600 at most.
 *
 * Bounded: up to 65,536 initiators in sets of four; the one unseen for longest gives way, and begins at zero when it
 * comes back. Depends on the packets alone (the hash is fixed; a set that an attacker fills costs accuracy for that
 * set, never time). Allocates nothing.
 */

const ways = 4
/** Words of an entry: key 4, family, last seen (s), 2 spare; then two windows of 28. */
const entryWords = 64
const familyW = 4
const seenW = 5
const windowW = 8
const windowWords = 28
// Within a window: number of the pane, then [now, before] of each count, then bitmaps of 4 words.
const paneW = 0
const flowsW = 1
const failedW = 3
/** Bits set in (now or before): responders, ports. */
const distinctW = 5
const mapsW = 8
const mapWords = 4

const paneMicros = [5e6, 300e6] as const
const maximum = 65535

/** Octets of one entry. */
export const contextEntryOctets = entryWords * 4

/** Distinct things by bits set of 128. */
const estimates = Uint16Array.from({ length: 129 }, (_, bits) => Math.round(-128 * Math.log(1 - Math.min(bits, 127) / 128)))

const mix = (value: number): number => {
  let h = Math.imul(value ^ value >>> 16, 0x85ebca6b)
  h = Math.imul(h ^ h >>> 13, 0xc2b2ae35)
  return h ^ h >>> 16
}

const bitCount = (word: number): number => {
  let x = word - (word >>> 1 & 0x55555555)
  x = (x & 0x33333333) + (x >>> 2 & 0x33333333)
  return Math.imul(x + (x >>> 4) & 0x0f0f0f0f, 0x01010101) >>> 24
}

export class InitiatorContext {
  private readonly words: Int32Array
  private readonly sets: number

  /** `entries`: initiators remembered, rounded down to a power of two, at least 4. */
  constructor(entries = 65536) {
    this.sets = Math.max(1, 1 << Math.floor(Math.log2(Math.max(entries, ways) / ways)))
    this.words = new Int32Array(this.sets * ways * entryWords)
  }

  /**
   * Writes the eight numbers of the initiator at this moment to `out[at ...]`, then counts the flow that begins.
   * Addresses are words of `words` (one, or four for IPv6) at `initiator` and `responder`.
   */
  begin(words: Int32Array, initiator: number, responder: number, six: boolean, responderPort: number, micros: number, out: Uint16Array, at: number): void {
    const e = this.entry(words, initiator, six, micros, true)
    const peer = six ? words[responder] ^ Math.imul(words[responder + 1], 3) ^ Math.imul(words[responder + 2], 5) ^ Math.imul(words[responder + 3], 7) : words[responder]
    const w = this.words
    for (let k = 0; k < 2; k++) {
      const v = e + windowW + k * windowWords
      this.turn(v, paneMicros[k], micros)
      const o = at + 4 * k
      out[o] = Math.min(w[v + flowsW] + w[v + flowsW + 1], maximum)
      out[o + 1] = Math.min(w[v + failedW] + w[v + failedW + 1], maximum)
      out[o + 2] = estimates[w[v + distinctW]]
      out[o + 3] = estimates[w[v + distinctW + 1]]
      w[v + flowsW]++
      this.set(v, 0, mix(peer))
      this.set(v, 1, mix(responderPort + 0x9e3779b9))
    }
  }

  /** Counts a failure of the initiator, if it is still remembered. */
  failed(words: Int32Array, initiator: number, six: boolean, micros: number): void {
    const e = this.entry(words, initiator, six, micros, false)
    if (e < 0) return
    for (let k = 0; k < 2; k++) {
      const v = e + windowW + k * windowWords
      this.turn(v, paneMicros[k], micros)
      this.words[v + failedW]++
    }
  }

  private set(v: number, measure: number, hash: number): void {
    const w = this.words
    const now = v + mapsW + measure * 2 * mapWords + (hash >>> 5 & 3)
    const bit = 1 << (hash & 31)
    if (((w[now] | w[now + mapWords]) & bit) === 0) w[v + distinctW + measure]++
    w[now] |= bit
  }

  /** Turns the panes of a window to the time given. Time that runs backwards counts in the pane being filled. */
  private turn(v: number, length: number, micros: number): void {
    const w = this.words
    const pane = Math.floor(micros / length) & 0x7fffffff
    const steps = pane - w[v + paneW]
    if (steps <= 0) return
    w[v + paneW] = pane
    const keep = steps === 1
    w[v + flowsW + 1] = keep ? w[v + flowsW] : 0
    w[v + failedW + 1] = keep ? w[v + failedW] : 0
    w[v + flowsW] = 0
    w[v + failedW] = 0
    for (let measure = 0; measure < 2; measure++) {
      let bits = 0
      const map = v + mapsW + measure * 2 * mapWords
      for (let k = 0; k < mapWords; k++) {
        const before = keep ? w[map + k] : 0
        w[map + mapWords + k] = before
        w[map + k] = 0
        bits += bitCount(before)
      }
      w[v + distinctW + measure] = bits
    }
  }

  /** The initiator's entry; taken from whoever was unseen for longest when `make` is set, else -1. */
  private entry(words: Int32Array, from: number, six: boolean, micros: number, make: boolean): number {
    const w = this.words
    const a = words[from]
    const b = six ? words[from + 1] : 0
    const c = six ? words[from + 2] : 0
    const d = six ? words[from + 3] : 0
    const family = six ? 6 : 4
    const seconds = Math.floor(micros / 1e6) | 0
    const set = (mix(a ^ Math.imul(b, 0x9e3779b1) ^ Math.imul(c, 0x85ebca77) ^ Math.imul(d, 0xc2b2ae3d)) & this.sets - 1) * ways * entryWords
    let oldest = set
    for (let k = 0; k < ways; k++) {
      const e = set + k * entryWords
      if (w[e] === a && w[e + familyW] === family && w[e + 1] === b && w[e + 2] === c && w[e + 3] === d) {
        if (make && seconds > w[e + seenW]) w[e + seenW] = seconds
        return e
      }
      if (w[e + familyW] === 0 && w[oldest + familyW] !== 0) oldest = e
      else if (w[oldest + familyW] !== 0 && w[e + seenW] < w[oldest + seenW]) oldest = e
    }
    if (!make) return -1
    w.fill(0, oldest, oldest + entryWords)
    w[oldest] = a
    w[oldest + 1] = b
    w[oldest + 2] = c
    w[oldest + 3] = d
    w[oldest + familyW] = family
    w[oldest + seenW] = seconds
    return oldest
  }
}
