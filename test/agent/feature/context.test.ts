import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InitiatorContext } from '../../../agent/feature/context.ts'
import { exchange, flag, frame, talk } from '../build-frame.ts'
import { runEngine } from '../run-engine.ts'

const { syn, rst, ack } = flag

describe('what an initiator did before', () => {
  it('is counted over ten seconds and ten minutes', () => {
    const scan = Array.from({ length: 30 }, (_, i) => frame(i / 10, { from: '10.0.0.9', to: `10.0.1.${String(i % 3)}`, fromPort: 5000, toPort: 1 + i, flags: syn }))
    const later = frame(100, { from: '10.0.0.9', to: '10.0.1.200', fromPort: 5000, toPort: 9999, flags: syn })
    const { flows } = runEngine([...scan, later], { parts: false })
    const [first, second, , , , , , , , , eleventh] = [...flows].sort((a, b) => a.number - b.number)
    expect(first.context).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
    expect(second.context).toEqual([1, 0, 1, 1, 1, 0, 1, 1])
    expect(eleventh.context.slice(0, 3)).toEqual([10, 0, 3])
    expect(Math.abs(eleventh.context[3] - 10)).toBeLessThanOrEqual(1)
    const last = flows.find(({ number }) => number === 31)
    expect(last?.context.slice(0, 4)).toEqual([0, 0, 0, 0])
    expect(last?.context[4]).toBe(30)
    // The SYNs were given up 40 s after they were sent.
    expect(last?.context[5]).toBe(30)
  })

  it('counts a refusal at once, and what succeeded not at all', () => {
    const { out, back } = talk()
    const frames = [out(0, { flags: syn }), back(0.1, { flags: rst | ack }), ...exchange(0.2, { from: '10.0.0.1', fromPort: 6 }), out(1, { flags: syn, fromPort: 7 })]
    const { flows } = runEngine(frames)
    expect(flows.find(({ initiatorPort }) => initiatorPort === 7)?.context.slice(0, 4)).toEqual([2, 1, 1, 1])
  })

  it('estimates distinct things within a tenth', () => {
    const context = new InitiatorContext(64)
    const words = new Int32Array(2)
    const out = new Uint16Array(8)
    for (let i = 0; i < 200; i++) {
      words[1] = i
      context.begin(words, 0, 1, false, i * 7, 1e15 + i, out, 0)
    }
    context.begin(words, 0, 1, false, 1, 1e15 + 300, out, 0)
    expect(out[0]).toBe(200)
    expect(Math.abs(out[2] - 200)).toBeLessThan(40)
    expect(Math.abs(out[3] - 200)).toBeLessThan(40)
  })

  it('keeps to its entries, never goes backwards, never exceeds its range', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(40), fc.nat(1000), fc.integer({ min: -20, max: 400 }), fc.boolean()), { maxLength: 300 }), (flows) => {
      const context = new InitiatorContext(16)
      const words = new Int32Array(8)
      const out = new Uint16Array(8)
      let seconds = 1e6
      for (const [initiator, port, step, failed] of flows) {
        words[0] = initiator
        words[4] = port
        seconds += step
        context.begin(words, 0, 4, false, port, seconds * 1e6, out, 0)
        if (failed) context.failed(words, 0, false, seconds * 1e6)
        expect(out[0]).toBeLessThanOrEqual(out[4] + flows.length)
        expect(out[2]).toBeLessThanOrEqual(640)
      }
    }))
  })
})
