/** What every archive must do. An archive's own test calls this with a way to make an empty one, and to open the same one again. */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { communityId } from '../../proto/community-id.ts'
import { makeFlow } from '../../proto/codec.ts'
import type { Archive, ArchivedFlow, FlowQuery } from '../../collector/store/archive.ts'
import type { Flow, FlowBatch } from '../../proto/flow.ts'
import { flowArbitrary } from '../proto/arbitrary.ts'

export const flow = (number: number, over: Partial<Flow> = {}): Flow => makeFlow({
  number, final: true, initiatorAddress: '10.0.0.1', responderAddress: '10.0.0.2', initiatorPort: 40_000, responderPort: 443, protocol: 6,
  startMicros: 1.7e15 + number * 1e6, endMicros: 1.7e15 + number * 1e6 + 500_000, initiatorPackets: number, ...over,
})

export const batch = (sequence: number, flows: Flow[], over: Partial<FlowBatch> = {}): FlowBatch => ({
  stream: 'edge/0', sensor: 'edge', boot: '0123456789abcdef', sequence, clockMicros: 1.7e15, run: '', recordVersion: 1, featureHash: '', modelHash: '',
  vantage: 'host', simulated: false, last: false, ledger: new Map(), dropped: [], flows, ...over,
})

export function archiveContract(name: string, make: () => { archive: Archive, reopen: () => Archive, remove: () => void }): void {
  describe(`${name} keeps the archive's contract`, () => {
    let made: ReturnType<typeof make>
    let archive: Archive

    beforeEach(async () => {
      made = make()
      archive = made.archive
      await archive.open()
    })
    afterEach(async () => {
      await archive.close()
      made.remove()
    })

    const reopen = async (): Promise<void> => {
      await archive.close()
      archive = made.reopen()
      await archive.open()
    }
    const numbers = async (query: Partial<FlowQuery> = {}): Promise<number[]> =>
      (await archive.flows({ limit: 1000, ...query })).items.map(({ number }) => number)

    it('stores rows and position together, and nothing twice', async () => {
      expect(await archive.position()).toBe(0)
      expect(await archive.append([batch(1, [flow(1), flow(2)]), batch(2, [])], 100)).toEqual({ stored: 2, duplicate: 0 })
      expect(await archive.append([batch(1, [flow(1), flow(2)])], 100)).toEqual({ stored: 0, duplicate: 2 })
      expect(await archive.append([], 120)).toEqual({ stored: 0, duplicate: 0 })
      await reopen()
      expect(await archive.position()).toBe(120)
      expect(await archive.append([batch(1, [flow(1)])], 90)).toEqual({ stored: 0, duplicate: 1 })
      expect(await archive.append([batch(3, [flow(3)])], 200)).toEqual({ stored: 1, duplicate: 0 })
      expect(await numbers()).toEqual([3, 2, 1])
    })

    it('gives back the record that was stored', async () => {
      const full: Flow = flow(7, {
        part: 3, final: false, initiatorOctets: 2 ** 40, connState: 'RSTOS0', history: 'ShADr', endReason: 'idle', directionMethod: 'syn-ack', marks: 127, vlan: 4095,
        sizes: [60, -1500, 65_535, -65_535], application: 'dns', serverName: 'b\u00fccher.example', interarrivalSquares: 1.5e300, context: [1, 2, 3, 4, 5, 6, 7, 2 ** 31 - 1],
        dns: [{ query: 'a.example', type: 1, rcode: 0, answers: 2, rttMicros: 5, offsetMicros: 6 }, { query: '"}]', type: 16, answers: 0, rttMicros: 0, offsetMicros: 9 }],
        edgeScore: 0.5, weight: 2, initiatorTcpFlags: 0x1ff, responderTtl: 255,
      })
      await archive.append([batch(1, [full, flow(8)], { run: 'demo', sensor: 's', stream: 's/1' })], 1)
      const { items } = await archive.flows({ limit: 10 })
      expect(items[1]).toEqual({ ...full, stream: 's/1', sensor: 's', boot: '0123456789abcdef', run: 'demo', communityId: communityId(full) } satisfies ArchivedFlow)
      expect('edgeScore' in items[0]).toBe(false)
    })

    it('stumbles over no record that can be decoded', async () => {
      let position = 0
      await fc.assert(fc.asyncProperty(fc.array(flowArbitrary, { minLength: 1, maxLength: 20 }), async (flows) => {
        expect(await archive.append([batch(1, flows)], ++position)).toMatchObject({ stored: flows.length })
      }), { numRuns: 25 })
      await archive.append([batch(1, [flow(2 ** 60, { initiatorOctets: 1e21, responderPort: 1e9, marks: 1e15, sizes: [1e18], startMicros: 2 ** 63, serverName: 'a\0b' })])], ++position)
      expect((await archive.flows({ limit: 1000 })).items.length).toBeGreaterThan(0)
    })

    it('answers by host, side, port, protocol, application, time and run', async () => {
      await archive.append([
        batch(1, [flow(1, { initiatorAddress: '10.0.0.9' }), flow(2, { responderAddress: '10.0.0.9' }), flow(3, { responderPort: 22 }), flow(4, { protocol: 17, application: 'dns' })]),
        batch(1, [flow(5, { initiatorAddress: 'fe80::1', responderAddress: '2001:db8::1', initiatorPort: 22 })], { run: 'demo', stream: 'demo/0' }),
        batch(2, [flow(6, { part: 0, final: false }), flow(6, { part: 1, endMicros: 1.7e15 + 9e6 })]),
      ], 10)
      expect(await numbers({ host: '10.0.0.9' })).toEqual([2, 1])
      expect(await numbers({ initiator: '10.0.0.9' })).toEqual([1])
      expect(await numbers({ responder: '10.0.0.9' })).toEqual([2])
      expect(await numbers({ port: 22 })).toEqual([5, 3])
      expect(await numbers({ protocol: 17, application: 'dns' })).toEqual([4])
      expect(await numbers({ run: 'demo' })).toEqual([5])
      expect(await numbers({ run: '', final: true })).toEqual([6, 4, 3, 2, 1])
      expect(await numbers({ fromMicros: 1.7e15 + 2.5e6, toMicros: 1.7e15 + 4e6 })).toEqual([3, 2])
      expect(await numbers({ communityId: communityId(flow(3, { responderPort: 22 })) })).toEqual([3])
      expect(await numbers({ host: '\' OR true --' })).toEqual([])
      expect(await archive.counts()).toEqual({ records: 7, flows: 6 })
      expect(await archive.counts('demo')).toEqual({ records: 1, flows: 1 })
      expect(await archive.counts('nobody')).toEqual({ records: 0, flows: 0 })
    })

    it('gives pages, newest first, without leaving out or repeating', async () => {
      await archive.append([batch(1, Array.from({ length: 95 }, (_, i) => flow(i + 1, { endMicros: 1.7e15 + (i * 7) % 10 })))], 1)
      const seen: ArchivedFlow[] = []
      let cursor: string | undefined
      do {
        const page = await archive.flows({ limit: 20, ...cursor === undefined ? {} : { cursor } })
        seen.push(...page.items)
        cursor = page.next
        // What comes meanwhile is newer, and changes no later page.
        if (seen.length === 20) await archive.append([batch(2, [flow(500)])], 2)
      } while (cursor !== undefined)
      expect(seen.map(({ endMicros }) => endMicros)).toEqual([...seen.map(({ endMicros }) => endMicros)].sort((a, b) => b - a))
      expect(new Set(seen.map(({ number }) => number)).size).toBe(95)
      expect(seen).toHaveLength(95)
      await expect(archive.flows({ limit: 1, cursor: 'rubbish' })).rejects.toMatchObject({ code: 'E_REQUEST' })
    })

    it('finds the newest part of each flow by its id', async () => {
      await archive.append([batch(1, [flow(1, { part: 0, final: false }), flow(2), flow(1, { part: 1, initiatorPackets: 77 })]), batch(1, [flow(1)], { stream: 'other/0' })], 1)
      const boot = '0123456789abcdef'
      const found = await archive.byId([{ stream: 'edge/0', boot, number: 1 }, { stream: 'other/0', boot, number: 1 }, { stream: 'edge/0', boot, number: 99 }])
      expect(found.map(({ stream, part, initiatorPackets }) => [stream, part, initiatorPackets]).sort()).toEqual([['edge/0', 1, 77], ['other/0', 0, 1]])
      expect(await archive.byId([])).toEqual([])
    })

    it('answers while it stores', async () => {
      const appends = Array.from({ length: 5 }, (_, i) => archive.append([batch(i, Array.from({ length: 500 }, (_v, k) => flow(i * 500 + k + 1)))], i + 1))
      const answers = Array.from({ length: 6 }, () => archive.counts())
      for (const { records } of await Promise.all(answers)) expect(records % 500).toBe(0)
      await Promise.all(appends)
      expect(await archive.counts()).toMatchObject({ records: 2500 })
    })

    it('says that it is not open', async () => {
      await archive.close()
      await expect(archive.append([], 1)).rejects.toMatchObject({ code: 'E_STORE' })
      await expect(archive.counts()).rejects.toMatchObject({ code: 'E_STORE' })
    })
  })
}
