/**
 * The nightly backup that runs at noon here: once in a capture the backup server fetches some megabytes from two
 * servers over TLS (ports 9102, 9103).
 */
import { tlsHandshake, tlsTurn } from '../content/tls.ts'
import type { Talk } from '../conversation.ts'
import type { Lan } from '../lan.ts'
import type { Random } from '../random.ts'
import { once } from './background.ts'

export function startBackup(lan: Lan, name: string): void {
  const scene = lan.scene(name)
  const { random } = scene
  const begin = lan.startMicros + (lan.endMicros - lan.startMicros) * random.between(0.3, 0.7)
  let at = begin
  for (const [server, octets] of [[lan.cast.files, random.between(3e6, 5e6)],
    [lan.cast.database, random.between(1.5e6, 2.5e6)], [lan.cast.mail, random.between(1e6, 2e6)]] as const) {
    const startMicros = at
    scene.run(once(startMicros, () => {
      scene.tcp({ startMicros, initiator: lan.cast.backup, responder: server, responderPort: 9102, octetsPerSecond: 30e6,
        turns: fetch(random.fork(server.name), octets) })
    }))
    at += random.between(30e6, 120e6)
  }
}

function* fetch(random: Random, octets: number): Talk {
  yield* tlsHandshake(random, '', 'tool', 300, 1800)
  yield tlsTurn(1, 200, 5000)
  for (let left = octets; left > 0; left -= 262_144) {
    yield tlsTurn(0, 60, random.between(300, 3000))
    yield tlsTurn(1, Math.min(left, 262_144), random.between(1000, 60000))
  }
}
