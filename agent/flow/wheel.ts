/**
 * Timing wheel of one-second buckets. A flow stands in the bucket of the second after which something can happen to
 * it; whether it does is decided when the bucket comes round, and if not the flow is put further on. Buckets are
 * queues (first in, first out) linked through the records, so the order of visits depends on the packets alone. A
 * time beyond the wheel stands in the farthest bucket and is looked at again there.
 */
import { bucketB, nextI, previousI, shiftB, shiftI } from './layout.ts'
import type { FlowTable } from './table.ts'

const size = 256

export class Wheel {
  /** The second whose bucket is visited next. */
  second = 0
  private readonly head = new Int32Array(size)
  private readonly tail = new Int32Array(size)
  private readonly table: FlowTable

  constructor(table: FlowTable) {
    this.table = table
  }

  /** Puts a flow into the bucket visited once `micros` has passed. */
  add(id: number, micros: number): void {
    const { head, tail, table: { I, B } } = this
    const ahead = Math.floor(micros / 1e6) + 1 - this.second
    const bucket = this.second + (ahead < 1 ? 1 : ahead > size - 1 ? size - 1 : ahead) & size - 1
    const last = tail[bucket]
    I[(id << shiftI) + nextI] = 0
    I[(id << shiftI) + previousI] = last
    B[(id << shiftB) + bucketB] = bucket
    tail[bucket] = id
    if (last === 0) head[bucket] = id
    else I[(last << shiftI) + nextI] = id
  }

  remove(id: number): void {
    const { head, tail, table: { I, B } } = this
    const next = I[(id << shiftI) + nextI]
    const previous = I[(id << shiftI) + previousI]
    const bucket = B[(id << shiftB) + bucketB]
    if (previous === 0) head[bucket] = next
    else I[(previous << shiftI) + nextI] = next
    if (next === 0) tail[bucket] = previous
    else I[(next << shiftI) + previousI] = previous
  }

  /** First flow of the current second's bucket, 0 when it is empty. */
  due(): number {
    return this.head[this.second & size - 1]
  }

  /** The flow whose time comes first, `except` not counted; 0 when there is none. */
  nearest(except = 0): number {
    for (let i = 0; i < size; i++) {
      const id = this.head[this.second + i & size - 1]
      if (id === 0) continue
      if (id !== except) return id
      const next = this.table.I[(id << shiftI) + nextI]
      if (next !== 0) return next
    }
    return 0
  }

  /** Moves to the next second; a gap of more than a turn is skipped, because by then every bucket has come round. */
  step(to: number): void {
    this.second = to - this.second > size ? to - size : this.second + 1
  }

  /** Sets the clock; flows keep their buckets and are looked at when these come round. */
  reset(second: number): void {
    this.second = second
  }
}
