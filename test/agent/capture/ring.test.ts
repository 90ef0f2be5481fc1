/** Live capture for real, on loopback: the datagrams are sent by the test itself. Needs the right to capture. */
import { execFileSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { createServer, connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSource } from '../../../agent/capture/index.ts'
import { loadLibc } from '../../../agent/capture/ring-abi.ts'
import type { RingSpec } from '../../../agent/capture/ring.ts'
import type { Frames, Source } from '../../../agent/capture/source.ts'
import { VedetteError } from '../../../proto/error.ts'
import { captureFolder, pcap } from './captures.ts'

async function mayCapture(): Promise<boolean> {
  try {
    const source = createSource({ kind: 'interface', interfaces: ['lo'] })
    await source.open()
    await source.close()
    return true
  } catch (error) {
    if (error instanceof VedetteError) return false
    throw error
  }
}

const folder = captureFolder()
const allowed = await mayCapture()
const marker = Buffer.from('vedette-ring-test')

/** UDP payloads that begin with the marker, with time, lengths and VLAN of their frames. */
function marked(frames: Frames): { text: string, micros: number, captured: number, wire: number, vlan: number, link: number }[] {
  const found = []
  for (let i = 0; i < frames.count; i++) {
    const data = Buffer.from(frames.bytes.subarray(frames.offset[i], frames.offset[i] + frames.captured[i]))
    const at = data.indexOf(marker)
    if (at < 0) continue
    const { micros, captured, wire, vlan, link } = frames
    found.push({ text: data.subarray(at).toString(), micros: micros[i], captured: captured[i], wire: wire[i], vlan: vlan[i], link: link[i] })
  }
  return found
}

/** Reads until `enough` says so; a test that never gets there runs into its time-out. */
async function until(source: Source, enough: (frames: Frames) => boolean): Promise<void> {
  for (let frames = await source.next(); frames !== undefined; frames = await source.next()) if (enough(frames)) return
}

describe.skipIf(!allowed)('RingSource (skipped without the right to capture)', () => {
  let receiver: Socket
  let sender: Socket
  let port = 0

  beforeAll(async () => {
    receiver = createSocket('udp4')
    sender = createSocket('udp4')
    await new Promise<void>((resolve) => { receiver.bind(0, '127.0.0.1', resolve) })
    port = receiver.address().port
  })

  afterAll(() => {
    receiver.close()
    sender.close()
  })

  const send = (text: string): Promise<void> => new Promise((resolve) => { sender.send(`${marker.toString()} ${text}`, port, '127.0.0.1', () => { resolve() }) })
  const opened = async (spec: Partial<RingSpec> = {}): Promise<Source> => {
    const source = createSource({ kind: 'interface', interfaces: ['lo'], ringOctets: 8 * 1024 * 1024, ...spec })
    await source.open()
    return source
  }

  it('gives each datagram once, in order, with its time and lengths, and counts the loopback\'s echoes', async () => {
    const source = await opened({ filter: `udp port ${String(port)}` })
    const before = Date.now() * 1000
    for (let i = 0; i < 100; i++) await send(String(i))
    const got: ReturnType<typeof marked> = []
    await until(source, (frames) => got.push(...marked(frames)) === 100)
    expect(got.map(({ text }) => text)).toEqual(Array.from({ length: 100 }, (_, i) => `${marker.toString()} ${String(i)}`))
    expect(got[0]).toMatchObject({ captured: 14 + 28 + marker.length + 2, wire: 14 + 28 + marker.length + 2, vlan: -1, link: 1 })
    expect(Math.abs(got[0].micros - before)).toBeLessThan(60e6)
    expect(got.every(({ micros }, i) => i === 0 || micros >= got[i - 1].micros)).toBe(true)
    await source.close()
    expect(source.counters).toMatchObject({ frames: 200, ignored: 100, kernelDropped: 0, damaged: 0 })
    expect(source.progress()).toEqual({ name: 'lo' })
  })

  it('gives an empty block when nothing comes, and ends after close', async () => {
    const source = await opened({ filter: 'udp port 1 and udp port 2' })
    expect((await source.next())?.count).toBe(0)
    const waiting = source.next()
    await source.close()
    expect((await waiting)?.count ?? 0).toBe(0)
    expect(await source.next()).toBeUndefined()
    await source.close()
  })

  it('keeps no memory of the ring alive after close', async () => {
    const source = await opened()
    await send('last')
    let last: Frames | undefined
    await until(source, (frames) => { last = frames; return marked(frames).length > 0 })
    await source.close()
    expect(last).toMatchObject({ count: 0 })
    expect(last?.bytes.length).toBe(0)
  })

  it('keeps as many octets of a frame as asked for, with and without a filter', async () => {
    for (const filter of ['', `udp port ${String(port)}`]) {
      const source = await opened({ snapLength: 60, filter })
      await send('x'.repeat(500))
      const got: ReturnType<typeof marked> = []
      await until(source, (frames) => got.push(...marked(frames)) > 0)
      await source.close()
      expect(got[0]).toMatchObject({ captured: 60, wire: 14 + 28 + marker.length + 501 })
    }
  })

  it('leaves out its own connections to a collector, and counts them', async () => {
    const server = createServer((socket) => { socket.resume() })
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
    const collector = (server.address() as AddressInfo).port
    const filter = `(tcp port ${String(collector)}) or (udp port ${String(port)})`
    const source = await opened({ filter, own: [{ address: '127.0.0.1', port: collector }] })
    await new Promise<void>((resolve) => { const client = connect(collector, '127.0.0.1', () => client.end(marker)).on('close', () => { resolve() }) })
    server.close()
    await send('end')
    const got: string[] = []
    let frames = 0
    await until(source, (block) => {
      frames += block.count
      got.push(...marked(block).map(({ text }) => text))
      return got.length > 0
    })
    await source.close()
    expect(got).toEqual([`${marker.toString()} end`])
    expect(frames).toBe(1)
    expect(source.counters.ignored).toBeGreaterThan(6)
    expect(source.counters.frames).toBe(source.counters.ignored + 1)
  })

  it('counts what the kernel drops when the ring is full', async () => {
    const source = await opened({ ringOctets: 1, filter: `udp port ${String(port)}` })
    const large = 'y'.repeat(60000)
    for (let i = 0; i < 150; i++) await send(large)
    let seen = 0
    await until(source, (frames) => { seen += marked(frames).length; return frames.count === 0 && seen > 0 })
    await source.close()
    expect(source.counters.kernelDropped).toBeGreaterThan(0)
    expect(source.counters.frames + source.counters.kernelDropped).toBe(300)
    expect(source.counters.frames).toBe(seen + source.counters.ignored)
  })

  it('refuses what is not there, in words for people', async () => {
    await expect(opened({ interfaces: ['nowhere0'] })).rejects.toMatchObject({ code: 'E_CAPTURE_INTERFACE', advice: expect.stringContaining('lo') as string })
    await expect(opened({ interfaces: ['lo', 'nowhere0'] })).rejects.toMatchObject({ code: 'E_CAPTURE_INTERFACE' })
    await expect(opened({ interfaces: [] })).rejects.toMatchObject({ code: 'E_USAGE' })
    await expect(opened({ filter: 'tcp prot 443' })).rejects.toMatchObject({ code: 'E_CAPTURE_FILTER' })
  })

  it('gives a tagged frame its VLAN, which the kernel has taken off', async (context) => {
    const run = (command: string, ...args: string[]): void => { execFileSync(command, args, { stdio: 'ignore' }) }
    try {
      run('tcpreplay', '--version')
      run('ip', 'link', 'add', 'vdv0', 'type', 'veth', 'peer', 'name', 'vdv1')
    } catch {
      context.skip('no virtual interfaces can be made here, or tcpreplay is missing')
      return
    }
    try {
      for (const name of ['vdv0', 'vdv1']) run('ip', 'link', 'set', name, 'up')
      const source = await opened({ interfaces: ['vdv0'], filter: 'vlan 77' })
      const addresses = Buffer.from('02000000000b02000000000a', 'hex')
      const frame = (tag: string): Buffer => Buffer.concat([addresses, Buffer.from(`8100${tag}88b5`, 'hex'), marker, Buffer.alloc(40)])
      run('tcpreplay', '-i', 'vdv1', folder.write('tagged.pcap', pcap([
        { seconds: 1, fraction: 0, data: frame('004e') }, { seconds: 1, fraction: 1, data: frame('604d') },
      ])))
      const got: ReturnType<typeof marked> = []
      await until(source, (frames) => got.push(...marked(frames)) > 0)
      await source.close()
      expect(got).toHaveLength(1)
      expect(got[0]).toMatchObject({ vlan: 0x604d, captured: 14 + marker.length + 40, link: 1 })
    } finally {
      run('ip', 'link', 'delete', 'vdv0')
    }
  })

  it('says when an interface goes down or away, reads on from the others, and ends with the last', async (context) => {
    const ip = (...args: string[]): void => { execFileSync('ip', args, { stdio: 'ignore' }) }
    try {
      ip('link', 'add', 'vdt0', 'type', 'veth', 'peer', 'name', 'vdt1')
    } catch {
      context.skip('no virtual interfaces can be made here')
      return
    }
    try {
      for (const name of ['vdt0', 'vdt1']) ip('link', 'set', name, 'up')
      const source = await opened({ interfaces: ['vdt0', 'lo'], promiscuous: true })
      const alone = await opened({ interfaces: ['vdt0'] })
      ip('link', 'set', 'vdt0', 'down')
      await until(source, () => source.warnings.length === 1)
      expect(source.warnings[0].text).toContain('went down')
      ip('link', 'delete', 'vdt0')
      await until(source, () => source.warnings.length === 2)
      expect(source.warnings[1]).toMatchObject({ code: 'E_CAPTURE_INTERFACE', text: expect.stringContaining('vdt0 has gone') as string })
      await send('still')
      let still = 0
      await until(source, (frames) => { still += marked(frames).length; return still > 0 })
      await until(alone, () => false)
      expect(alone.warnings.at(-1)?.text).toContain('has gone')
      await source.close()
      await alone.close()
    } finally {
      try { ip('link', 'delete', 'vdt0') } catch { /* the test did */ }
    }
  })
})

describe.skipIf(allowed || process.platform !== 'linux')('RingSource without the right to capture', () => {
  it('says which right is missing', async () => {
    await expect(createSource({ kind: 'interface', interfaces: ['lo'] }).open()).rejects.toMatchObject({ code: 'E_CAPTURE_PERMISSION' })
  })
})

describe('loadLibc', () => {
  it('finds libc where live capture is possible', async (context) => {
    if (process.platform !== 'linux') { context.skip('live capture needs Linux'); return }
    const libc = await loadLibc()
    expect(libc.interfaceIndex('lo')).toBeGreaterThan(0)
    expect(libc.interfaceIndex('nowhere0')).toBe(0)
  })
})
