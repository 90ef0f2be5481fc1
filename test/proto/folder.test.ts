import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeFolder } from '../../proto/folder.ts'

function temporary(): string {
  const path = mkdtempSync(join(tmpdir(), 'vedette-folder-'))
  onTestFinished(() => { rmSync(path, { recursive: true, force: true }) })
  return path
}

const refusal = (path: string): unknown => {
  try {
    makeFolder(path)
    return undefined
  } catch (error) {
    return error
  }
}

test('makes a folder and those above it, and is content with one that is there', () => {
  const path = join(temporary(), 'a', 'b', 'c')
  makeFolder(path, 0o700)
  expect(statSync(path).mode & 0o777).toBe(0o700)
  expect(() => { makeFolder(path) }).not.toThrow()
})

test('says so where none can be: under /proc, below a file, over a file, behind a dangling link', () => {
  const root = temporary()
  const file = join(root, 'file')
  writeFileSync(file, '')
  symlinkSync(join(root, 'gone', 'away'), join(root, 'link'))
  for (const path of ['/proc/x', '/proc/x/collector', join(file, 'below'), file, join(root, 'link')]) {
    expect(refusal(path), path).toMatchObject({ code: 'E_DATA_UNWRITABLE', advice: 'Name another with --data' })
  }
})
