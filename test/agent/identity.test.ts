import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { randomBoot, replayBoot } from '../../agent/identity.ts'

function files(): [string, string] {
  const dir = mkdtempSync(join(tmpdir(), 'vedette-identity-'))
  onTestFinished(() => { rmSync(dir, { recursive: true }) })
  writeFileSync(join(dir, 'a'), 'aaaa')
  writeFileSync(join(dir, 'b'), 'bbbb')
  return [join(dir, 'a'), join(dir, 'b')]
}

it('a replay is recognised by its bytes, in order, what changes records, and its run - not by names', async () => {
  const [a, b] = files()
  const [a2] = files()
  const boot = await replayBoot([a, b], { idle: 1 }, 'r')
  expect(boot).toMatch(/^[0-9a-f]{16}$/)
  expect(await replayBoot([a2, b], { idle: 1 }, 'r')).toBe(boot)
  for (const other of [replayBoot([b, a], { idle: 1 }, 'r'), replayBoot([a], { idle: 1 }, 'r'), replayBoot([a, b], { idle: 2 }, 'r'), replayBoot([a, b], { idle: 1 }, 's')]) {
    expect(await other).not.toBe(boot)
  }
})

it('standard input and live traffic have a boot of their own each time', async () => {
  expect(await replayBoot(['-'], {}, '')).not.toBe(await replayBoot(['-'], {}, ''))
  expect(randomBoot()).not.toBe(randomBoot())
})

it.each([['no/such/file', 'E_FILE_MISSING'], ['.', 'E_FILE_DIRECTORY']])('%s is refused with %s', async (path, code) => {
  await expect(replayBoot([path], {}, '')).rejects.toMatchObject({ code })
})
