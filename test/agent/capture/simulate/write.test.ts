/** Captures on disk: a classic pcap and its truth, whole or not there at all. */
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { attackKinds, captureName, generatorVersion, truthPath, writeCapture } from '../../../../agent/capture/simulate/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'vedette-simulate-'))
afterAll(() => { rmSync(folder, { recursive: true }) })

describe('a written capture', () => {
  it('is a pcap of all frames, the same for the same seed, with the truth beside it', async () => {
    const path = join(folder, 'new', captureName({ seed: 4, hours: 0.25 }))
    const steps: number[] = []
    const truth = await writeCapture(path, { seed: 4, hours: 0.25, onProgress: (fraction) => steps.push(fraction) })
    const bytes = readFileSync(path)
    expect([bytes.readUInt32LE(0), bytes.readUInt16LE(4), bytes.readUInt16LE(6), bytes.readUInt32LE(16),
      bytes.readUInt32LE(20)]).toEqual([0xa1b2c3d4, 2, 4, 65535, 1])
    let packets = 0
    let octets = 0
    let lastMicros = 0
    for (let at = 24; at < bytes.length; at += 16 + bytes.readUInt32LE(at + 8)) {
      if (bytes.readUInt32LE(at + 12) !== bytes.readUInt32LE(at + 8)
        || bytes.readUInt32LE(at + 4) >= 1e6) throw new Error(`record at ${at}`)
      lastMicros = bytes.readUInt32LE(at) * 1e6 + bytes.readUInt32LE(at + 4)
      packets++
      octets += bytes.readUInt32LE(at + 8)
    }
    expect([packets, octets, lastMicros]).toEqual([truth.packets, truth.octets, truth.lastPacketMicros])
    expect(JSON.parse(readFileSync(truthPath(path), 'utf8'))).toEqual(truth)
    expect(readdirSync(join(folder, 'new')).sort()).toEqual([path,
      truthPath(path)].map((name) => name.slice(join(folder, 'new').length + 1)).sort())
    expect(steps.at(-1)).toBe(1)
    expect(steps).toEqual([...steps].sort((a, b) => a - b))

    const again = join(folder, 'again.pcap')
    await writeCapture(again, { seed: 4, hours: 0.25 })
    const sha = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')
    expect(sha(again)).toBe(sha(path))
    expect(sha(truthPath(again))).toBe(sha(truthPath(path)))
  })

  it('says in one line that the folder cannot be written, and leaves nothing behind', async () => {
    const file = join(folder, 'file')
    writeFileSync(file, 'not a folder')
    await expect(writeCapture(join(file, 'x.pcap'), { seed: 1, hours: 0.25 })).rejects.toMatchObject({ code: 'E_DATA_UNWRITABLE' })
    await expect(writeCapture(folder, { seed: 1, hours: 0.25 })).rejects.toMatchObject({ code: 'E_DATA_UNWRITABLE' })
    expect(readdirSync(folder).filter((name) => name.includes('tmp'))).toEqual([])
  })

  it('has a name that changes with whatever changes its bytes', () => {
    expect(captureName({ seed: 12 })).toBe(`office-v${generatorVersion}-seed12.pcap`)
    expect(captureName({ seed: 12, attacks: [...attackKinds].reverse() })).toBe(captureName({ seed: 12 }))
    const options = [{}, { hours: 3 }, { hosts: 80 }, { startMicros: 0 }, { attacks: 'none' as const },
      { attacks: ['beacon' as const] }, { attacks: ['beacon' as const, 'dns-tunnel' as const] }]
    expect(new Set(options.map((one) => captureName({ seed: 1, ...one }))).size).toBe(options.length)
  })
})
