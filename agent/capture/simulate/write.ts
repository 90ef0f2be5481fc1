/**
 * Writes a simulated capture: classic pcap (little-endian, microseconds, link type Ethernet) and, beside it,
 * `.truth.json`. Both are written under a temporary name and renamed when whole, the truth first, so a capture that
 * is there is complete and has its truth. Blocks for the time of generation in steps of a few milliseconds. Throws
 * E_DATA_UNWRITABLE or E_DATA_FULL.
 */
import { open, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoName, VedetteError } from '../../../proto/error.ts'
import { makeFolder } from '../../../proto/folder.ts'
import type { Frames } from '../source.ts'
import type { SimulateOptions } from './options.ts'
import { SimulateSource } from './source.ts'
import type { Truth } from './truth.ts'

export type WriteOptions = SimulateOptions & {
  /** Told after every few thousand packets. */
  onProgress?: (fraction: number, packets: number) => void
}

/** Where the truth about a capture lies. */
export const truthPath = (path: string): string => `${path}.truth.json`

/** Makes the capture of these options at `path`, and its folder. Gives what happened in it. */
export async function writeCapture(path: string, options: WriteOptions): Promise<Truth> {
  const source = new SimulateSource(options)
  const temporary = `${path}.${process.pid}.tmp`
  try {
    makeFolder(dirname(path), 0o777, '--folder')
    await source.open()
    const file = await open(temporary, 'w')
    try {
      await file.writeFile(fileHeader())
      for (let frames = await source.next(); frames !== undefined; frames = await source.next()) {
        await file.writeFile(records(frames))
        options.onProgress?.(source.progress().fraction ?? 0, source.counters.frames)
      }
    } finally {
      await file.close()
    }
    const truth = source.truth()
    await writeFile(`${temporary}.truth`, `${JSON.stringify(truth, null, 1)}\n`)
    await rename(`${temporary}.truth`, truthPath(path))
    await rename(temporary, path)
    return truth
  } catch (error) {
    for (const left of [temporary, `${temporary}.truth`]) await rm(left, { force: true }).catch(() => undefined)
    const errno = errnoName(error)
    if (error instanceof VedetteError || errno === '') throw error
    if (errno === 'ENOSPC') throw new VedetteError('E_DATA_FULL', `no room for the capture ${path}`, 'Free about 150 MB',
      { cause: error })
    throw new VedetteError('E_DATA_UNWRITABLE', `cannot write ${path} (${errno})`, 'Name another folder', { cause: error })
  }
}

function fileHeader(): Uint8Array {
  const out = new DataView(new ArrayBuffer(24))
  out.setUint32(0, 0xa1b2c3d4, true)
  out.setUint16(4, 2, true)
  out.setUint16(6, 4, true)
  out.setUint32(16, 65535, true)
  out.setUint32(20, 1, true)
  return new Uint8Array(out.buffer)
}

/** The records of a block. */
function records({ count, bytes, offset, captured, wire, micros }: Frames): Uint8Array {
  let size = 16 * count
  for (let i = 0; i < count; i++) size += captured[i]
  const out = new Uint8Array(size)
  const view = new DataView(out.buffer)
  let at = 0
  for (let i = 0; i < count; i++) {
    const seconds = Math.floor(micros[i] / 1e6)
    view.setUint32(at, seconds, true)
    view.setUint32(at + 4, micros[i] - seconds * 1e6, true)
    view.setUint32(at + 8, captured[i], true)
    view.setUint32(at + 12, wire[i], true)
    out.set(bytes.subarray(offset[i], offset[i] + captured[i]), at + 16)
    at += 16 + captured[i]
  }
  return out
}
