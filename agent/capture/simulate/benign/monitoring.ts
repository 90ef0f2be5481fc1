/**
 * The monitoring server asks everybody every minute: ICMP echo, SNMP, HTTP, and whether SSH answers. One host talks
 * to many, steadily, in short connections.
 */
import { echoMessage, snmpMessage } from '../content/control.ts'
import { httpTurns } from '../content/http.ts'
import { octetsOf } from '../content/bytes.ts'
import type { Datagrams, Talk } from '../conversation.ts'
import type { Lan, Scene } from '../lan.ts'
import type { Random } from '../random.ts'
import type { Station } from '../station.ts'
import { regularly } from './pace.ts'

export function startMonitoring(lan: Lan, name: string): void {
  const { cast } = lan
  const scene = lan.scene(name)
  const { random } = scene
  const watched = [cast.gateway, ...cast.servers.filter((host) => host !== cast.monitor), ...cast.printers, ...cast.phones,
    cast.absent[0]]
  const begin = lan.startMicros + random.between(1e6, 50e6)
  watched.forEach((host, i) => {
    scene.icmp({ startMicros: begin + i * 45e3, initiator: cast.monitor, responder: host,
      messages: echoes(random.fork(`echo ${i}`), host, 4000 + i, lan.endMicros - begin) })
  })
  scene.run(regularly(scene, 60, 0.01, (at, round) => {
    for (const [i, host] of [cast.gateway, ...cast.printers, cast.files, cast.resolver].entries()) snmp(scene, host, at + 3e6 + i * 80e3)
    for (const [i, host] of [cast.application, cast.build].entries()) check(scene, host, at + 5e6 + i * 200e3)
    if (round % 8 === 0) for (const [i, host] of [cast.jump, cast.database].entries()) {
      scene.tcp({ startMicros: at + 7e6 + i * 150e3, initiator: cast.monitor, responder: host, responderPort: 22, turns: banner() })
    }
    // A check that nobody removed when the service moved: refused, all day.
    if (round % 5 === 0) scene.tcp({ startMicros: at + 9e6, initiator: cast.monitor, responder: cast.files,
      responderPort: 8443, opening: 'refused' })
    if (round % 10 === 0) check(scene, random.pick(cast.printers), at + 11e6)
  }))
}

/** A question every minute for as long as the capture lasts: one conversation, as its addresses and types never change. */
function* echoes(random: Random, host: Station, identifier: number, durationMicros: number): Datagrams {
  for (let at = 0, round = 1; at < durationMicros; at += 60e6 + random.between(-3e5, 3e5), round++) {
    yield { from: 0, offsetMicros: at, payload: echoMessage(8, identifier, round) }
    if (host.role !== 'absent') yield { from: 1, offsetMicros: at + 2 * host.delayMicros + random.between(20, 200),
      payload: echoMessage(0, identifier, round) }
  }
}

function snmp(scene: Scene, host: Station, startMicros: number): void {
  const { random } = scene
  const id = random.bits()
  const counters = [8, 10, 14, 16, 20]
  scene.udp({ startMicros, initiator: scene.lan.cast.monitor, responder: host, responderPort: 161, datagrams: [
    { from: 0, offsetMicros: 0, payload: snmpMessage(0xa0, id, counters, random) },
    { from: 1, offsetMicros: 2 * host.delayMicros + random.between(400, 6000), payload: snmpMessage(0xa2, id, counters, random) },
  ] })
}

function check(scene: Scene, host: Station, startMicros: number): void {
  const { random } = scene
  const turns = httpTurns({ host: host.name, path: '/health', agent: 'check_http/2.3', status: 200,
    body: random.whole(60, 900), server: 'nginx', thinkMicros: random.between(400, 9000), afterMicros: 200 })
  scene.tcp({ startMicros, initiator: scene.lan.cast.monitor, responder: host,
    responderPort: host === scene.lan.cast.build ? 8080 : 80, turns, ending: 'fin1' })
}

function* banner(): Talk {
  const head = octetsOf('SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n')
  yield { from: 1, octets: head.length, head, afterMicros: 6000 }
  const bye = octetsOf('SSH-2.0-check_ssh_2.3\r\n')
  yield { from: 0, octets: bye.length, head: bye, afterMicros: 300 }
}
