/** Captures written octet by octet, for tests: both formats, both byte orders, every block that is read. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { createSource } from '../../../agent/capture/index.ts'
import type { Source } from '../../../agent/capture/source.ts'

export type Order = 'little' | 'big'
export type TestPacket = { seconds: number, fraction: number, data: Uint8Array, wire?: number, captured?: number }

type Word = [bits: 16 | 32 | 64, value: number | bigint]

const words = (order: Order, ...values: Word[]): Buffer => Buffer.concat(values.map(([bits, value]) => {
  const bytes = Buffer.alloc(bits / 8)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const little = order === 'little'
  if (bits === 16) view.setUint16(0, Number(value), little)
  else if (bits === 32) view.setUint32(0, Number(value), little)
  else view.setBigInt64(0, BigInt(value), little)
  return bytes
}))

export type PcapForm = { order?: Order, magic?: number, version?: [number, number], snapLength?: number, link?: number }

export function pcapHeader({ order = 'little', magic = 0xa1b2c3d4, version = [2, 4], snapLength = 65535, link = 1 }: PcapForm = {}): Buffer {
  return words(order, [32, magic], [16, version[0]], [16, version[1]], [32, 0], [32, 0], [32, snapLength], [32, link])
}

export function pcapRecord({ seconds, fraction, data, wire, captured }: TestPacket, { order = 'little', magic }: PcapForm = {}): Buffer {
  const header = words(order, [32, seconds], [32, fraction], [32, captured ?? data.length], [32, wire ?? data.length])
  return Buffer.concat(magic === 0xa1b2cd34 ? [header, Buffer.alloc(8), data] : [header, data])
}

export const pcap = (packets: readonly TestPacket[], form: PcapForm = {}): Buffer =>
  Buffer.concat([pcapHeader(form), ...packets.map((packet) => pcapRecord(packet, form))])

export const padded = (data: Uint8Array): Buffer => Buffer.concat([data, Buffer.alloc(-data.length & 3)])

export function block(order: Order, type: number, body: Uint8Array): Buffer {
  const length = 12 + padded(body).length
  return Buffer.concat([words(order, [32, type], [32, length]), padded(body), words(order, [32, length])])
}

export const section = (order: Order): Buffer => block(order, 0x0a0d0d0a, words(order, [32, 0x1a2b3c4d], [16, 1], [16, 0], [64, -1n]))

export type Option = [code: number, value: Uint8Array]
export const number64 = (order: Order, value: bigint): Buffer => words(order, [64, value])

const options = (order: Order, list: readonly Option[]): Buffer => list.length === 0 ? Buffer.alloc(0) : Buffer.concat([
  ...list.map(([code, value]) => Buffer.concat([words(order, [16, code], [16, value.length]), padded(value)])), Buffer.alloc(4),
])

export const describeInterface = (order: Order, link: number, list: readonly Option[] = [], snapLength = 0): Buffer =>
  block(order, 1, Buffer.concat([words(order, [16, link], [16, 0], [32, snapLength]), options(order, list)]))

export type Enhanced = { on?: number, units: bigint, data: Uint8Array, wire?: number, captured?: number, options?: readonly Option[] }

export const enhanced = (order: Order, { on = 0, units, data, wire, captured, options: list = [] }: Enhanced): Buffer =>
  block(order, 6, Buffer.concat([
    words(order, [32, on], [32, units >> 32n], [32, units & 0xffffffffn], [32, captured ?? data.length], [32, wire ?? data.length]),
    padded(data), options(order, list),
  ]))

export const simple = (order: Order, data: Uint8Array, wire = data.length): Buffer =>
  block(order, 3, Buffer.concat([words(order, [32, wire]), data]))

export const obsolete = (order: Order, on: number, units: bigint, data: Uint8Array): Buffer =>
  block(order, 2, Buffer.concat([
    words(order, [16, on], [16, 0xffff], [32, units >> 32n], [32, units & 0xffffffffn], [32, data.length], [32, data.length]), data,
  ]))

export const statistics = (order: Order, on: number, list: readonly Option[]): Buffer =>
  block(order, 5, Buffer.concat([words(order, [32, on], [32, 0], [32, 0]), options(order, list)]))

/**
 * A folder for the captures of one test file, removed when it ends. Gives a function that writes a file and returns its
 * path.
 */
export function captureFolder(): { path: (name: string) => string, write: (name: string, bytes: Uint8Array) => string } {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-capture-'))
  afterAll(() => { rmSync(folder, { recursive: true }) })
  const path = (name: string): string => join(folder, name)
  return {
    path,
    write: (name, bytes) => {
      writeFileSync(path(name), bytes)
      return path(name)
    },
  }
}

export type Read = { micros: number, link: number, wire: number, vlan: number, data: Buffer }

/** Everything a source gives, copied out of its blocks; the source is closed afterwards. */
export async function readAll(source: Source): Promise<Read[]> {
  const out: Read[] = []
  await source.open()
  for (let f = await source.next(); f !== undefined; f = await source.next()) {
    for (let i = 0; i < f.count; i++) {
      const data = Buffer.from(f.bytes.subarray(f.offset[i], f.offset[i] + f.captured[i]))
      out.push({ micros: f.micros[i], link: f.link[i], wire: f.wire[i], vlan: f.vlan[i], data })
    }
  }
  await source.close()
  return out
}

export const fileSource = (...paths: string[]): Source => createSource({ kind: 'file', paths })

/** `length` octets that differ from their neighbours. */
export const pattern = (length: number, seed = 1): Buffer => Buffer.from(Uint8Array.from({ length }, (_, i) => i * 7 + seed))
