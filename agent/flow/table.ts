/**
 * The flow table: records in one ArrayBuffer and an open-addressing index over them (hash, id), with backward-shift
 * deletion. Memory is bounded: the buffer is reserved once and touched from both ends only as far as flows need it,
 * the index doubles as it fills. `claim` gives 0 when the buffer is full: the caller ends an old flow first. Never
 * throws after construction, allocates only when the index doubles.
 */
import * as packet from '../decode/packets.ts'
import { finish, fold, hashKeys } from './hash.ts'
import * as layout from './layout.ts'

const { hashP, kindP, outcomeP, portsP, scopeP, shiftP, sourceP } = packet
const { keyMask, oneWay, six } = packet.kind
const { extensionI, hashI, initiatorI, kindI, portsI, responderI, scopeI, shiftI, unit } = layout
const slotWords = 1 << shiftP
const firstSlots = 1 << 12

export class FlowTable {
  readonly I: Int32Array
  readonly F: Float64Array
  readonly B: Uint8Array
  readonly H: Uint16Array
  /** Flows in the table. */
  open = 0
  private readonly keys: Int32Array
  // Keys of the endpoints' hash, as numbers of their own because every packet needs them.
  private readonly addressKey: number
  private readonly portKey: number
  private readonly portOffset: number
  private readonly mixKey: number
  private readonly likely = new Int32Array(packet.batchSize)
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
    this.addressKey = this.keys[4]
    this.portOffset = this.keys[5]
    this.portKey = this.keys[6]
    this.mixKey = this.keys[7]
  }

  /** Hash of the packet's conversation, written into its slot. */
  hash(P: Int32Array, slot: number, view: DataView): void {
    const at = P[slot + sourceP]
    const ports = P[slot + portsP]
    const bits = P[slot + kindP]
    const sum = (bits & six) === 0
      ? this.endpoint(view.getInt32(at, true), ports >>> 16) + this.endpoint(view.getInt32(at + 4, true), ports & 0xffff)
      : this.endpoint(this.folded(view, at), ports >>> 16) + this.endpoint(this.folded(view, at + 16), ports & 0xffff)
    P[slot + hashP] = finish(sum + (bits & keyMask) + P[slot + scopeP] | 0)
  }

  /** Hash of one endpoint; `word` is the address, folded to 32 bits if it is longer. */
  private endpoint(word: number, port: number): number {
    const x = Math.imul(word, this.addressKey) + Math.imul(port + this.portOffset, this.portKey) | 0
    return Math.imul(x ^ x >>> 15, this.mixKey)
  }

  private folded(view: DataView, at: number): number {
    return fold(this.keys, view.getInt32(at, true), view.getInt32(at + 4, true), view.getInt32(at + 8, true), view.getInt32(at + 12, true))
  }

  /**
   * Hashes the batch and reads a word of each cache line that its packets are about to need: first their places in the index,
   * then the records, then the extensions. Within each of the three all reads are independent, so that the memory accesses
   * overlap. Gives something that depends on what was read; changes no flow.
   */
  touch(P: Int32Array, count: number, view: DataView): number {
    const { I, slots, mask, likely } = this
    const last = count << shiftP
    let x = 0
    for (let slot = 0; slot < last; slot += slotWords) {
      if (P[slot + outcomeP] !== 0) P[slot + hashP] = 0
      else this.hash(P, slot, view)
      x ^= slots[2 * (P[slot + hashP] & mask)]
    }
    for (let slot = 0, k = 0; slot < last; slot += slotWords, k++) {
      const hash = P[slot + hashP]
      let i = hash & mask
      while (slots[2 * i] !== hash && slots[2 * i + 1] !== 0) i = i + 1 & mask
      const r = slots[2 * i + 1] << shiftI
      likely[k] = r
      x ^= I[r + 16] ^ I[r + 32] ^ I[r + 48]
    }
    for (let k = 0; k < count; k++) x ^= I[I[likely[k] + extensionI] << shiftI]
    return x
  }

  /** id * 2 + direction (0: the packet comes from the initiator), or -1. */
  find(P: Int32Array, slot: number, view: DataView): number {
    const { I, slots, mask } = this
    const hash = P[slot + hashP]
    const ports = P[slot + portsP]
    const bits = P[slot + kindP] & keyMask
    const at = P[slot + sourceP]
    for (let i = hash & mask; ; i = i + 1 & mask) {
      const id = slots[2 * i + 1]
      if (id === 0) return -1
      if (slots[2 * i] !== hash) continue
      const r = id << shiftI
      if (I[r + kindI] !== bits || I[r + scopeI] !== P[slot + scopeP]) continue
      const reversed = ports >>> 16 | ports << 16
      const known = I[r + portsI]
      if ((bits & six) === 0) {
        const source = view.getInt32(at, true)
        const destination = view.getInt32(at + 4, true)
        if (known === ports && I[r + initiatorI] === source && I[r + responderI] === destination) return id * 2
        if (known === reversed && I[r + initiatorI] === destination && I[r + responderI] === source && (bits & oneWay) === 0) return id * 2 + 1
      } else {
        if (known === ports && this.same(r + initiatorI, view, at) && this.same(r + responderI, view, at + 16)) return id * 2
        if (known === reversed && (bits & oneWay) === 0 && this.same(r + initiatorI, view, at + 16) && this.same(r + responderI, view, at)) {
          return id * 2 + 1
        }
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
    this.I[(id << shiftI) + hashI] = hash
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
    let i = I[r + hashI] & mask
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

  /** Reads a word of each cache line of the records of `entries` (id, ticket) number `from` up to `to`, of their extensions and of their places in the index. */
  touchRecords(entries: Int32Array, from: number, to: number): number {
    const { I, slots, mask } = this
    let x = 0
    for (let k = from; k < to; k++) {
      const r = entries[2 * k] << shiftI
      x ^= I[r] ^ I[r + 16] ^ I[r + 32] ^ I[r + 48]
    }
    for (let k = from; k < to; k++) {
      const r = entries[2 * k] << shiftI
      const extension = I[r + extensionI] << shiftI
      x ^= I[extension] ^ I[extension + 16] ^ slots[2 * (I[r + hashI] & mask)]
    }
    return x
  }
}
