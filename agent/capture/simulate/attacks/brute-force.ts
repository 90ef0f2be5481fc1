/**
 * Passwords guessed over SSH until one is right (ATT&CK T1110): many short connections from one workstation to one
 * server, then a long session.
 */
import { sshClients, sshHandshake, sshPassword, sshTyping, sshUser } from '../content/ssh.ts'
import type { Talk } from '../conversation.ts'
import type { Random } from '../random.ts'
import { counted } from '../truth.ts'
import type { BruteForceTruth } from '../truth.ts'
import { affordable, attackScene, attackTime, infected } from './attack.ts'
import type { Attack } from './attack.ts'

export const bruteForce: Attack = (lan) => {
  const scene = attackScene(lan, 'brute-force')
  const { random } = scene
  const attacker = infected(lan, 'brute-force')
  const victim = random.pick([lan.cast.jump, lan.cast.build, lan.cast.database, lan.cast.backup, lan.cast.application])
  const attempts = random.whole(40, 120)
  const parallel = random.whole(1, 4)
  const everySeconds = Math.min(random.between(2.2, 4.5) * (parallel === 1 ? 1.4 : 1) / parallel + 0.4, affordable(lan, 540) / attempts)
  const sessionSeconds = affordable(lan, random.between(240, 900))
  const begin = attackTime(scene, attempts * everySeconds * 1.1 + sessionSeconds * 1.2 + 30, 0.1, 0.7)
  const session = lan.scene('brute-force session', '', true)
  let sessionPort = 0

  function* guess(): Generator<number, void, void> {
    let at = begin
    const target = { initiator: attacker, responder: victim, responderPort: 22 }
    for (let i = 0; i < attempts; i++) {
      yield at
      scene.tcp({ ...target, startMicros: at, turns: attempt(random.fork(`attempt ${i}`)),
        ending: random.pick(['fin0', 'fin0', 'fin1']) })
      at += everySeconds * 1e6 * random.between(0.8, 1.2)
    }
    at += random.between(3e6, 9e6)
    yield at
    sessionPort = session.tcp({ ...target, startMicros: at, turns: success(random.fork('success')) })
  }
  function* attempt(source: Random): Talk {
    yield* sshHandshake(source, sshClients.library)
    yield* sshUser(source)
    yield* sshPassword(source, false, source.between(500, 4000))
    if (source.chance(0.5)) yield* sshPassword(source, false, source.between(500, 4000))
  }
  function* success(source: Random): Talk {
    yield* sshHandshake(source, sshClients.library)
    yield* sshUser(source)
    yield* sshPassword(source, true, source.between(500, 4000))
    yield* sshTyping(source, sessionSeconds * 1e6)
  }
  scene.run(guess())

  return (): BruteForceTruth => {
    const guesses = counted(scene.tally)
    const last = counted(session.tally)
    return {
      kind: 'brute-force', attackers: [attacker.text], victims: [victim.text], startMicros: guesses.startMicros,
        endMicros: last.endMicros, flows: guesses.flows + last.flows,
      packets: guesses.packets + last.packets, initiatorOctets: guesses.initiatorOctets + last.initiatorOctets,
        responderOctets: guesses.responderOctets + last.responderOctets,
      port: 22, attempts, success: { startMicros: last.startMicros, endMicros: last.endMicros, initiatorPort: sessionPort },
      text: `${attacker.text} guessed SSH passwords of ${victim.name} (${victim.text}) in ${attempts} connections, then logged in`,
    }
  }
}
