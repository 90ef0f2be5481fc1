/**
 * Frames for tests of the engine, without the capture stage: a whole file read at once (pcap and pcapng of both byte
 * orders, gzip), or frames made by hand. What cannot be read ends the list.
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { makeFrames } from '../../agent/capture/source.ts'
import type { Frames } from '../../agent/capture/source.ts'

export type TestFrame = { bytes: Uint8Array, micros: number, wire?: number, link?: number, vlan?: number }

/** Every frame of a capture file. */
export function readCapture(path: string): TestFrame[] {
  let data: Buffer = readFileSync(path)
  if (data.length > 2 && data[0] === 0x1f && data[1] === 0x8b) data = gunzipSync(data)
  if (data.length < 24) return []
  return data.readUInt32LE(0) === 0x0a0d0d0a ? readPcapng(data) : readPcap(data)
}

function readPcap(data: Buffer): TestFrame[] {
  const magic = data.readUInt32LE(0)
  const little = [0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34].includes(magic)
  const big = [0xd4c3b2a1, 0x4d3cb2a1, 0x34cdb2a1].includes(magic)
  if (!little && !big) return []
  const word = (at: number): number => little ? data.readUInt32LE(at) : data.readUInt32BE(at)
  const nano = word(0) === 0xa1b23c4d
  // The modified format has 8 more octets in each record header.
  const header = word(0) === 0xa1b2cd34 ? 24 : 16
  const link = word(20) & 0xffff
  const frames: TestFrame[] = []
  for (let at = 24; at + header <= data.length;) {
    const captured = word(at + 8)
    if (captured > 0x7fffffff || at + header + captured > data.length) break
    frames.push({
      bytes: data.subarray(at + header, at + header + captured), micros: word(at) * 1e6 + word(at + 4) / (nano ? 1000 : 1), wire: word(at + 12), link,
    })
    at += header + captured
  }
  return frames
}

function readPcapng(data: Buffer): TestFrame[] {
  const frames: TestFrame[] = []
  let little = true
  let interfaces: { link: number, unit: number, offset: number, snap: number }[] = []
  const word = (at: number): number => little ? data.readUInt32LE(at) : data.readUInt32BE(at)
  const half = (at: number): number => little ? data.readUInt16LE(at) : data.readUInt16BE(at)
  for (let at = 0; at + 12 <= data.length;) {
    if (data.readUInt32LE(at) === 0x0a0d0d0a) {
      little = data.readUInt32LE(at + 8) === 0x1a2b3c4d
      interfaces = []
    }
    const length = word(at + 4)
    if (length < 12 || length % 4 !== 0 || at + length > data.length) break
    const type = word(at)
    if (type === 1 && length >= 20) interfaces.push({ link: half(at + 8), snap: word(at + 12), ...options(at + 16, at + length - 4) })
    else if ((type === 6 || type === 2) && length >= 32) {
      const from = interfaces[type === 6 ? word(at + 8) : half(at + 8)]
      const captured = word(at + 20)
      if (from !== undefined && captured <= length - 32) {
        const ticks = word(at + 12) * 4294967296 + word(at + 16)
        frames.push({ bytes: data.subarray(at + 28, at + 28 + captured), micros: ticks * from.unit + from.offset, wire: word(at + 24), link: from.link })
      }
    } else if (type === 3 && interfaces.length > 0 && length >= 16) {
      const wire = word(at + 8)
      const captured = Math.min(wire, interfaces[0].snap === 0 ? wire : interfaces[0].snap, length - 16)
      frames.push({ bytes: data.subarray(at + 12, at + 12 + captured), micros: 0, wire, link: interfaces[0].link })
    }
    at += length
  }
  return frames

  /** Unit of time in microseconds (option 9) and offset (option 14). */
  function options(at: number, to: number): { unit: number, offset: number } {
    let unit = 1
    let offset = 0
    while (at + 4 <= to) {
      const kind = half(at)
      const size = half(at + 2)
      if (kind === 0) break
      if (kind === 9 && size === 1) unit = (data[at + 4] & 128) !== 0 ? 1e6 / 2 ** (data[at + 4] & 127) : 1e6 / 10 ** data[at + 4]
      if (kind === 14 && size === 8) offset = word(at + (little ? 4 : 8)) * 1e6
      at += 4 + size + (4 - size % 4) % 4
    }
    return { unit, offset }
  }
}

/** Frames as a source hands them over, in blocks of at most `size`. */
export function blocksOf(frames: readonly TestFrame[], size = 1024): Frames[] {
  const blocks: Frames[] = []
  for (let from = 0; from < frames.length; from += size) blocks.push(blockOf(frames.slice(from, from + size)))
  return blocks
}

/** One block. */
export function blockOf(frames: readonly TestFrame[]): Frames {
  const bytes = new Uint8Array(frames.reduce((sum, { bytes: { length } }) => sum + length, 0))
  const block = makeFrames(bytes, Math.max(1, frames.length))
  let at = 0
  for (const [i, frame] of frames.entries()) {
    bytes.set(frame.bytes, at)
    block.offset[i] = at
    block.captured[i] = frame.bytes.length
    block.wire[i] = frame.wire ?? frame.bytes.length
    block.micros[i] = frame.micros
    block.link[i] = frame.link ?? 1
    block.vlan[i] = frame.vlan ?? -1
    at += frame.bytes.length
  }
  block.count = frames.length
  return block
}
