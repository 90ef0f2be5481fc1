/** An implant that calls home (ATT&CK T1071.001): short encrypted connections to one rare address at a steady period with some jitter. */
import { tlsGoodbye, tlsHandshake, tlsTurn } from '../content/tls.ts'
import type { Talk } from '../conversation.ts'
import type { Random } from '../random.ts'
import { counted } from '../truth.ts'
import type { BeaconTruth } from '../truth.ts'
import { attackScene, infected } from './attack.ts'
import type { Attack } from './attack.ts'

export const beacon: Attack = (lan) => {
  const scene = attackScene(lan, 'beacon')
  const { random } = scene
  const attacker = infected(lan, 'beacon')
  const lookups = lan.scene('attack lookups', 'beacon', true)
  const server = lan.world.outside(random, 'beacon', [198, 51, 100])
  const serverName = `${random.pick(['status', 'api', 'cdn', 'assets', 'web'])}.${random.text(random.whole(7, 11), 'bcdfghklmnprstvwaeiou')}.example`
  const begin = lan.startMicros + (lan.endMicros - lan.startMicros) * random.between(0.03, 0.2)
  const end = lan.endMicros - 15e6
  const periodMicros = Math.min(random.between(40e6, 110e6), (end - begin) / 30)
  const jitter = random.between(0.04, 0.18)
  const port = random.pick([443, 443, 8443])
  let connections = 0

  function* call(): Generator<number, void, void> {
    for (let at = begin; at < end; at += periodMicros * random.between(1 - jitter, 1 + jitter)) {
      yield at
      const known = connections % 40 === 0 ? lookups.lookup(at, attacker, { name: serverName, station: server, ttlSeconds: 60 }) : at
      scene.tcp({ startMicros: known, initiator: attacker, responder: server, responderPort: port,
        turns: turns(random.fork(`call ${connections}`)), ending: 'fin0' })
      connections++
    }
  }
  function* turns(source: Random): Talk {
    yield* tlsHandshake(source, serverName, 'implant', source.whole(290, 330), 1240)
    yield tlsTurn(1, source.chance(0.07) ? source.whole(1500, 6000) : source.whole(150, 180), source.between(2000, 30000))
    yield tlsGoodbye(0, source.between(100, 2000))
  }
  scene.run(call())

  return (): BeaconTruth => ({
    kind: 'beacon', attackers: [attacker.text], victims: [server.text], ...counted(scene.tally), port, serverName,
      connections, periodSeconds: periodMicros / 1e6, jitter,
    text: `${attacker.text} called ${server.text} (${serverName}) ${connections} times, every ${Math.round(periodMicros / 1e6)} s`,
  })
}
