/**
 * Where a key waits until its fourth member: most keys never have one, and a flood of made-up keys consists of nothing
 * else. A fixed slab of typed arrays, 4-way associative by a 64-bit hash of the key; a full bucket gives up its oldest
 * key (counted when that was still inside the window). Nothing is ever allocated after construction. Two keys of one
 * hash would share a slot.
 */
import { hash32 } from '../../proto/sketch.ts'
import { keptPanes } from './panes.ts'

const ways = 4
/** Members a slot holds. */
export const waiting = 3

export class Antechamber {
  evicted = 0
  readonly #mask: number
  readonly #low: Uint32Array
  readonly #high: Uint32Array
  /** Newest pane + 1 of the slot; 0 = free. */
  readonly #newest: Int32Array
  readonly #used: Uint8Array
  readonly #members: Uint32Array
  readonly #panes: Int32Array

  /** `slots` is a power of two; 37 octets each. */
  constructor(slots: number) {
    this.#mask = slots / ways - 1
    this.#low = new Uint32Array(slots)
    this.#high = new Uint32Array(slots)
    this.#newest = new Int32Array(slots)
    this.#used = new Uint8Array(slots)
    this.#members = new Uint32Array(slots * waiting)
    this.#panes = new Int32Array(slots * waiting)
  }

  /** Slot of a key, -1 when it has none. */
  find(key: string): number {
    const low = hash32(key)
    const high = hash32(key, 0x1b873593)
    const base = (low & this.#mask) * ways
    for (let i = base; i < base + ways; i++) if (this.#newest[i] !== 0 && this.#low[i] === low && this.#high[i] === high) return i
    return -1
  }

  /** Slot of a key, taken if need be. */
  slot(key: string, pane: number): number {
    const low = hash32(key)
    const high = hash32(key, 0x1b873593)
    const base = (low & this.#mask) * ways
    let oldest = base
    for (let i = base; i < base + ways; i++) {
      if (this.#newest[i] !== 0 && this.#low[i] === low && this.#high[i] === high) return i
      if (this.#newest[i] < this.#newest[oldest]) oldest = i
    }
    if (this.#newest[oldest] > pane + 1 - keptPanes) this.evicted++
    this.#low[oldest] = low
    this.#high[oldest] = high
    this.#newest[oldest] = pane + 1
    this.#used[oldest] = 0
    return oldest
  }

  /** Adds a member; false when the slot is full and the key must move on. */
  add(slot: number, member: number, pane: number): boolean {
    const from = slot * waiting
    const used = this.#used[slot]
    if (pane >= this.#newest[slot]) this.#newest[slot] = pane + 1
    let free = used < waiting ? from + used : -1
    for (let i = from; i < from + used; i++) {
      if (this.#members[i] === member) {
        if (pane > this.#panes[i]) this.#panes[i] = pane
        return true
      }
      if (this.#panes[i] <= this.#newest[slot] - 1 - keptPanes) free = i
    }
    if (free < 0) return false
    if (free === from + used) this.#used[slot]++
    this.#members[free] = member
    this.#panes[free] = pane
    return true
  }

  /** Distinct members in the panes (from, to]. */
  count(slot: number, from: number, to: number): number {
    let n = 0
    for (let i = slot * waiting; i < slot * waiting + this.#used[slot]; i++) if (this.#panes[i] > from && this.#panes[i] <= to) n++
    return n
  }

  /** Newest pane of the slot. */
  newest(slot: number): number {
    return this.#newest[slot] - 1
  }

  /** Hands the members over and frees the slot. */
  leave(slot: number, take: (member: number, pane: number) => void): void {
    for (let i = slot * waiting; i < slot * waiting + this.#used[slot]; i++) take(this.#members[i], this.#panes[i])
    this.#newest[slot] = 0
    this.#used[slot] = 0
  }

  entries(): number {
    let n = 0
    for (const newest of this.#newest) if (newest !== 0) n++
    return n
  }
}
