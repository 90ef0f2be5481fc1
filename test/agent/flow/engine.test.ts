import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEngine } from '../../../agent/engine.ts'
import { defaultEngineOptions } from '../../../agent/flow/engine.ts'
import { mark } from '../../../proto/flow.ts'
import { newAgentLedger } from '../../../proto/ledger.ts'
import { exchange, flag, frame, talk } from '../build-frame.ts'
import { blockOf, blocksOf } from '../frames-of.ts'
import { assertBalanced, flowsOf, runBlocks, runEngine } from '../run-engine.ts'
import type { TestFrame } from '../frames-of.ts'
import type { Chunk } from '../../../agent/flow/chunk.ts'
import type { Flow } from '../../../proto/flow.ts'

const { syn, ack, rst, fin } = flag
const { out, back } = talk()
const micros = (seconds: number): number => 1.7e15 + Math.round(seconds * 1e6)
const hex = (chunks: readonly Chunk[]): string[] => chunks.map(({ bytes, clockMicros, last, ledger }) =>
  `${String(clockMicros)} ${String(last)} ${JSON.stringify([...ledger])} ${Buffer.from(bytes).toString('hex')}`)
const brief = ({ part, final, initiatorPacketsDelta, responderPacketsDelta, endReason }: Flow): unknown[] =>
  [part, final, initiatorPacketsDelta, responderPacketsDelta, endReason]

/** A mixture that opens, closes, times out, talks at length and floods, with noise that is not IP. */
function mixture(seed: number, count = 400): TestFrame[] {
  const random = (n: number): number => {
    seed = Math.imul(seed, 1664525) + 1013904223 | 0
    return (seed >>> 8) % n
  }
  const frames: TestFrame[] = []
  for (let i = 0, at = 0; i < count; i++) {
    at += random(100) < 3 ? random(60) : random(1000) / 1000
    const from = `10.0.${String(random(2))}.${String(random(8))}`
    switch (random(5)) {
      case 0: frames.push(...exchange(at, { from, fromPort: 1000 + random(50) })); break
      case 1: frames.push(frame(at, { from, to: '10.9.9.9', protocol: 17, fromPort: 2000 + random(4), toPort: 53, payload: 'a'.repeat(random(40)) })); break
      case 2: frames.push(frame(at, { from, to: '10.9.9.9', fromPort: 1000 + i, toPort: random(1000), flags: syn })); break
      case 3: frames.push(frame(at, { from: '2001:db8::1', to: '2001:db8::2', protocol: 58, fromPort: 128 + random(2), toPort: 0 })); break
      default: frames.push({ bytes: new Uint8Array(14).fill(random(256)), micros: micros(at) })
    }
  }
  return frames.sort((a, b) => a.micros - b.micros)
}

describe('a conversation', () => {
  it('is one record with everything in it', () => {
    const { flows } = runEngine(exchange(0, {}, 'hello', 'good day'))
    expect(flows).toHaveLength(1)
    expect(flows[0]).toMatchObject({
      number: 1, part: 0, final: true, initiatorAddress: '10.0.0.1', responderAddress: '10.0.0.2', initiatorPort: 40000, responderPort: 80, protocol: 6,
      startMicros: micros(0), endMicros: micros(0.07), partStartMicros: micros(0), initiatorPackets: 5, responderPackets: 3,
      initiatorOctets: 205, responderOctets: 128, initiatorPayloadOctets: 5, responderPayloadOctets: 8, initiatorTcpFlags: 27, responderTcpFlags: 27,
      initiatorTtl: 64, connState: 'SF', history: 'ShADdFfA'.slice(0, 7), endReason: 'end', directionMethod: 'syn', marks: 0,
      handshakeSynMicros: 10000, handshakeAckMicros: 10000, sizes: [40, -40, 40, 45, -48, 40, -40, 40],
      initiatorLengthMin: 40, initiatorLengthMax: 45, initiatorLengthSquares: 4 * 1600 + 2025, responderLengthMin: 40, responderLengthMax: 48,
      interarrivalMin: 10000, interarrivalMax: 10000, interarrivalSquares: 7e8, initiatorDurationMicros: 70000, responderDurationMicros: 50000,
      initiatorInterarrivalMax: 20000, initiatorInterarrivalSquares: 4e8 + 1e8 + 4e8 + 4e8, responderInterarrivalMax: 30000,
    })
  })

  it('has the initiator who sent the first SYN, the receiver of a SYN/ACK, else the first sender', () => {
    const answered = runEngine([back(0, { flags: syn | ack }), out(0.1, { flags: ack })]).flows[0]
    expect(answered).toMatchObject({ initiatorAddress: '10.0.0.1', directionMethod: 'syn-ack', initiatorPackets: 1, responderPackets: 1, marks: 0 })
    expect(answered.history).toBe('^hA')
    expect(answered.sizes).toEqual([-40, 40])
    const middle = runEngine([back(0, { flags: ack, payload: 'x' }), out(0.1, { flags: ack })]).flows[0]
    expect(middle).toMatchObject({ initiatorAddress: '10.0.0.2', directionMethod: 'first-packet', marks: mark.midstream, connState: 'OTH', history: 'Da' })
  })

  it('keeps ICMP answers together and other ICMP apart', () => {
    const icmp = (seconds: number, from: string, to: string, type: number, code = 0): TestFrame =>
      frame(seconds, { from, to, protocol: 1, fromPort: type, toPort: code })
    const { flows } = runEngine([
      icmp(0, '10.0.0.1', '10.0.0.2', 8), icmp(0.1, '10.0.0.2', '10.0.0.1', 0), icmp(0.2, '10.0.0.1', '10.0.0.2', 3, 1), icmp(0.3, '10.0.0.2', '10.0.0.1', 3, 1),
    ])
    expect(flows.map((f) => [f.initiatorPort, f.responderPort, f.initiatorPackets, f.responderPackets])).toEqual([[8, 0, 1, 1], [3, 1, 1, 0], [3, 1, 1, 0]])
  })

  it('is told apart by VLAN, and carries both tags', () => {
    const { flows } = runEngine([out(0, { vlans: [7] }), out(0.1, { vlans: [7, 9] }), out(0.2), { ...out(0.3), vlan: 0x2007 }])
    expect(flows.map((f) => [f.vlan, f.innerVlan, f.initiatorPackets])).toEqual([[7, 0, 2], [7, 9, 1], [0, 0, 1]])
  })

  it('counts its later fragments where the first one went', () => {
    const piece = (id: number, offset: number, more: boolean, payload: string): TestFrame =>
      frame(0.01 * offset, { from: '10.0.0.1', to: '10.0.0.2', protocol: 17, fragment: { id, more, offset }, payload })
    const first = frame(0, { from: '10.0.0.1', to: '10.0.0.2', protocol: 17, fromPort: 9, toPort: 10, payload: 'x'.repeat(8), fragment: { id: 1, more: true, offset: 0 } })
    const rest = { ...piece(1, 16, false, 'abcd') }
    const { flows } = runEngine([first, rest, piece(2, 16, false, 'lost')])
    expect(flows.map((f) => [f.initiatorPort, f.initiatorPackets, f.marks])).toEqual([[9, 2, mark.fragmented], [0, 1, mark.fragmented]])
  })
})

describe('time-outs', () => {
  it('end a silent flow at 120 s, an unanswered SYN at 40 s, a closed connection at 5 s', () => {
    const lone = frame(0, { from: '10.0.0.5', to: '10.0.0.6', protocol: 17, fromPort: 1, toPort: 2 })
    const tick = (seconds: number): TestFrame => ({ bytes: new Uint8Array(14), micros: micros(seconds) })
    const ticks = Array.from({ length: 200 }, (_, i) => tick(i + 1))
    const { chunks } = runEngine([lone, out(0.1, { flags: syn }), ...exchange(0.2, { fromPort: 5 }), ...ticks])
    const ended = chunks.flatMap((chunk) => flowsOf(chunk).filter(({ final }) => final)
      .map((f) => [f.initiatorPort, f.endReason, (chunk.clockMicros - micros(0)) / 1e6]))
    expect(ended.map(([port, reason]) => [port, reason])).toEqual([[5, 'end'], [40000, 'idle'], [1, 'idle']])
    expect(ended.map(([, , seconds]) => Number(seconds))).toEqual([10, 50, 130])
  })

  it('start a new flow by packet time, tick or not', () => {
    const { flows } = runEngine([out(0, { protocol: 17 }), out(120, { protocol: 17 }), out(240.001, { protocol: 17 })], { parts: false })
    expect(flows.map(({ initiatorPackets }) => initiatorPackets)).toEqual([2, 1])
    const again = runEngine([...exchange(0, {}), out(1, { flags: syn })]).flows
    expect(again.map(({ connState, initiatorPackets }) => [connState, initiatorPackets])).toEqual([['SF', 5], ['S0', 1]])
    expect(runEngine([out(0, { flags: syn }), back(0.1, { flags: rst | ack })]).flows[0]).toMatchObject({ connState: 'REJ', marks: 0 })
    const late = runEngine([out(0, { flags: syn }), back(0.1, { flags: rst | ack }), out(5.2, { flags: ack })], { parts: false }).flows
    expect(late.map(({ connState }) => connState)).toEqual(['REJ', 'OTH'])
  })

  it('report a long flow in parts: deltas add up to the totals of the final row', () => {
    const times = [0, 5, 9.9, 10, 11, 69.9, 70, 75, 200, 249]
    const { flows } = runEngine(times.map((t) => (t === 11 ? back : out)(t, { protocol: 17, payload: 'abc' })), { idleMicros: 300e6 })
    expect(flows.map(brief)).toEqual([
      [0, false, 3, 0, 'active'], [1, false, 2, 1, 'active'], [2, false, 2, 0, 'active'], [3, true, 2, 0, 'forced'],
    ])
    expect(flows.map((f) => (f.partStartMicros - micros(0)) / 1e6)).toEqual([0, 10, 70, 200])
    expect(flows.at(-1)).toMatchObject({
      initiatorPackets: 9, responderPackets: 1, initiatorOctets: 9 * 31, responderOctets: 31, startMicros: micros(0), endMicros: micros(249),
    })
  })

  it('without parts end a flow at the active time-out', () => {
    const { flows } = runEngine([0, 600, 1200, 1800, 2400].map((t) => out(t, { protocol: 17 })), { parts: false, idleMicros: 1e9, activeMicros: 1800e6 })
    expect(flows.map(brief)).toEqual([[0, true, 3, 0, 'active'], [0, true, 2, 0, 'forced']])
  })
})

describe('bounds', () => {
  it('keep memory: the oldest flow goes early, marked and counted', () => {
    const flood = Array.from({ length: 3000 }, (_, i) => frame(i / 1000, { from: `10.1.${String(i >> 8)}.${String(i & 255)}`, to: '10.0.0.2', fromPort: 9, toPort: 80, flags: syn }))
    const { flows, ledger } = runEngine(flood, { memory: 256 * 1024 })
    const evicted = flows.filter(({ marks }) => (marks & mark.evicted) !== 0)
    expect(evicted.length).toBeGreaterThan(1000)
    expect(ledger.get('flowsEvicted')).toBe(evicted.length)
    expect(evicted.every(({ endReason, connState }) => endReason === 'resources' && connState === 'S0')).toBe(true)
    expect(evicted.map(({ number }) => number)).toEqual(evicted.map((_, i) => i + 1))
    expect(ledger.get('packetsReported')).toBe(3000)
  })

  it('keep memory when every flow is answered, and spare busy flows for a while', () => {
    const frames = Array.from({ length: 2000 }, (_, i) => exchange(i / 100, { from: `10.1.${String(i >> 8)}.${String(i & 255)}` }).slice(0, 4)).flat()
    const { flows, ledger } = runEngine(frames, { memory: 128 * 1024, parts: false })
    expect(flows.reduce((sum, f) => sum + f.initiatorPackets + f.responderPackets, 0)).toBe(8000)
    expect(ledger.get('flowsEvicted')).toBeGreaterThan(0)
  })

  it('stop a full queue of chunks, and lose nothing by it', () => {
    const frames = mixture(1)
    const ledger = newAgentLedger()
    const engine = createEngine({ ...defaultEngineOptions, memory: 1 << 20, maxChunks: 1, chunkRecords: 3 }, ledger)
    const chunks: Chunk[] = []
    let stops = 0
    for (const block of blocksOf(frames)) {
      for (let at = 0; at < block.count;) {
        const next = engine.consume(block, at)
        if (next < block.count) stops++
        expect(engine.chunks.length).toBeLessThanOrEqual(3)
        at = next
        chunks.push(...engine.chunks.splice(0))
      }
    }
    while (!engine.finish()) chunks.push(...engine.chunks.splice(0))
    chunks.push(...engine.chunks.splice(0))
    expect(stops).toBeGreaterThan(10)
    expect(hex(chunks)).toEqual(hex(runEngine(frames, { memory: 1 << 20, chunkRecords: 3, maxChunks: 1000 }).chunks))
  })
})

describe('determinism', () => {
  it('gives the same chunks however the frames are cut into blocks, and whatever the secret of the hash', () => {
    fc.assert(fc.property(fc.integer(), fc.array(fc.integer({ min: 1, max: 97 }), { minLength: 1, maxLength: 20 }), fc.integer(), (seed, sizes, hashSeed) => {
      const frames = mixture(seed, 150)
      const blocks = []
      for (let from = 0, i = 0; from < frames.length; i++) {
        const size = sizes[i % sizes.length]
        blocks.push(blockOf(frames.slice(from, from + size)))
        from += size
      }
      const options = { memory: 128 * 1024, chunkRecords: 7 }
      expect(hex(runBlocks(blocks, { ...options, hashSeed, maxChunks: 1 + sizes[0] % 4 }).chunks)).toEqual(hex(runEngine(frames, options).chunks))
    }), { numRuns: 40 })
  })

  it('cuts a chunk every ten seconds of packet time, empty or not', () => {
    const { chunks } = runEngine([0, 1, 25, 26, 61].map((t) => out(t, { protocol: 17 })))
    expect(chunks.map(({ clockMicros, count, last }) => [(clockMicros - micros(0)) / 1e6, count, last]))
      .toEqual([[25, 1, false], [61, 0, false], [61, 1, true]])
  })

  it('survives time that runs backwards, stands still or leaps', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: -4, max: 9 })), { maxLength: 200 }), (steps) => {
      let at = 1e6
      const frames = steps.map(([port, step]) => {
        at = Math.max(0, at + Math.sign(step) * 10 ** Math.abs(step) / 1000)
        return frame(at, { from: '10.0.0.1', to: '10.0.0.2', protocol: 17, fromPort: port, toPort: 9 })
      })
      const { flows, ledger } = runEngine(frames)
      expect(ledger.get('packetsReported')).toBe(frames.length)
      for (const flow of flows) {
        expect(flow.endMicros).toBeGreaterThanOrEqual(flow.startMicros)
        expect(flow.initiatorDurationMicros).toBeGreaterThanOrEqual(0)
      }
    }), { numRuns: 100 })
  })

  it('follows a clock that was set back', () => {
    const frames = [out(1e7, { protocol: 17 }), ...Array.from({ length: 3000 }, (_, i) => out(i * 0.1, { protocol: 17, fromPort: 1 }))]
    const { chunks } = runEngine(frames)
    expect(chunks.length).toBeGreaterThan(15)
  })
})

describe('a silent live source', () => {
  it('has its flows reported and ticks made as the clock advances', () => {
    const ledger = newAgentLedger()
    const engine = createEngine({ ...defaultEngineOptions, memory: 1 << 20 }, ledger)
    const block = blockOf([out(0, { flags: syn })])
    expect(engine.consume(block, 0)).toBe(1)
    for (let second = 1; second < 60; second++) expect(engine.advance(micros(second))).toBe(true)
    const flows = engine.chunks.flatMap(flowsOf)
    expect(flows.map(brief)).toEqual([[0, false, 1, 0, 'active'], [1, true, 0, 0, 'idle']])
    expect(engine.chunks.map(({ clockMicros }) => (clockMicros - micros(0)) / 1e6)).toEqual([10, 20, 30, 40, 50])
    for (const chunk of engine.chunks) assertBalanced(chunk.ledger)
    expect(ledger.get('flowsOpen')).toBe(0)
  })
})

describe('connection states', () => {
  const cases: [string, string, TestFrame[]][] = [
    ['S0', 'S', [out(0, { flags: syn }), out(1, { flags: syn })]],
    ['REJ', 'Sr', [out(0, { flags: syn }), back(0.1, { flags: rst | ack })]],
    ['S1', 'Sh', [out(0, { flags: syn }), back(0.1, { flags: syn | ack })]],
    ['RSTO', 'ShR', [out(0, { flags: syn }), back(0.1, { flags: syn | ack }), out(0.2, { flags: rst })]],
    ['RSTR', 'ShAr', [out(0, { flags: syn }), back(0.1, { flags: syn | ack }), out(0.2, { flags: ack, acknowledgement: 1 }), back(0.3, { flags: rst, sequence: 1 })]],
    ['RSTOS0', 'SR', [out(0, { flags: syn }), out(0.1, { flags: rst })]],
    ['SH', 'SF', [out(0, { flags: syn }), out(0.1, { flags: fin | ack, sequence: 1 })]],
    ['S2', 'ShF', [out(0, { flags: syn }), back(0.1, { flags: syn | ack }), out(0.2, { flags: fin | ack, sequence: 1 })]],
    ['S3', 'Shf', [out(0, { flags: syn }), back(0.1, { flags: syn | ack }), back(0.2, { flags: fin | ack, sequence: 1 })]],
    ['SHR', '^hf', [back(0, { flags: syn | ack }), back(0.2, { flags: fin | ack, sequence: 1 })]],
    ['OTH', 'A', [out(0, { flags: ack })]],
    ['OTH', 'I', [out(0, { flags: fin | rst })]],
  ]
  it.each(cases)('%s %s', (state, history, frames) => {
    const flow = runEngine(frames).flows.at(-1)
    if (state === 'OTH' && history === 'I') expect(flow?.history).toBe(history)
    else expect([flow?.connState, flow?.history]).toEqual([state, history])
  })
})
