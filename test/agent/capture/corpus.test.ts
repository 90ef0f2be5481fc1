/**
 * Every capture of the shared collection, against the packet counts that capinfos agrees with, and the broken ones
 * against a hang or a crash.
 */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { VedetteError } from '../../../proto/error.ts'
import { fileSource } from './captures.ts'

const root = new URL('../../../../shared/data/', import.meta.url)
const list = new URL('PCAPS.csv', root)

/**
 * Where the list differs, it is wrong: its reader did not know that files before version 2.4 may have the two lengths
 * turned (capinfos and tcpdump do), and capinfos too refuses the last one.
 */
const otherwise: ReadonlyMap<string, number | string> = new Map<string, number | string>([
  ['pcap/ndpi/pcap/fuzz-2021-10-13.pcap', 1],
  ['robustness/pcapplusplus-fuzz/clusterfuzz-testcase-minimized-FuzzTarget-5766899836387328.bin', 1],
  ['robustness/pcapplusplus-fuzz/clusterfuzz-testcase-minimized-FuzzTarget-6604968558198784.bin', 1],
  ['robustness/pcapplusplus-fuzz/crash-pcapng-epb-unbounded-length.bin', 'E_CAPTURE_DAMAGED'],
])

/** Fields of a line of comma-separated values. */
const fields = (line: string): string[] => [...line.matchAll(/(?:"([^"]*)"|([^,]*))(?:,|$)/g)].map(([, quoted, plain]) => (quoted as string | undefined) ?? plain)

async function count(path: string): Promise<{ packets: number | string, damaged: number, warnings: number }> {
  const source = fileSource(path)
  let packets = 0
  try {
    await source.open()
    for (let frames = await source.next(); frames !== undefined; frames = await source.next()) {
      packets += frames.count
      for (let i = 0; i < frames.count; i++) {
        if (frames.captured[i] < 0 || frames.offset[i] + frames.captured[i] > frames.bytes.length || frames.wire[i] < frames.captured[i]) throw new Error('a frame outside its block')
      }
    }
  } catch (error) {
    if (!(error instanceof VedetteError)) throw error
    return { packets: error.code, damaged: source.counters.damaged, warnings: 1 }
  } finally {
    await source.close()
  }
  return { packets, damaged: source.counters.damaged, warnings: source.warnings.length }
}

describe.skipIf(!existsSync(list))('the shared captures (skipped where they are missing)', () => {
  it('gives the listed number of packets for each, and says what is damaged', async () => {
    const rows = readFileSync(list, 'utf8').trimEnd().split('\n').slice(1).map(fields).filter(([file]) => existsSync(new URL(file, root)))
    expect(rows.length).toBeGreaterThan(1000)
    const differences: unknown[] = []
    for (const [file, , , , , packets, , , , broken] of rows) {
      const got = await count(new URL(file, root).pathname)
      // A capture with nothing in it is refused by name: nobody asked to replay nothing.
      const expected = otherwise.get(file) ?? (Number(packets) === 0 ? 'E_CAPTURE_EMPTY' : Number(packets))
      if (got.packets !== expected) differences.push({ file, got, expected })
      if (broken !== '' && !otherwise.has(file) && (got.damaged !== 1 || got.warnings !== 1)) differences.push({ file, got, broken })
    }
    expect(differences).toEqual([])
  })
})
