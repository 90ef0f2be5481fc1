/**
 * The flow table: records in one ArrayBuffer and an open-addressing index over them (hash, id), with backward-shift
 * deletion. Memory is bounded: the buffer is reserved once and touched from both ends only as far as flows need it,
 * the index doubles as it fills. `claim` gives 0 when the buffer is full: the caller ends an old flow first. Never
 * throws after construction, allocates only when the index doubles.
 */
import { endpoint, finish, fold, hashKeys } from './hash.ts'
import { extensionI, initiatorI, kindI, portsI, responderI, scopeI, shiftI, unit } from './layout.ts'
import type { Packets } from '../decode/packets.ts'

const six = 0x100
const oneWay = 0x200
const keyMask = 0x3ff
const firstSlots = 1 << 12

export class FlowTable {
  readonly I: Int32Array
  readonly F: Float64Array
  readonly B: Uint8Array
  readonly H: Uint16Array
  /** Flows in the table. */
  open = 0
  private readonly keys: Int32Array
  private slots = new Int32Array(2 * firstSlots)
  private mask = firstSlots - 1
  /** Free records and extensions, chained through their first word. */
  private freeRecord = 0
  private freeExtension = 0
  /** Units never used lie in [low, high). */
  private low = 2
  private high: number

  /** `octets`: of records and index together. */
  constructor(octets: number, seed: number) {
    // The index takes 16 to 32 octets a flow.
    const units = Math.max(64, Math.floor(octets / (unit * 2 + 32) * 2))
    const buffer = new ArrayBuffer(units * unit + 64)
    // The allocator's header shifts large buffers by 16 octets; this puts records back on cache lines.
    const align = 48
    this.I = new Int32Array(buffer, align, units * unit / 4)
    this.F = new Float64Array(buffer, align, units * unit / 8)
    this.B = new Uint8Array(buffer, align, units * unit)
    this.H = new Uint16Array(buffer, align, units * unit / 2)
    this.high = units
    this.keys = hashKeys(seed)
  }

  /** Hash of the packet's conversation. */
  hash(packets: Packets, slot: number, view: DataView): number {
    const { keys } = this
    const at = packets.source[slot]
    const ports = packets.ports[slot]
    const bits = packets.kind[slot]
    let source: number
    let destination: number
    if ((bits & six) === 0) {
      source = view.getInt32(at, true)
      destination = view.getInt32(at + 4, true)
    } else {
      source = fold(keys, view.getInt32(at, true), view.getInt32(at + 4, true), view.getInt32(at + 8, true), view.getInt32(at + 12, true))
      destination = fold(keys, view.getInt32(at + 16, true), view.getInt32(at + 20, true), view.getInt32(at + 24, true), view.getInt32(at + 28, true))
    }
    return finish(endpoint(keys, source, ports >>> 16) + endpoint(keys, destination, ports & 0xffff) + (bits & keyMask) + packets.scope[slot] | 0)
  }

  /** The id in the slot where this hash would be looked for first: what `find` is likely to touch. */
  likely(hash: number): number {
    return this.slots[2 * (hash & this.mask) + 1]
  }

  /** id * 2 + direction (0: the packet comes from the initiator), or -1. */
  find(hash: number, packets: Packets, slot: number, view: DataView): number {
    const { I, slots, mask } = this
    const ports = packets.ports[slot]
    const bits = packets.kind[slot] & keyMask
    const at = packets.source[slot]
    for (let i = hash & mask; ; i = i + 1 & mask) {
      const id = slots[2 * i + 1]
      if (id === 0) return -1
      if (slots[2 * i] !== hash) continue
      const r = id << shiftI
      if (I[r + kindI] !== bits || I[r + scopeI] !== packets.scope[slot]) continue
      const reversed = ports >>> 16 | ports << 16
      const known = I[r + portsI]
      if ((bits & six) === 0) {
        const source = view.getInt32(at, true)
        const destination = view.getInt32(at + 4, true)
        if (known === ports && I[r + initiatorI] === source && I[r + responderI] === destination) return id * 2
        if (known === reversed && I[r + initiatorI] === destination && I[r + responderI] === source && (bits & oneWay) === 0) return id * 2 + 1
      } else {
        if (known === ports && this.same(r + initiatorI, view, at) && this.same(r + responderI, view, at + 16)) return id * 2
        if (known === reversed && (bits & oneWay) === 0 && this.same(r + initiatorI, view, at + 16) && this.same(r + responderI, view, at)) return id * 2 + 1
      }
    }
  }

  private same(word: number, view: DataView, at: number): boolean {
    const { I } = this
    return I[word] === view.getInt32(at, true) && I[word + 1] === view.getInt32(at + 4, true)
      && I[word + 2] === view.getInt32(at + 8, true) && I[word + 3] === view.getInt32(at + 12, true)
  }

  /** A free record, 0 when there is none. */
  claim(): number {
    const id = this.freeRecord
    if (id !== 0) {
      this.freeRecord = this.I[id << shiftI]
      return id
    }
    if (this.low + 2 > this.high) return 0
    this.low += 2
    return this.low - 2
  }

  /** A free extension, 0 when there is none. */
  claimExtension(): number {
    const id = this.freeExtension
    if (id !== 0) {
      this.freeExtension = this.I[id << shiftI]
      return id
    }
    if (this.high > this.low) return --this.high
    // A free record is two extensions. It stays split: there are never more extensions in use than records.
    const record = this.freeRecord
    if (record === 0) return 0
    this.freeRecord = this.I[record << shiftI]
    this.I[record + 1 << shiftI] = this.freeExtension
    this.freeExtension = record + 1
    return record
  }

  /** Enters a claimed record under its hash. */
  insert(hash: number, id: number): void {
    if (++this.open * 2 > this.mask) this.grow()
    const { slots, mask } = this
    let i = hash & mask
    while (slots[2 * i + 1] !== 0) i = i + 1 & mask
    slots[2 * i] = hash
    slots[2 * i + 1] = id
  }

  private grow(): void {
    const old = this.slots
    const mask = this.mask * 2 + 1
    const slots = new Int32Array(old.length * 2)
    for (let k = 0; k < old.length; k += 2) {
      if (old[k + 1] === 0) continue
      let i = old[k] & mask
      while (slots[2 * i + 1] !== 0) i = i + 1 & mask
      slots[2 * i] = old[k]
      slots[2 * i + 1] = old[k + 1]
    }
    this.slots = slots
    this.mask = mask
  }

  /** Takes a record out and frees it with its extension. */
  remove(id: number): void {
    const { I, slots, mask } = this
    const r = id << shiftI
    let i = this.rehash(r) & mask
    while (slots[2 * i + 1] !== id) i = i + 1 & mask
    // Backward shift: whoever may move into the hole does, so that searches can end at the first empty slot.
    for (let j = i; ;) {
      j = j + 1 & mask
      if (slots[2 * j + 1] === 0) break
      const home = slots[2 * j] & mask
      if ((j - home & mask) >= (j - i & mask)) {
        slots[2 * i] = slots[2 * j]
        slots[2 * i + 1] = slots[2 * j + 1]
        i = j
      }
    }
    slots[2 * i + 1] = 0
    this.open--
    const extension = I[r + extensionI]
    if (extension !== 0) {
      I[extension << shiftI] = this.freeExtension
      this.freeExtension = extension
    }
    I[r] = this.freeRecord
    this.freeRecord = id
  }

  private rehash(r: number): number {
    const { I, keys } = this
    const bits = I[r + kindI]
    const ports = I[r + portsI]
    const a = r + initiatorI
    const b = r + responderI
    const initiator = (bits & six) === 0 ? I[a] : fold(keys, I[a], I[a + 1], I[a + 2], I[a + 3])
    const responder = (bits & six) === 0 ? I[b] : fold(keys, I[b], I[b + 1], I[b + 2], I[b + 3])
    return finish(endpoint(keys, initiator, ports >>> 16) + endpoint(keys, responder, ports & 0xffff) + bits + I[r + scopeI] | 0)
  }
}
