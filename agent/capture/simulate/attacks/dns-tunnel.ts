/**
 * Data carried out in DNS names (ATT&CK T1071.004, T1048): unique long labels below one registered domain, answers
 * in TXT or NULL records. Some implants go through the office's resolver, which forwards encrypted, so only the
 * infected host's own questions are seen; others ask their server directly.
 */
import { dnsAnswer, dnsQuery, dnsType, txtData } from '../content/dns.ts'
import { counted } from '../truth.ts'
import type { DnsTunnelTruth } from '../truth.ts'
import { affordable, attackScene, attackTime, infected } from './attack.ts'
import type { Attack } from './attack.ts'

const base32 = 'abcdefghijklmnopqrstuvwxyz234567'
/** A bound socket asks this many questions before the implant takes another one: no more than a flow record holds. */
const questionsPerSocket = 14

export const dnsTunnel: Attack = (lan) => {
  const scene = attackScene(lan, 'dns-tunnel')
  const { random } = scene
  const attacker = infected(lan, 'dns-tunnel')
  const direct = random.chance(0.4)
  const server = direct ? lan.world.outside(random, 'tunnel', [203, 0, 113]) : lan.cast.resolver
  const domain = `${random.pick(['cdn', 'img', 'ns', 'api', 'dl'])}-${random.text(random.whole(4, 7), 'bcdfghjklmnpqrstvwxz')}.example`
  const seconds = affordable(lan, random.between(420, 1500))
  const perMinute = Math.max(random.between(22, 70), 140 / (seconds / 60))
  const queries = Math.round(seconds / 60 * perMinute)
  const begin = attackTime(scene, seconds * 1.3, 0.1, 0.8)
  const type = random.pick([dnsType.txt, dnsType.txt, dnsType.null, dnsType.cname])
  const labels = random.pick([1, 1, 2, 3])
  const labelLength = random.whole(26, 52)
  const names = new Set<string>()
  let letters = 0

  /** Session and sequence number first, then data: never twice the same. */
  function name(sequence: number): string {
    const parts = Array.from({ length: labels }, (_, i) => random.text(labelLength - (i === 0 ? 6 : 0) - random.whole(0, 3), base32))
    parts[0] = `${sequence.toString(32).padStart(4, '0')}${base32[sequence % 32]}a${parts[0]}`
    letters += Math.max(...parts.map(({ length }) => length))
    return `${parts.join('.')}.${domain}`
  }

  function answer(): { type: number, ttlSeconds: number, data: Uint8Array } {
    const octets = random.chance(0.25) ? random.whole(90, 220) : random.whole(8, 40)
    if (type === dnsType.txt) return { type, ttlSeconds: 0, data: txtData(new TextEncoder().encode(random.text(octets, base32))) }
    if (type === dnsType.null) return { type, ttlSeconds: 0, data: random.bytes(octets) }
    const label = random.text(Math.min(60, octets), base32)
    return { type, ttlSeconds: 0, data: new Uint8Array([label.length, ...new TextEncoder().encode(label), 0xc0, 12 + 0]) }
  }

  function* tunnel(): Generator<number, void, void> {
    let at = begin
    for (let asked = 0; asked < queries;) {
      const datagrams: { from: 0 | 1, offsetMicros: number, payload: Uint8Array }[] = []
      const start = at
      for (let i = direct ? Math.min(questionsPerSocket, queries - asked) : 1; i > 0; i--, asked++) {
        const question = name(asked)
        names.add(question)
        const id = random.whole(0, 0xffff)
        const trip = 2 * server.delayMicros + (direct ? random.between(500, 4000) : random.lognormal(38e3, 0.4, 300e3))
        datagrams.push({ from: 0, offsetMicros: at - start, payload: dnsQuery(id, question, type, true) })
        datagrams.push({ from: 1, offsetMicros: at - start + trip, payload: dnsAnswer(id, question, type, [answer()]) })
        at += Math.max(trip + 2000, 60e6 / perMinute * random.between(0.4, 1.6))
      }
      yield start
      scene.udp({ startMicros: start, initiator: attacker, responder: server, responderPort: 53, datagrams })
    }
  }
  scene.run(tunnel())

  return (): DnsTunnelTruth => ({
    kind: 'dns-tunnel', attackers: [attacker.text], victims: [server.text], ...counted(scene.tally), domain,
      server: server.text, direct, queries,
    uniqueSubdomains: names.size, meanLabel: letters / queries,
    text: `${attacker.text} sent ${queries} queries for ${names.size} names below ${domain} to ${server.text}`,
  })
}
