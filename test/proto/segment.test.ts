import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import {
  decodeSegmentHeader, encodeSegmentHeader, maxPayloadOctets, recordHeaderOctets, recoverSegment, scanSegment, segmentBase, segmentHeaderOctets,
  segmentName, writeRecord,
} from '../../proto/segment.ts'

const header = { base: 2 ** 40 + 80, salt: 0xdeadbeef, createdMicros: 1.7e15 }

function segment(payloads: readonly Uint8Array[]): { bytes: Buffer, starts: number[] } {
  const size = payloads.reduce((sum, { length }) => sum + length + recordHeaderOctets, segmentHeaderOctets)
  const bytes = Buffer.alloc(size)
  encodeSegmentHeader(header).copy(bytes)
  const starts: number[] = []
  let at = segmentHeaderOctets
  for (const [i, payload] of payloads.entries()) {
    starts.push(at)
    at = writeRecord(bytes, at, at, header.salt, payload, { appendMicros: 1.7e15 + i, kind: 1, items: i + 1 })
  }
  return { bytes, starts }
}

const scan = (bytes: Buffer) => scanSegment(bytes.subarray(segmentHeaderOctets), segmentHeaderOctets, header, true)
const payload = (n: number, length = 100): Uint8Array => new Uint8Array(length).fill(n)
const folders: string[] = []
const file = (bytes: Uint8Array): string => {
  const dir = mkdtempSync(join(tmpdir(), 'vedette-segment-'))
  folders.push(dir)
  const path = join(dir, segmentName(0))
  writeFileSync(path, bytes)
  return path
}

afterEach(() => { for (const dir of folders.splice(0)) rmSync(dir, { recursive: true }) })

describe('names and headers', () => {
  it('names a segment by its base, in twenty digits', () => {
    expect(segmentName(1234)).toBe('00000000000000001234.seg')
    expect(segmentBase(segmentName(Number.MAX_SAFE_INTEGER))).toBe(Number.MAX_SAFE_INTEGER)
    expect(segmentBase('99999999999999999999.seg')).toBeUndefined()
    expect(segmentBase('lock')).toBeUndefined()
  })

  it('reads the header while one of its copies is sound', () => {
    const bytes = encodeSegmentHeader(header)
    expect(decodeSegmentHeader(bytes)).toEqual(header)
    bytes[20] ^= 1
    expect(decodeSegmentHeader(bytes)).toEqual(header)
    bytes[60] ^= 1
    expect(decodeSegmentHeader(bytes)).toBeUndefined()
    expect(decodeSegmentHeader(encodeSegmentHeader(header).subarray(0, 30))).toBeUndefined()
  })

  it('refuses a version it does not know', () => {
    const bytes = encodeSegmentHeader(header)
    bytes[8] = bytes[48] = 9
    expect(decodeSegmentHeader(bytes)).toBeUndefined()
  })
})

describe('scanning', () => {
  it('gives back what was written', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (payloads) => {
      const { bytes, starts } = segment(payloads)
      const found = scan(bytes)
      expect(found.records.map(({ payload: p }) => [...p])).toEqual(payloads.map((p) => [...p]))
      expect(found.records.map(({ position }) => position)).toEqual(starts)
      expect(found.records.map(({ items }) => items)).toEqual(payloads.map((_, i) => i + 1))
      expect(found.damage).toEqual({ stretches: 0, items: 0, octets: 0 })
    }))
  })

  it('loses only the record that a flipped bit is in, wherever it is', () => {
    const payloads = [payload(1), payload(2), payload(3)]
    const { bytes, starts } = segment(payloads)
    fc.assert(fc.property(fc.integer({ min: starts[1], max: starts[2] - 1 }), fc.integer({ min: 0, max: 7 }), (at, bit) => {
      const damaged = Buffer.from(bytes)
      damaged[at] ^= 1 << bit
      const { records, damage } = scan(damaged)
      expect(records.map(({ payload: p }) => p[0])).toEqual([1, 3])
      expect(damage.stretches).toBe(1)
      expect(damage.octets).toBe(starts[2] - starts[1])
    }))
  })

  it('counts the records inside a payload that is damaged under a sound header', () => {
    const { bytes, starts } = segment([payload(1), payload(2), payload(3)])
    bytes[starts[1] + recordHeaderOctets + 5] ^= 4
    expect(scan(bytes).damage).toEqual({ stretches: 1, items: 2, octets: 132 })
  })

  it('does not take a record hidden in a payload for one', () => {
    const inner = segment([payload(9, 20)])
    const { bytes, starts } = segment([inner.bytes.subarray(segmentHeaderOctets), payload(2)])
    bytes[starts[0] + 4] ^= 1
    expect(scan(bytes).records.map(({ payload: p }) => p[0])).toEqual([2])
  })

  it('asks for more when the end of its octets is not the end of the segment', () => {
    const { bytes, starts } = segment([payload(1), payload(2, 1000)])
    const part = bytes.subarray(segmentHeaderOctets, starts[1] + 50)
    expect(scanSegment(part, segmentHeaderOctets, header, false)).toMatchObject({ next: starts[1], wanted: 1032 })
    expect(scanSegment(bytes.subarray(segmentHeaderOctets, starts[1] + 7), segmentHeaderOctets, header, false)).toMatchObject({ next: starts[1], wanted: 32 })
  })

  it('takes a length no writer writes for damage', () => {
    const { bytes, starts } = segment([payload(1)])
    bytes.writeUInt32LE(maxPayloadOctets + 1, starts[0] + 4)
    expect(scan(bytes)).toMatchObject({ records: [], damage: { stretches: 1 } })
  })
})

describe('recovery', () => {
  it('cuts a tail torn at any octet back to the last whole record', () => {
    const { bytes, starts } = segment([payload(1), payload(2), payload(3, 40)])
    for (let size = starts[2]; size < bytes.length; size += 3) {
      const path = file(bytes.subarray(0, size))
      expect(recoverSegment(path, header)).toEqual({ octets: starts[2], cut: size - starts[2], lastMicros: 1.7e15 + 1 })
      expect(readFileSync(path).length).toBe(starts[2])
    }
  })

  it('keeps damage in the middle: there are acknowledged records after it', () => {
    const { bytes, starts } = segment([payload(1), payload(2), payload(3)])
    bytes.fill(0, starts[1], starts[1] + 60)
    expect(recoverSegment(file(bytes), header)).toMatchObject({ octets: bytes.length, cut: 0 })
  })

  it('copes with a segment that is nothing but noise, and with records larger than its window', () => {
    const noise = Buffer.alloc(6 * 1024 * 1024)
    for (let i = 0; i < noise.length; i += 4) noise.writeInt32LE(Math.imul(i, 2654435761) | 0, i)
    encodeSegmentHeader(header).copy(noise)
    expect(recoverSegment(file(noise), header)).toMatchObject({ octets: segmentHeaderOctets })
    const large = segment([payload(1), payload(2, 9 * 1024 * 1024), payload(3)])
    expect(recoverSegment(file(large.bytes), header)).toMatchObject({ octets: large.bytes.length, cut: 0 })
  })
})
