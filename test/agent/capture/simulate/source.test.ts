/**
 * The simulated office as a source: same seed, same frames; sorted; every length and checksum right; the totals of
 * its truth equal to an independent count.
 */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { attackKinds, SimulateSource } from '../../../../agent/capture/simulate/index.ts'
import type { SimulateOptions } from '../../../../agent/capture/simulate/index.ts'
import { everyFrame, Meter, readFrame } from './meter.ts'

const short = { hours: 0.25 }

async function digest(options: SimulateOptions, keep: (frame: Uint8Array, micros: number) => boolean = () => true): Promise<string> {
  const hash = createHash('sha256')
  await everyFrame(new SimulateSource(options), (frame, micros) => {
    if (keep(frame, micros)) hash.update(`${micros}`).update(frame)
  })
  return hash.digest('hex')
}

describe('a simulated office', () => {
  it('is the same for the same seed, whoever asks, and another for another seed', async () => {
    const [first, second] = [new SimulateSource({ seed: 7, ...short }), new SimulateSource({ seed: 7, ...short })]
    // Two at once, block by block, so that nothing may be shared between them.
    await first.open()
    await second.open()
    for (;;) {
      const [a, b] = [await first.next(), await second.next()]
      expect(b === undefined).toBe(a === undefined)
      if (a === undefined || b === undefined) break
      expect(b.count).toBe(a.count)
      for (let i = 0; i < a.count; i++) {
        const x = a.bytes.subarray(a.offset[i], a.offset[i] + a.wire[i])
        if (a.micros[i] !== b.micros[i] || Buffer.compare(x,
          b.bytes.subarray(b.offset[i], b.offset[i] + b.wire[i])) !== 0) throw new Error(`frame ${i} differs`)
      }
    }
    expect(second.truth()).toEqual(first.truth())
    const other = new SimulateSource({ seed: 8, ...short })
    await everyFrame(other, () => {})
    const cast = (source: SimulateSource): string[] => source.truth().attacks.flatMap(({ attackers,
      victims }) => [...attackers, ...victims])
    expect(cast(other)).not.toEqual(cast(first))
  })

  it('has the bytes of its generator version', async () => {
    // When this changes on purpose, count generatorVersion up too: it names cached captures.
    expect((await digest({ seed: 1, ...short })).slice(0, 16)).toBe('1d23b0c7e4fae96b')
  })

  it('keeps its benign traffic, octet for octet, when the attacks are left out', async () => {
    // Attacks use initiator ports from 61000 on, or spoofed addresses; a sweep also causes ARP requests.
    const benign = (frame: Uint8Array, micros: number): boolean => {
      const { kind, source, target, sourcePort, targetPort } = readFrame(frame, micros)
      return kind !== 'arp' && Math.max(sourcePort, targetPort) < 61000 && !source.startsWith('198.19.') && !target.startsWith('198.19.')
    }
    const without = await digest({ seed: 3, ...short, attacks: 'none' }, benign)
    expect(await digest({ seed: 3, ...short }, benign)).toBe(without)
    expect(await digest({ seed: 3, ...short, attacks: ['beacon', 'syn-flood'] }, benign)).toBe(without)
  })

  it('gives sorted frames with right checksums, and a truth that an independent meter confirms', async () => {
    const source = new SimulateSource({ seed: 1 })
    const meter = new Meter()
    const kinds = new Map<string, number>()
    const inside = new Set<string>()
    let packets = 0
    let octets = 0
    let last = 0
    let first = Infinity
    await everyFrame(source, (frame, micros) => {
      if (micros < last || !Number.isSafeInteger(micros)) throw new Error(`frame ${packets} at ${micros} after ${last}`)
      last = micros
      first = Math.min(first, micros)
      packets++
      octets += frame.length
      if (frame.length < 60 || frame.length > 1514) throw new Error(`frame of ${frame.length} octets`)
      const seen = readFrame(frame, micros)
      const kind = seen.vlan >= 0 ? 'tagged' : seen.target.includes(':') ? 'six' : seen.kind
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
      if (seen.source.startsWith('10.')) inside.add(seen.source)
      meter.take(seen)
    })
    const truth = source.truth()
    expect([truth.packets, truth.octets, truth.flows]).toEqual([packets, octets, meter.flows.length])
    expect([source.counters.frames, source.counters.octets]).toEqual([packets, octets])
    expect([truth.firstPacketMicros, truth.lastPacketMicros]).toEqual([first, last])
    expect(truth.startMicros).toBe(Date.UTC(2026, 0, 12, 8) * 1000)
    expect(truth.endMicros - truth.startMicros).toBe(7200e6)
    expect(first - truth.startMicros).toBeLessThan(5e6)
    expect(truth.endMicros - last).toBeLessThan(5e6)
    expect(packets).toBeGreaterThan(250_000)
    expect(packets).toBeLessThan(600_000)
    expect(octets + 16 * packets).toBeLessThan(122e6)
    expect(truth.hosts).toHaveLength(60)
    const missing = truth.hosts.filter(({ address }) => !inside.has(address))
    expect(missing).toEqual([])
    for (const kind of ['tcp', 'udp', 'icmp', 'six', 'tagged', 'arp', 'lldp']) expect(kinds.get(kind) ?? 0, kind).toBeGreaterThan(100)
    expect(truth.attacks.map(({ kind }) => kind)).toEqual([...attackKinds])
    expect(source.progress().fraction).toBe(1)
  }, 30_000)

  it('can be larger, shorter and at another time', async () => {
    const startMicros = Date.UTC(2030, 5, 1) * 1000
    const source = new SimulateSource({ seed: 2, hours: 0.3, hosts: 90, startMicros, attacks: 'none' })
    let last = startMicros
    await everyFrame(source, (_, micros) => { last = micros })
    const truth = source.truth()
    expect(truth.hosts).toHaveLength(90)
    expect(new Set(truth.hosts.map(({ address }) => address)).size).toBe(90)
    expect(truth.attacks).toEqual([])
    expect(last).toBeGreaterThan(startMicros + 0.29 * 3600e6)
    expect(last).toBeLessThan(startMicros + 0.3 * 3600e6)
  })

  it('ends when it is closed', async () => {
    const source = new SimulateSource({ seed: 2 })
    await source.open()
    expect((await source.next())?.count).toBeGreaterThan(0)
    expect(source.progress().fraction).toBeLessThan(0.2)
    await source.close()
    expect(await source.next()).toBeUndefined()
  })

  it.each([{ seed: -1 }, { seed: 0.5 }, { seed: 1, hours: 0.1 }, { seed: 1, hours: Number.NaN }, { seed: 1, hosts: 5 },
    { seed: 1, hosts: 31.5 }, { seed: 1, startMicros: -5 }])(
    'refuses %o', (options) => { expect(() => new SimulateSource(options)).toThrow(expect.objectContaining({ code: 'E_USAGE' })) })
})
