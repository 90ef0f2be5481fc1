/**
 * Files carried out (ATT&CK T1041): some tens of megabytes from one workstation to one address nobody else talks to,
 * in a few encrypted connections.
 */
import { tlsGoodbye, tlsHandshake, tlsTurn } from '../content/tls.ts'
import type { Talk, Turn } from '../conversation.ts'
import type { Random } from '../random.ts'
import { counted } from '../truth.ts'
import type { ExfiltrationTruth } from '../truth.ts'
import { affordable, attackScene, attackTime, infected } from './attack.ts'
import type { Attack } from './attack.ts'

/** Octets in one say, between which the server confirms. */
const pieceOctets = 131_072

export const exfiltration: Attack = (lan) => {
  const scene = attackScene(lan, 'exfiltration')
  const { random } = scene
  const attacker = infected(lan, 'exfiltration')
  const lookups = lan.scene('attack lookups', 'exfiltration', true)
  const server = lan.world.outside(random, 'drop', [192, 0, 2])
  const serverName = `${random.pick(['files', 'drop', 'upload', 'box'])}.${random.text(random.whole(6, 10), 'bcdfghklmnprstvwaeiou')}.example`
  const connections = random.whole(2, 5)
  const payload = random.between(28e6, 30.5e6)
  const rate = random.between(0.5e6, 2.5e6)
  const pieces = Array.from({ length: connections }, () => Math.max(1, Math.round(payload / connections / pieceOctets)))
  const pauseSeconds = random.between(5, 90)
  const seconds = payload / rate * 1.6 + connections * pauseSeconds
  const shrink = Math.min(1, affordable(lan, seconds) / seconds)
  const begin = attackTime(scene, seconds * shrink + 30, 0.2, 0.8)
  let payloadOctetsOut = 0

  function* carry(): Generator<number, void, void> {
    let at = begin
    for (const [i, count] of pieces.entries()) {
      yield at
      const known = i === 0 ? lookups.lookup(at, attacker, { name: serverName, station: server, ttlSeconds: 300 }) : at
      scene.tcp({ startMicros: known, initiator: attacker, responder: server, responderPort: 443,
        octetsPerSecond: rate / shrink, turns: turns(random.fork(`connection ${i}`), count), ending: 'fin0' })
      at += (count * pieceOctets / rate * 1.5e6 + pauseSeconds * 1e6) * shrink
    }
  }
  function* turns(source: Random, count: number): Talk {
    for (const turn of tlsHandshake(source, serverName, 'tool', 420)) yield told(turn)
    for (let i = 0; i < count; i++) {
      yield told(tlsTurn(0, pieceOctets, source.between(1000, 60000)))
      yield tlsTurn(1, 120, source.between(5000, 60000))
    }
    yield told(tlsGoodbye(0, 1000))
  }
  function told(turn: Turn): Turn {
    if (turn.from === 0) payloadOctetsOut += turn.octets
    return turn
  }
  scene.run(carry())

  return (): ExfiltrationTruth => ({
    kind: 'exfiltration', attackers: [attacker.text], victims: [server.text], ...counted(scene.tally), port: 443, serverName,
      connections, payloadOctetsOut,
    text: `${attacker.text} sent ${(payloadOctetsOut / 1e6).toFixed(1)} MB to ${server.text} (${serverName}) in ${connections} connections`,
  })
}
