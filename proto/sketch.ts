/**
 * Mergeable counts of distinct things. Up to 256 members are kept exactly, above that in a HyperLogLog of 1,024
 * registers (standard error 1.04 / sqrt(1024) = 3.3 %, Flajolet et al. 2007), read with the improved raw estimator of
 * Ertl 2017 (algorithm 6), which needs no correction table. Members are 32-bit hashes: two names that share one are
 * counted once (1 in 10^7 for 256 members). Merging is commutative, associative and idempotent: duplicated or reordered
 * partial counts do no harm.
 *
 * Byte form (`encode`): one octet of kind, then kind 1: members as little-endian uint32, ascending; kind 2: 1,024
 * registers.
 */

/** Members counted exactly. */
export const exactLimit = 256

const bits = 10
const registers = 1 << bits
/** Largest rank: 32 bits of the second hash, all zero, plus one. */
const maxRank = 33
const scale = registers * registers / (2 * Math.LN2)

/** Murmur3's finaliser: spreads 32 bits over 32 bits, one to one. */
export function mix32(value: number): number {
  let h = value | 0
  h = Math.imul(h ^ h >>> 16, 0x85ebca6b)
  h = Math.imul(h ^ h >>> 13, 0xc2b2ae35)
  return (h ^ h >>> 16) >>> 0
}

/**
 * 32-bit hash of a text: FNV-1a over UTF-16 units, finished by `mix32`. Fixed for ever: it is part of stored sketches.
 */
export function hash32(text: string, seed = 0x811c9dc5): number {
  let h = seed | 0
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return mix32(h)
}

/** HyperLogLog over 32-bit members, 1 kB. */
export class HyperLogLog {
  readonly ranks = new Uint8Array(registers)
  readonly #histogram = new Uint16Array(maxRank + 1)

  constructor() {
    this.#histogram[0] = registers
  }

  /** Adds a member (uint32); true when the sketch changed. */
  add(member: number): boolean {
    const index = mix32(member ^ 0x9e3779b9) & registers - 1
    return this.#raise(index, Math.clz32(mix32(member + 0x7f4a7c15)) + 1)
  }

  #raise(index: number, rank: number): boolean {
    const old = this.ranks[index]
    if (rank <= old) return false
    this.#histogram[old]--
    this.#histogram[rank]++
    this.ranks[index] = rank
    return true
  }

  merge(other: HyperLogLog): void {
    for (let i = 0; i < registers; i++) if (other.ranks[i] > 0) this.#raise(i, other.ranks[i])
  }

  clear(): void {
    this.ranks.fill(0)
    this.#histogram.fill(0)
    this.#histogram[0] = registers
  }

  /** Estimated number of distinct members. */
  estimate(): number {
    const count = this.#histogram
    let z = registers * tau(1 - count[maxRank] / registers)
    for (let k = maxRank - 1; k >= 1; k--) z = 0.5 * (z + count[k])
    z += registers * sigma(count[0] / registers)
    return scale / z
  }
}

/** Ertl 2017, equation 17 and 18. */
function sigma(start: number): number {
  if (start === 1) return Infinity
  let x = start
  let y = 1
  let z = x
  for (let last = -1; z !== last;) {
    last = z
    x *= x
    z += x * y
    y += y
  }
  return z
}

function tau(start: number): number {
  if (start === 0 || start === 1) return 0
  let x = start
  let y = 1
  let z = 1 - x
  for (let last = -1; z !== last;) {
    last = z
    x = Math.sqrt(x)
    y *= 0.5
    z -= (1 - x) * (1 - x) * y
  }
  return z / 3
}

/** A count of distinct members: exact to 256, estimated above. */
export class DistinctCount {
  #exact: Set<number> | undefined = new Set()
  #sketch: HyperLogLog | undefined

  get exact(): boolean {
    return this.#exact !== undefined
  }

  add(member: number): void {
    if (this.#exact === undefined) this.#sketch?.add(member)
    else if (this.#exact.add(member >>> 0).size > exactLimit) this.#widen()
  }

  merge(other: DistinctCount): void {
    if (other.#exact !== undefined) for (const member of other.#exact) this.add(member)
    else if (other.#sketch !== undefined) this.#widen().merge(other.#sketch)
  }

  #widen(): HyperLogLog {
    this.#sketch ??= new HyperLogLog()
    for (const member of this.#exact ?? []) this.#sketch.add(member)
    this.#exact = undefined
    return this.#sketch
  }

  /** Number of distinct members, rounded. */
  count(): number {
    return this.#exact?.size ?? Math.round(this.#sketch?.estimate() ?? 0)
  }

  encode(): Uint8Array {
    if (this.#exact === undefined) return Uint8Array.from([2, ...this.#sketch?.ranks ?? []])
    const out = new Uint8Array(1 + 4 * this.#exact.size)
    const view = new DataView(out.buffer)
    out[0] = 1
    for (const [i, member] of [...this.#exact].sort((a, b) => a - b).entries()) view.setUint32(1 + 4 * i, member, true)
    return out
  }

  /** The count that `encode` wrote. Throws RangeError on any other bytes. */
  static decode(bytes: Uint8Array): DistinctCount {
    const out = new DistinctCount()
    if (bytes[0] === 1 && bytes.length % 4 === 1 && bytes.length <= 1 + 4 * exactLimit) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      for (let at = 1; at < bytes.length; at += 4) out.add(view.getUint32(at, true))
    } else if (bytes[0] === 2 && bytes.length === 1 + registers && bytes.every((rank, i) => i === 0 || rank <= maxRank)) {
      const sketch = out.#widen()
      const other = new HyperLogLog()
      other.ranks.set(bytes.subarray(1))
      sketch.merge(other)
    } else throw new RangeError('not a distinct count')
    return out
  }
}
