import { describe, expect, it } from 'vitest'
import { createSource } from '../../../agent/capture/index.ts'
import { LateSource } from '../../../agent/capture/late.ts'
import { captureFolder, fileSource, pattern, pcap } from './captures.ts'

const folder = captureFolder()

describe('createSource', () => {
  it('makes each kind of source, and opens nothing yet', () => {
    expect(createSource({ kind: 'file', paths: ['nothing.pcap'] })).toMatchObject({ name: 'nothing.pcap', warnings: [] })
    expect(createSource({ kind: 'interface', interfaces: ['lo', 'eth0'] }).name).toBe('lo, eth0')
    expect(createSource({ kind: 'simulate', seed: 1 }).counters.frames).toBe(0)
  })

  it('simulates the same traffic from the same seed', async () => {
    const first: number[][] = []
    for (let run = 0; run < 2; run++) {
      const source = createSource({ kind: 'simulate', seed: 3, hours: 0.25, attacks: 'none' })
      await source.open()
      const frames = await source.next()
      first.push([frames?.count ?? 0, ...frames?.micros.subarray(0, 50) ?? []])
      await source.close()
    }
    expect(first[0][0]).toBeGreaterThan(0)
    expect(first[1]).toEqual(first[0])
  })
})

describe('LateSource', () => {
  it('is the source it has loaded', async () => {
    const path = folder.write('a.pcap', pcap([{ seconds: 1, fraction: 0, data: pattern(60) }]).subarray(0, -1))
    const good = folder.write('b.pcap', pcap([{ seconds: 1, fraction: 0, data: pattern(60) }]))
    const source = new LateSource('late', async () => fileSource(good, path))
    expect([source.name, source.progress(), source.counters.frames, source.warnings]).toEqual(['late', { name: 'late' }, 0, []])
    expect(await source.next()).toBeUndefined()
    await source.open()
    expect(source.name).toBe(`${good} and 1 more`)
    expect((await source.next())?.count).toBe(1)
    expect(await source.next()).toBeUndefined()
    expect(source.counters).toMatchObject({ frames: 1, damaged: 1 })
    expect(source.warnings).toHaveLength(1)
    expect(source.progress().fraction).toBe(1)
    await source.close()
    expect(await source.next()).toBeUndefined()
  })

  it('can be closed before it was opened', async () => {
    const source = new LateSource('late', async () => fileSource('x'))
    await source.close()
    expect(await source.next()).toBeUndefined()
  })
})
