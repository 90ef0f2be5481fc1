/**
 * Octets of a capture, wherever they come from: a plain file (read in place, synchronously: 128-KiB reads from the page
 * cache cost less than a turn of the event loop), a pipe or standard input, and either of them compressed with gzip or
 * zstd, recognised by their magic. It blocks only on plain files. Memory is bounded: streams are read by back-pressure,
 * whatever the ratio of compression. What it may lose: octets after damage in a compressed stream. What came before is
 * delivered, and `damage` says why the rest is missing.
 */
import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs'
import { once } from 'node:events'
import { pipeline } from 'node:stream'
import type { Readable } from 'node:stream'
import { constants, createGunzip, createZstdDecompress } from 'node:zlib'
import { errnoName, VedetteError } from '../../proto/error.ts'

export interface Input {
  /** Octets of the file as stored; undefined for pipes. */
  readonly size: number | undefined
  readonly compressed: boolean
  /** How many of them were read. */
  readonly position: number
  /** Why the octets ended before their time, '' when they did not. */
  readonly damage: string
  /**
   * Up to `length` octets to `into[at...]`; 0 at the end. A number at once for plain files, else a promise. Does not
   * throw.
   */
  read(into: Uint8Array, at: number, length: number): number | Promise<number>
  close(): void
}

/** What compressed data begins with. */
const compressions = [
  { name: 'gzip', magic: [0x1f, 0x8b] },
  { name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd] },
] as const
type Compression = typeof compressions[number]['name']

/**
 * Octets of a regular file; undefined for standard input and pipes, which can be opened only once. Throws
 * E_FILE_MISSING, E_FILE_DIRECTORY, E_FILE_UNREADABLE.
 */
export function fileSize(path: string): number | undefined {
  if (path === '-') return undefined
  const stats = opening(path, () => statSync(path))
  if (stats.isDirectory()) throw new VedetteError('E_FILE_DIRECTORY', `${path} is a directory`, 'Name the capture files in it')
  return stats.isFile() ? stats.size : undefined
}

/**
 * Opens `path` (`-` is standard input). Throws E_FILE_MISSING, E_FILE_DIRECTORY, E_FILE_UNREADABLE.
 */
export async function openInput(path: string): Promise<Input> {
  if (path === '-') return openStream(createReadStream('', { fd: 0, autoClose: false, highWaterMark: 131072 }), undefined)
  const size = fileSize(path)
  if (size === undefined) return openStream(await opened(path), undefined)
  const fd = opening(path, () => openSync(path, 'r'))
  const head = new Uint8Array(4)
  const compression = compressionOf(head.subarray(0, opening(path, () => readSync(fd, head, 0, 4, 0))))
  if (compression === undefined) return new PlainInput(fd, size)
  closeSync(fd)
  return openStream(await opened(path), size)
}

async function opened(path: string): Promise<Readable> {
  const stream = createReadStream(path, { highWaterMark: 131072 })
  try {
    await once(stream, 'open')
  } catch (error) {
    throw unreadable(path, error)
  }
  return stream
}

function opening<T>(path: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw unreadable(path, error)
  }
}

function unreadable(path: string, error: unknown): VedetteError {
  const name = errnoName(error)
  if (name === 'ENOENT' || name === 'ENOTDIR') {
    return new VedetteError('E_FILE_MISSING', `there is no file ${path}`, 'Check the path', { cause: error })
  }
  const advice = name === 'EACCES' || name === 'EPERM' ? 'Give this user the right to read it' : 'Check the file and the disk'
  const why = name === '' ? String(error) : name
  return new VedetteError('E_FILE_UNREADABLE', `${path} cannot be read (${why})`, advice, { cause: error })
}

function compressionOf(head: Uint8Array): Compression | undefined {
  return compressions.find(({ magic }) => magic.every((octet, i) => head[i] === octet))?.name
}

async function openStream(raw: Readable, size: number | undefined): Promise<Input> {
  const head = await peek(raw, 4)
  const compression = compressionOf(head)
  if (compression === undefined) return new StreamInput(raw, raw, size, raw.readableEnded ? head : undefined)
  const inflate = compression === 'gzip'
    ? createGunzip({ chunkSize: 131072 })
    : createZstdDecompress({ chunkSize: 131072, params: { [constants.ZSTD_d_windowLogMax]: 27 } })
  const input = new StreamInput(inflate, raw, size)
  pipeline(raw, inflate, () => { /* the input hears of it by its own listeners */ })
  return input
}

/** The first octets of a stream (fewer at its end), put back so that the next reader sees them again. */
async function peek(stream: Readable, length: number): Promise<Uint8Array> {
  let head: Buffer = Buffer.alloc(0)
  let over = false
  const ended = (): void => { over = true }
  stream.once('end', ended).once('error', ended)
  while (head.length < length) {
    const chunk = stream.read() as Buffer | null
    if (chunk !== null) head = Buffer.concat([head, chunk])
    else if (over || stream.readableEnded || stream.destroyed) break
    else await new Promise<void>((resolve) => {
      const go = (): void => {
        stream.off('readable', go).off('end', go).off('error', go)
        resolve()
      }
      stream.on('readable', go).on('end', go).on('error', go)
    })
  }
  stream.off('end', ended).off('error', ended)
  if (head.length > 0 && !stream.readableEnded) stream.unshift(head)
  return head
}

class PlainInput implements Input {
  readonly size: number
  readonly compressed = false
  position = 0
  damage = ''
  private fd: number | undefined

  constructor(fd: number, size: number) {
    this.fd = fd
    this.size = size
  }

  read(into: Uint8Array, at: number, length: number): number {
    if (this.fd === undefined) return 0
    try {
      const got = readSync(this.fd, into, at, length, null)
      this.position += got
      return got
    } catch (error) {
      this.damage = `reading it failed (${errnoName(error)})`
      return 0
    }
  }

  close(): void {
    if (this.fd !== undefined) closeSync(this.fd)
    this.fd = undefined
  }
}

class StreamInput implements Input {
  readonly size: number | undefined
  readonly compressed: boolean
  damage = ''
  private readonly stream: Readable
  private readonly raw: Readable & { bytesRead?: number }
  private chunk: Uint8Array = new Uint8Array(0)
  private over = false
  private wake: (() => void) | undefined

  /** `head`: what was peeked of a stream that has already ended, and so could not be put back. */
  constructor(stream: Readable, raw: Readable, size: number | undefined, head?: Uint8Array) {
    if (head !== undefined) { this.chunk = head; this.over = true }
    this.stream = stream
    this.raw = raw
    this.size = size
    this.compressed = stream !== raw
    const wake = (): void => { this.wake?.() }
    const end = (): void => { this.over = true; wake() }
    stream.on('readable', wake).on('end', end).on('close', end).on('error', (error) => {
      this.damage = stream === raw ? `reading it failed (${errnoName(error)})` : `the compressed data is damaged (${error.message})`
      end()
    })
  }

  get position(): number {
    return this.raw.bytesRead ?? 0
  }

  async read(into: Uint8Array, at: number, length: number): Promise<number> {
    while (this.chunk.length === 0) {
      const chunk = this.stream.read() as Uint8Array | null
      if (chunk !== null) this.chunk = chunk
      else if (this.over) return 0
      else await new Promise<void>((resolve) => { this.wake = resolve })
    }
    const n = Math.min(length, this.chunk.length)
    into.set(this.chunk.subarray(0, n), at)
    this.chunk = this.chunk.subarray(n)
    return n
  }

  close(): void {
    this.over = true
    this.stream.destroy()
    this.raw.destroy()
    this.wake?.()
  }
}
