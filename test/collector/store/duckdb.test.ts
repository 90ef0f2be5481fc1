import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { columns } from '../../../collector/store/duckdb-columns.ts'
import { createArchive } from '../../../collector/store/index.ts'
import { flowFields } from '../../../proto/flow.ts'
import { archiveContract, batch, flow } from '../../contract/archive.ts'

archiveContract('duckdb', () => {
  const dir = mkdtempSync(join(tmpdir(), 'vedette-archive-'))
  const path = join(dir, 'flows.duckdb')
  return { archive: createArchive({ path }), reopen: () => createArchive({ path }), remove: () => { rmSync(dir, { recursive: true }) } }
})

const many = (from: number, count: number) => Array.from({ length: count }, (_, i) => flow(from + i, { serverName: `host-${String(Math.imul(from + i, 2654435761))}.example` }))

describe('the DuckDB file', () => {
  let dir = ''
  beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'vedette-duckdb-')) })
  afterEach(() => { rmSync(dir, { recursive: true, force: true }) })

  it('has a column for every field of the record', () => {
    const names = new Set(columns.map(({ field }) => field))
    expect(flowFields.filter(({ name }) => !names.has(name))).toEqual([])
    expect(new Set(columns.map(({ name }) => name)).size).toBe(columns.length)
  })

  it('is refused when it is not one, or is in use', async () => {
    const path = join(dir, 'flows.duckdb')
    writeFileSync(path, 'x'.repeat(50_000))
    await expect(createArchive({ path }).open()).rejects.toMatchObject({ code: 'E_STORE' })
    await expect(createArchive({ path: join(path, 'below') }).open()).rejects.toMatchObject({ code: 'E_DATA_UNWRITABLE' })
    rmSync(path)
    const archive = createArchive({ path })
    await archive.open()
    const other = `
      const { createArchive } = await import(process.argv[1])
      await createArchive({ path: process.argv[2] }).open().catch((error) => { console.log(error.code) })`
    const url = new URL('../../../collector/store/index.ts', import.meta.url).href
    expect(execFileSync(process.execPath, ['--input-type=module', '-e', other, url, path], { encoding: 'utf8' }).trim()).toBe('E_DATA_IN_USE')
    await archive.close()
    expect(readdirSync(dir)).toEqual(['flows.duckdb'])
  })

  it('ends a question that takes too long, and answers the next one', async () => {
    const archive = createArchive({ path: join(dir, 'flows.duckdb'), deadlineMs: 0, readers: 1 })
    await archive.open()
    await archive.append([batch(1, many(1, 20_000))], 1)
    const asked = await Promise.allSettled(Array.from({ length: 8 }, () => archive.flows({ limit: 1000, host: '10.0.0.1' })))
    const late = asked.filter((answer) => answer.status === 'rejected')
    expect(late.length).toBeGreaterThan(0)
    for (const { reason } of late) expect(reason).toMatchObject({ code: 'E_STORE', message: expect.stringContaining('longer than') as string })
    await archive.close()
  })

  it.skipIf(process.getuid?.() !== 0)('says E_DATA_FULL on a full disk and goes on when there is room (needs root, to mount a small tmpfs)', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', dir])
    const archive = createArchive({ path: join(dir, 'flows.duckdb') })
    try {
      await archive.open()
      writeFileSync(join(dir, 'ballast'), Buffer.alloc(2_500_000))
      let position = 0
      let failure: unknown
      while (failure === undefined && position < 200) {
        await archive.append([batch(position, many(position * 500, 500))], position + 1).then(() => { position++ }, (error: unknown) => { failure = error })
      }
      expect(failure).toMatchObject({ code: 'E_DATA_FULL', retryable: true })
      rmSync(join(dir, 'ballast'))
      expect(await archive.position()).toBe(position)
      expect(await archive.counts()).toMatchObject({ records: position * 500 })
      await archive.append([batch(position, many(position * 500, 500))], position + 1)
      expect(await archive.counts()).toMatchObject({ records: (position + 1) * 500 })
    } finally {
      await archive.close()
      execFileSync('umount', [dir])
    }
  })
})
