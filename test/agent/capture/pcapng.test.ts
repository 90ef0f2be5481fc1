import { describe, expect, it } from 'vitest'
import {
  block, captureFolder, describeInterface, enhanced, fileSource, number64, obsolete, pattern, readAll, section, simple, statistics,
} from './captures.ts'
import type { Option, Order } from './captures.ts'

const folder = captureFolder()
const orders: Order[] = ['little', 'big']
const data = pattern(43)
const ng = (...parts: Uint8Array[]): Uint8Array => Buffer.concat(parts)
const micros = 1700000000123456n

describe.each(orders)('pcapng, %s-endian', (order) => {
  const read = async (bytes: Uint8Array) => {
    const source = fileSource(folder.write(`${order}.pcapng`, bytes))
    return { packets: await readAll(source), counters: source.counters, warnings: source.warnings }
  }

  it('reads enhanced, simple and obsolete packets, and passes over other blocks', async () => {
    const { packets, counters, warnings } = await read(ng(
      section(order), describeInterface(order, 1), block(order, 4, pattern(32)), block(order, 0x80000001, pattern(600000)),
      enhanced(order, { units: micros, data, wire: 1500, options: [[1, Buffer.from('a comment')]] }),
      simple(order, data), obsolete(order, 0, micros + 5n, data), block(order, 10, pattern(12)),
    ))
    expect(packets).toEqual([
      { micros: Number(micros), link: 1, wire: 1500, vlan: -1, data },
      { micros: Number(micros), link: 1, wire: 43, vlan: -1, data },
      { micros: Number(micros) + 5, link: 1, wire: 43, vlan: -1, data },
    ])
    expect(counters).toMatchObject({ frames: 3, octets: 1586, damaged: 0 })
    expect(warnings).toEqual([])
  })

  it('keeps interfaces and sections apart', async () => {
    const other: Order = order === 'little' ? 'big' : 'little'
    const { packets } = await read(ng(
      section(order), describeInterface(order, 1), describeInterface(order, 113),
      enhanced(order, { on: 1, units: 7n, data }), enhanced(order, { on: 0, units: 8n, data }),
      section(other), describeInterface(other, 101), enhanced(other, { units: 9n, data }),
    ))
    expect(packets.map(({ link, micros: at }) => [link, at])).toEqual([[113, 7], [1, 8], [101, 9]])
  })

  it.each<[string, Option[], bigint, number]>([
    ['nanoseconds', [[9, Uint8Array.of(9)]], 1700000000123456750n, 1700000000123456.75],
    ['seconds', [[9, Uint8Array.of(0)]], 1700000000n, 1700000000e6],
    ['milliseconds', [[9, Uint8Array.of(3)]], 1700000000123n, 1700000000123000],
    ['powers of two', [[9, Uint8Array.of(0x80 | 20)]], (1700000000n << 20n) + (1n << 19n), 1700000000500000],
    ['picoseconds', [[9, Uint8Array.of(12)]], 1700000000123456n * 10n, 1700000000.123456e6 / 1e5],
    ['an offset', [[14, number64(order, 1700000000n)]], 123456n, 1700000000123456],
    ['a negative offset', [[14, number64(order, -10n)]], 20000000n, 10000000],
    ['both', [[9, Uint8Array.of(9)], [14, number64(order, 100n)]], 1500n, 100000001.5],
    ['options after unknown ones', [[2, Buffer.from('eth0')], [12345, pattern(3)], [9, Uint8Array.of(3)]], 5n, 5000],
  ])('reads times in %s', async (_, list, units, expected) => {
    const { packets } = await read(ng(section(order), describeInterface(order, 1, list), enhanced(order, { units, data })))
    expect(packets[0].micros).toBeCloseTo(expected, 1)
  })

  it.each<[string, Option[], bigint]>([
    ['before 1970', [[14, number64(order, -10n)]], 9000000n],
    ['after 2255', [], 1n << 63n],
    ['beyond any number', [[9, Uint8Array.of(0)], [14, number64(order, (1n << 63n) - 1n)]], (1n << 64n) - 1n],
  ])('counts a packet %s as damaged: no collector takes a batch with such a time', async (_, list, units) => {
    const { packets, counters } = await read(ng(
      section(order), describeInterface(order, 1), describeInterface(order, 1, list),
      enhanced(order, { units: micros, data }), enhanced(order, { on: 1, units, data }), obsolete(order, 1, units, data),
      enhanced(order, { units: micros, data }),
    ))
    expect(packets.map(({ micros: at }) => at)).toEqual([Number(micros), Number(micros)])
    expect(counters).toMatchObject({ frames: 2, damaged: 2 })
  })

  it('cuts simple packets at the snap length of their interface', async () => {
    const { packets } = await read(ng(section(order), describeInterface(order, 1, [], 20), simple(order, data.subarray(0, 20), 43)))
    expect(packets).toEqual([{ micros: 0, link: 1, wire: 43, vlan: -1, data: data.subarray(0, 20) }])
  })

  it('passes on what the capturing host says it dropped', async () => {
    const list = (kernel: bigint, device: bigint): Option[] => [[5, number64(order, device)], [7, number64(order, kernel)]]
    const { counters } = await read(ng(
      section(order), describeInterface(order, 1), describeInterface(order, 1),
      enhanced(order, { units: 1n, data }),
      statistics(order, 0, list(3n, 1n)), statistics(order, 0, list(5n, 1n)), statistics(order, 1, list(10n, 0n)),
    ))
    expect(counters).toMatchObject({ kernelDropped: 15, interfaceDropped: 1, damaged: 0 })
  })

  it.each<[string, Uint8Array]>([
    ['an interface nobody described', enhanced(order, { on: 7, units: 1n, data })],
    ['an obsolete packet of such an interface', obsolete(order, 3, 1n, data)],
    ['more octets than its block', enhanced(order, { units: 1n, data, captured: 200 })],
    ['a block too short for a packet', block(order, 6, pattern(8))],
    ['a block too short for an obsolete packet', block(order, 2, pattern(8))],
    ['a simple packet longer than its block', simple(order, data, 60)],
  ])('counts a packet with %s and goes on', async (_, bad) => {
    const good = enhanced(order, { units: 1n, data })
    const { packets, counters, warnings } = await read(ng(section(order), describeInterface(order, 1), good, bad, good))
    expect(packets).toHaveLength(2)
    expect(counters).toMatchObject({ frames: 2, damaged: 1 })
    expect(warnings.map(({ code }) => code)).toEqual(['E_CAPTURE_DAMAGED'])
  })

  it.each<[string, (good: Buffer) => Uint8Array]>([
    ['a block whose length is no multiple of four', (good) => { const bad = Buffer.from(good); bad[order === 'little' ? 4 : 7]++; return bad }],
    ['a block shorter than its frame', () => { const bad = block(order, 6, pattern(0)); bad[order === 'little' ? 4 : 7] = 8; return bad }],
    ['a block whose lengths differ', (good) => { const bad = Buffer.from(good); bad[bad.length - (order === 'little' ? 4 : 1)] ^= 4; return bad }],
    ['a section without its magic', () => { const bad = section(order); bad[8] ^= 1; return bad }],
    ['an interface that is none', () => block(order, 1, pattern(4))],
  ])('ends at %s', async (_, make) => {
    const good = enhanced(order, { units: 1n, data })
    const { packets, counters, warnings } = await read(ng(section(order), describeInterface(order, 1), good, make(good), good))
    expect(packets).toHaveLength(1)
    expect(counters.damaged).toBe(1)
    expect(warnings.map(({ code }) => code)).toEqual(['E_CAPTURE_DAMAGED'])
  })

  it('ends where the file ends inside a block, one that is passed over too', async () => {
    const good = enhanced(order, { units: 1n, data })
    for (const last of [good, block(order, 4, pattern(400000))]) {
      const { packets, counters } = await read(ng(section(order), describeInterface(order, 1), good, last.subarray(0, last.length - 5)))
      expect(packets).toHaveLength(1)
      expect(counters.damaged).toBe(1)
    }
  })

  it('gives a simple packet without any interface up', async () => {
    const { packets, counters } = await read(ng(
      section(order), describeInterface(order, 1), enhanced(order, { units: 1n, data }), section(order), simple(order, data),
    ))
    expect(packets).toHaveLength(1)
    expect(counters.damaged).toBe(1)
  })
})
