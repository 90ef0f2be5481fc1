/**
 * Which boot a stream's batches belong to. Live: random, a new one at each start. Replay: a hash of the bytes replayed, of everything in
 * the configuration that changes records, of the record version and of the run, so that the same replay is recognised and its
 * batches are duplicates, not new flows. Reads every file once; nothing is kept.
 */
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { errnoName, VedetteError } from '../proto/error.ts'
import { recordVersion } from '../proto/flow.ts'

export const randomBoot = (): string => randomBytes(8).toString('hex')

/** 16 hexadecimal digits. `-` (standard input) cannot be read twice: its boot is random. Throws E_FILE_*. */
export async function replayBoot(paths: readonly string[], effective: unknown, run: string): Promise<string> {
  if (paths.includes('-')) return randomBoot()
  const hash = createHash('sha256').update(JSON.stringify([recordVersion, run, effective]))
  for (const path of paths) {
    try {
      for await (const part of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(part as Buffer)
    } catch (error) {
      const name = errnoName(error)
      if (name === 'ENOENT') throw new VedetteError('E_FILE_MISSING', `there is no file ${path}`, 'Check the path')
      if (name === 'EISDIR') throw new VedetteError('E_FILE_DIRECTORY', `${path} is a directory`, 'Name the capture files inside it')
      throw new VedetteError('E_FILE_UNREADABLE', `cannot read ${path} (${name})`, 'Check its permissions', { cause: error })
    }
    hash.update('\0')
  }
  return hash.digest('hex').slice(0, 16)
}
