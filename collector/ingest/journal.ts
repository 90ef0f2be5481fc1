/**
 * The embedded log: what `append` has acknowledged is on the disk (one flush for all that wait), in order, at an
 * offset that never changes, until every reader is past it and it is older than the retention. Format and damage:
 * `proto/segment.ts`.
 *
 * Loses: nothing acknowledged; a torn tail (never acknowledged) is cut off at open, damage is stepped over by readers
 * and counted. Always opens, whatever the segments hold. Blocks: never the thread (except at open, for the last
 * segment); `append` waits for the disk. Limits: `queueOctets` waiting to be written, then E_SINK_BUSY; a full disk
 * gives E_DATA_FULL for each append until there is room again. One process per folder (`proto/process/lock.ts`).
 * Readers see only what has been flushed.
 */
import { randomBytes } from 'node:crypto'
import { readdirSync, unlinkSync } from 'node:fs'
import { open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileHandle } from 'node:fs/promises'
import { errnoName, VedetteError } from '../../proto/error.ts'
import { lockFolder } from '../../proto/process/lock.ts'
import {
  encodeSegmentHeader, maxPayloadOctets, readSegmentHeader, recordHeaderOctets, recoverSegment, segmentBase, segmentHeaderOctets,
  segmentName, writeRecord,
} from '../../proto/segment.ts'
import { readJournal } from './journal-read.ts'
import type { FolderLock } from '../../proto/process/lock.ts'
import type { Clock } from '../../proto/process/clock.ts'
import type { Logger } from '../../proto/process/log.ts'
import type { JournalRead, KnownSegment } from './journal-read.ts'

export type JournalOptions = {
  dir: string
  /** A segment is rolled before it would grow past this. Default 64 MiB. */
  segmentOctets?: number
  /** Most octets that may wait for the disk. Default 32 MiB. */
  queueOctets?: number
  /**
   * Highest position any reader has stored: when the files end before it (someone removed them), writing goes on
   * from there, so that nothing new is taken for read.
   */
  floor?: number
  clock: Clock
  log: Logger
}

export type Retention = {
  /**
   * Positions of all readers (their `resume`, where they have one): no segment that reaches past the lowest is
   * removed.
   */
  positions: readonly number[]
  /** A segment whose newest record is older than this may go. */
  keepMs: number
  /** When all segments together are larger than this the oldest go, whatever their age. */
  keepOctets: number
}

export type JournalStatus = {
  start: number
  end: number
  segments: number
  octets: number
  queuedOctets: number
  /** Disk flushes since open; appends divided by flushes is the size of the groups. */
  flushes: number
  /** Octets of the torn tail cut off at open. */
  cutOctets: number
}

type Waiting = { bytes: Uint8Array, items: number, kind: number, resolve: (offset: number) => void, reject: (error: unknown) => void }
type Active = { file: FileHandle, segment: KnownSegment }

const groupOctets = 8 * 1024 * 1024

export class Journal {
  readonly #dir: string
  readonly #segmentOctets: number
  readonly #queueOctets: number
  readonly #clock: Clock
  readonly #log: Logger
  readonly #lock: FolderLock
  /** Oldest first; the last one is being written when `#active` is set. */
  readonly #segments: KnownSegment[] = []
  #active: Active | undefined
  #end = 0
  #lastMicros = 0
  #queue: Waiting[] = []
  #queuedOctets = 0
  #writing: Promise<void> | undefined
  #waiters = new Set<() => void>()
  #closed = false
  #flushes = 0
  #cutOctets = 0
  #items = 0

  private constructor(options: JournalOptions, lock: FolderLock) {
    this.#dir = options.dir
    this.#segmentOctets = options.segmentOctets ?? 64 * 1024 * 1024
    this.#queueOctets = options.queueOctets ?? 32 * 1024 * 1024
    this.#clock = options.clock
    this.#log = options.log
    this.#lock = lock
  }

  /**
   * Opens or makes the folder. Throws E_DATA_IN_USE, E_DATA_UNWRITABLE, E_DATA_FULL; never because of what the
   * segments hold.
   */
  static async open(options: JournalOptions): Promise<Journal> {
    const lock = lockFolder(options.dir)
    const journal = new Journal(options, lock)
    try {
      await journal.#recover(options.floor ?? 0)
    } catch (error) {
      lock.release()
      throw fileError(error, options.dir)
    }
    return journal
  }

  async #recover(floor: number): Promise<void> {
    const names = readdirSync(this.#dir).sort().flatMap((name) => {
      const base = segmentBase(name)
      return base === undefined ? [] : [{ name, base }]
    })
    for (const [i, { name, base }] of names.entries()) {
      const path = join(this.#dir, name)
      const { header, octets } = readSegmentHeader(path)
      const last = i === names.length - 1
      if (last && octets < segmentHeaderOctets) {
        // Killed while the segment was being made: nothing was ever in it.
        unlinkSync(path)
        continue
      }
      const segment: KnownSegment = { path, base, octets, header: header?.base === base ? header : undefined }
      if (segment.header === undefined) this.#log.warn('journal.segment-unreadable', 'The header of a journal segment is damaged; its records are lost', { path, octets })
      else if (last) {
        const { octets: sound, cut, lastMicros } = recoverSegment(path, segment.header)
        if (cut > 0) this.#log.warn('journal.torn-tail', 'The journal ended in an incomplete record; it was cut off', { path, octets: cut })
        segment.octets = sound
        this.#cutOctets = cut
        this.#lastMicros = lastMicros
      }
      this.#segments.push(segment)
    }
    const tail = this.#segments.at(-1)
    this.#end = tail === undefined ? floor : tail.base + tail.octets
    if (tail === undefined) return
    if (floor > this.#end) {
      this.#log.warn('journal.behind-readers', 'The journal ends before what its readers have read; it goes on after that', { end: this.#end, floor })
      this.#end = floor
    } else if (tail.header !== undefined) this.#active = { file: await open(tail.path, 'r+'), segment: tail }
  }

  /**
   * Writes one record; resolves with its offset once it is on the disk. `items`: records inside, for counting losses.
   * Throws E_SINK_BUSY (queue full), E_DATA_FULL, E_STORE (the disk fails), E_BATCH_TOO_LARGE; then it is not in the log.
   */
  append(bytes: Uint8Array, items = 0, kind = 1): Promise<number> {
    if (bytes.length > maxPayloadOctets) return Promise.reject(new VedetteError('E_BATCH_TOO_LARGE'))
    if (this.#closed) return Promise.reject(new VedetteError('E_SINK_BUSY', 'the journal is closed'))
    if (this.#queuedOctets > 0 && this.#queuedOctets + bytes.length > this.#queueOctets) {
      return Promise.reject(new VedetteError('E_SINK_BUSY', 'the journal is behind: the disk is slower than what arrives'))
    }
    this.#queuedOctets += bytes.length
    return new Promise((resolve, reject) => {
      this.#queue.push({ bytes, items, kind, resolve, reject })
      this.#writing ??= this.#write()
    })
  }

  async #write(): Promise<void> {
    while (this.#queue.length > 0) {
      let octets = 0
      let n = 0
      while (n < this.#queue.length && (n === 0 || octets + this.#queue[n].bytes.length <= groupOctets)) {
        octets += recordHeaderOctets + this.#queue[n++].bytes.length
      }
      const group = this.#queue.splice(0, n)
      try {
        const offsets = await this.#writeGroup(group, octets)
        for (const [i, { resolve }] of group.entries()) resolve(offsets[i])
        for (const wake of this.#waiters) wake()
      } catch (error) {
        // Whatever it is, the sender keeps the batch and tries again.
        const told = fileError(error, this.#dir, 'E_STORE')
        for (const { reject } of group) reject(told)
      }
      for (const { bytes } of group) this.#queuedOctets -= bytes.length
    }
    this.#writing = undefined
  }

  async #writeGroup(group: readonly Waiting[], octets: number): Promise<number[]> {
    let active = this.#active
    const full = active !== undefined && active.segment.octets > segmentHeaderOctets && active.segment.octets + octets > this.#segmentOctets
    if (active === undefined || full) active = await this.#roll()
    const { file, segment } = active
    const salt = segment.header?.salt ?? 0
    const out = Buffer.allocUnsafe(octets)
    const offsets: number[] = []
    this.#lastMicros = Math.max(this.#lastMicros, Math.floor(this.#clock.nowMs() * 1000))
    let at = 0
    for (const { bytes, items, kind } of group) {
      offsets.push(segment.base + segment.octets + at)
      at = writeRecord(out, at, segment.octets + at, salt, bytes, { appendMicros: this.#lastMicros, kind, items })
    }
    try {
      await writeAll(file, out, segment.octets)
      await file.datasync()
    } catch (error) {
      await this.#abandon(active)
      throw error
    }
    this.#flushes++
    segment.octets += octets
    this.#end = segment.base + segment.octets
    for (const { items } of group) this.#items += items
    return offsets
  }

  /**
   * After a failed write or flush nobody knows what the disk holds past the last good record, so that file is never
   * written again: the next segment begins where this one was sound, and the junk past it, if it cannot be cut off,
   * is outside of both.
   */
  async #abandon({ file, segment }: Active): Promise<void> {
    this.#active = undefined
    try {
      await file.truncate(segment.octets)
    } catch (error) {
      this.#log.warn('journal.not-cut', 'A failed write could not be cut off the segment', { path: segment.path, reason: errnoName(error) })
    }
    await file.close().catch(() => undefined)
    if (segment.octets > segmentHeaderOctets) return
    // Nothing was ever in it, and the next segment would get the same place: make it anew.
    this.#segments.splice(this.#segments.indexOf(segment), 1)
    this.#end = segment.base
    await unlink(segment.path).catch(() => undefined)
  }

  async #roll(): Promise<Active> {
    const old = this.#active
    this.#active = undefined
    await old?.file.close()
    const path = join(this.#dir, segmentName(this.#end))
    const header = { base: this.#end, salt: randomBytes(4).readUInt32LE(0), createdMicros: Math.floor(this.#clock.nowMs() * 1000) }
    const file = await open(path, 'w+', 0o600)
    try {
      await writeAll(file, encodeSegmentHeader(header), 0)
      await file.sync()
      const folder = await open(this.#dir, 'r')
      await folder.sync().finally(() => folder.close())
    } catch (error) {
      await file.close().catch(() => undefined)
      await unlink(path).catch(() => undefined)
      throw error
    }
    const segment: KnownSegment = { path, base: this.#end, octets: segmentHeaderOctets, header }
    this.#segments.push(segment)
    this.#end += segmentHeaderOctets
    this.#active = { file, segment }
    return this.#active
  }

  /**
   * Whole records from offset `from` on, about `maxOctets` of them (at least one, where there is one). Go on from
   * `next`.
   */
  read(from: number, maxOctets: number): Promise<JournalRead> {
    return readJournal(this.#segments, this.#end, from, maxOctets)
  }

  /** Offset just past the last acknowledged record. */
  end(): number {
    return this.#end
  }

  /** Offset of the oldest octet kept. */
  start(): number {
    return this.#segments.at(0)?.base ?? this.#end
  }

  /** Items acknowledged since open: with `measure` it tells how many lie between two places. */
  items(): number {
    return this.#items
  }

  /**
   * Items in sound records from `from` to the end as it was when called, and `items()` at that moment. Reads all of
   * it.
   */
  async measure(from: number): Promise<{ items: number, itemsAtEnd: number }> {
    const end = this.#end
    const itemsAtEnd = this.#items
    let items = 0
    for (let at = from; at < end;) {
      const { entries, next } = await readJournal(this.#segments, end, at, 4 * 1024 * 1024)
      for (const entry of entries) items += entry.items
      at = next
    }
    return { items, itemsAtEnd }
  }

  /**
   * Resolves true once there is something at or past `offset`; false when the signal is aborted or the journal
   * closed first.
   */
  waitFor(offset: number, signal?: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const wake = (): void => {
        const ended = signal?.aborted === true || this.#closed
        if (this.#end <= offset && !ended) return
        this.#waiters.delete(wake)
        signal?.removeEventListener('abort', wake)
        resolve(this.#end > offset && signal?.aborted !== true)
      }
      this.#waiters.add(wake)
      signal?.addEventListener('abort', wake)
      wake()
    })
  }

  /** Removes what nobody needs any more, oldest first; never the segment being written. Gives the octets freed. */
  async retain({ positions, keepMs, keepOctets }: Retention): Promise<number> {
    const needed = Math.min(...positions, this.#end)
    const oldestMicros = (this.#clock.nowMs() - keepMs) * 1000
    let octets = this.status().octets
    let freed = 0
    while (this.#segments.length > 1) {
      const [first, second] = this.#segments
      const old = (second.header?.createdMicros ?? Infinity) < oldestMicros
      if (second.base > needed || (!old && octets <= keepOctets)) break
      await unlink(first.path).catch((error: unknown) => { if (errnoName(error) !== 'ENOENT') throw fileError(error, this.#dir) })
      this.#segments.shift()
      octets -= first.octets
      freed += first.octets
    }
    return freed
  }

  status(): JournalStatus {
    return {
      start: this.start(), end: this.#end, segments: this.#segments.length,
      octets: this.#segments.reduce((sum, { octets }) => sum + octets, 0),
      queuedOctets: this.#queuedOctets, flushes: this.#flushes, cutOctets: this.#cutOctets,
    }
  }

  /** Takes nothing more, writes what waits, and gives the folder free. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#writing
    for (const wake of this.#waiters) wake()
    await this.#active?.file.close()
    this.#active = undefined
    this.#lock.release()
  }
}

/** A write may be cut short without an error (a disk that fills up): only the next one tells why. */
async function writeAll(file: FileHandle, octets: Buffer, position: number): Promise<void> {
  for (let at = 0; at < octets.length;) at += (await file.write(octets, at, octets.length - at, position + at)).bytesWritten
}

function fileError(error: unknown, dir: string, otherwise: 'E_STORE' | 'E_DATA_UNWRITABLE' = 'E_DATA_UNWRITABLE'): VedetteError {
  if (error instanceof VedetteError) return error
  const name = errnoName(error)
  return name === 'ENOSPC' || name === 'EDQUOT'
    ? new VedetteError('E_DATA_FULL', `no space left in ${dir}`, 'Free some space; nothing was acknowledged, so nothing is lost', { cause: error })
    : new VedetteError(otherwise, `cannot write to ${dir} (${name === '' ? String(error) : name})`,
        'Check the disk and the rights of the folder', { cause: error })
}
