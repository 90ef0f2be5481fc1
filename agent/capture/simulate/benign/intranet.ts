/**
 * The office's own application over HTTPS, used by everybody and by some visitors from outside, and its database
 * behind it: a pool of long TLS connections on port 5432.
 */
import { tlsHandshake, tlsTalk, tlsTurn } from '../content/tls.ts'
import type { Exchange } from '../content/tls.ts'
import type { Talk } from '../conversation.ts'
import type { Lan } from '../lan.ts'
import type { Random } from '../random.ts'
import { nowAndThen } from './pace.ts'

export function startIntranet(lan: Lan, name: string): void {
  const { cast, world } = lan
  const own = { name: `app.${cast.domain}`, station: cast.application, ttlSeconds: 600 }
  for (const host of [...cast.workstations, ...cast.admins]) {
    const scene = lan.scene(name, host.text)
    const { random } = scene
    scene.run(nowAndThen(scene, random.lognormal(850, 0.5), (at) => {
      scene.tcp({ startMicros: scene.lookup(at, host, own, host.address[3] % 5 === 0), initiator: host,
        responder: cast.application, responderPort: 443, six: host.address[3] % 5 === 0,
        turns: tlsTalk(random, own.name, 'browser', pages(random), 1700), lingerMicros: random.lognormal(3e6, 1.2, 60e6),
          ending: random.pick(['fin0', 'fin1']) })
    }))
  }
  const outside = lan.scene(name, 'visitors')
  outside.run(nowAndThen(outside, 70, (at) => {
    outside.tcp({ startMicros: at, initiator: outside.random.pick(world.visitors), responder: cast.application,
      responderPort: 443, octetsPerSecond: 4e6,
      turns: tlsTalk(outside.random, `portal.${cast.domain}`, outside.random.pick(['browser', 'browser-2']),
        pages(outside.random), 2600), lingerMicros: outside.random.between(1e6, 30e6), ending: outside.random.pick(['fin0', 'rst0']) })
  }))
  for (let i = 0; i < 4; i++) {
    const pool = lan.scene(name, `pool ${i}`)
    const startMicros = lan.startMicros + pool.random.between(0, 60e6)
    // Two were open before the capture began.
    const midstream = i < 2
    pool.tcp({ startMicros, initiator: cast.application, responder: cast.database, responderPort: 5432,
      opening: midstream ? 'midstream' : 'handshake',
      turns: queries(pool.random, midstream, lan.endMicros - startMicros), ending: 'open' })
  }
}

function* pages(random: Random): Generator<Exchange, void, void> {
  for (let i = random.whole(1, 6); i > 0; i--) {
    yield { request: random.whole(180, 900), answer: random.lognormal(350, 0.9, 40e3),
      pauseMicros: random.lognormal(1.2e6, 1.2, 30e6), thinkMicros: random.lognormal(14e3, 0.9, 2e6) }
  }
}

function* queries(random: Random, midstream: boolean, durationMicros: number): Talk {
  if (!midstream) {
    const ask = new Uint8Array([0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f])
    yield { from: 0, octets: 8, head: ask, afterMicros: 300 }
    yield { from: 1, octets: 1, head: new Uint8Array([0x53]), afterMicros: 200 }
    yield* tlsHandshake(random, '', 'tool', 90, 1600)
    yield tlsTurn(1, 420, 3000)
  }
  for (let passed = 0; passed < durationMicros;) {
    const pause = random.lognormal(3.6e6, 1.1, 50e6)
    passed += pause
    for (let i = random.whole(1, 3), first = true; i > 0; i--, first = false) {
      yield tlsTurn(0, random.whole(60, 420), first ? pause : random.between(300, 4000))
      yield tlsTurn(1, random.lognormal(200, 1, 30e3), random.lognormal(1500, 1, 300e3))
    }
  }
}
