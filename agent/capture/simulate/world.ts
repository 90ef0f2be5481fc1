/**
 * The internet as the office knows it: sites of falling popularity, content networks that serve many of them under
 * long generated names, services that everything talks to. Names end in .example (RFC 2606); addresses come from
 * 198.18.0.0/16 (RFC 2544), attackers' from the documentation networks (RFC 5737), so nobody's real address is ever shown as an attacker.
 */
import { makeStation } from './station.ts'
import type { Cast } from './hosts.ts'
import type { Random } from './random.ts'
import type { Station } from './station.ts'

export type Name = { name: string, station: Station, ttlSeconds: number }

export type Site = {
  main: Name
  /** What its pages load besides: content networks, counters. */
  parts: readonly Name[]
  tls: boolean
  /** Median octets of an object. */
  weight: number
  /** Certificate chain's octets. */
  certificate: number
  six: boolean
}

export type World = {
  /** Many people use these. */
  popular: readonly Site[]
  /** And each of these hardly anybody. */
  tail: readonly Site[]
  /** Registered domains of content networks, counters with generated names, antivirus look-ups. */
  counters: readonly string[]
  antivirus: string
  chat: Name
  updates: Name
  storage: Name
  telemetry: Name
  upstream: Station
  mailPeers: readonly Name[]
  visitors: readonly Station[]
  /** A fresh address outside, in this documentation network or in 198.18.0.0/16. */
  outside(random: Random, name: string, network?: readonly [number, number, number]): Station
}

const first = ['amber', 'birch', 'cedar', 'delta', 'ember', 'fjord', 'grove', 'hazel', 'indigo', 'juniper', 'kestrel',
  'lumen', 'maple', 'nimbus', 'opal', 'pixel', 'quartz', 'raven', 'sable', 'terra'] as const
const second = ['news', 'board', 'mart', 'desk', 'works', 'wiki', 'maps', 'bank', 'travel', 'video', 'cloud', 'press',
  'forum', 'store', 'sports', 'weather', 'books', 'music', 'health', 'jobs'] as const
const networks = ['fastlane-cdn.example', 'edgepost.example', 'cloudshelf.example'] as const

/** Makes the world around this cast. */
export function makeWorld(random: Random, cast: Cast): World {
  const taken = new Set<number>()
  const outside: World['outside'] = (source, name, network) => {
    let number = 0
    do number = network === undefined ? (198 << 24 | 18 << 16 | source.whole(256, 65279)) >>> 0
      : (network[0] << 24 | network[1] << 16 | network[2] << 8 | source.whole(5, 250)) >>> 0
    while (taken.has(number))
    taken.add(number)
    const windows = source.chance(0.15)
    return makeStation({
      name, role: 'external', address: new Uint8Array([number >>> 24, number >>> 16 & 255, number >>> 8 & 255, number & 255]),
        mac: cast.gateway.mac, subnet: 0, windows,
      address6: new Uint8Array([0x20, 0x01, 0x0d, 0xb8, 0, source.whole(1, 255), 0, 0, 0, 0, 0, 0, 0, 0, number >>> 8 & 255,
        number & 255]),
      ttl: (windows ? 128 : 64) - source.whole(5, 17), delayMicros: Math.round(source.lognormal(9000, 0.7, 60000)), open: [80, 443],
    })
  }
  const named = (name: string, ttlSeconds: number): Name => ({ name, station: outside(random, name), ttlSeconds })
  const edges = networks.map((domain) => Array.from({ length: 8 },
    (_, i) => ({ ...outside(random, `edge${i}.${domain}`), delayMicros: random.whole(900, 4500) })))
  /** A customer's name at a content network. */
  const part = (word: string): Name => {
    const n = random.whole(0, networks.length - 1)
    const label = random.pick([
      () => `d${random.text(13)}`, () => `${word}-static-prod-eu-west-${random.text(10)}`,
        () => `assets-${word}-example-${random.text(8)}`,
      () => random.text(32, '0123456789abcdef'), () => `img${random.whole(1, 4)}-${word}`])()
    const middle = random.pick(['', '', '.edge', `.r${random.whole(1, 9)}`])
    return { name: `${label}${middle}.${networks[n]}`, station: random.pick(edges[n]), ttlSeconds: random.pick([30, 60, 60, 300]) }
  }
  const words = random.shuffled(first.flatMap((a) => second.map((b) => `${a}${b}`)))
  const site = (word: string, parts: number): Site => ({
    main: named(`${random.pick(['www.', 'www.', '', 'app.', 'portal.'])}${word}.example`, random.pick([60, 300, 300, 3600])),
    parts: Array.from({ length: parts }, () => part(word)),
    tls: random.chance(0.93), weight: Math.round(random.lognormal(320, 0.5, 2000)), certificate: random.whole(1100, 2100),
      six: random.chance(0.12),
  })
  return {
    popular: words.slice(0, 36).map((word) => site(word, random.whole(2, 5))),
    tail: words.slice(36, 236).map((word) => site(word, random.whole(0, 2))),
    counters: ['adweave.example', 'pagecount.example'],
    antivirus: 'avq.guardpoint.example',
    chat: named('gateway.huddle-chat.example', 300),
    updates: named('updates.paneworks.example', 600),
    storage: named('sync.cloudshelf-files.example', 120),
    telemetry: named('events.data.paneworks.example', 300),
    upstream: { ...outside(random, 'resolver.openresolve.example'), delayMicros: 4200 },
    mailPeers: words.slice(240, 252).map((word) => named(`mx1.${word}.example`, 3600)),
    visitors: Array.from({ length: 40 }, (_, i) => outside(random, `visitor${i}`)),
    outside,
  }
}
