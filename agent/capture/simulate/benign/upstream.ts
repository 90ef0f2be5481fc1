/** The resolver asks the world over TLS (RFC 7858, port 853): a few long connections, so the names are seen only where hosts ask. */
import { tlsHandshake, tlsTurn } from '../content/tls.ts'
import type { Talk } from '../conversation.ts'
import type { Lan } from '../lan.ts'
import type { Random } from '../random.ts'

export function startUpstream(lan: Lan, name: string): void {
  const scene = lan.scene(name)
  const { random } = scene
  function* connections(): Generator<number, void, void> {
    for (let at = lan.startMicros + random.between(0, 2e6); at < lan.endMicros;) {
      yield at
      const durationMicros = random.between(200e6, 900e6)
      scene.tcp({ startMicros: at, initiator: lan.cast.resolver, responder: lan.world.upstream, responderPort: 853,
        turns: questions(random.fork(`at ${at}`), durationMicros), ending: 'fin1', lingerMicros: 10e6 })
      at += durationMicros + random.between(5e6, 30e6)
    }
  }
  scene.run(connections())
}

function* questions(random: Random, durationMicros: number): Talk {
  yield* tlsHandshake(random, 'resolver.openresolve.example', 'tool', 130, 3300)
  yield tlsTurn(1, 190, 9000)
  for (let passed = 0; passed < durationMicros;) {
    const pause = random.exponential(2.5e6)
    passed += pause
    yield tlsTurn(0, 130, pause)
    yield tlsTurn(1, random.pick([190, 320, 470]), random.lognormal(15e3, 0.7, 400e3))
  }
}
