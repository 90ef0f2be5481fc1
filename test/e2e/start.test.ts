/** `npm start` as a newcomer runs it, without the set-up: the processes, the summary, the second start, and what it says when it cannot. */
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { lockFolder } from '../../proto/process/lock.ts'
import { folder, generated, root, run } from './processes.ts'

const startMain = join(root, 'packaging/start/main.ts')

/** The first packets of the generated capture as a file of the user's own. */
async function capture(packets: number): Promise<string> {
  const bytes = readFileSync((await generated(1)).path)
  let at = 24
  for (let n = 0; n < packets; n++) at += 16 + bytes.readUInt32LE(at + 8)
  const path = join(folder(), 'mine.pcap')
  writeFileSync(path, bytes.subarray(0, at))
  return path
}

test('replays a capture, prints what came of it; the second start shows what is stored', { timeout: 60_000 }, async () => {
  const path = await capture(10_000)
  const data = folder()
  const args = [path, '--data', data, '--port', '0', '--once']
  const first = await run(startMain, args)
  expect(first.stderr).toBe('')
  const text = first.stdout.toString()
  expect(text).toMatch(/^Look at http:\/\/localhost:\d+ /m)
  expect(text).toMatch(/Replaying mine\.pcap/)
  expect(text).toMatch(/^ {2}packets +10,000$/m)
  expect(text).toMatch(/The loss ledger balances:/)
  expect(text).toMatch(/agent +frames +10,000 = framesInFlows [\d,]+ \+ notIpArp/)
  expect(text).toMatch(/collector archive +([\d,]+) = recordsArchived \1$/m)
  expect(first.status).toBe(0)

  const second = await run(startMain, args)
  expect(second.stdout.toString()).toMatch(/was replayed before/)
  const result = (output: string): string => output.slice(output.indexOf('  packets ')).replace(/ {2}took.*\n/, '').replace(/collector batches.*\n/, '')
  expect(result(second.stdout.toString())).toBe(result(text))

  const fresh = await run(startMain, [...args, '--fresh'])
  expect(fresh.stdout.toString()).not.toMatch(/was replayed before/)
  expect(result(fresh.stdout.toString())).toBe(result(text))
})

test('keeps the page up until Ctrl-C, then stops both processes', { timeout: 60_000 }, async () => {
  const child = spawn(process.execPath, [startMain, await capture(2_000), '--data', folder(), '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => { child.kill('SIGKILL') })
  let text = ''
  await new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (part: string) => { text += part; if (text.includes('stays up at')) resolve() })
  })
  const url = /http:\/\/localhost:\d+/.exec(text)?.[0] ?? ''
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  expect(await (await fetch(url)).text()).toMatch(/<script/)
  const ended = new Promise<number | null>((resolve) => { child.on('close', resolve) })
  child.kill('SIGINT')
  expect(await ended).toBe(0)
  expect(text).toMatch(/Stopped\.\n$/)
  await expect(fetch(`${url}/healthz`)).rejects.toThrow()
})

test('--fresh removes what a collector stored and nothing else, and not from under one that runs', { timeout: 60_000 }, async () => {
  const data = folder()
  mkdirSync(join(data, 'collector', 'journal'), { recursive: true })
  for (const name of ['main.ts', 'state.sqlite', 'state.sqlite-wal', 'flows.duckdb.wal']) writeFileSync(join(data, 'collector', name), '')
  const lock = lockFolder(join(data, 'collector'))
  const args = ['no-such.pcap', '--data', data, '--port', '0', '--fresh', '--once']
  expect((await run(startMain, args)).stderr).toMatch(/^vedette: E_DATA_IN_USE: .*\n$/)
  expect(readdirSync(join(data, 'collector'))).toContain('state.sqlite-wal')
  lock.release()
  expect((await run(startMain, args)).stderr).toMatch(/^vedette: E_FILE_MISSING: .*\n$/)
  expect(readdirSync(join(data, 'collector'))).toContain('main.ts')
  expect(statSync(join(data, 'collector', 'state.sqlite')).size).toBeGreaterThan(0)
})

/** Processes of ours that name `text` on their command line. */
function running(text: string): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      return command.includes(text) && command.includes('/main.ts') ? [command] : []
    } catch {
      return []
    }
  })
}

test('killed outright, it leaves no process behind', { timeout: 60_000 }, async () => {
  const data = folder()
  const child = spawn(process.execPath, [startMain, await capture(10_000), '--data', data, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (part: string) => { if (part.includes('Replaying')) resolve() })
  })
  expect(running(data).length).toBeGreaterThanOrEqual(2)
  child.kill('SIGKILL')
  await expect.poll(() => running(data), { timeout: 25_000, interval: 200 }).toEqual([])
})

test('a wrong file, a port in use, a folder that cannot be written, a wrong flag: one line and status 2', { timeout: 60_000 }, async () => {
  const blocker = createServer()
  await new Promise<void>((resolve) => { blocker.listen(0, '127.0.0.1', resolve) })
  onTestFinished(() => { blocker.close() })
  const address = blocker.address()
  if (address === null || typeof address === 'string') throw new Error('no address')
  const file = join(folder(), 'file')
  closeSync(openSync(file, 'w'))
  const cases: [string[], RegExp][] = [
    [['no-such.pcap', '--data', folder(), '--port', '0', '--once'], /^vedette: E_FILE_MISSING: .*no-such\.pcap.*\n$/],
    [[file, '--data', folder(), '--port', '0', '--once'], /^vedette: E_CAPTURE_EMPTY: .*\n$/],
    [['--data', folder(), '--port', String(address.port), '--once'], /^vedette: E_PORT_IN_USE: .*\n$/],
    [['--data', join(file, 'below'), '--port', '0'], /^vedette: E_DATA_UNWRITABLE: .*\n$/],
    [['--data', '/proc/x', '--port', '0'], /^vedette: E_DATA_UNWRITABLE: .*\n$/],
    [['--data', '', '--port', '0'], /^vedette: E_USAGE: .*\n$/],
    [['--prot', '1'], /^vedette: E_USAGE: .*--prot.*\n$/],
    [['--interface', 'no-such-if0', '--data', folder(), '--port', '0', '--once'], /^vedette: E_CAPTURE_(INTERFACE|PERMISSION): .*\n$/],
  ]
  for (const [args, line] of cases) {
    const { status, stderr } = await run(startMain, args)
    expect(stderr).toMatch(line)
    expect(status, args.join(' ')).toBe(2)
  }
})
