/**
 * Reads flows from files of sealed batches, each after its length as a varint: what `vedette-agent replay FILE --sink
 * file` writes. Signatures are not checked (the file is the user's own). Synchronous, a batch at a time; a file may be
 * larger than memory.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { decodeBatch } from '../proto/codec.ts'
import { errnoName, VedetteError } from '../proto/error.ts'
import type { FlowBatch } from '../proto/flow.ts'

const blockOctets = 1 << 20
/** Larger than any agent cuts a batch. */
const mostOctets = 64 << 20

/** The batches of one file, in order. Throws E_FILE_MISSING, E_FILE_DIRECTORY, E_FILE_UNREADABLE, E_BATCH_UNDECODABLE. */
export function* readFlowFile(path: string): Generator<FlowBatch> {
  const file = openFile(path)
  try {
    let held = new Uint8Array(0)
    for (let done = false; !done;) {
      const block = new Uint8Array(blockOctets)
      const n = readBlock(file, block, path)
      done = n === 0
      const bytes = new Uint8Array(held.length + n)
      bytes.set(held)
      bytes.set(block.subarray(0, n), held.length)
      let at = 0
      for (let span = next(bytes, at, path); span !== undefined; span = next(bytes, at, path)) {
        yield decodeBatch(bytes.subarray(span.from, span.to))
        at = span.to
      }
      held = bytes.slice(at)
    }
    if (held.length > 0) throw new VedetteError('E_BATCH_UNDECODABLE', `${path} ends in the middle of a batch`, 'Write it again')
  } finally {
    closeSync(file)
  }
}

/** Where the next whole batch lies; undefined when more bytes are needed. */
function next(bytes: Uint8Array, at: number, path: string): { from: number, to: number } | undefined {
  let length = 0
  for (let i = at, scale = 1; i < bytes.length; i++, scale *= 128) {
    length += (bytes[i] & 127) * scale
    if (length > mostOctets || i - at > 4) throw new VedetteError('E_BATCH_UNDECODABLE', `${path} does not hold batches`, 'Write it with --sink file')
    if (bytes[i] < 128) return i + 1 + length <= bytes.length ? { from: i + 1, to: i + 1 + length } : undefined
  }
  return undefined
}

function openFile(path: string): number {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if (errnoName(error) === 'ENOENT') throw new VedetteError('E_FILE_MISSING', `there is no file ${path}`, 'Check the path')
    throw unreadable(path, error)
  }
}

function readBlock(file: number, block: Uint8Array, path: string): number {
  try {
    return readSync(file, block)
  } catch (error) {
    if (errnoName(error) === 'EISDIR') throw new VedetteError('E_FILE_DIRECTORY', `${path} is a directory`, 'Name the files inside it')
    throw unreadable(path, error)
  }
}

const unreadable = (path: string, error: unknown): VedetteError =>
  new VedetteError('E_FILE_UNREADABLE', `cannot read ${path} (${errnoName(error)})`, 'Check its permissions', { cause: error })
