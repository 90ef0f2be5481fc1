import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { communityId } from '../../proto/community-id.ts'
import { address } from './arbitrary.ts'

const tuple = (protocol: number, initiatorAddress: string, responderAddress: string, initiatorPort: number, responderPort: number) =>
  ({ protocol, initiatorAddress, responderAddress, initiatorPort, responderPort })

const baselines = join(import.meta.dirname, '../../../shared/data/pcap/community-id/baseline')
type Row = { proto: number, saddr: string, daddr: string, sport: number | null, dport: number | null, communityid: string }

describe('the reference data', () => {
  const missing = !existsSync(baselines)
  it.skipIf(missing).each([['baseline_deflt.json', 0], ['baseline_seed1.json', 1]])(`%s${missing ? ' (the shared data is not here)' : ''}`, (name, seed) => {
    const rows = JSON.parse(readFileSync(join(baselines, name), 'utf8')) as Row[]
    expect(rows.length).toBeGreaterThan(20)
    for (const { proto, saddr, daddr, sport, dport, communityid } of rows) {
      expect(communityId(tuple(proto, saddr, daddr, sport ?? 0, dport ?? 0), seed), JSON.stringify({ proto, saddr, sport })).toBe(communityid)
    }
  })
})

it.each([
  [tuple(6, '1.2.3.4', '5.6.7.8', 1122, 3344), '1:wCb3OG7yAFWelaUydu0D+125CLM='],
  [tuple(6, '5.6.7.8', '1.2.3.4', 3344, 1122), '1:wCb3OG7yAFWelaUydu0D+125CLM='],
])('%j', (input, id) => {
  expect(communityId(input)).toBe(id)
})

it('is the same for both directions', () => {
  fc.assert(fc.property(address, address, fc.nat(65535), fc.nat(65535), fc.constantFrom(6, 17, 132, 47), (a, b, p, q, protocol) => {
    expect(communityId(tuple(protocol, a, b, p, q))).toBe(communityId(tuple(protocol, b, a, q, p)))
  }))
})

it('depends on ports only where there are ports', () => {
  expect(communityId(tuple(47, '1.1.1.1', '2.2.2.2', 1, 2))).toBe(communityId(tuple(47, '1.1.1.1', '2.2.2.2', 3, 4)))
  expect(communityId(tuple(17, '1.1.1.1', '2.2.2.2', 1, 2))).not.toBe(communityId(tuple(17, '1.1.1.1', '2.2.2.2', 3, 4)))
})

it('of a one-way ICMP message keeps its direction', () => {
  expect(communityId(tuple(1, '2.2.2.2', '1.1.1.1', 3, 1))).not.toBe(communityId(tuple(1, '1.1.1.1', '2.2.2.2', 3, 1)))
})

it('is empty where there is no address, or two of different families', () => {
  expect(communityId(tuple(6, '', '1.1.1.1', 1, 2))).toBe('')
  expect(communityId(tuple(6, '1.1.1.1', '::1', 1, 2))).toBe('')
})
