/**
 * What an initiator did just before: flows begun, flows failed, distinct responders, distinct ports, over about ten
 * seconds and about ten minutes of packet time. A window is the pane being filled and the one before it (5 s, 300 s
 * each), so it covers the last 5 to 10 s, 5 to 10 min. Distinct things are counted with a bitmap of 64 bits a pane
 * (linear counting, Whang et al. 1990): a few per cent off up to 50, at most 266.
 *
 * Bounded: up to 65,536 initiators in sets of four; the one unseen for longest gives way, and begins at zero when it
 * comes back. Depends on the packets alone (the hash is fixed; a set that an attacker fills costs accuracy for that
 * set, never time). Allocates nothing.
 */

const ways = 4
/** Words of an entry, two cache lines: address 4, last seen (s), spare 3; then two windows of 12. */
const entryWords = 32
const seenW = 4
const windowW = 8
const windowWords = 12
// Within a window: number of the pane; flows and failures, each now | before << 16; bits set in (now or before): responders |
// ports << 8; then bitmaps of two words: responders now, before, ports now, before.
const paneW = 0
const flowsW = 1
const failedW = 2
const distinctW = 3
const mapsW = 4
const mapWords = 2

const shortPane = 5e6
const longPane = 300e6
const maximum = 65535

/** Octets that one initiator takes. */
export const contextEntryOctets = entryWords * 4 + 4

/** Distinct things by bits set of 64. */
const estimates = Uint16Array.from({ length: 65 }, (_, bits) => Math.round(-64 * Math.log(1 - Math.min(bits, 63) / 64)))

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

/** now + before of a count. */
const both = (word: number): number => Math.min((word & 0xffff) + (word >>> 16), maximum)
const increment = (word: number): number => (word & 0xffff) === maximum ? word : word + 1

export class InitiatorContext {
  private readonly words: Int32Array
  /** Hash of each entry's initiator, 0 for none: a set is found in one cache line. */
  private readonly tags: Int32Array
  private readonly mask: number

  /** `entries`: initiators remembered, rounded down to a power of two, at least 4. */
  constructor(entries = 65536) {
    const sets = Math.max(1, 1 << Math.floor(Math.log2(Math.max(entries, ways) / ways)))
    this.mask = sets - 1
    this.tags = new Int32Array(sets * ways)
    this.words = new Int32Array(sets * ways * entryWords)
  }

  /**
   * Writes the eight numbers of the initiator at this moment to `out[at ...]`, then counts the flow that begins.
   * Addresses are words of `words` (one, or four for IPv6) at `initiator` and `responder`.
   */
  begin(
    words: Int32Array, initiator: number, responder: number, six: boolean, responderPort: number, micros: number,
    out: Uint16Array, at: number,
  ): void {
    const e = this.entry(words, initiator, six, micros, true)
    const peer = mix(six ? folded(words, responder) : words[responder])
    const port = mix(responderPort + 0x9e3779b9)
    this.window(e + windowW, shortPane, micros, peer, port, out, at)
    this.window(e + windowW + windowWords, longPane, micros, peer, port, out, at + 4)
  }

  private window(v: number, pane: number, micros: number, peer: number, port: number, out: Uint16Array, at: number): void {
    this.turn(v, pane, micros)
    const w = this.words
    const distinct = w[v + distinctW]
    out[at] = both(w[v + flowsW])
    out[at + 1] = both(w[v + failedW])
    out[at + 2] = estimates[distinct & 255]
    out[at + 3] = estimates[distinct >>> 8]
    w[v + flowsW] = increment(w[v + flowsW])
    w[v + distinctW] = distinct + this.set(v + mapsW, peer) + (this.set(v + mapsW + 2 * mapWords, port) << 8)
  }

  /** Sets a bit of the map filled now; 1 when neither pane had it. */
  private set(map: number, hash: number): number {
    const w = this.words
    const now = map + (hash >>> 5 & 1)
    const bit = 1 << (hash & 31)
    const fresh = ((w[now] | w[now + mapWords]) & bit) === 0
    w[now] |= bit
    return fresh ? 1 : 0
  }

  /** Counts a failure of the initiator, if it is still remembered. */
  failed(words: Int32Array, initiator: number, six: boolean, micros: number): void {
    const e = this.entry(words, initiator, six, micros, false)
    if (e < 0) return
    this.turn(e + windowW, shortPane, micros)
    this.turn(e + windowW + windowWords, longPane, micros)
    const w = this.words
    const short = e + windowW + failedW
    const long = short + windowWords
    w[short] = increment(w[short])
    w[long] = increment(w[long])
  }

  /** Turns the panes of a window to the time given. Time that runs backwards counts in the pane being filled. */
  private turn(v: number, length: number, micros: number): void {
    const w = this.words
    const pane = Math.floor(micros / length) & 0x7fffffff
    const steps = pane - w[v + paneW]
    if (steps <= 0) return
    w[v + paneW] = pane
    const keep = steps === 1 ? -1 : 0
    w[v + flowsW] = w[v + flowsW] << 16 & keep
    w[v + failedW] = w[v + failedW] << 16 & keep
    let bits = 0
    for (let map = v + mapsW, shift = 0; shift <= 8; map += 2 * mapWords, shift += 8) {
      for (let k = map; k < map + mapWords; k++) {
        w[k + mapWords] = w[k] & keep
        w[k] = 0
        bits += bitCount(w[k + mapWords]) << shift
      }
    }
    w[v + distinctW] = bits
  }

  /** Reads ahead what `begin` will need for this initiator; gives something that depends on what was read. */
  touch(words: Int32Array, initiator: number, six: boolean): number {
    const { words: w, tags } = this
    const tag = tagOf(words, initiator, six)
    const set = (tag & this.mask) * ways
    for (let k = set; k < set + ways; k++) if (tags[k] === tag) return w[k * entryWords] ^ w[k * entryWords + 16]
    return 0
  }

  /** The initiator's entry; taken from whoever was unseen for longest when `make` is set, else -1. */
  private entry(words: Int32Array, from: number, six: boolean, micros: number, make: boolean): number {
    const { words: w, tags } = this
    const a = words[from]
    const b = six ? words[from + 1] : 0
    const c = six ? words[from + 2] : familyMark
    const d = six ? words[from + 3] : 0
    const seconds = micros / 1e6 | 0
    const tag = tagOf(words, from, six)
    const set = (tag & this.mask) * ways
    for (let k = set; k < set + ways; k++) {
      if (tags[k] !== tag) continue
      const e = k * entryWords
      if (w[e] !== a || w[e + 1] !== b || w[e + 2] !== c || w[e + 3] !== d) continue
      if (make && seconds > w[e + seenW]) w[e + seenW] = seconds
      return e
    }
    if (!make) return -1
    let oldest = set
    for (let k = set; k < set + ways; k++) {
      if (tags[k] === 0) {
        oldest = k
        break
      }
      if (w[k * entryWords + seenW] < w[oldest * entryWords + seenW]) oldest = k
    }
    tags[oldest] = tag
    const e = oldest * entryWords
    for (let k = e + seenW; k < e + entryWords; k++) w[k] = 0
    w[e] = a
    w[e + 1] = b
    w[e + 2] = c
    w[e + 3] = d
    w[e + seenW] = seconds
    return e
  }
}

const folded = (words: Int32Array, at: number): number =>
  words[at] ^ Math.imul(words[at + 1], 0x9e3779b1) ^ Math.imul(words[at + 2], 0x85ebca77) ^ Math.imul(words[at + 3], 0xc2b2ae3d)

/** In the third word of an IPv4 address: tells it from an IPv6 address that ends in zeros. */
const familyMark = -65536

/** Hash of an initiator, never 0. */
function tagOf(words: Int32Array, at: number, six: boolean): number {
  return mix(six ? folded(words, at) : words[at] ^ Math.imul(familyMark, 0x85ebca77)) || 1
}
