import { describe, expect, it } from 'vitest'
import { decodeFlow, encodeFlow } from '../../../proto/codec.ts'
import { exchange, frame } from '../build-frame.ts'
import { runEngine, spansOf } from '../run-engine.ts'
import { missing, data } from '../oracle.ts'
import { readCapture } from '../frames-of.ts'
import type { TestFrame } from '../frames-of.ts'

/** Every record must be what the codec would have written of it. */
function assertSame(frames: readonly TestFrame[]): number {
  let count = 0
  for (const chunk of runEngine(frames).chunks) {
    for (const [from, to] of spansOf(chunk)) {
      const bytes = chunk.bytes.subarray(from, to)
      expect(Buffer.from(encodeFlow(decodeFlow(bytes))).toString('hex')).toBe(Buffer.from(bytes).toString('hex'))
      count++
    }
  }
  return count
}

describe('a record written from the slab', () => {
  it('is the one the codec writes, byte for byte', () => {
    const long = Array.from({ length: 40 }, (_, i) => exchange(i * 7, { from: '2001:db8::1', to: '2001:db8::2' }, 'x'.repeat(i * 30), 'y'.repeat(i))).flat()
    const dns = Array.from({ length: 300 }, (_, i) => frame(i, {
      from: '10.0.0.1', to: '10.0.0.53', protocol: 17, fromPort: 5, toPort: 53,
      payload: Buffer.concat([Buffer.of(i >> 8, i & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 63), Buffer.alloc(63, 200), Buffer.of(0, 0, 1, 0, 1)]),
    }))
    expect(assertSame(long)).toBe(40)
    expect(assertSame(dns)).toBeGreaterThan(18)
  })

  const capture = 'pcap/community-id/pcaps/combined.pcap.gz'
  it.skipIf(missing(capture) !== undefined)('is so on a public capture', () => {
    expect(assertSame(readCapture(`${data}/${capture}`))).toBeGreaterThan(10)
  })
})
