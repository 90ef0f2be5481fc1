/**
 * The append-only log segment: the collector's journal and the agent's spool are made of these files. This file knows
 * the format only; who writes, flushes and unlinks is the owner's business. Nothing here blocks, except
 * `recoverSegment` and `readSegmentHeader` (at start).
 *
 * File name: the offset of its first octet, 20 digits, `.seg`. An offset is a global octet position over all segments
 * (a safe integer: 9 PB), so `offset = base + position in the file`. A segment ends where the next one begins: octets
 * past that are ignored.
 *
 *   segment header, 40 octets, written twice (either copy will do); integers little-endian
 *     0 magic 'VEDSEG\r\n'   8 version u32   12 salt u32   16 base u64   24 created, microseconds u64   32 CRC-32 of 0-31   36 zero
 *   record = header of 32 octets, then the payload
 *     0 magic E7 'V' 'R' 0A   4 length u32   8 CRC-32 of the payload   12 append time, microseconds u64   20 kind u8   21 zero
 *     24 items u32 (records inside, so that a damaged payload is counted)   28 CRC-32 of 0-27, of the salt and of the position
 *
 * Damage: a record whose header is sound but whose payload is not is stepped over by its length. Where no sound
 * header stands, the next place is sought where the magic, and a header CRC made for exactly this position and this
 * segment's random salt, agree: what a sender put inside a payload cannot pass for a record. Each such stretch is
 * counted. What is unsound up to the end of the last segment is a torn tail and is cut off.
 */
import { closeSync, fsyncSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs'
import { crc32 } from 'node:zlib'

export const segmentVersion = 1
export const segmentHeaderOctets = 80
export const recordHeaderOctets = 32
/** Longest payload a record may have; a longer length in a header is damage. */
export const maxPayloadOctets = 64 * 1024 * 1024

const segmentMagic = Buffer.from('VEDSEG\r\n', 'latin1')
const recordMagic = Buffer.from([0xe7, 0x56, 0x52, 0x0a])
const recordMagicNumber = recordMagic.readUInt32LE(0)
const copyOctets = 40

export type SegmentHeader = { base: number, salt: number, createdMicros: number }

export type SegmentRecord = {
  /** Position of the record's header in the file. */
  position: number
  /** Position just past the payload. */
  next: number
  appendMicros: number
  kind: number
  items: number
  /** A view into the scanned octets, not a copy. */
  payload: Uint8Array
}

/** What was stepped over. `stretches` are damaged places, `items` the records known to have been in them. */
export type Damage = { stretches: number, items: number, octets: number }

export type SegmentScan = {
  records: SegmentRecord[]
  /** Position in the file to go on from. */
  next: number
  damage: Damage
  /** Octets needed from `next` on to see the next record whole; 0 when the scan ended at the end. */
  wanted: number
}

/** `00000000000000001234.seg` */
export const segmentName = (base: number): string => `${String(base).padStart(20, '0')}.seg`

/** The base offset in a file name; undefined when it is not a segment's. */
export function segmentBase(name: string): number | undefined {
  const match = /^(\d{20})\.seg$/.exec(name)
  const base = match === null ? Number.NaN : Number(match[1])
  return Number.isSafeInteger(base) ? base : undefined
}

function writeUint64(out: Buffer, value: number, at: number): void {
  out.writeUInt32LE(value % 4294967296, at)
  out.writeUInt32LE(Math.floor(value / 4294967296), at + 4)
}

const readUint64 = (from: Buffer, at: number): number => from.readUInt32LE(at) + from.readUInt32LE(at + 4) * 4294967296

/** The 80 octets a segment file begins with. */
export function encodeSegmentHeader({ base, salt, createdMicros }: SegmentHeader): Buffer {
  const out = Buffer.alloc(segmentHeaderOctets)
  segmentMagic.copy(out, 0)
  out.writeUInt32LE(segmentVersion, 8)
  out.writeUInt32LE(salt, 12)
  writeUint64(out, base, 16)
  writeUint64(out, createdMicros, 24)
  out.writeUInt32LE(crc32(out.subarray(0, 32)), 32)
  out.copy(out, copyOctets, 0, copyOctets)
  return out
}

/**
 * The header of a segment file from its first 80 octets; undefined when both copies are damaged or the version is
 * unknown.
 */
export function decodeSegmentHeader(octets: Uint8Array): SegmentHeader | undefined {
  for (const at of [0, copyOctets]) {
    const copy = Buffer.from(octets.buffer, octets.byteOffset + at, Math.max(0, Math.min(copyOctets, octets.length - at)))
    if (copy.length < copyOctets || !copy.subarray(0, 8).equals(segmentMagic) || copy.readUInt32LE(8) !== segmentVersion) continue
    if (copy.readUInt32LE(32) !== crc32(copy.subarray(0, 32))) continue
    return { base: readUint64(copy, 16), salt: copy.readUInt32LE(12), createdMicros: readUint64(copy, 24) }
  }
  return undefined
}

const place = Buffer.alloc(12)

function headerCheck(header: Uint8Array, salt: number, position: number): number {
  place.writeUInt32LE(salt, 0)
  writeUint64(place, position, 4)
  return crc32(header.subarray(0, 28), crc32(place))
}

export type RecordFields = { appendMicros: number, kind: number, items: number }

/** Writes a whole record at `at` in `out`; `position` is where it will stand in the file. Gives the end in `out`. */
export function writeRecord(
  out: Buffer, at: number, position: number, salt: number, payload: Uint8Array, { appendMicros, kind, items }: RecordFields,
): number {
  recordMagic.copy(out, at)
  out.writeUInt32LE(payload.length, at + 4)
  out.writeUInt32LE(crc32(payload), at + 8)
  writeUint64(out, appendMicros, at + 12)
  out.writeUInt32LE(kind & 255, at + 20)
  out.writeUInt32LE(items, at + 24)
  out.writeUInt32LE(headerCheck(out.subarray(at, at + 28), salt, position), at + 28)
  out.set(payload, at + recordHeaderOctets)
  return at + recordHeaderOctets + payload.length
}

/** Payload length of the record header at `at`, or -1 when there is no sound header of this segment. */
function soundHeader(octets: Buffer, at: number, position: number, salt: number): number {
  if (octets.readUInt32LE(at) !== recordMagicNumber) return -1
  const length = octets.readUInt32LE(at + 4)
  if (length > maxPayloadOctets) return -1
  return octets.readUInt32LE(at + 28) === headerCheck(octets.subarray(at, at + 28), salt, position) ? length : -1
}

/** Where the next sound header begins in `octets` after `at`, or -1. */
function resynchronise(octets: Buffer, at: number, position: number, salt: number): number {
  const last = octets.length - recordHeaderOctets
  for (let found = octets.indexOf(recordMagic, at + 1); found >= 0 && found <= last; found = octets.indexOf(recordMagic, found + 1)) {
    if (soundHeader(octets, found, position + found, salt) >= 0) return found
  }
  return -1
}

/**
 * Reads the records in `octets`, which stand at `position` in the file of this header. `final` says that the segment
 * ends with them: what is incomplete then is damage, otherwise `wanted` says how much more to bring. A stretch of
 * damage longer than `octets` counts once per call.
 */
export function scanSegment(octets: Buffer, position: number, header: SegmentHeader, final: boolean): SegmentScan {
  const records: SegmentRecord[] = []
  const damage: Damage = { stretches: 0, items: 0, octets: 0 }
  let at = 0
  let wanted = 0
  const skip = (to: number, items: number): void => {
    damage.stretches++
    damage.items += items
    damage.octets += to - at
    at = to
  }
  while (at < octets.length) {
    const rest = octets.length - at
    if (rest < recordHeaderOctets) {
      if (final) skip(octets.length, 0)
      else wanted = recordHeaderOctets
      break
    }
    const length = soundHeader(octets, at, position + at, header.salt)
    if (length < 0) {
      const found = resynchronise(octets, at, position, header.salt)
      if (found >= 0) { skip(found, 0); continue }
      skip(final ? octets.length : octets.length - recordHeaderOctets + 1, 0)
      wanted = final ? 0 : recordHeaderOctets
      break
    }
    const end = at + recordHeaderOctets + length
    const items = octets.readUInt32LE(at + 24)
    if (end > octets.length) {
      if (final) skip(octets.length, items)
      else wanted = recordHeaderOctets + length
      break
    }
    const payload = octets.subarray(at + recordHeaderOctets, end)
    if (crc32(payload) !== octets.readUInt32LE(at + 8)) { skip(end, items); continue }
    const appendMicros = readUint64(octets, at + 12)
    records.push({ position: position + at, next: position + end, appendMicros, kind: octets[at + 20], items, payload })
    at = end
  }
  return { records, next: position + at, damage, wanted }
}

/**
 * Header and size of a segment file; `header` is undefined when it cannot be used. Throws what the system call
 * throws.
 */
export function readSegmentHeader(path: string): { header: SegmentHeader | undefined, octets: number } {
  const file = openSync(path, 'r')
  try {
    const head = Buffer.alloc(segmentHeaderOctets)
    const read = readSync(file, head, 0, segmentHeaderOctets, 0)
    return { header: decodeSegmentHeader(head.subarray(0, read)), octets: fstatSync(file).size }
  } finally {
    closeSync(file)
  }
}

/**
 * Cuts the torn tail off the last segment of a log: everything after its last sound record. Flushes the file, because
 * what a killed process had written but not yet flushed is now part of the log. Gives the size left, the octets cut,
 * and the append time of the last record (0: none).
 */
export function recoverSegment(path: string, header: SegmentHeader): { octets: number, cut: number, lastMicros: number } {
  const file = openSync(path, 'r+')
  try {
    const size = fstatSync(file).size
    let position = segmentHeaderOctets
    let sound = Math.min(size, segmentHeaderOctets)
    let lastMicros = 0
    let window = 4 * 1024 * 1024
    while (position < size) {
      const octets = Buffer.allocUnsafe(Math.min(window, size - position))
      const read = readSync(file, octets, 0, octets.length, position)
      const scan = scanSegment(octets.subarray(0, read), position, header, read < octets.length || position + read === size)
      const last = scan.records.at(-1)
      if (last !== undefined) { sound = last.next; lastMicros = last.appendMicros }
      if (scan.next === position) window = Math.max(window * 2, scan.wanted)
      if (read === 0) break
      position = scan.next
    }
    if (sound < size) ftruncateSync(file, sound)
    fsyncSync(file)
    return { octets: sound, cut: size - sound, lastMicros }
  } finally {
    closeSync(file)
  }
}
