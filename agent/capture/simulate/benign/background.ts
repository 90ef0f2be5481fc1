/**
 * What machines do while nobody looks: a chat client's connection kept alive for hours (steady like a beacon, but
 * everybody has one), updates over HTTP, telemetry, a cloud folder that now and then carries some megabytes out.
 */
import { httpTurns } from '../content/http.ts'
import { tlsHandshake, tlsTalk, tlsTurn } from '../content/tls.ts'
import type { Talk } from '../conversation.ts'
import type { Lan } from '../lan.ts'
import type { Random } from '../random.ts'
import { nowAndThen, regularly } from './pace.ts'

export function startBackground(lan: Lan, name: string): void {
  const { cast, world } = lan
  for (const host of [...cast.workstations, ...cast.admins]) {
    const scene = lan.scene(name, host.text)
    const { random } = scene
    const early = random.chance(0.35)
    const begun = lan.startMicros + (early ? random.between(0, 30e6) : random.between(0, 1200e6))
    scene.run(once(begun, () => {
      scene.tcp({ startMicros: early ? begun : scene.lookup(begun, host, world.chat), initiator: host,
        responder: world.chat.station, responderPort: 443, opening: early ? 'midstream' : 'handshake',
        turns: chat(random.fork('chat'), early, world.chat.name, random.pick([30e6, 45e6, 55e6]), lan.endMicros - begun),
          ending: 'open' })
    }))
    if (!host.windows) continue
    scene.run(regularly(scene, random.whole(840, 1260), 0.3, (at) => {
      scene.tcp({ startMicros: scene.lookup(at, host, world.telemetry), initiator: host, responder: world.telemetry.station,
        responderPort: 443, octetsPerSecond: 3e6,
        turns: tlsTalk(random, world.telemetry.name, 'system',
          [{ request: random.lognormal(1800, 0.8, 40e3), answer: 180, pauseMicros: 0, thinkMicros: random.between(4000, 60000) }]) })
    }))
    scene.run(nowAndThen(scene, 3600, (at) => {
      scene.tcp({ startMicros: scene.lookup(at, host, world.updates), initiator: host, responder: world.updates.station,
        responderPort: 80, octetsPerSecond: 8e6,
        turns: update(random, world.updates.name), lingerMicros: random.between(1e6, 5e6), ending: 'fin1' })
    }))
    if (random.chance(0.35)) {
      scene.run(nowAndThen(scene, 2700, (at) => {
        const request = random.lognormal(18e3, 1.2, 1.2e6)
        scene.tcp({ startMicros: scene.lookup(at, host, world.storage), initiator: host, responder: world.storage.station,
          responderPort: 443, octetsPerSecond: 2.5e6,
          turns: tlsTalk(random, world.storage.name, 'system',
            [{ request: 600, answer: 700, pauseMicros: 0, thinkMicros: 30e3 },
            { request, answer: 400, pauseMicros: 20e3, thinkMicros: 90e3 }], 3100), lingerMicros: 5e6 })
      }))
    }
  }
}

export function* once(micros: number, act: () => void): Generator<number, void, void> {
  yield micros
  act()
}

function* chat(random: Random, midstream: boolean, name: string, everyMicros: number, durationMicros: number): Talk {
  if (!midstream) yield* tlsHandshake(random, name, 'browser', 700, 3200)
  for (let passed = 0; passed < durationMicros;) {
    const message = random.chance(0.15)
    const after = message ? random.between(2e6, everyMicros) : everyMicros + random.between(-20e3, 20e3)
    passed += after
    yield tlsTurn(message && random.chance(0.6) ? 1 : 0, message ? random.whole(120, 900) : 33, after)
    if (!message) yield tlsTurn(1, 33, random.between(500, 5000))
  }
}

function* update(random: Random, host: string): Talk {
  const common = { host, agent: 'Paneworks-Update/10.1', server: 'edge', thinkMicros: 9000 }
  yield* httpTurns({ ...common, path: `/v11/selfupdate/${random.text(8)}.cab`, status: random.pick([200, 304]), body: 9000,
    afterMicros: 500 })
  if (random.chance(0.5)) yield* httpTurns({ ...common, path: `/d/msdownload/${random.text(24)}.cab`, status: 200,
    body: random.lognormal(12e3, 0.9, 150e3), afterMicros: 4e5 })
}
