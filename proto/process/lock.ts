/**
 * One process per folder. The lock is a file that names its owner: process id, start time of that process and boot of
 * the machine (from /proc), so a lock left by a killed process, even when its id was given to another one, is
 * recognised and taken over. It appears with its content in one step (a hard link), and a stale one is removed only
 * under a second lock, so two starting processes cannot both win. It guards processes that see each other's ids:
 * those of two containers on one volume do not; there SQLite's and DuckDB's own locks stand.
 */
import { linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { errnoName, VedetteError } from '../error.ts'
import { makeFolder } from '../folder.ts'

export type FolderLock = { release(): void }

/**
 * Start time of a process in clock ticks since boot: field 22 of /proc/PID/stat, counted after the name, which may
 * hold anything.
 */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  } catch {
    return ''
  }
}

const identity = (): string => `${String(process.pid)} ${startTime(process.pid) ?? ''} ${bootId()}\n`

/** The process id in a lock file whose owner lives; undefined when it is stale, unreadable or gone. */
function owner(path: string): number | undefined {
  let text: string
  try {
    text = readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
  const match = /^(\d+) (\d+) (\S*)\n$/.exec(text)
  if (match === null) return undefined
  const pid = Number(match[1])
  return match[3] === bootId() && startTime(pid) === match[2] ? pid : undefined
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (errnoName(error) === 'EEXIST') return false
    throw error
  }
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // Gone already: what was wanted.
  }
}

/**
 * Takes the lock of a folder, making the folder when it is missing. Throws E_DATA_IN_USE, E_DATA_FULL,
 * E_DATA_UNWRITABLE.
 */
export function lockFolder(folder: string): FolderLock {
  const path = join(folder, 'lock')
  const takeover = join(folder, 'lock.takeover')
  const own = join(folder, `lock.${String(process.pid)}.${randomBytes(4).toString('hex')}`)
  const inUse = (pid: number): VedetteError =>
    new VedetteError('E_DATA_IN_USE', `${folder} is in use by process ${String(pid)}`, 'Stop that process, or choose another folder with --data')
  try {
    makeFolder(folder, 0o700)
    writeFileSync(own, identity(), { mode: 0o600, flag: 'wx' })
    for (let attempt = 1; !tryLink(own, path); attempt++) {
      const pid = owner(path)
      if (pid !== undefined) throw inUse(pid)
      if (attempt === 16) throw new VedetteError('E_DATA_UNWRITABLE', `the stale lock ${path} cannot be removed`, 'Remove it by hand when no process of Vedette runs')
      if (!tryLink(own, takeover)) {
        const other = owner(takeover)
        if (other !== undefined && other !== process.pid) throw inUse(other)
        unlinkQuietly(takeover)
        continue
      }
      if (owner(path) === undefined) unlinkQuietly(path)
      unlinkQuietly(takeover)
    }
  } catch (error) {
    if (error instanceof VedetteError) throw error
    if (errnoName(error) === 'ENOSPC') throw new VedetteError('E_DATA_FULL', `no space left in ${folder}`, 'Free some space, or choose another folder with --data', { cause: error })
    throw new VedetteError('E_DATA_UNWRITABLE', `cannot write to ${folder} (${errnoName(error)})`, 'Choose another folder with --data', { cause: error })
  } finally {
    unlinkQuietly(own)
  }
  let held = true
  return {
    release: () => {
      if (held) unlinkQuietly(path)
      held = false
    },
  }
}
