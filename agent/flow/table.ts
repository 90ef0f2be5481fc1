/**
 * The flow table: records in one ArrayBuffer and an open-addressing index over them (hash, id), with backward-shift
 * deletion. Memory is bounded: the buffer is reserved once and touched from both ends only as far as flows need it;
 * the index is reserved at its largest too, and twice as much of it is used whenever it is half full. `claim` gives 0
 * when the buffer is full: the caller ends an old flow first. Never throws after construction, allocates only when
 * the index grows.
 *
 * A closure over its arrays, not a class: V8 then knows them as constants, which halves the cost of a packet.
 */
import * as packet from '../decode/packets.ts'
import { finish, fold, hashKeys } from './hash.ts'
import * as layout from './layout.ts'

const { batchSize, destinationP, hashP, kindP, outcomeP, portsP, scopeP, shiftP, sourceP } = packet
const { keyMask, oneWay, six } = packet.kind
const { extensionI, hashI, initiatorI, kindI, portsI, responderI, scopeI, shiftI, unit } = layout
const slotWords = 1 << shiftP
const firstMask = (1 << 12) - 1

/** The records' buffer as the four views that `layout.ts` speaks of. */
export type Slab = { readonly I: Int32Array, readonly F: Float64Array, readonly B: Uint8Array, readonly H: Uint16Array }

export type FlowTable = Slab & {
  /** Flows in the table. */
  open(): number
  /** Hashes the batch and reads ahead what its packets will need. */
  touch(count: number): number
  /** After `touch`: index of the record of each slot's flow, 0 where the packet will open one. */
  readonly likely: Int32Array
  /** Hash of the packet's conversation, written into its slot. */
  hash(slot: number): void
  /** id * 2 + direction (0: the packet comes from the initiator), or -1. */
  find(slot: number): number
  /** A free record, 0 when there is none. */
  claim(): number
  /** A free extension, 0 when there is none. */
  claimExtension(): number
  /** Enters a claimed record under its hash. */
  insert(hash: number, id: number): void
  /** Takes a record out and frees it with its extension. */
  remove(id: number): void
  /** Reads ahead the records of `entries` (id, ticket), number `from` up to `to`. */
  touchRecords(entries: Int32Array, from: number, to: number): number
}

/** A table of `octets`, records and index together, for packets in the slots `P`. `seed` is the secret of its hash. */
export function createTable(octets: number, seed: number, P: Int32Array): FlowTable {
  // The index takes 16 octets a flow at its fullest, 32 at its emptiest.
  const units = Math.max(64, Math.floor(octets / (unit * 2 + 32) * 2))
  const buffer = new ArrayBuffer(units * unit + 64)
  // The allocator's header shifts large buffers by 16 octets; this puts records back on cache lines.
  const align = 48
  const I = new Int32Array(buffer, align, units * unit / 4)
  const F = new Float64Array(buffer, align, units * unit / 8)
  const B = new Uint8Array(buffer, align, units * unit)
  const H = new Uint16Array(buffer, align, units * unit / 2)
  const slots = new Int32Array(2 * Math.max(firstMask + 1, 2 << Math.ceil(Math.log2(units / 2))))
  const likely = new Int32Array(batchSize)
  const keys = hashKeys(seed)
  const addressKey = keys[4]
  const portOffset = keys[5]
  const portKey = keys[6]
  const mixKey = keys[7]
  let mask = firstMask
  let open = 0
  // Free records and extensions, chained through their first word. Units never used lie in [low, high).
  let freeRecord = 0
  let freeExtension = 0
  let low = 2
  let high = units

  /** Hash of one endpoint; `word` is the address, folded to 32 bits if it is longer. */
  function endpoint(word: number, port: number): number {
    const x = Math.imul(word, addressKey) + Math.imul(port + portOffset, portKey) | 0
    return Math.imul(x ^ x >>> 15, mixKey)
  }

  function hash(slot: number): void {
    const ports = P[slot + portsP]
    const bits = P[slot + kindP]
    let a = P[slot + sourceP]
    let b = P[slot + destinationP]
    if ((bits & six) !== 0) {
      a = fold(keys, a, P[slot + sourceP + 1], P[slot + sourceP + 2], P[slot + sourceP + 3])
      b = fold(keys, b, P[slot + destinationP + 1], P[slot + destinationP + 2], P[slot + destinationP + 3])
    }
    P[slot + hashP] = finish(endpoint(a, ports >>> 16) + endpoint(b, ports & 0xffff) + (bits & keyMask) + P[slot + scopeP] | 0)
  }

  /**
   * First the packets' places in the index, then the records, then the extensions: within each of the three all reads
   * are independent, so that the memory accesses overlap. Gives something that depends on what was read; changes no
   * flow.
   */
  function touch(count: number): number {
    const last = count << shiftP
    let x = 0
    for (let slot = 0; slot < last; slot += slotWords) {
      if (P[slot + outcomeP] === 0) hash(slot)
      else P[slot + hashP] = 0
      x ^= slots[2 * (P[slot + hashP] & mask)]
    }
    for (let slot = 0, k = 0; slot < last; slot += slotWords, k++) {
      const wanted = P[slot + hashP]
      let i = wanted & mask
      while (slots[2 * i] !== wanted && slots[2 * i + 1] !== 0) i = i + 1 & mask
      const r = slots[2 * i + 1] << shiftI
      likely[k] = r
      x ^= I[r + 16] ^ I[r + 32] ^ I[r + 48]
    }
    for (let k = 0; k < count; k++) x ^= I[I[likely[k] + extensionI] << shiftI]
    return x
  }

  function touchRecords(entries: Int32Array, from: number, to: number): number {
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

  function find(slot: number): number {
    const wanted = P[slot + hashP]
    const ports = P[slot + portsP]
    const bits = P[slot + kindP] & keyMask
    for (let i = wanted & mask; ; i = i + 1 & mask) {
      const id = slots[2 * i + 1]
      if (id === 0) return -1
      if (slots[2 * i] !== wanted) continue
      const r = id << shiftI
      if (I[r + kindI] !== bits || I[r + scopeI] !== P[slot + scopeP]) continue
      const known = I[r + portsI]
      const length = (bits & six) === 0 ? 1 : 4
      const a = r + initiatorI
      const b = r + responderI
      if (known === ports && same(a, slot + sourceP, length) && same(b, slot + destinationP, length)) return id * 2
      if (known !== (ports >>> 16 | ports << 16) || (bits & oneWay) !== 0) continue
      if (same(a, slot + destinationP, length) && same(b, slot + sourceP, length)) return id * 2 + 1
    }
  }

  function same(word: number, address: number, length: number): boolean {
    return I[word] === P[address]
      && (length === 1 || (I[word + 1] === P[address + 1] && I[word + 2] === P[address + 2] && I[word + 3] === P[address + 3]))
  }

  function claim(): number {
    const id = freeRecord
    if (id !== 0) {
      freeRecord = I[id << shiftI]
      return id
    }
    if (low + 2 > high) return 0
    low += 2
    return low - 2
  }

  function claimExtension(): number {
    const id = freeExtension
    if (id !== 0) {
      freeExtension = I[id << shiftI]
      return id
    }
    if (high > low) return --high
    // A free record is two extensions. It stays split: there are never more extensions in use than records.
    const record = freeRecord
    if (record === 0) return 0
    freeRecord = I[record << shiftI]
    I[record + 1 << shiftI] = freeExtension
    freeExtension = record + 1
    return record
  }

  function insert(wanted: number, id: number): void {
    if (++open * 2 > mask && 2 * (mask + 1) < slots.length) grow()
    enter(wanted, id)
    I[(id << shiftI) + hashI] = wanted
  }

  function enter(wanted: number, id: number): void {
    let i = wanted & mask
    while (slots[2 * i + 1] !== 0) i = i + 1 & mask
    slots[2 * i] = wanted
    slots[2 * i + 1] = id
  }

  function grow(): void {
    const old = slots.slice(0, 2 * (mask + 1))
    slots.fill(0, 0, old.length)
    mask = mask * 2 + 1
    for (let k = 0; k < old.length; k += 2) if (old[k + 1] !== 0) enter(old[k], old[k + 1])
  }

  function remove(id: number): void {
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
    open--
    const extension = I[r + extensionI]
    if (extension !== 0) {
      I[extension << shiftI] = freeExtension
      freeExtension = extension
    }
    I[r] = freeRecord
    freeRecord = id
  }

  return { I, F, B, H, likely, open: () => open, touch, hash, find, claim, claimExtension, insert, remove, touchRecords }
}
