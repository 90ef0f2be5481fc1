/**
 * Distinct members per key in a sliding window of event time (10 minutes in panes of 30 s). A key's window ends with its
 * own newest pane, so records may come in any order within 15 minutes and however they were batched. Counts are exact to
 * 256 members, then a HyperLogLog per pane. A key that went wide stays wide until it falls silent.
 *
 * Bounded: keys wait in an antechamber until their fourth member; then they have their own window, up to `keys`, of
 * which up to `wide` may hold sketches. A full pool gives up its longest silent key, counted. Internal and external keys
 * have separate pools, so a flood from outside cannot push out what happens inside. Never blocks.
 */
import { exactLimit, HyperLogLog } from '../../proto/sketch.ts'
import { Antechamber } from './antechamber.ts'
import { keptPanes, paneOf, windowPanes } from './panes.ts'
import type { Capacity, Held } from './panes.ts'

type Window = {
  newest: number
  /** Member -> newest pane it was seen in; undefined when the window is wide. */
  members: Map<number, number> | undefined
  /** How many members were last seen in each pane (index: pane modulo 30). */
  perPane: Uint16Array
  sketches: (HyperLogLog | undefined)[]
  merged: HyperLogLog | undefined
  mergedPane: number
}

class Pool {
  readonly windows = new Map<string, Window>()
  readonly wide = new Map<string, Window>()
  readonly antechamber: Antechamber
  readonly #capacity: Capacity
  evicted = 0

  constructor(capacity: Capacity) {
    this.#capacity = capacity
    this.antechamber = new Antechamber(capacity.slots)
  }

  find(key: string): Window | undefined {
    return this.windows.get(key) ?? this.wide.get(key)
  }

  open(key: string, pane: number): Window {
    const window: Window = {
      newest: pane, members: new Map(), perPane: new Uint16Array(keptPanes), sketches: [], merged: undefined, mergedPane: -1,
    }
    this.#admit(this.windows, key, window, this.#capacity.keys)
    return window
  }

  /** Moves a key behind all others: Maps keep their order of insertion. */
  touch(key: string, window: Window): void {
    const pool = window.members === undefined ? this.wide : this.windows
    pool.delete(key)
    pool.set(key, window)
  }

  widen(key: string, window: Window): void {
    this.windows.delete(key)
    for (const [member, pane] of window.members ?? []) sketchOf(window, pane).add(member)
    window.members = undefined
    this.#admit(this.wide, key, window, this.#capacity.wide)
  }

  #admit(pool: Map<string, Window>, key: string, window: Window, limit: number): void {
    pool.set(key, window)
    for (const [oldest, { newest }] of pool) {
      const silent = newest <= window.newest - keptPanes
      if (!silent && pool.size <= limit) break
      if (!silent) this.evicted++
      pool.delete(oldest)
    }
  }
}

function sketchOf(window: Window, pane: number): HyperLogLog {
  return window.sketches[pane % keptPanes] ??= new HyperLogLog()
}

export class DistinctWindows {
  readonly #inside: Pool
  readonly #outside: Pool

  constructor(capacity: Capacity) {
    this.#inside = new Pool(capacity)
    this.#outside = new Pool(capacity)
  }

  /**
   * Counts `member` (uint32) for `key` at an event time. Gives the number of distinct members in the 10 minutes that end
   * with the key's newest pane; for a late record, in the newest 10 minutes that still contain it. 0 when it came more
   * than 15 minutes late.
   */
  add(key: string, member: number, micros: number, internal: boolean): number {
    const pool = internal ? this.#inside : this.#outside
    const pane = paneOf(micros)
    let window = pool.find(key)
    if (window === undefined) {
      const slot = pool.antechamber.slot(key, pane)
      const newest = pool.antechamber.newest(slot)
      if (pane <= newest - keptPanes) return 0
      if (pool.antechamber.add(slot, member, pane)) {
        const end = Math.min(Math.max(newest, pane), pane + windowPanes - 1)
        return pool.antechamber.count(slot, end - windowPanes, end)
      }
      window = pool.open(key, Math.max(newest, pane))
      const target = window
      pool.antechamber.leave(slot, (old, oldPane) => { put(target, old, oldPane) })
    } else if (pane > window.newest) {
      advance(window, pane)
      pool.touch(key, window)
    } else if (pane <= window.newest - keptPanes) return 0
    put(window, member, pane)
    if (window.members !== undefined && window.members.size > exactLimit && !shed(window)) pool.widen(key, window)
    return countAt(window, Math.min(window.newest, pane + windowPanes - 1))
  }

  /** Distinct members of `key` in the 10 minutes that end at its newest pane. */
  count(key: string, internal: boolean): number {
    const pool = internal ? this.#inside : this.#outside
    const window = pool.find(key)
    if (window !== undefined) return countAt(window, window.newest)
    const slot = pool.antechamber.find(key)
    if (slot < 0) return 0
    const newest = pool.antechamber.newest(slot)
    return pool.antechamber.count(slot, newest - windowPanes, newest)
  }

  size(): Held {
    let entries = 0
    let evicted = 0
    for (const pool of [this.#inside, this.#outside]) {
      entries += pool.windows.size + pool.wide.size + pool.antechamber.entries()
      evicted += pool.evicted + pool.antechamber.evicted
    }
    return { entries, evicted }
  }
}

/** Opens panes up to `pane`, forgetting those older than 15 minutes. */
function advance(window: Window, pane: number): void {
  const steps = Math.min(pane - window.newest, keptPanes)
  for (let i = 1; i <= steps; i++) {
    const index = (pane - steps + i) % keptPanes
    window.perPane[index] = 0
    if (window.members === undefined) window.sketches[index]?.clear()
  }
  window.newest = pane
  if (window.members === undefined) return
  for (const [member, seen] of window.members) if (seen <= pane - keptPanes) window.members.delete(member)
}

/** Gives up members that only late records could still ask for; true when that makes room for exact counting. */
function shed(window: Window): boolean {
  for (const [member, seen] of window.members ?? []) {
    if (seen > window.newest - windowPanes) continue
    window.members?.delete(member)
    window.perPane[seen % keptPanes]--
  }
  return (window.members?.size ?? 0) <= exactLimit
}

function put(window: Window, member: number, pane: number): void {
  if (pane <= window.newest - keptPanes) return
  if (window.members === undefined) {
    const changed = sketchOf(window, pane).add(member)
    if (changed && window.mergedPane === window.newest && pane > window.newest - windowPanes) window.merged?.add(member)
    return
  }
  const seen = window.members.get(member)
  if (seen !== undefined) {
    if (seen >= pane) return
    window.perPane[seen % keptPanes]--
  }
  window.members.set(member, pane)
  window.perPane[pane % keptPanes]++
}

function countAt(window: Window, end: number): number {
  if (window.members !== undefined) {
    let n = 0
    const from = Math.max(end - windowPanes, window.newest - keptPanes, -1)
    for (let pane = from + 1; pane <= end; pane++) n += window.perPane[pane % keptPanes]
    return n
  }
  if (window.mergedPane !== window.newest || window.merged === undefined) {
    window.merged ??= new HyperLogLog()
    window.merged.clear()
    for (let pane = Math.max(0, window.newest - windowPanes + 1); pane <= window.newest; pane++) {
      const sketch = window.sketches[pane % keptPanes]
      if (sketch !== undefined) window.merged.merge(sketch)
    }
    window.mergedPane = window.newest
  }
  return Math.round(window.merged.estimate())
}
