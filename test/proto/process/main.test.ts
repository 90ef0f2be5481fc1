import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { VedetteError } from '../../../proto/error.ts'
import { report, wantsDebug } from '../../../proto/process/main.ts'
import { nodeError } from '../../../proto/process/node-guard.ts'

const command = join(import.meta.dirname, '../../fixtures/process/throws.ts')
const run = (...args: string[]) => spawnSync(process.execPath, [command, ...args], { encoding: 'utf8', timeout: 15_000 })

describe('a process', () => {
  it.each([
    ['known', 2, 'vedette-test: E_FILE_MISSING: there is no file x. Check the path\n'],
    ['stray', 2, 'vedette-test: E_STORE: the store failed\n'],
    ['status', 3, ''],
    ['open', 0, ''],
    ['fine', 0, ''],
  ])('%s: status %i', (what, status, stderr) => {
    const done = run(what)
    expect([done.status, done.stderr]).toEqual([status, stderr])
  })

  it.each(['defect', 'later'])('%s: one line, no stack, status 1', (what) => {
    const { status, stderr } = run(what)
    expect(status).toBe(1)
    expect(stderr).toMatch(/^vedette-test: E_INTERNAL: a defect in Vedette \([^\n]*\)\. Run it again[^\n]*\n$/)
  })

  it('shows the stack of a defect when asked to', () => {
    expect(run('defect', '--log-level', 'debug').stderr).toContain('throws.ts:')
  })

  it('whose reader goes away ends quietly', () => {
    const { stdout, stderr } = spawnSync('bash', ['-c', `"${process.execPath}" "${command}" pipe | head -1`], { encoding: 'utf8', timeout: 15_000 })
    expect([stdout, stderr]).toEqual(['line 0\n', ''])
  })
})

it('one line is one line, whatever the message holds', () => {
  expect(report('x', new VedetteError('E_STORE', 'a\n  b'), false)).toEqual({ text: 'x: E_STORE: a b\n', status: 2 })
  expect(report('x', 'a string', false).text).toContain('(a string)')
})

it('debugging is asked for by flag or variable', () => {
  expect(wantsDebug(['--log-level', 'debug'], {})).toBe(true)
  expect(wantsDebug(['--log-level=debug'], {})).toBe(true)
  expect(wantsDebug([], { VEDETTE_AGENT_LOG_LEVEL: 'debug' })).toBe(true)
  expect(wantsDebug(['--log-level', 'info'], { OTHER_LOG_LEVEL: 'debug' })).toBe(false)
})

it('an old Node is told so', () => {
  expect(nodeError('20.20.2')?.line).toContain('Node 24')
  expect(nodeError('24.0.0')).toBeUndefined()
  expect(nodeError('26.1.0')).toBeUndefined()
})
