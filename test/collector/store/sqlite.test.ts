import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createStore } from '../../../collector/store/index.ts'
import { alert, commit, finding, notification, storeContract } from '../../contract/store.ts'

storeContract('sqlite', () => {
  const dir = mkdtempSync(join(tmpdir(), 'vedette-store-'))
  const path = join(dir, 'state.db')
  return { store: createStore({ path }), reopen: () => createStore({ path }), remove: () => { rmSync(dir, { recursive: true }) } }
})

describe('the SQLite file', () => {
  let dir = ''
  beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'vedette-sqlite-')) })
  afterEach(() => { rmSync(dir, { recursive: true, force: true }) })
  const code = (expected: string): unknown => expect.objectContaining({ code: expected })

  it('is flushed at every commit', () => {
    const path = join(dir, 'below', 'state.db')
    const store = createStore({ path })
    store.open()
    store.open()
    const other = new Database(path)
    expect(other.pragma('journal_mode', { simple: true })).toBe('wal')
    other.close()
    store.close()
    expect(statSync(path).size).toBeGreaterThan(0)
  })

  it('is refused when a newer version wrote it', () => {
    const path = join(dir, 'state.db')
    const other = new Database(path)
    other.pragma('user_version = 99')
    other.close()
    expect(() => { createStore({ path }).open() }).toThrow(expect.objectContaining({ code: 'E_STORE', message: expect.stringContaining('newer version') as string }))
  })

  it('is refused when it is not a database, or cannot be made', () => {
    const path = join(dir, 'state.db')
    writeFileSync(path, 'x'.repeat(5000))
    expect(() => { createStore({ path }).open() }).toThrow(code('E_STORE'))
    expect(() => { createStore({ path: join(path, 'below', 'state.db') }).open() }).toThrow(code('E_DATA_UNWRITABLE'))
    mkdirSync(join(dir, 'folder.db'))
    expect(() => { createStore({ path: join(dir, 'folder.db') }).open() }).toThrow(code('E_DATA_UNWRITABLE'))
  })

  it('says that it is busy when another process holds it too long', () => {
    const path = join(dir, 'state.db')
    const store = createStore({ path, busyMs: 20 })
    store.open()
    const other = new Database(path)
    other.exec('BEGIN IMMEDIATE')
    expect(() => store.commit(commit(0))).toThrow(expect.objectContaining({ code: 'E_STORE', retryable: true }))
    other.exec('ROLLBACK')
    other.close()
    store.commit(commit(0))
    store.close()
  })

  it.skipIf(process.getuid?.() !== 0)('says E_DATA_FULL on a full disk and goes on when there is room (needs root, to mount a small tmpfs)', () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir])
    try {
      const store = createStore({ path: join(dir, 'state.db') })
      store.open()
      writeFileSync(join(dir, 'ballast'), Buffer.alloc(300_000))
      let done = 0
      let failure: unknown
      while (failure === undefined && done < 5000) {
        try {
          store.commit(commit(done, { alerts: [alert(done, { sentence: 'x'.repeat(20_000) })], findings: [finding(done)], notifications: [notification(done)] }))
          done += 10
        } catch (error) {
          failure = error
        }
      }
      expect(failure).toMatchObject({ code: 'E_DATA_FULL' })
      expect([store.position('detection').done, store.counts().alerts]).toEqual([done, done / 10])
      rmSync(join(dir, 'ballast'))
      store.commit(commit(done, { alerts: [alert(done)] }))
      expect(store.counts().alerts).toBe(done / 10 + 1)
      store.close()
    } finally {
      execFileSync('umount', [dir])
    }
  })

  it('answers a page of the queue quickly over 20,000 alerts', () => {
    const store = createStore({ path: join(dir, 'state.db') })
    store.open()
    for (let i = 0; i < 20; i++) {
      store.commit(commit(i * 10, { alerts: Array.from({ length: 1000 }, (_, k) => alert(i * 1000 + k, { risk: (k * 7919) % 101 })) }))
    }
    const started = performance.now()
    for (const order of ['newest', 'risk', 'version'] as const) expect(store.alerts({ order, limit: 100, state: 'new', minSeverity: 'medium' }).items).toHaveLength(100)
    expect(performance.now() - started).toBeLessThan(300)
    store.close()
  })
})
