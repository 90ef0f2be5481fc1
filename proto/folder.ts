/**
 * Making a folder of ours with those above it, one at a time: Node's own recursive mkdir never returns where the nearest
 * folder that exists takes no new ones but says ENOENT (/proc, /sys). Throws E_DATA_UNWRITABLE, E_DATA_FULL.
 */
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { errnoName, VedetteError } from './error.ts'

/** Makes `path` unless it is there; new folders get `mode`. `flag` is what a person names another with. */
export function makeFolder(path: string, mode = 0o777, flag = '--data'): void {
  const missing: string[] = []
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.push(at)
  try {
    for (const folder of missing.toReversed()) makeOne(folder, mode)
    if (!statSync(path).isDirectory()) throw new VedetteError('E_DATA_UNWRITABLE', `${path} is not a folder`, `Name another with ${flag}`)
  } catch (error) {
    if (error instanceof VedetteError) throw error
    if (errnoName(error) === 'ENOSPC') throw new VedetteError('E_DATA_FULL', `no space left for the folder ${path}`, `Free some space, or name another with ${flag}`, { cause: error })
    throw new VedetteError('E_DATA_UNWRITABLE', `cannot use the folder ${path} (${errnoName(error)})`, `Name another with ${flag}`, { cause: error })
  }
}

function makeOne(folder: string, mode: number): void {
  try {
    mkdirSync(folder, { mode })
  } catch (error) {
    // Another process was faster; whether it made a folder is looked at last.
    if (errnoName(error) !== 'EEXIST') throw error
  }
}
