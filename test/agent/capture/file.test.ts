import { spawn } from 'node:child_process'
import { mkdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { FileSource } from '../../../agent/capture/file.ts'
import { captureFolder, describeInterface, fileSource, pattern, pcap, pcapHeader, readAll, section } from './captures.ts'

const folder = captureFolder()
const packets = (count: number, length = 100) =>
  Array.from({ length: count }, (_, i) => ({ seconds: i, fraction: 0, data: pattern(length, i) }))
const capture = pcap(packets(3))

describe('FileSource: what is not a capture', () => {
  it.each<[string, string, () => string, string]>([
    ['a missing file', 'E_FILE_MISSING', () => folder.path('nothing.pcap'), 'there is no file'],
    ['a file below a file', 'E_FILE_MISSING', () => `${folder.write('a.pcap', capture)}/b.pcap`, 'there is no file'],
    ['a directory', 'E_FILE_DIRECTORY', () => folder.path('.'), 'is a directory'],
    ['an empty file', 'E_CAPTURE_EMPTY', () => folder.write('empty.pcap', Buffer.alloc(0)), 'is empty'],
    ['an empty compressed file', 'E_CAPTURE_EMPTY', () => folder.write('empty.gz', gzipSync(Buffer.alloc(0))), 'is empty'],
    ['two octets', 'E_CAPTURE_FORMAT', () => folder.write('two', Buffer.from('hi')), 'is not a capture file'],
    ['text', 'E_CAPTURE_FORMAT', () => folder.write('text.pcap', Buffer.from('frame,time\n1,2\n'.repeat(9))), 'is not a capture file'],
    ['text in gzip', 'E_CAPTURE_FORMAT', () => folder.write('text.gz', gzipSync('frame,time\n1,2\n'.repeat(9))), 'is not a capture file'],
    ['half a header', 'E_CAPTURE_FORMAT', () => folder.write('half.pcap', capture.subarray(0, 20)), 'ends inside its file header'],
    ['another format', 'E_CAPTURE_FORMAT', () => folder.write('s.pcap', Buffer.from('snoop\0\0\0\0\0\0')), 'is a snoop capture'],
    ['another compression', 'E_CAPTURE_FORMAT', () => folder.write('x.xz', Buffer.from('fd377a585a0000', 'hex')), 'is compressed with xz'],
    ['a first record longer than the file', 'E_CAPTURE_DAMAGED', () => folder.write('cut.pcap', capture.subarray(0, 24 + 16 + 99)), 'damaged after 0 packets'],
    ['a first record that is absurd', 'E_CAPTURE_DAMAGED',
      () => folder.write('absurd.pcap', pcap([{ seconds: 1, fraction: 0, data: pattern(9), captured: 0xffffffff }])), 'claims 4294967295 octets'],
    ['compressed damage from the start', 'E_CAPTURE_EMPTY', () => folder.write('bad.gz', Buffer.from('1f8b08000000000000ffffffffff', 'hex')), 'compressed data is damaged'],
  ])('refuses %s with %s', async (_, code, make, text) => {
    const path = make()
    const before = folder.write('good.pcap', capture)
    await expect(fileSource(path).open()).rejects.toMatchObject({ code, message: expect.stringContaining(text) as string, advice: expect.stringMatching(/./) as string })
    if (code !== 'E_CAPTURE_DAMAGED') await expect(fileSource(before, path).open()).rejects.toMatchObject({ code })
  })

  it('refuses to read nothing at all', async () => {
    await expect(new FileSource([]).open()).rejects.toMatchObject({ code: 'E_USAGE' })
  })
})

describe('FileSource: what is half good', () => {
  it('takes a header without packets as an empty capture: an error alone, a warning among others', async () => {
    for (const header of [pcapHeader(), Buffer.concat([section('little'), describeInterface('little', 1)])]) {
      const path = folder.write('header', header)
      await expect(fileSource(path).open()).rejects.toMatchObject({ code: 'E_CAPTURE_EMPTY', message: `${path} has a header and no packets` })
      const source = fileSource(path, folder.write('good.pcap', capture))
      expect(await readAll(source)).toHaveLength(3)
      expect(source.counters).toMatchObject({ frames: 3, damaged: 0 })
      expect(source.warnings.map(({ code }) => code)).toEqual(['E_CAPTURE_EMPTY'])
    }
  })

  it('goes on with the next file after a damaged one, and after one that has disappeared', async () => {
    const gone = folder.write('gone.pcap', capture)
    const source = fileSource(folder.write('good.pcap', capture), folder.write('damaged.pcap', capture.subarray(0, -1)), gone, folder.path('good.pcap'))
    await source.open()
    unlinkSync(gone)
    let count = 0
    for (let frames = await source.next(); frames !== undefined; frames = await source.next()) count += frames.count
    expect(count).toBe(3 + 2 + 3)
    expect(source.counters).toMatchObject({ frames: 8, damaged: 2 })
    expect(source.warnings.map(({ code }) => code)).toEqual(['E_CAPTURE_DAMAGED', 'E_FILE_MISSING'])
  })

  it('says at most a hundred warnings', async () => {
    const damaged = folder.write('damaged.pcap', capture.subarray(0, -1))
    const source = fileSource(folder.write('good.pcap', capture), ...Array.from({ length: 120 }, () => damaged))
    await readAll(source)
    expect(source.counters.damaged).toBe(120)
    expect(source.warnings).toHaveLength(100)
  })

  it('spends no memory on a length that the rest of the file cannot hold', async () => {
    const huge = pcap([...packets(1), { seconds: 1, fraction: 0, data: pattern(50), captured: 16 * 1024 * 1024 }])
    const source = fileSource(folder.write('huge.pcap', huge))
    await source.open()
    const first = await source.next()
    expect(first?.count).toBe(1)
    const { length } = first?.bytes ?? []
    expect(await source.next()).toBeUndefined()
    expect(first?.bytes.length).toBe(length)
    expect(source.counters.damaged).toBe(1)
  })
})

describe('FileSource: compressed and piped', () => {
  const many = pcap(packets(20000, 90))
  const expected = packets(20000, 90).map(({ data }) => data)

  it.each<[string, () => Uint8Array]>([
    ['gzip', () => gzipSync(many)],
    ['gzip in two members', () => Buffer.concat([gzipSync(many.subarray(0, 1000003)), gzipSync(many.subarray(1000003))])],
    ['zstd', () => zstdCompressSync(many)],
    ['zstd in two frames', () => Buffer.concat([zstdCompressSync(many.subarray(0, 1000003)), zstdCompressSync(many.subarray(1000003))])],
  ])('reads %s, whatever the name says', async (_, make) => {
    const source = fileSource(folder.write('misnamed.txt', make()))
    const read = await readAll(source)
    expect(read).toHaveLength(20000)
    expect(read.every(({ data }, i) => data.equals(expected[i]))).toBe(true)
    expect(source.warnings).toEqual([])
    expect(source.progress().fraction).toBe(1)
  })

  it.each<[string, () => Buffer]>([['gzip', () => gzipSync(many)], ['zstd', () => zstdCompressSync(many)]])('delivers what comes before damage in %s, the same every time', async (_, make) => {
    const bytes = make()
    for (const broken of [bytes.subarray(0, bytes.length >> 1), Buffer.concat([bytes.subarray(0, bytes.length >> 1), pattern(100000)])]) {
      const path = folder.write('broken', broken)
      const source = fileSource(path)
      const read = await readAll(source)
      expect(read.length).toBeGreaterThan(3000)
      expect(read.length).toBeLessThan(20000)
      expect(source.counters.damaged).toBe(1)
      expect(source.warnings).toEqual([{ code: 'E_CAPTURE_DAMAGED', text: expect.stringMatching(/compressed data is damaged|a record claims/) as string }])
      expect(await readAll(fileSource(path))).toHaveLength(read.length)
    }
  })

  const program = `
    const { FileSource } = await import(${JSON.stringify(new URL('../../../agent/capture/file.ts', import.meta.url).href)})
    const source = new FileSource(['-'])
    try {
      await source.open()
      let count = 0
      for (let frames = await source.next(); frames !== undefined; frames = await source.next()) count += frames.count
      console.log(JSON.stringify({ count, warnings: source.warnings, name: source.progress().name }))
    } catch (error) { console.log(error.line) }
    await source.close()`

  /** What the program above prints when `parts` arrive one after the other on its standard input. */
  async function piped(...parts: Uint8Array[]): Promise<string> {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => { output += text })
    for (const part of parts) await new Promise((resolve) => { child.stdin.write(part, resolve) })
    child.stdin.end()
    await new Promise((resolve) => { child.on('close', resolve) })
    return output.trim()
  }

  it('reads standard input, plain and compressed, in whatever pieces it comes', async () => {
    for (const bytes of [many, gzipSync(many), zstdCompressSync(many)]) {
      const said = await piped(bytes.subarray(0, 1), bytes.subarray(1, 3), bytes.subarray(3, 20), bytes.subarray(20))
      expect(JSON.parse(said)).toEqual({ count: 20000, warnings: [], name: 'standard input' })
    }
    expect(JSON.parse(await piped(pcapHeader()))).toMatchObject({ count: 0, warnings: [{ code: 'E_CAPTURE_EMPTY' }] })
    expect(await piped(Buffer.from('no'))).toContain('E_CAPTURE_FORMAT: standard input is not a capture file')
    expect(await piped()).toContain('E_CAPTURE_EMPTY: standard input is empty')
    expect(await piped(many.subarray(0, 50))).toContain('E_CAPTURE_DAMAGED: standard input is damaged after 0 packets')
  })
})

describe('FileSource', () => {
  it('knows how far it is over all its files', async () => {
    const bytes = pcap(packets(8000, 200))
    const source = fileSource(folder.write('one.pcap', bytes), folder.write('two.pcap', bytes))
    await source.open()
    const seen = new Map<string, number[]>()
    for (let frames = await source.next(); frames !== undefined; frames = await source.next()) {
      const { name, fraction = -1 } = source.progress()
      seen.set(name, [...seen.get(name) ?? [], fraction])
    }
    const fractions = [...seen.values()].flat()
    expect([...seen.keys()].map((name) => name.slice(-8))).toEqual(['one.pcap', 'two.pcap'])
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b))
    expect(fractions[0]).toBeLessThan(0.2)
    expect(source.progress().fraction).toBe(1)
    expect(source.name).toMatch(/one\.pcap and 1 more$/)
    expect(fileSource('a', '-').progress()).toEqual({ name: 'a', fraction: 0 })
  })

  it('ends after close', async () => {
    const source = fileSource(folder.write('closed.pcap', capture), folder.write('more.pcap', capture))
    await source.open()
    await source.close()
    expect(await source.next()).toBeUndefined()
    await source.close()
  })

  it('reads a named pipe, which can be opened once only', async () => {
    mkdirSync(folder.path('pipes'), { recursive: true })
    const path = folder.path('pipes/live')
    await new Promise((resolve) => spawn('mkfifo', [path]).on('close', resolve))
    const writer = new Promise<void>((resolve) => setImmediate(() => { spawn('sh', ['-c', `cat > ${path}`]).on('close', () => { resolve() }).stdin.end(capture) }))
    const source = fileSource(path)
    expect(await readAll(source)).toHaveLength(3)
    expect(source.progress().fraction).toBeUndefined()
    await writer
  })

  it('says which file a user may not read', async (context) => {
    if (process.getuid?.() === 0) { context.skip('root may read everything'); return }
    const path = folder.path('secret.pcap')
    writeFileSync(path, capture, { mode: 0 })
    await expect(fileSource(path).open()).rejects.toMatchObject({ code: 'E_FILE_UNREADABLE' })
  })
})
