/**
 * What SQLite reports, as a code of Vedette's table: which of its failures pass by themselves and which need a
 * person.
 */
import { VedetteError } from '../../proto/error.ts'

/** Turns anything thrown by the store's work into a VedetteError; one that is already is left as it is. */
export function sqliteError(error: unknown, path: string): VedetteError {
  if (error instanceof VedetteError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const why = error instanceof Error ? error.message : String(error)
  if (code.startsWith('SQLITE_FULL')) return new VedetteError('E_DATA_FULL', `no space left for ${path}`, 'Free some space; nothing was lost', { cause: error })
  if (/^SQLITE_(READONLY|CANTOPEN|PERM|AUTH)/.test(code)) {
    return new VedetteError('E_DATA_UNWRITABLE', `cannot write to ${path} (${why})`, 'Check the rights of the folder, or choose another one with --data', { cause: error })
  }
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) {
    return new VedetteError('E_STORE', `${path} is damaged (${why})`, 'Restore a copy, or move the file away to begin a new one', { cause: error })
  }
  if (/^SQLITE_(BUSY|LOCKED|IOERR|NOMEM|INTERRUPT)/.test(code)) return new VedetteError('E_STORE', `the store is busy or its disk fails (${why})`, 'It is tried again', { cause: error })
  return new VedetteError('E_INTERNAL', `the store refused a statement (${why})`, '', { cause: error })
}
