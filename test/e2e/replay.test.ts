/** `vedette-agent replay` as a person uses it: one JSON line per flow, the same every time, and one clear line when something is wrong. */
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { agent, agentMain, Collector, collectorMain, folder, generated, root, run } from './processes.ts'

const fixed = ['sensor', 'startMicros', 'endMicros', 'initiatorAddress', 'responderAddress', 'initiatorPort', 'responderPort', 'protocol',
  'initiatorPackets', 'responderPackets', 'initiatorOctets', 'responderOctets', 'connState', 'history', 'communityId', 'endReason', 'vlan', 'edgeScore']

let capture = ''
/** The first 20,000 packets of the generated capture: quick to replay several times. */
let short: Uint8Array = new Uint8Array()

beforeAll(async () => {
  capture = (await generated(1)).path
  const bytes = readFileSync(capture)
  let at = 24
  for (let n = 0; n < 20_000; n++) at += 16 + bytes.readUInt32LE(at + 8)
  short = bytes.subarray(0, at)
})

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder(), name)
  writeFileSync(path, bytes)
  return path
}

describe('replay to standard output', () => {
  test('prints one JSON flow per line, with the published names first', async () => {
    const { status, stdout } = await agent('replay', file('a.pcap', short), '--sink', 'stdout')
    expect(status).toBe(0)
    const lines = stdout.toString().trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines.length).toBeGreaterThan(1000)
    for (const line of lines) expect(Object.keys(line).slice(0, fixed.length)).toEqual(fixed)
    expect(typeof lines[0].protocol).toBe('number')
    const packets = lines.reduce((sum, line) => sum + Number(line.initiatorPackets) + Number(line.responderPackets), 0)
    expect(packets).toBeGreaterThan(19_000)
  })

  test('the same capture twice, from a file, compressed or from standard input: byte-identical', async () => {
    const path = file('a.pcap', short)
    const args = ['replay', '--sink', 'stdout', '--sensor', 's']
    const [once, twice, gz, zst, input] = await Promise.all([
      agent(...args, path), agent(...args, path), agent(...args, file('b', gzipSync(short))), agent(...args, file('c', zstdCompressSync(short))),
      run(agentMain, [...args, '-'], short)])
    for (const other of [twice, gz, zst, input]) expect(other.stdout.equals(once.stdout)).toBe(true)
    expect(once.stdout.length).toBeGreaterThan(100_000)
  })

  test('a reader that goes away early is no error', async () => {
    const { status, stderr } = await run('-e', [`
      const { spawn } = require('node:child_process')
      const child = spawn(process.execPath, [${JSON.stringify(agentMain)}, 'replay', ${JSON.stringify(capture)}, '--sink', 'stdout'], { stdio: ['ignore', 'pipe', 'inherit'] })
      child.stdout.once('data', () => child.stdout.destroy())
      child.on('close', (status) => process.exit(status ?? 99))`])
    expect(stderr).toBe('')
    expect(status).toBe(0)
  })
})

describe('bad input: one line with a code and what to do, status 2, no stack', () => {
  const header = Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex')
  const record = (captured: number, wire: number, body: number): Buffer => {
    const out = Buffer.alloc(16 + body)
    out.writeUInt32LE(1_700_000_000, 0)
    out.writeUInt32LE(captured, 8)
    out.writeUInt32LE(wire, 12)
    return out
  }
  const unusable: [string, () => string, string][] = [
    ['a missing file', () => join(folder(), 'none.pcap'), 'E_FILE_MISSING'],
    ['a directory', () => folder(), 'E_FILE_DIRECTORY'],
    ['an empty file', () => file('empty.pcap', new Uint8Array()), 'E_CAPTURE_EMPTY'],
    ['only a header', () => file('header.pcap', header), 'E_CAPTURE_EMPTY'],
    ['not a capture', () => file('text.pcap', Buffer.from('Dear diary, today nothing was captured. '.repeat(40))), 'E_CAPTURE_FORMAT'],
  ]
  test.each(unusable)('%s', async (_, make, code) => {
    const { status, stderr, stdout } = await agent('replay', make(), '--sink', 'stdout')
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toMatch(new RegExp(`^vedette-agent: ${code}: .{10,}\\. .{5,}`))
    expect(stderr).not.toMatch(/\n {4}at /)
    expect(stdout.length).toBe(0)
    expect(status).toBe(2)
  })

  const readable: [string, () => string, RegExp][] = [
    ['a record longer than the file', () => file('cut.pcap', Buffer.concat([short.subarray(0, 24 + 16 + Buffer.from(short).readUInt32LE(32)), record(1500, 1500, 100)])), /E_CAPTURE_DAMAGED/],
    ['an absurd record length', () => file('absurd.pcap', Buffer.concat([short.subarray(0, 24 + 16 + Buffer.from(short).readUInt32LE(32)), record(0x7fffffff, 0x7fffffff, 100)])), /E_CAPTURE_DAMAGED/],
  ]
  test.each(readable)('%s: what was read is used, with a warning and status 0', async (_, make, warning) => {
    const { status, stderr } = await agent('replay', make(), '--sink', 'none')
    expect(stderr).toMatch(warning)
    expect(stderr).not.toMatch(/ledger-unbalanced|\n {4}at /)
    expect(status).toBe(0)
  })

  test('frames of no length and an absurd snap length are counted, not fatal', async () => {
    const absurd = Buffer.from(header)
    absurd.writeUInt32LE(0xffffffff, 16)
    const { status, stderr } = await agent('replay', file('zero.pcap', Buffer.concat([absurd, record(0, 0, 0), record(0, 60, 0)])), '--sink', 'none', '--log-level', 'info')
    expect(status).toBe(0)
    expect(stderr).toMatch(/"frames":2,"framesInFlows":0.*"undecodableTruncated":2/)
  })

  const wrong: [string[], string][] = [
    [['replay'], 'E_USAGE'], [['reply', 'x.pcap'], 'E_USAGE'], [['replay', 'x.pcap', '--sinc', 'none'], 'E_USAGE'],
    [['replay', 'x.pcap', '--set', 'flow.memroy=1GiB'], 'E_CONFIG'], [['capture', '--interface', 'no-such-if0'], 'E_CAPTURE_'],
  ]
  test.each(wrong)('vedette-agent %j', async (args, code) => {
    const { status, stderr } = await agent(...args)
    expect(stderr).toMatch(new RegExp(`^vedette-agent: ${code}`))
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(status).toBe(2)
  })

  test('a misspelled key is answered with the one that was meant', async () => {
    const { stderr } = await agent('replay', 'x.pcap', '--set', 'flow.memroy=1GiB')
    expect(stderr).toMatch(/flow\.memory/)
  })

  test('a port in use, a folder that cannot be written, a folder in use', async () => {
    const blocker = createServer()
    await new Promise<void>((resolve) => { blocker.listen(0, '127.0.0.1', resolve) })
    onTestFinished(() => { blocker.close() })
    const address = blocker.address()
    if (address === null || typeof address === 'string') throw new Error('no address')
    const data = folder()
    const busy = await run(collectorMain, ['--data', join(data, 'a'), '--key-file', join(data, 'key'), '--port', String(address.port)])
    expect(busy.stderr).toMatch(/vedette-collector: E_PORT_IN_USE: .*\. /)
    expect(busy.status).toBe(2)
    const blocked = join(folder(), 'file')
    closeSync(openSync(blocked, 'w'))
    const unwritable = await run(collectorMain, ['--data', join(blocked, 'data'), '--key-file', join(data, 'key'), '--port', '0'])
    expect(unwritable.stderr).toMatch(/^vedette-collector: E_DATA_UNWRITABLE: /)
    expect(unwritable.status).toBe(2)
    await Collector.start(data)
    const second = await run(collectorMain, ['--data', join(data, 'collector'), '--key-file', join(data, 'key'), '--port', '0'])
    expect(second.stderr).toMatch(/E_DATA_IN_USE/)
    expect(second.status).toBe(2)
  })
})

test('the shipped configurations and every --help work', async () => {
  for (const main of [agentMain, collectorMain]) {
    const help = await run(main, ['--help'])
    expect(help.status).toBe(0)
    expect(help.stdout.toString()).toMatch(/--config FILE/)
    expect((await run(main, ['config', 'check'])).status).toBe(0)
    expect((await run(main, ['config', 'dump'])).stdout.toString()).toMatch(/level: /)
  }
  expect((await run(join(root, 'packaging/start/main.ts'), ['--help'])).stdout.toString()).toMatch(/--interface/)
})
