import { createHmac, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decodeBatch, encodeBatch, encodeRecords, makeFlow, signatureBytes } from '../../proto/codec.ts'
import { readOrMakeKey, sealBatch, verifyBatch } from '../../proto/signature.ts'

const key = randomBytes(32)
const batch = encodeBatch({
  stream: 's/0', sensor: 's', boot: '00', sequence: 1, clockMicros: 1, run: '', recordVersion: 1, featureHash: '', modelHash: '', vantage: 'host',
  simulated: false, last: false, ledger: new Map(), dropped: [],
}, encodeRecords([makeFlow({ initiatorAddress: '1.1.1.1', responderAddress: '2.2.2.2' })]))

describe('a sealed batch', () => {
  const sealed = sealBatch(batch, key)

  it('is the batch and HMAC-SHA256 of it in field 15', () => {
    expect(sealed.length).toBe(batch.length + signatureBytes)
    expect([...sealed.subarray(batch.length, batch.length + 2)]).toEqual([15 << 3 | 2, 32])
    expect(Buffer.from(sealed.subarray(batch.length + 2)).equals(createHmac('sha256', key).update(batch).digest())).toBe(true)
    expect(decodeBatch(sealed)).toEqual(decodeBatch(batch))
  })

  it('is verified under any of the keys, old or new', () => {
    expect(verifyBatch(sealed, [key])).toBe(true)
    expect(verifyBatch(sealed, [randomBytes(32), key])).toBe(true)
    expect(verifyBatch(sealed, [randomBytes(32)])).toBe(false)
    expect(verifyBatch(sealed, [])).toBe(false)
  })

  it('with any bit changed is not verified', () => {
    for (let at = 0; at < sealed.length; at++) {
      const changed = sealed.slice()
      changed[at] ^= 1 << at % 8
      expect(verifyBatch(changed, [key])).toBe(false)
    }
  })

  it('with something after the signature, or cut off, is not verified', () => {
    expect(verifyBatch(Uint8Array.of(...sealed, 0x78, 1), [key])).toBe(false)
    for (const length of [0, 1, signatureBytes - 1, sealed.length - 1]) expect(verifyBatch(sealed.subarray(0, length), [key])).toBe(false)
    expect(verifyBatch(batch, [key])).toBe(false)
  })
})

describe('the key file', () => {
  let folder = ''
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'vedette-key-')) })
  afterEach(() => { rmSync(folder, { recursive: true }) })

  it('is made once, for its owner alone, and read ever after', () => {
    const path = join(folder, 'new/batch.key')
    const made = readOrMakeKey(path)
    expect(made).toHaveLength(32)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readFileSync(path, 'utf8')).toMatch(/^[0-9a-f]{64}\n$/)
    expect(readOrMakeKey(path)).toEqual(made)
  })

  it('that holds something else is refused, not replaced', () => {
    const path = join(folder, 'batch.key')
    writeFileSync(path, 'hello')
    expect(() => readOrMakeKey(path)).toThrow(expect.objectContaining({ code: 'E_CONFIG' }) as Error)
    expect(readFileSync(path, 'utf8')).toBe('hello')
  })

  it('that cannot be read is said with what to do', () => {
    writeFileSync(join(folder, 'file'), '')
    for (const path of [folder, join(folder, 'file/batch.key')]) {
      expect(() => readOrMakeKey(path)).toThrow(expect.objectContaining({ code: 'E_FILE_UNREADABLE' }) as Error)
    }
  })

  it('that cannot be written is said with what to do', () => {
    expect(() => readOrMakeKey('/sys/vedette/batch.key')).toThrow(expect.objectContaining({ code: 'E_DATA_UNWRITABLE' }) as Error)
  })
})
