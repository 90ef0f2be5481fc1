/**
 * Thousands of SYNs under spoofed addresses at one published service (ATT&CK T1499.001); its queue fills, and then it answers hardly any.
 */
import { makeStation } from '../station.ts'
import { counted } from '../truth.ts'
import type { SynFloodTruth } from '../truth.ts'
import { attackScene, attackTime } from './attack.ts'
import type { Attack } from './attack.ts'

export const synFlood: Attack = (lan) => {
  const scene = attackScene(lan, 'syn-flood')
  const { random } = scene
  const [victim, port] = random.pick([[lan.cast.application, 443], [lan.cast.mail, 25], [lan.cast.mail, 443],
    [lan.cast.application, 80]] as const)
  const perSecond = random.between(180, 320)
  const seconds = random.between(20, 40)
  const syns = Math.round(perSecond * seconds)
  const begin = attackTime(scene, seconds + 10)
  /** The queue of half-open connections; a little room appears as entries time out. */
  const queue = random.pick([128, 256])
  const sources = new Set<number>()
  let answered = 0
  let pairs = new Set<number>()

  function* flood(): Generator<number, void, void> {
    let at = begin
    for (let i = 0; i < syns; i++) {
      yield at
      // 198.19.0.0/16 is set aside for tests (RFC 2544); the benign world uses 198.18.0.0/16.
      const source = random.whole(1, 65534)
      let initiatorPort = random.whole(1024, 65535)
      while (pairs.has(source * 65536 + initiatorPort)) initiatorPort = random.whole(1024, 65535)
      pairs.add(source * 65536 + initiatorPort)
      sources.add(source)
      const taken = i < queue || random.chance(0.01)
      if (taken) answered++
      const initiator = makeStation({ name: '', role: 'external',
        address: new Uint8Array([198, 19, source >>> 8, source & 255]), mac: lan.cast.gateway.mac, subnet: 0,
        ttl: random.whole(38, 120) })
      scene.tcp({ startMicros: at, initiator, initiatorPort, responder: victim, responderPort: port,
        opening: taken ? 'half' : 'unanswered' })
      at += 1e6 / perSecond * random.between(0.1, 1.9)
    }
    pairs = new Set()
  }
  scene.run(flood())

  return (): SynFloodTruth => ({
    kind: 'syn-flood', attackers: ['198.19.0.0/16'], victims: [victim.text], ...counted(scene.tally), port, syns,
      sources: sources.size, answered, unanswered: syns - answered, perSecond,
    text: `${syns} SYNs from ${sources.size} spoofed addresses at port ${port} of ${victim.name} (${victim.text})`,
  })
}
