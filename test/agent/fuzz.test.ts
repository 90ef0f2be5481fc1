/**
 * Hostile frames, made from good ones: captures of the corpus and frames made by hand are cut, stretched and given
 * wrong lengths, counts, pointers and times, and go through the whole engine with little memory. Nothing throws or
 * hangs, every frame is in a flow or under its reason, every record decodes, names stay printable and within their
 * bounds. The seed is fixed. For longer: VEDETTE_FUZZ_SECONDS=600 (and VEDETTE_FUZZ_SEED=7) vitest run
 * test/agent/fuzz.test.ts; a failure names the seed of its round.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { RecordReader } from '../../agent/score/records.ts'
import { exchange, flag, frame } from './build-frame.ts'
import { readCapture } from './frames-of.ts'
import { data } from './oracle.ts'
import { assertBalanced, runEngine } from './run-engine.ts'
import type { TestFrame } from './frames-of.ts'

const seconds = Number(process.env['VEDETTE_FUZZ_SECONDS'] ?? 3)
const firstSeed = Number(process.env['VEDETTE_FUZZ_SEED'] ?? 1)
const framesPerRound = 256
/** A hang, not a slow machine. */
const slowMs = 10_000

type Random = (below: number) => number

function seeded(seed: number): Random {
  let state = Math.imul(seed, 0x9e3779b1) | 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** A question whose name is a chain of labels and pointers, from well-formed to circular. */
function dnsQuestion(random: Random): string {
  const labels = Array.from({ length: random(12) }, () => random(4) === 0 ? `\xc0${String.fromCharCode(random(40))}` : `${String.fromCharCode(random(70))}__proto__`)
  return `\x12\x34${String.fromCharCode(random(256))}\x00\x00${String.fromCharCode(random(4))}\x00${String.fromCharCode(random(256))}\x00\x00\x00\x00${labels.join('')}\x00\x00\x01\x00\x01`
}

/** A ClientHello whose lengths mostly do not agree. */
function clientHello(random: Random): string {
  const name = ['constructor', '__proto__', 'a\nb', '<b>', '\x00', 'x'.repeat(random(300))][random(6)]
  const half = (n: number): string => String.fromCharCode(n >> 8 & 255, n & 255)
  const length = (n: number): string => half(random(3) === 0 ? random(65536) : n)
  const list = `\x00${length(name.length)}${name}`
  const extension = `\x00\x00${length(list.length + 2)}${length(list.length)}${list}`
  const body = `\x03\x03${'r'.repeat(32)}\x00${length(2)}\x13\x01\x01\x00${length(extension.length)}${extension}`
  const message = `\x01\x00${length(body.length)}${body}`
  return `\x16\x03\x01${length(message.length)}${message}`
}

function handmade(random: Random): TestFrame[] {
  const at = random(100)
  const from = `10.0.${String(random(3))}.${String(random(256))}`
  switch (random(5)) {
    case 0: return exchange(at, { from, fromPort: random(65536), toPort: 443 }, clientHello(random), 'x')
    case 1: return [frame(at, { from, to: '10.0.0.53', protocol: 17, fromPort: random(65536), toPort: [53, 5353, 5355][random(3)], payload: dnsQuestion(random) })]
    case 2: return exchange(at, { from, fromPort: random(65536), toPort: 80 }, 'GET / HTTP/1.1\r\nHost: __proto__\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n')
    case 3: return Array.from({ length: 40 }, (_, i) => frame(at, { from: `10.1.${String(random(256))}.${String(i)}`, to: '10.9.9.9', fromPort: random(65536), toPort: random(65536), flags: flag.syn }))
    default: return [frame(at, { from: '2001:db8::1', to: '2001:db8::2', protocol: random(256), fromPort: random(65536), toPort: 53, payload: dnsQuestion(random) })]
  }
}

const edges = [0, 1, 2, 4, 5, 6, 17, 0x3f, 0x40, 0x45, 0x7f, 0x80, 0xc0, 0xfe, 0xff]
const links = [0, 1, 9, 12, 14, 50, 101, 104, 108, 113, 228, 229, 276, 147]

function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const out = Uint8Array.from(bytes)
  const rounds = random(6)
  for (let i = 0; i < rounds && out.length > 0; i++) {
    // Headers are where decisions are made: half of all changes are in the first 80 octets.
    const at = random(random(2) === 0 ? Math.min(80, out.length) : out.length)
    switch (random(5)) {
      case 0: out[at] = random(256); break
      case 1: out[at] ^= 1 << random(8); break
      case 2: out[at] = edges[random(edges.length)]; break
      case 3: out.fill(edges[random(edges.length)], at, at + 1 + random(4)); break
      default: out.copyWithin(at, random(out.length), random(out.length))
    }
  }
  return random(4) === 0 ? out.subarray(0, random(out.length + 1)) : out
}

const times = [0, 1, 0.001, 2 ** 32, 2 ** 32 * 1e6, 2 ** 53 - 1, 2 ** 31 * 1e6]

function mutate(given: TestFrame, random: Random): TestFrame {
  const bytes = random(8) === 0 ? given.bytes : mutateBytes(given.bytes, random)
  const wire = random(8) === 0 ? [0, 1, bytes.length + random(2000), 0x7fffffff][random(4)] : Math.max(bytes.length, given.wire ?? 0)
  const micros = random(50) === 0 ? times[random(times.length)] : given.micros + (random(10) === 0 ? (random(2000) - 1000) * 1e6 : random(1000))
  const link = random(30) === 0 ? links[random(links.length)] : given.link ?? 1
  return { bytes, micros: Math.max(0, micros), wire, link, vlan: random(20) === 0 ? random(65536) : given.vlan ?? -1 }
}

/** Good frames to begin with: small captures of the corpus where it is there. */
function corpus(): TestFrame[] {
  const frames: TestFrame[] = []
  for (const folder of ['robustness', 'pcap']) {
    if (!existsSync(join(data, folder))) continue
    for (const entry of readdirSync(join(data, folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      if (!entry.isFile() || !/(pcap|pcapng|cap)(\.gz)?$/i.test(entry.name) || statSync(path).size > 60_000) continue
      frames.push(...readCapture(path).slice(0, 60))
      if (frames.length > 20_000) return frames
    }
  }
  return frames
}

function round(good: readonly TestFrame[], seed: number): void {
  const random = seeded(seed)
  const frames: TestFrame[] = []
  while (frames.length < framesPerRound) {
    if (good.length === 0 || random(3) === 0) frames.push(...handmade(random).map((made) => random(3) === 0 ? made : mutate(made, random)))
    else {
      // Neighbours belong to one conversation.
      const from = random(good.length)
      frames.push(...good.slice(from, from + 1 + random(16)).map((one) => mutate(one, random)))
    }
  }
  const begun = performance.now()
  const { flows, ledger, chunks } = runEngine(frames, { memory: 1 << 19, parts: random(4) !== 0, hashSeed: random(2 ** 31) }, 1 + random(300))
  if (performance.now() - begun > slowMs) throw new Error(`the round took ${String(Math.round(performance.now() - begun))} ms`)
  const vectors = new RecordReader()
  for (const { bytes, count } of chunks) {
    vectors.read(bytes)
    if (vectors.count !== count || vectors.rows.subarray(0, count).some((value) => Number.isNaN(value))) throw new Error('a record has no vector')
  }
  if (ledger.get('frames') !== frames.length) throw new Error('a frame is not in the ledger')
  const packets = flows.reduce((sum, flow) => sum + flow.initiatorPacketsDelta + flow.responderPacketsDelta, 0)
  if (packets !== ledger.get('framesInFlows')) throw new Error('a packet is in no record')
  assertBalanced(new Map(ledger.snapshot()))
  for (const flow of flows) {
    const { serverName, dns, startMicros, endMicros, initiatorAddress, responderAddress, connState, endReason } = flow
    for (const name of [serverName, ...dns.map(({ query }) => query)]) if (!/^[\x21-\x7e]{0,1024}$/.test(name)) throw new Error(`a name that cannot be shown: ${JSON.stringify(name)}`)
    if (dns.length > 16 || initiatorAddress === '' || responderAddress === '' || endReason === '' || connState === '' && flow.protocol === 6) throw new Error(`not a record: ${JSON.stringify(flow)}`)
    for (const value of Object.values(flow)) if (typeof value === 'number' && (!Number.isFinite(value) || value < 0)) throw new Error(`not a number: ${JSON.stringify(flow)}`)
    if (!Number.isSafeInteger(startMicros) || !Number.isSafeInteger(endMicros) || endMicros < startMicros) throw new Error(`not a time: ${JSON.stringify(flow)}`)
  }
}

it('frames made to break the engine change neither its ledger nor its manners', () => {
  const good = corpus()
  const until = performance.now() + seconds * 1000
  let seed = firstSeed
  for (; performance.now() < until; seed++) {
    try {
      round(good, seed)
    } catch (error) {
      throw new Error(`VEDETTE_FUZZ_SEED=${String(seed)}`, { cause: error })
    }
  }
  expect(seed - firstSeed).toBeGreaterThan(5)
}, seconds * 1000 + 30_000)
