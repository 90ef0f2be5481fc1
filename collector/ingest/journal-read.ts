/**
 * Reading the journal's segments: from an offset, over damage and over segments that are missing, to the acknowledged
 * end. Reads files only; a segment unlinked meanwhile counts as passed over when somebody still wanted it.
 */
import { open } from 'node:fs/promises'
import { errnoName } from '../../proto/error.ts'
import { scanSegment, segmentHeaderOctets } from '../../proto/segment.ts'
import type { Damage, SegmentHeader } from '../../proto/segment.ts'

/** A segment as the journal knows it: `octets` are the acknowledged ones. */
export type KnownSegment = { path: string, base: number, octets: number, header: SegmentHeader | undefined }

export type JournalEntry = {
  offset: number
  /** Offset to go on from once this record has taken effect. */
  next: number
  appendMicros: number
  kind: number
  /** Records inside. */
  items: number
  bytes: Uint8Array
}

export type JournalRead = {
  entries: JournalEntry[]
  /** Where the next read begins; equal to `from` only at the end. */
  next: number
  /** Damaged places stepped over. */
  damaged: number
  /** Records known to have been in them. */
  damagedItems: number
  damagedOctets: number
}

/**
 * Reads about `maxOctets` from offset `from`, not past `end`. `segments` are in order; only those that hold
 * acknowledged records are looked at.
 */
export async function readJournal(segments: readonly KnownSegment[], end: number, from: number, maxOctets: number): Promise<JournalRead> {
  const out: JournalRead = { entries: [], next: from, damaged: 0, damagedItems: 0, damagedOctets: 0 }
  const skipTo = (to: number, damaged: boolean): void => {
    if (damaged && to > out.next) {
      out.damaged++
      out.damagedOctets += to - out.next
    }
    out.next = to
  }
  let window = Math.max(4096, maxOctets)
  while (out.next < end && out.entries.length === 0) {
    const index = segments.findLastIndex(({ base }) => base <= out.next)
    const segment = index < 0 ? undefined : segments[index]
    const following = segments.at(index + 1)
    const stop = Math.min(following?.base ?? end, end)
    if (segment === undefined) {
      // Older than what is kept: a new reader begins at the oldest record, which loses nothing it ever had.
      out.next = stop
      continue
    }
    const limit = Math.min(segment.octets, stop - segment.base)
    const position = Math.max(out.next - segment.base, segmentHeaderOctets)
    if (segment.header === undefined) { skipTo(stop, true); continue }
    if (position >= limit) { skipTo(stop, stop > segment.base + Math.max(limit, segmentHeaderOctets)); continue }
    out.next = segment.base + position
    const octets = await readPart(segment.path, position, Math.min(window, limit - position))
    const final = octets.length < window || position + octets.length >= limit
    const scan = scanSegment(octets, position, segment.header, final)
    addDamage(out, scan.damage)
    for (const { position: at, next, payload: bytes, appendMicros, kind, items } of scan.records) {
      out.entries.push({ offset: segment.base + at, next: segment.base + next, appendMicros, kind, items, bytes })
    }
    if (scan.next === position) window = Math.max(window * 2, scan.wanted)
    out.next = segment.base + scan.next
    // Normally this is `stop` already; a file that became shorter misses what is up to the next segment.
    if (final) skipTo(stop, true)
  }
  return out
}

function addDamage(out: JournalRead, { stretches, items, octets }: Damage): void {
  out.damaged += stretches
  out.damagedItems += items
  out.damagedOctets += octets
}

/** Up to `length` octets; fewer when the file ends before, none when it is gone. */
async function readPart(path: string, position: number, length: number): Promise<Buffer> {
  let file
  try {
    file = await open(path, 'r')
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
  try {
    const octets = Buffer.allocUnsafe(length)
    let read = 0
    while (read < length) {
      const { bytesRead } = await file.read(octets, read, length - read, position + read)
      if (bytesRead === 0) break
      read += bytesRead
    }
    return octets.subarray(0, read)
  } finally {
    await file.close()
  }
}
