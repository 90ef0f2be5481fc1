/**
 * Octets of a capture, wherever they come from: a plain file (read in place, synchronously: 128-KiB reads from the page
 * cache cost less than a turn of the event loop), a pipe or standard input, and either of them compressed with gzip or
 * zstd, recognised by their magic. It blocks only on plain files. Memory is bounded: streams are read by back-pressure,
 * whatever the ratio of compression. What it may lose: octets after damage in a compressed stream. What came before is
 * delivered, and `damage` says why the rest is missing.
 */
import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { constants, createGunzip, createZstdDecompress } from 'node:zlib'
import type { Gunzip, ZstdDecompress } from 'node:zlib'
import { errnoName, VedetteError } from '../../proto/error.ts'

const readOctets = 128 * 1024

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
  if (path === '-') return openStream(createReadStream('', { fd: 0, autoClose: false, highWaterMark: readOctets }), undefined)
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
  const stream = createReadStream(path, { highWaterMark: readOctets })
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
  if (compression === undefined) return new StreamInput(raw, size, raw.readableEnded ? only(head) : raw)
  return new StreamInput(raw, size, compression === 'gzip' ? inflated(raw, makeGunzip) : inflated(raw, makeUnzstd, true))
}

async function* only(head: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(head)
}

type Inflate = Gunzip | ZstdDecompress
const makeGunzip = (): Inflate => createGunzip({ chunkSize: readOctets })
/** A window of 128 MiB is the most that zstd itself takes without being asked. */
const makeUnzstd = (): Inflate => createZstdDecompress({ chunkSize: readOctets, params: { [constants.ZSTD_d_windowLogMax]: 27 } })

/**
 * Decompressed chunks of `raw`, only as fast as they are taken. Node ends a zstd stream after its first frame: with
 * `frames` the next one is begun with what was left. Throws an Error that says what is wrong with the data, after
 * everything before it was given out.
 */
async function* inflated(raw: Readable, make: () => Inflate, frames = false): AsyncGenerator<Uint8Array> {
  const source = raw[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  let rest: Uint8Array = new Uint8Array(0)
  do {
    const inflate = make()
    const pump = new Pump(inflate, source, rest)
    yield* pump.chunks()
    rest = frames ? pump.left() : new Uint8Array(0)
  } while (rest.length > 0)
}

/** Feeds one decompressor chunk by chunk, so that it is known how much of its input it has used. */
class Pump {
  private readonly inflate: Inflate
  private readonly source: AsyncIterator<Uint8Array>
  private last: Uint8Array
  private fed = 0
  private over = false
  private failed: Error | undefined
  private wake: (() => void) | undefined

  constructor(inflate: Inflate, source: AsyncIterator<Uint8Array>, first: Uint8Array) {
    this.inflate = inflate
    this.source = source
    this.last = first
    const wake = (): void => { this.wake?.() }
    const end = (): void => {
      this.over = true
      wake()
    }
    inflate.on('readable', wake).on('end', end).on('close', end).on('error', (error) => {
      this.failed = error
      end()
    })
  }

  /** What was fed and not used: the beginning of the next frame. */
  left(): Uint8Array {
    return this.last.subarray(this.last.length - (this.fed - this.inflate.bytesWritten))
  }

  async* chunks(): AsyncGenerator<Uint8Array> {
    this.feed().catch((error: unknown) => this.inflate.destroy(error instanceof Error ? error : new Error(String(error))))
    try {
      for (;;) {
        const chunk = this.inflate.read() as Uint8Array | null
        if (chunk !== null) yield chunk
        else if (this.over) break
        else await new Promise<void>((resolve) => { this.wake = resolve })
      }
      if (this.failed !== undefined) throw this.failed
    } finally {
      this.inflate.destroy()
    }
  }

  private async feed(): Promise<void> {
    if (this.last.length > 0) await this.write(this.last)
    while (!this.over) {
      const item = await this.source.next()
      if (item.done === true) {
        this.inflate.end()
        return
      }
      this.last = item.value
      await this.write(item.value)
    }
  }

  /** Never resolves for the chunk in which the data ends: nothing more is fed then. */
  private write(chunk: Uint8Array): Promise<void> {
    this.fed += chunk.length
    return new Promise((resolve) => { this.inflate.write(chunk, () => { resolve() }) })
  }
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
  private readonly raw: Readable & { bytesRead?: number }
  private readonly chunks: AsyncIterator<Uint8Array>
  private chunk: Uint8Array = new Uint8Array(0)

  constructor(raw: Readable, size: number | undefined, chunks: AsyncIterable<Uint8Array>) {
    this.raw = raw
    this.size = size
    this.compressed = chunks !== raw
    this.chunks = chunks[Symbol.asyncIterator]()
  }

  get position(): number {
    return this.raw.bytesRead ?? 0
  }

  async read(into: Uint8Array, at: number, length: number): Promise<number> {
    while (this.chunk.length === 0) {
      try {
        const item = await this.chunks.next()
        if (item.done === true) return 0
        this.chunk = item.value
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        this.damage = this.compressed ? `the compressed data is damaged (${why})` : `reading it failed (${why})`
        return 0
      }
    }
    const n = Math.min(length, this.chunk.length)
    into.set(this.chunk.subarray(0, n), at)
    this.chunk = this.chunk.subarray(n)
    return n
  }

  close(): void {
    this.raw.destroy()
  }
}
