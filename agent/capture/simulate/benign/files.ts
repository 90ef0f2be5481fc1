/**
 * Shared folders over SMB: a session for hours, in it bursts of listing, reading and writing, and the client's own
 * keep-alives. Some machines use IPv6.
 */
import { smbNegotiate, smbTurn } from '../content/smb.ts'
import type { Talk } from '../conversation.ts'
import type { Lan, Scene } from '../lan.ts'
import type { Random } from '../random.ts'
import type { Station } from '../station.ts'
import { nowAndThen } from './pace.ts'

export function startFiles(lan: Lan, name: string): void {
  const { cast } = lan
  const server = { name: `files1.${cast.domain}`, station: cast.files, ttlSeconds: 1200 }
  for (const host of cast.workstations) {
    const scene = lan.scene(name, host.text)
    scene.run(nowAndThen(scene, scene.random.lognormal(3300, 0.4),
      (at) => { session(scene, host, scene.lookup(at, host, server), cast.files) }))
    // Group policies come from a share of the domain controller.
    scene.run(nowAndThen(scene, 4200, (at) => { session(scene, host, at, cast.resolver, 2) }))
  }
}

function session(scene: Scene, host: Station, startMicros: number, responder: Station, most = 12): void {
  const { random } = scene
  scene.tcp({ startMicros, initiator: host, responder, responderPort: 445, six: host.address[3] % 6 === 0,
    turns: work(random, random.whole(1, most)), ending: random.pick(['fin0', 'rst0']) })
}

function* work(random: Random, bursts: number): Talk {
  yield* smbNegotiate(random)
  const id = random.bits()
  const ask = function* (request: number, answer: number, after: number): Talk {
    yield smbTurn(random, 0, request, after, id)
    yield smbTurn(random, 1, answer, random.lognormal(700, 0.8, 60e3), id)
  }
  for (const [request, answer] of [[420, 260], [980, 120], [60, 20], [120, 130]] as const) yield* ask(request, answer,
    random.between(300, 5000))
  for (; bursts > 0; bursts--) {
    let pause = random.lognormal(22e6, 1, 100e6)
    for (let i = random.whole(1, 5); i > 0; i--) {
      yield* ask(200, random.whole(90, 900), pause)
      pause = random.between(400, 30000)
    }
    const size = random.lognormal(1.8e3, 1.1, 150e3)
    for (let left = size; left > 0; left -= 65536) {
      const piece = Math.min(left, 65536)
      yield* random.chance(0.72) ? ask(50, piece + 20, random.between(300, 4000)) : ask(piece + 50, 20, random.between(300, 4000))
    }
    yield* ask(30, 64, random.between(1000, 2e6))
  }
}
