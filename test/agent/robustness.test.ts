/** Captures that broke other tools, and captures of everything: no crash, no hang, every frame in a flow or under its reason. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { data, missing } from './oracle.ts'
import { readCapture } from './frames-of.ts'
import { runEngine } from './run-engine.ts'

/** Captures below a folder, no larger than `octets`. */
function capturesIn(folder: string, octets: number): string[] {
  if (!existsSync(join(data, folder))) return []
  return readdirSync(join(data, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /(pcap|pcapng|cap|dump|trace)(\.gz)?$|\.pcap\.\d+$/i.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => statSync(path).size <= octets)
    .sort()
}

describe('captures made to break', () => {
  it.skipIf(missing('robustness') !== undefined).each(['robustness', 'pcap/zeek'])('%s', (folder) => {
    let files = 0
    let frames = 0
    for (const path of capturesIn(folder, 2_000_000)) {
      const read = readCapture(path)
      const { ledger, flows } = runEngine(read, { memory: 1 << 20 })
      expect(ledger.get('frames'), path).toBe(read.length)
      expect(flows.reduce((sum, f) => sum + f.initiatorPacketsDelta + f.responderPacketsDelta, 0), path).toBe(ledger.get('framesInFlows'))
      expect(flows.filter(({ part }) => part === 0).length, path).toBe(ledger.get('flowsOpened'))
      files++
      frames += read.length
    }
    expect(files).toBeGreaterThan(150)
    expect(frames).toBeGreaterThan(4000)
  }, 60_000)
})
