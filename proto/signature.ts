/**
 * HMAC-SHA256 over a batch: a topic's access list alone cannot stop one sensor writing as another. The signature is the last
 * field of the message (field 15, 34 bytes), and covers every byte before it.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { batchField, signatureBytes } from './codec.ts'
import { errnoName, VedetteError } from './error.ts'
import { makeFolder } from './folder.ts'

const head = Uint8Array.of(batchField.signature * 8 + 2, 32)

/** The batch with its signature appended. `key` is at least 16 bytes. */
export function sealBatch(batch: Uint8Array, key: Uint8Array): Uint8Array {
  const out = new Uint8Array(batch.length + signatureBytes)
  out.set(batch)
  out.set(head, batch.length)
  out.set(createHmac('sha256', key).update(batch).digest(), batch.length + 2)
  return out
}

/** Whether the last field is the signature of everything before it under one of the keys. */
export function verifyBatch(sealed: Uint8Array, keys: readonly Uint8Array[]): boolean {
  const at = sealed.length - signatureBytes
  if (at < 0 || sealed[at] !== head[0] || sealed[at + 1] !== head[1]) return false
  const signature = sealed.subarray(at + 2)
  return keys.some((key) => timingSafeEqual(createHmac('sha256', key).update(sealed.subarray(0, at)).digest(), signature))
}

/** The key file (64 hexadecimal digits, mode 0600); made when it is missing. Throws E_CONFIG, E_FILE_UNREADABLE, E_DATA_UNWRITABLE. */
export function readOrMakeKey(path: string): Uint8Array {
  try {
    return parseKey(readFileSync(path, 'utf8'), path)
  } catch (error) {
    if (error instanceof VedetteError) throw error
    const name = errnoName(error)
    if (name !== 'ENOENT') throw new VedetteError('E_FILE_UNREADABLE', `cannot read the key file ${path} (${name})`, 'Check the path and its permissions', { cause: error })
  }
  makeFolder(dirname(path), 0o777, '--key-file')
  const key = randomBytes(32)
  try {
    writeFileSync(path, `${key.toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
    chmodSync(path, 0o600)
  } catch (error) {
    if (errnoName(error) === 'EEXIST') return parseKey(readFileSync(path, 'utf8'), path)
    throw new VedetteError('E_DATA_UNWRITABLE', `cannot write the key file ${path} (${errnoName(error)})`, 'Choose another folder with --data', { cause: error })
  }
  return key
}

function parseKey(text: string, path: string): Uint8Array {
  if (!/^[0-9a-f]{64}\s*$/.test(text)) throw new VedetteError('E_CONFIG', `${path} is not a key file`, 'It holds 64 hexadecimal digits; remove it to have a new one made')
  return Buffer.from(text.trim(), 'hex')
}
