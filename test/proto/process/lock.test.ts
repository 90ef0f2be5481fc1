import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { lockFolder } from '../../../proto/process/lock.ts'

let dir = ''
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'vedette-lock-')) })
afterEach(() => { rmSync(dir, { recursive: true, force: true }) })

const child = `
  const { lockFolder } = await import(process.argv[1])
  try { lockFolder(process.argv[2]); process.send('held'); setInterval(() => {}, 1000) } catch (error) { process.send(error.code) }
`
function start(): ReturnType<typeof spawn> {
  const url = new URL('../../../proto/process/lock.ts', import.meta.url).href
  return spawn(process.execPath, ['--input-type=module', '-e', child, url, dir], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
}

it('makes a folder that nobody else can look into', () => {
  const made = join(dir, 'data')
  lockFolder(made).release()
  expect(statSync(made).mode & 0o777).toBe(0o700)
})

it('holds a folder against a second owner until it is released', () => {
  const lock = lockFolder(dir)
  expect(() => lockFolder(dir)).toThrow(expect.objectContaining({ code: 'E_DATA_IN_USE' }))
  lock.release()
  lock.release()
  const again = lockFolder(dir)
  expect(readdirSync(dir)).toEqual(['lock'])
  again.release()
  expect(existsSync(join(dir, 'lock'))).toBe(false)
})

it('is not given while another process lives, and is taken over when it was killed', async () => {
  const other = start()
  expect((await once(other, 'message'))[0]).toBe('held')
  expect(() => lockFolder(dir)).toThrow(expect.objectContaining({ code: 'E_DATA_IN_USE' }))
  other.kill('SIGKILL')
  await once(other, 'exit')
  lockFolder(dir).release()
})

it('is not fooled by a process id that was given to another process, by another boot, or by rubbish', () => {
  const lock = lockFolder(dir)
  const [pid, start, bootId] = readFileSync(join(dir, 'lock'), 'latin1').trim().split(' ')
  lock.release()
  for (const text of [`${pid} ${String(Number(start) + 1)} ${bootId}\n`, `${pid} ${start} ${bootId.replace(/.$/, 'z')}\n`, '', 'rubbish', '999999999 1 x\n']) {
    writeFileSync(join(dir, 'lock'), text)
    lockFolder(dir).release()
  }
})

it('is not stopped by a takeover that was itself killed half-way', () => {
  writeFileSync(join(dir, 'lock'), '999999999 1 x\n')
  writeFileSync(join(dir, 'lock.takeover'), '999999998 1 x\n')
  lockFolder(dir).release()
  expect(readdirSync(dir)).toEqual([])
})

it('lets exactly one of several starting processes in', async () => {
  writeFileSync(join(dir, 'lock'), '999999999 1 x\n')
  const children = [start(), start(), start(), start()]
  const said = await Promise.all(children.map(async (one) => (await once(one, 'message'))[0] as string))
  for (const one of children) one.kill('SIGKILL')
  expect(said.sort()).toEqual(['E_DATA_IN_USE', 'E_DATA_IN_USE', 'E_DATA_IN_USE', 'held'])
})

it('says what is wrong with a folder that cannot be made', () => {
  writeFileSync(join(dir, 'file'), '')
  expect(() => lockFolder(join(dir, 'file', 'below'))).toThrow(expect.objectContaining({ code: 'E_DATA_UNWRITABLE' }))
})
