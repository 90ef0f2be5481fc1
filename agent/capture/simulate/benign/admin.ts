/**
 * Administrators over SSH, through the jump host: sessions of minutes, with a few wrong passwords before some of
 * them, each try a short connection as an attacker's would be. Besides, the configuration management's short runs.
 */
import { sshClients, sshHandshake, sshOctets, sshPassword, sshTyping, sshUser } from '../content/ssh.ts'
import type { Talk } from '../conversation.ts'
import type { Lan, Scene } from '../lan.ts'
import type { Random } from '../random.ts'
import type { Station } from '../station.ts'
import { nowAndThen } from './pace.ts'

export function startAdmin(lan: Lan, name: string): void {
  const { cast } = lan
  const targets = [cast.application, cast.database, cast.mail, cast.backup, cast.build, cast.monitor]
  for (const host of cast.admins) {
    const scene = lan.scene(name, host.text)
    const { random } = scene
    scene.run(nowAndThen(scene, 1500, (at) => {
      const known = scene.lookup(at, host, { name: `jump1.${cast.domain}`, station: cast.jump, ttlSeconds: 1200 })
      const durationMicros = random.lognormal(300e6, 0.8, 1500e6)
      const begun = logIn(scene, host, cast.jump, known, durationMicros)
      // From there on to a server, typed a little later; its frames are seen as well.
      if (random.chance(0.7)) logIn(scene, cast.jump, random.pick(targets), begun + random.between(8e6, 40e6), durationMicros * 0.8)
    }))
  }
  const scene = lan.scene(name, 'configuration')
  scene.run(nowAndThen(scene, 1800, (at) => {
    scene.random.shuffled(targets).forEach((server, i) => {
      const startMicros = at + i * 4e6
      scene.tcp({ startMicros, initiator: cast.jump, responder: server, responderPort: 22, turns: run(scene.random) })
    })
  }))
}

/** Two to four wrong tries before one login in four. Gives the time of the session's connection. */
function logIn(scene: Scene, initiator: Station, responder: Station, micros: number, durationMicros: number): number {
  const { random } = scene
  const target = { initiator, responder, responderPort: 22 }
  let at = micros
  if (random.chance(0.28)) {
    for (let wrong = random.whole(2, 4); wrong > 0; wrong--) {
      scene.tcp({ ...target, startMicros: at, turns: typed(random, 0) })
      at += random.between(6e6, 14e6)
    }
  }
  scene.tcp({ ...target, startMicros: at, turns: typed(random, durationMicros) })
  return at
}

function* typed(random: Random, durationMicros: number): Talk {
  yield* sshHandshake(random, sshClients.openssh)
  yield* sshUser(random)
  yield* sshPassword(random, durationMicros > 0, random.between(1.2e6, 3e6))
  if (durationMicros > 0) yield* sshTyping(random, durationMicros)
}

function* run(random: Random): Talk {
  yield* sshHandshake(random, sshClients.openssh)
  yield* sshUser(random)
  yield { from: 0, octets: 460, afterMicros: 900 }
  yield { from: 1, octets: 28, afterMicros: 7000 }
  for (let i = random.whole(4, 12); i > 0; i--) {
    yield { from: 0, octets: sshOctets(random.lognormal(900, 1, 30e3)), afterMicros: random.between(2000, 300e3) }
    yield { from: 1, octets: sshOctets(random.lognormal(400, 1, 20e3)), afterMicros: random.between(20e3, 900e3) }
  }
}
