import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Reader, text, unzigzag, varintLength, writeVarint, zigzag } from '../../proto/wire.ts'
import { uint } from './arbitrary.ts'

describe('varint', () => {
  it('comes back, in as many bytes as announced', () => {
    fc.assert(fc.property(uint, (value) => {
      const bytes = new Uint8Array(10)
      const end = writeVarint(bytes, 0, value)
      expect(end).toBe(varintLength(value))
      expect(new Reader(bytes, 0, end).varint()).toBe(value)
      expect(() => new Reader(bytes, 0, end - 1).varint()).toThrow(RangeError)
    }))
  })

  it('is the one of the specification', () => {
    const bytes = new Uint8Array(2)
    writeVarint(bytes, 0, 150)
    expect([...bytes]).toEqual([0x96, 0x01])
  })

  it('of ten bytes is read, of eleven refused', () => {
    expect(new Reader(Uint8Array.of(...new Uint8Array(9).fill(0x80), 1)).varint()).toBe(2 ** 63)
    expect(() => new Reader(new Uint8Array(11).fill(0x80)).varint()).toThrow('more than 10 bytes')
  })
})

it('zigzag keeps small numbers small, both ways', () => {
  expect([0, -1, 1, -2].map(zigzag)).toEqual([0, 1, 2, 3])
  fc.assert(fc.property(fc.integer({ min: -(2 ** 51), max: 2 ** 51 }), (value) => unzigzag(zigzag(value)) === value))
})

describe('a reader', () => {
  it('reads numbers of fixed width in little endian', () => {
    const bytes = new Uint8Array(20)
    const view = new DataView(bytes.buffer)
    view.setFloat32(0, 0.5, true)
    view.setFloat64(4, -1e300, true)
    view.setBigUint64(12, BigInt(Number.MAX_SAFE_INTEGER), true)
    const reader = new Reader(bytes)
    expect([reader.float(), reader.double(), reader.fixed64()]).toEqual([0.5, -1e300, Number.MAX_SAFE_INTEGER])
  })

  it('never reads past its end, even where the buffer goes on', () => {
    const bytes = new Uint8Array(16)
    for (const read of [(r: Reader) => r.float(), (r: Reader) => r.double(), (r: Reader) => r.fixed64(), (r: Reader) => r.take(4)]) {
      expect(() => read(new Reader(bytes, 0, 3))).toThrow(RangeError)
    }
    bytes[0] = 5
    expect(() => new Reader(bytes, 0, 3).string()).toThrow('past the end')
  })

  it('works on a part of a larger buffer', () => {
    const whole = Uint8Array.of(9, 9, 3, 0x61, 0x62, 0x63, 9)
    expect(new Reader(whole.subarray(2, 6)).string()).toBe('abc')
  })

  it('skips what it is told and refuses groups', () => {
    const reader = new Reader(Uint8Array.of(0x80, 1, 1, 2, 3, 4, 5, 6, 7, 8, 1, 7, 1, 2, 3, 4))
    for (const wire of [0, 1, 2, 5]) reader.skip(wire)
    expect(reader.at).toBe(16)
    for (const wire of [3, 4, 6, 7]) expect(() => { new Reader(new Uint8Array(9)).skip(wire) }).toThrow(RangeError)
  })
})

it('text is UTF-8, short or long', () => {
  const encoder = new TextEncoder()
  fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (value) => {
    const bytes = encoder.encode(value)
    return text(bytes, 0, bytes.length) === value
  }))
  expect(text(Uint8Array.of(0x61, 0xff, 0x62), 0, 3)).toBe('a�b')
})
