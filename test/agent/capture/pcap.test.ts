import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { captureFolder, fileSource, pattern, pcap, pcapHeader, pcapRecord, readAll } from './captures.ts'
import type { Order } from './captures.ts'

const folder = captureFolder()

describe('pcap', () => {
  it.each<[Order, number, number]>([
    ['little', 0xa1b2c3d4, 1700000000123456], ['big', 0xa1b2c3d4, 1700000000123456],
    ['little', 0xa1b23c4d, 1700000000000123.5], ['big', 0xa1b23c4d, 1700000000000123.5],
    ['little', 0xa1b2cd34, 1700000000123456], ['big', 0xa1b2cd34, 1700000000123456],
  ])('reads %s-endian files with magic %d', async (order, magic, micros) => {
    const fraction = magic === 0xa1b23c4d ? 123500 : 123456
    const data = pattern(61)
    const form = { order, magic, link: 113 }
    const path = folder.write('one.pcap', pcap([{ seconds: 1700000000, fraction, data, wire: 99 }], form))
    const source = fileSource(path)
    expect(await readAll(source)).toEqual([{ micros, link: 113, wire: 99, vlan: -1, data }])
    expect(source.counters).toMatchObject({ frames: 1, octets: 99, damaged: 0 })
    expect(source.warnings).toEqual([])
  })

  it('reads the lengths of files before 2.4 the other way round where they are', async () => {
    const data = pattern(40)
    const turned = { seconds: 1, fraction: 2, data, captured: 1500, wire: 40 }
    for (const [version, packet] of [[[2, 2], turned], [[2, 3], turned], [[2, 3], { ...turned, captured: 40, wire: 1500 }], [[543, 0], turned]] as const) {
      const path = folder.write('old.pcap', pcap([packet], { version: [...version] }))
      expect(await readAll(fileSource(path))).toEqual([{ micros: 1000002, link: 1, wire: 1500, vlan: -1, data }])
    }
  })

  it('takes the link type alone from the field that also says how long the check sequence is', async () => {
    const path = folder.write('fcs.pcap', pcap([{ seconds: 1, fraction: 0, data: pattern(4) }], { link: 0x44000001 }))
    expect((await readAll(fileSource(path)))[0].link).toBe(1)
  })

  it('believes seconds after 2038 and lengths on the wire of up to two gigabytes', async () => {
    const packets = [
      { seconds: 0xfffffff0, fraction: 1, data: pattern(8), wire: 0xfffffff0 },
      { seconds: 5, fraction: 0, data: pattern(8), wire: 3 },
    ]
    const read = await readAll(fileSource(folder.write('far.pcap', pcap(packets))))
    expect(read.map(({ micros, wire }) => [micros, wire])).toEqual([[0xfffffff0 * 1e6 + 1, 0x7fffffff], [5000000, 8]])
  })

  it('does not trust the snap length, neither none nor a huge one', async () => {
    for (const snapLength of [0, 1, 0xffffffff]) {
      const path = folder.write('snap.pcap', pcap([{ seconds: 1, fraction: 0, data: pattern(700) }], { snapLength }))
      expect(await readAll(fileSource(path))).toHaveLength(1)
    }
  })

  it('delivers frames without a single octet', async () => {
    const source = fileSource(folder.write('zero.pcap', pcap(Array.from({ length: 9000 }, (_, i) => ({ seconds: i, fraction: 0, data: pattern(0) })))))
    const read = await readAll(source)
    expect(read).toHaveLength(9000)
    expect(read.at(-1)?.micros).toBe(8999e6)
    expect(source.counters.damaged).toBe(0)
  })

  it('gives the same records however they lie across the blocks of the file', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 70000 }), { minLength: 1, maxLength: 40 }), async (lengths) => {
      const packets = lengths.map((length, i) => ({ seconds: i, fraction: length, data: pattern(length, i) }))
      const read = await readAll(fileSource(folder.write('any.pcap', pcap(packets))))
      expect(read.map(({ micros }) => micros)).toEqual(packets.map(({ seconds, fraction }) => seconds * 1e6 + fraction))
      expect(read.every(({ data }, i) => data.equals(packets[i].data))).toBe(true)
    }), { numRuns: 25 })
  })

  it('reads a record that is larger than the buffer, up to 16 MiB', async () => {
    const big = { seconds: 2, fraction: 0, data: pattern(16 * 1024 * 1024) }
    const small = { seconds: 1, fraction: 0, data: pattern(60) }
    const read = await readAll(fileSource(folder.write('big.pcap', pcap([small, big, small]))))
    expect(read.map(({ data }) => data.length)).toEqual([60, big.data.length, 60])
    expect(read[1].data.equals(big.data)).toBe(true)
  })

  it('ends at a length nobody can believe, and counts one damaged record', async () => {
    const good = { seconds: 1, fraction: 0, data: pattern(60) }
    const source = fileSource(folder.write('absurd.pcap', pcap([good, { ...good, captured: 0x70000000 }, good])))
    expect(await readAll(source)).toHaveLength(1)
    expect(source.counters.damaged).toBe(1)
    const text = expect.stringContaining('damaged after 1 packets: a record claims 1879048192 octets') as string
    expect(source.warnings).toEqual([{ code: 'E_CAPTURE_DAMAGED', text }])
  })

  it.each([0, 1, 15, 16, 40])('ends where the file ends inside a record, %d octets after its start', async (kept) => {
    const good = { seconds: 1, fraction: 0, data: pattern(60) }
    const bytes = Buffer.concat([pcapHeader(), pcapRecord(good), pcapRecord(good).subarray(0, kept)])
    const source = fileSource(folder.write('cut.pcap', bytes))
    expect(await readAll(source)).toHaveLength(1)
    expect(source.counters.damaged).toBe(kept === 0 ? 0 : 1)
    expect(source.warnings).toHaveLength(kept === 0 ? 0 : 1)
  })
})
