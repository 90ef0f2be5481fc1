/**
 * Mail: clients look into their boxes over IMAPS and send by submission; the server exchanges mail with others over SMTP with STARTTLS.
 */
import { smtpStart } from '../content/text.ts'
import { tlsTalk } from '../content/tls.ts'
import type { Exchange } from '../content/tls.ts'
import type { Talk } from '../conversation.ts'
import type { Lan } from '../lan.ts'
import type { Random } from '../random.ts'
import { nowAndThen, regularly } from './pace.ts'

export function startMail(lan: Lan, name: string): void {
  const { cast, world } = lan
  const server = `mail1.${cast.domain}`
  const own = { name: server, station: cast.mail, ttlSeconds: 1200 }
  for (const host of [...cast.workstations, ...cast.admins]) {
    const scene = lan.scene(name, host.text)
    const { random } = scene
    const to = { initiator: host, responder: cast.mail }
    scene.run(regularly(scene, random.pick([300, 300, 600]), 0.1, (at) => {
      scene.tcp({ ...to, startMicros: scene.lookup(at, host, own), responderPort: 993,
        turns: tlsTalk(random, server, 'system', fetches(random), 1500), ending: random.pick(['fin0', 'fin1']) })
    }))
    scene.run(nowAndThen(scene, 1800, (at) => {
      scene.tcp({ ...to, startMicros: scene.lookup(at, host, own), responderPort: 587,
        turns: letter(random, `${host.name}.${cast.domain}`, server), octetsPerSecond: 20e6 })
    }))
  }
  for (const [direction, meanSeconds] of [['in', 75], ['out', 110]] as const) {
    const scene = lan.scene(name, direction)
    const { random } = scene
    scene.run(nowAndThen(scene, meanSeconds, (at) => {
      const peer = random.zipf(world.mailPeers)
      const [initiator, responder] = direction === 'in' ? [peer.station, cast.mail] : [cast.mail, peer.station]
      const names = direction === 'in' ? [peer.name, server] as const : [server, peer.name] as const
      const known = direction === 'in' ? at : scene.lookup(at, cast.mail, peer)
      scene.tcp({ startMicros: known, initiator, responder, responderPort: 25, turns: letter(random, ...names), octetsPerSecond: 3e6 })
    }))
  }
}

function* fetches(random: Random): Generator<Exchange, void, void> {
  yield { request: 48, answer: 120, pauseMicros: 0, thinkMicros: random.between(1000, 9000) }
  yield { request: 60, answer: 40, pauseMicros: 900, thinkMicros: random.between(4000, 30000) }
  yield { request: 24, answer: random.whole(180, 420), pauseMicros: 700, thinkMicros: random.between(800, 5000) }
  for (let letters = random.pick([0, 0, 0, 0, 1, 1, 3]); letters > 0; letters--) {
    yield { request: 52, answer: random.lognormal(1500, 0.9, 80e3), pauseMicros: random.between(500, 40000),
      thinkMicros: random.between(1000, 12000) }
  }
  yield { request: 16, answer: 60, pauseMicros: 1500, thinkMicros: 900 }
}

function* letter(random: Random, client: string, server: string): Talk {
  yield* smtpStart(random, client, server)
  const quick = (): number => random.between(400, 9000)
  const exchange = (request: number, answer: number): Exchange => ({ request, answer, pauseMicros: quick(), thinkMicros: quick() })
  yield* tlsTalk(random, server, 'tool', [exchange(30, 160), exchange(44, 20), exchange(40, 20), exchange(8, 40),
    exchange(random.lognormal(2400, 1.1, 100e3), 60), exchange(8, 24)], 2300)
}
