import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { FileSink } from '../../../agent/sink/file.ts'
import { decodeBatch } from '../../../proto/codec.ts'
import { Reader } from '../../../proto/wire.ts'
import { sealed, testFlow } from './batches.ts'

const folder = mkdtempSync(join(tmpdir(), 'vedette-sink-'))
afterAll(() => { rmSync(folder, { recursive: true }) })

async function written(name: string, count: number): Promise<Buffer> {
  const path = join(folder, name)
  writeFileSync(path, 'what an earlier run left behind, which is longer than nothing')
  const sink = new FileSink({ path })
  await sink.open()
  for (let i = 1; i <= count; i++) await sink.send(sealed(i, [testFlow({ number: i }), testFlow({ number: i, final: false })]))
  await sink.close()
  await sink.close()
  return readFileSync(path)
}

describe('FileSink', () => {
  it('writes whole flows as lines to a .jsonl file', async () => {
    const lines = (await written('flows.jsonl', 3)).toString().split('\n')
    expect(lines.pop()).toBe('')
    expect(lines.map((line) => (JSON.parse(line) as { number: number }).number)).toEqual([1, 2, 3])
  })

  it('writes sealed batches after their lengths to any other file', async () => {
    const reader = new Reader(await written('flows.vedette', 3))
    const sequences: number[] = []
    while (reader.at < reader.end) {
      const length = reader.varint()
      const bytes = reader.bytes.subarray(reader.at, reader.at + length)
      reader.at += length
      const { sequence, flows } = decodeBatch(bytes)
      sequences.push(sequence)
      expect(flows).toHaveLength(2)
      expect(Buffer.compare(bytes, sealed(sequence, [testFlow({ number: sequence }), testFlow({ number: sequence, final: false })]).bytes)).toBe(0)
    }
    expect(sequences).toEqual([1, 2, 3])
  })

  it('gives the same file for the same batches, and an empty one for none', async () => {
    expect((await written('a.vedette', 5)).equals(await written('b.vedette', 5))).toBe(true)
    expect(await written('none.jsonl', 0)).toHaveLength(0)
  })

  it('says what cannot be written', async () => {
    await expect(new FileSink({ path: join(folder, 'no/such/folder') }).open()).rejects.toMatchObject({ code: 'E_DATA_UNWRITABLE', message: expect.stringContaining('ENOENT') as string })
    await expect(new FileSink({ path: folder }).open()).rejects.toMatchObject({ code: 'E_DATA_UNWRITABLE' })
  })

  it('says that it is closed', async () => {
    const sink = new FileSink({ path: join(folder, 'closed') })
    await expect(sink.send(sealed(1))).rejects.toMatchObject({ code: 'E_SINK_AWAY' })
  })

  it('takes a full disk for something that passes', async (context) => {
    if (!existsSync('/dev/full')) { context.skip('there is no /dev/full here'); return }
    const sink = new FileSink({ path: '/dev/full' })
    await sink.open()
    await expect(sink.send(sealed(1))).rejects.toMatchObject({ code: 'E_DATA_FULL', retryable: true })
    await sink.close()
  })
})
