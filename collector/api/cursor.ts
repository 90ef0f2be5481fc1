/**
 * Opaque cursors: the store's own cursor, bound to the filters it was made for and sealed by HMAC, so that a reader can neither edit
 * one nor carry it to another query. The key lives in the store, hence a cursor survives a restart.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { VedetteError } from '../../proto/error.ts'
import type { Store } from '../store/store.ts'

const settingName = 'api/cursor-key'
const sealOctets = 12

export class Cursors {
  readonly #store: Store
  #key: Buffer | undefined

  constructor(store: Store) {
    this.#store = store
  }

  #seal(text: string): Buffer {
    if (this.#key === undefined) {
      const kept = this.#store.setting(settingName)
      this.#key = kept === undefined ? randomBytes(32) : Buffer.from(kept, 'hex')
      if (kept === undefined) this.#store.setSetting(settingName, this.#key.toString('hex'))
    }
    return createHmac('sha256', this.#key).update(text).digest().subarray(0, sealOctets)
  }

  #bound(query: object, inner: string): string {
    const filters = Object.entries(query).filter(([name, value]) => name !== 'cursor' && name !== 'limit' && value !== undefined).sort()
    return `${createHash('sha256').update(JSON.stringify(filters)).digest('base64url')} ${inner}`
  }

  /** `inner` for the outside. */
  close(query: object, inner: string): string {
    return Buffer.concat([this.#seal(this.#bound(query, inner)), Buffer.from(inner)]).toString('base64url')
  }

  /** What `close` was given for the same filters. Throws E_REQUEST. */
  open(query: object, cursor: string): string {
    const bytes = Buffer.from(cursor, 'base64url')
    const inner = bytes.subarray(sealOctets).toString()
    if (bytes.length <= sealOctets || !timingSafeEqual(bytes.subarray(0, sealOctets), this.#seal(this.#bound(query, inner)))) {
      throw new VedetteError('E_REQUEST', 'the cursor does not belong to this query', 'Begin again without a cursor')
    }
    return inner
  }
}
