/**
 * Keyset cursors of the stores: the order's name and the keys of the last row, as base64url of JSON. Not secret and
 * not signed: the API seals them.
 */
import { VedetteError } from '../../proto/error.ts'

export const encodeCursor = (order: string, keys: readonly (number | string)[]): string => Buffer.from(JSON.stringify([order, ...keys])).toString('base64url')

/** The keys in a cursor of this order; each has the type of its `like`. Throws E_REQUEST. */
export function decodeCursor(cursor: string, order: string, like: readonly (number | string)[]): (number | string)[] {
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    parts = undefined
  }
  if (!Array.isArray(parts) || parts[0] !== order || parts.length !== like.length + 1) throw bad()
  return like.map((example, i): number | string => {
    const key: unknown = parts[i + 1]
    if (typeof key === 'number' && typeof example === 'number' && Number.isFinite(key)) return key
    if (typeof key === 'string' && typeof example === 'string') return key
    throw bad()
  })
}

const bad = (): VedetteError => new VedetteError('E_REQUEST', 'the cursor does not belong to this query', 'Begin again without a cursor')
