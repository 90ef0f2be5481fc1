/**
 * Batches to a file. The name decides the form:
 *
 *   *.jsonl     whole flows (final records), one line of JSON each, as on standard output
 *   any other   sealed batches as they are, each after its length as a protobuf varint (protobuf's delimited form)
 *
 * An existing file is written anew. A batch is acknowledged when the operating system has it; the file is synced when
 * it is closed. A disk that is full is retryable: the batch is written again from the same position, so that nothing
 * half-written remains before it.
 */
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { errnoName, VedetteError } from '../../proto/error.ts'
import { writeVarint } from '../../proto/wire.ts'
import { batchLines } from './lines.ts'
import type { SealedBatch, Sink } from './sink.ts'

export type FileOptions = { path: string }

export class FileSink implements Sink {
  readonly name = 'file'
  private readonly path: string
  private readonly lines: boolean
  private handle: FileHandle | undefined
  private position = 0

  constructor({ path }: FileOptions) {
    this.path = path
    this.lines = path.endsWith('.jsonl')
  }

  /** Throws E_DATA_UNWRITABLE. */
  async open(): Promise<void> {
    try {
      this.handle = await open(this.path, 'w')
    } catch (error) {
      throw this.unwritable(error)
    }
  }

  /** Throws E_DATA_FULL (retryable), E_DATA_UNWRITABLE. */
  async send(batch: SealedBatch): Promise<void> {
    const bytes = this.lines ? Buffer.from(batchLines(batch.bytes)) : delimited(batch.bytes)
    try {
      for (let done = 0; done < bytes.length;) {
        if (this.handle === undefined) throw new VedetteError('E_SINK_AWAY', `${this.path} is closed`)
        const { bytesWritten } = await this.handle.write(bytes, done, bytes.length - done, this.position + done)
        done += bytesWritten
      }
    } catch (error) {
      if (error instanceof VedetteError) throw error
      throw this.unwritable(error)
    }
    this.position += bytes.length
  }

  /** Cuts off what a failed write left behind. */
  async close(): Promise<void> {
    const handle = this.handle
    this.handle = undefined
    if (handle === undefined) return
    try {
      if ((await handle.stat()).isFile()) {
        await handle.truncate(this.position)
        await handle.sync()
      }
    } catch (error) {
      throw this.unwritable(error)
    } finally {
      await handle.close()
    }
  }

  private unwritable(error: unknown): VedetteError {
    const name = errnoName(error)
    if (name === 'ENOSPC' || name === 'EDQUOT') {
      return new VedetteError('E_DATA_FULL', `no room left for ${this.path}`, 'Make room on that disk', { cause: error })
    }
    return new VedetteError('E_DATA_UNWRITABLE', `${this.path} cannot be written (${name})`, 'Choose another file', { cause: error })
  }
}

function delimited(batch: Uint8Array): Uint8Array {
  const out = new Uint8Array(10 + batch.length)
  const at = writeVarint(out, 0, batch.length)
  out.set(batch, at)
  return out.subarray(0, at + batch.length)
}
