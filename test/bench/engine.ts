/**
 * The flow engine alone over a pcap file (little endian, microseconds, Ethernet): what decode, flow, protocol, feature and
 * encoding cost without the stages around them. `node test/bench/engine.ts FILE [OPTIONS as JSON]` prints one line; run it with
 * --cpu-prof to see where the time goes.
 */
import { openSync, readSync } from 'node:fs'
import { createEngine } from '../../agent/engine.ts'
import { makeFrames } from '../../agent/capture/source.ts'
import { defaultEngineOptions } from '../../agent/flow/engine.ts'
import { newAgentLedger } from '../../proto/ledger.ts'
import type { EngineOptions } from '../../agent/flow/engine.ts'

const blockOctets = 128 * 1024
const largestFrame = 256 * 1024

function run(path: string, options: Partial<EngineOptions>): void {
  const engine = createEngine({ ...defaultEngineOptions, ...options }, newAgentLedger())
  const file = openSync(path, 'r')
  const bytes = new Uint8Array(blockOctets + largestFrame)
  const frames = makeFrames(bytes, bytes.length >> 4)
  const { view, micros, offset, captured, wire, link } = frames
  frames.link.fill(1)
  let packets = 0
  let records = 0
  let octets = 0
  const drain = (): void => {
    for (let chunk = engine.chunks.shift(); chunk !== undefined; chunk = engine.chunks.shift()) {
      records += chunk.count
      octets += chunk.bytes.length
    }
  }
  let filled = readSync(file, bytes, 0, 24, null)
  filled = 0
  for (;;) {
    const read = readSync(file, bytes, filled, blockOctets, null)
    if (read === 0) break
    filled += read
    let at = 0
    let count = 0
    while (at + 16 <= filled) {
      const length = view.getUint32(at + 8, true)
      if (at + 16 + length > filled) break
      micros[count] = view.getUint32(at, true) * 1e6 + view.getUint32(at + 4, true)
      offset[count] = at + 16
      captured[count] = length
      wire[count] = view.getUint32(at + 12, true)
      link[count] = 1
      at += 16 + length
      count++
    }
    frames.count = count
    packets += count
    for (let next = 0; next < count;) {
      next = engine.consume(frames, next)
      drain()
    }
    bytes.copyWithin(0, at, filled)
    filled -= at
  }
  while (!engine.finish()) drain()
  drain()
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  const nanos = (userCPUTime + systemCPUTime) * 1000 / packets
  const size = `${String(packets)} packets, ${String(records)} records, ${String(octets)} octets`
  process.stdout.write(`${size}: ${nanos.toFixed(0)} ns a packet, ${String(Math.round(maxRSS / 1024))} MB\n`)
}

const [path, options = '{}'] = process.argv.slice(2)
if (path === undefined) process.stdout.write('usage: node test/bench/engine.ts FILE [OPTIONS]\n')
else run(path, JSON.parse(options) as Partial<EngineOptions>)
