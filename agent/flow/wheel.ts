/**
 * Timing wheel of one-second buckets. A flow stands in the bucket of the second after which something can happen to
 * it; whether it does is decided when the bucket comes round, and if not the flow is put further on. Buckets are
 * queues (first in, first out), so the order of visits depends on the packets alone. A time beyond the wheel stands
 * in the farthest bucket and is looked at again there.
 *
 * A bucket is an array of entries (id, ticket), not a list through the records: flows that are about to be visited
 * have long left the cache, and with an array the next 32 can be read ahead together. A flow that is put elsewhere
 * leaves its old entry behind; it counts no more, because the record holds the ticket of the entry that does. Entries
 * are bounded: when there are too many, those that do not count are swept out.
 */
import * as layout from './layout.ts'
import type { FlowTable } from './table.ts'

const { shiftI, ticketI } = layout

const size = 256
/** Entries read ahead at a time. */
const ahead = 32
const smallest = 128
/** A bucket that grew beyond this gives its memory back. */
const largestKept = 8192
/** Entries allowed beyond two for each open flow. */
const slack = 65536

export class Wheel {
  /** The second whose bucket is visited next. */
  second = 0
  /** Written to so that reading ahead is not optimised away. */
  touched = 0
  private readonly buckets: Int32Array[] = Array.from({ length: size }, () => new Int32Array(smallest))
  private readonly count = new Int32Array(size)
  private readonly taken = new Int32Array(size)
  private readonly readAhead = new Int32Array(size)
  private entries = 0
  /** Of the entry added last; 0 is nobody's. */
  private ticket = 0
  private readonly table: FlowTable

  constructor(table: FlowTable) {
    this.table = table
  }

  /** Puts a flow into the bucket visited once `micros` has passed, wherever it stood before. */
  add(id: number, micros: number): void {
    const distance = Math.floor(micros / 1e6) + 1 - this.second
    const bucket = this.second + (distance < 1 ? 1 : distance > size - 1 ? size - 1 : distance) & size - 1
    this.ticket = this.ticket + 1 | 0
    if (this.ticket === 0) this.ticket = 1
    this.table.I[(id << shiftI) + ticketI] = this.ticket
    const n = this.count[bucket]
    let entries = this.buckets[bucket]
    if (2 * n === entries.length) entries = this.widen(bucket)
    entries[2 * n] = id
    entries[2 * n + 1] = this.ticket
    this.count[bucket] = n + 1
    if (++this.entries > 2 * this.table.open() + slack) this.sweep()
  }

  private widen(bucket: number): Int32Array {
    const entries = new Int32Array(this.buckets[bucket].length * 2)
    entries.set(this.buckets[bucket])
    this.buckets[bucket] = entries
    return entries
  }

  /** Takes a flow out. */
  remove(id: number): void {
    this.table.I[(id << shiftI) + ticketI] = 0
  }

  /** First flow of the current second's bucket, 0 when there is none left. */
  due(): number {
    return this.first(this.second & size - 1)
  }

  /** The flow whose time comes first, `except` not counted; 0 when there is none. */
  nearest(except = 0): number {
    for (let i = 0; i < size; i++) {
      const bucket = this.second + i & size - 1
      const id = this.first(bucket)
      if (id === 0) continue
      if (id !== except) return id
      const { I } = this.table
      const entries = this.buckets[bucket]
      for (let k = this.taken[bucket] + 1; k < this.count[bucket]; k++) {
        const other = entries[2 * k]
        if (other !== except && I[(other << shiftI) + ticketI] === entries[2 * k + 1]) return other
      }
    }
    return 0
  }

  /** First flow of a bucket whose entry counts; those before it are dropped. */
  private first(bucket: number): number {
    const { I } = this.table
    const entries = this.buckets[bucket]
    const count = this.count[bucket]
    for (let k = this.taken[bucket]; k < count; k++) {
      if (k >= this.readAhead[bucket]) this.touch(bucket, k)
      const id = entries[2 * k]
      if (I[(id << shiftI) + ticketI] === entries[2 * k + 1]) {
        this.taken[bucket] = k
        return id
      }
      this.entries--
      this.taken[bucket] = k + 1
    }
    return 0
  }

  private touch(bucket: number, from: number): void {
    const to = Math.min(this.count[bucket], from + ahead)
    this.touched ^= this.table.touchRecords(this.buckets[bucket], from, to)
    this.readAhead[bucket] = to
  }

  /** Moves to the next second; a gap of more than a turn is skipped, because by then every bucket has come round. */
  step(to: number): void {
    this.clear(this.second & size - 1)
    this.second = to - this.second > size ? to - size : this.second + 1
  }

  private clear(bucket: number): void {
    this.entries -= this.count[bucket] - this.taken[bucket]
    this.count[bucket] = 0
    this.taken[bucket] = 0
    this.readAhead[bucket] = 0
    if (this.buckets[bucket].length > largestKept) this.buckets[bucket] = new Int32Array(smallest)
  }

  /** Sets the clock; flows keep their buckets and are looked at when these come round. */
  reset(second: number): void {
    this.second = second
  }

  /** Drops every entry that does not count, keeping the order of the others. */
  private sweep(): void {
    const { I } = this.table
    this.entries = 0
    for (let bucket = 0; bucket < size; bucket++) {
      const entries = this.buckets[bucket]
      let kept = 0
      for (let k = this.taken[bucket]; k < this.count[bucket]; k++) {
        if (I[(entries[2 * k] << shiftI) + ticketI] !== entries[2 * k + 1]) continue
        entries[2 * kept] = entries[2 * k]
        entries[2 * kept + 1] = entries[2 * k + 1]
        kept++
      }
      this.taken[bucket] = 0
      this.readAhead[bucket] = 0
      this.count[bucket] = kept
      this.entries += kept
    }
  }
}
