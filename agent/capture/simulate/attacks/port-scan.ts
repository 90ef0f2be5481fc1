/**
 * A vertical scan (ATT&CK T1046): one infected workstation tries well over a hundred TCP ports of one server, by SYN
 * or by whole connections.
 */
import type { Station } from '../station.ts'
import { counted } from '../truth.ts'
import type { PortScanTruth } from '../truth.ts'
import { affordable, attackScene, attackTime, infected } from './attack.ts'
import type { Attack } from './attack.ts'

/** Ports that scanners like best. */
const liked = [
  21, 22, 23, 25, 53, 80, 81, 88, 110, 111, 113, 119, 135, 139, 143, 161, 179, 199, 264, 389, 427, 443, 444, 445,
  465, 497, 500, 513, 514, 515, 543, 544, 548, 554, 587, 593, 623, 631, 636, 646, 873, 902, 990, 993, 995, 1025,
  1026, 1027, 1080, 1099, 1110, 1352, 1433, 1434, 1521, 1720, 1723, 1755, 1883, 1900, 2000, 2001, 2049, 2121, 2181,
  2375, 2376, 2717, 3000, 3128, 3268, 3306, 3389, 3986, 4369, 4443, 4899, 5000, 5009, 5051, 5060, 5101, 5190, 5357,
  5432, 5601, 5631, 5666, 5672, 5800, 5900, 5901, 5985, 5986, 6000, 6001, 6379, 6443, 6646, 7000, 7001, 7070, 7474,
  8000, 8008, 8009, 8080, 8081, 8086, 8088, 8090, 8443, 8500, 8888, 9000, 9042, 9090, 9092, 9100, 9102, 9103, 9200,
  9300, 9418, 9999, 10000, 10250, 11211, 15672, 25565, 27017, 32768, 49152, 49153, 49154, 49155, 49156, 49157, 50000,
  50070, 61616,
]

export const portScan: Attack = (lan) => {
  const scene = attackScene(lan, 'port-scan')
  const { random } = scene
  const attacker = infected(lan, 'port-scan')
  const victim: Station = random.pick([lan.cast.files, lan.cast.mail, lan.cast.application, lan.cast.database, lan.cast.build,
    lan.cast.backup])
  const count = random.whole(110, 200)
  const others = random.several(liked.filter((port) => !victim.open.includes(port)), Math.min(count, 140) - victim.open.length)
  // Two of them are what somebody's old configuration still asks for.
  const known = new Set([...victim.open, ...others, 8080, 8443])
  while (known.size < count) known.add(random.whole(1, 32767))
  const ports = random.shuffled([...known])
  /** Ports that the victim's firewall drops instead of refusing. */
  const silentShare = random.pick([0, 0.08, 0.25, 0.6])
  const silent = new Set(ports.filter((port) => !victim.open.includes(port) && random.chance(silentShare)))
  const bySyn = random.chance(0.6)
  const seconds = affordable(lan, random.between(15, 240))
  const begin = attackTime(scene, seconds + 10)

  function* scan(): Generator<number, void, void> {
    const initiatorPort = lan.port(attacker, true)
    let at = begin
    for (const responderPort of ports) {
      yield at
      const open = victim.open.includes(responderPort)
      const target = { initiator: attacker, responder: victim, responderPort }
      if (open) scene.tcp({ ...target, startMicros: at, opening: bySyn ? 'probe' : 'handshake', ending: 'rst0',
        ...(bySyn ? { initiatorPort } : {}) })
      else if (!silent.has(responderPort)) scene.tcp({ ...target, startMicros: at, opening: 'refused',
        ...(bySyn ? { initiatorPort } : {}) })
      else {
        // A scanner asks once more from the next port, a connecting program's system repeats the same SYN.
        scene.tcp({ ...target, startMicros: at, opening: 'unanswered', ...(bySyn ? { initiatorPort } : { retries: 1 }) })
        if (bySyn) scene.tcp({ ...target, startMicros: at + random.between(1e6, 1.3e6), opening: 'unanswered',
          initiatorPort: initiatorPort + 1 })
      }
      at += seconds * 1e6 / ports.length * random.between(0.3, 1.7)
    }
  }
  scene.run(scan())

  return (): PortScanTruth => {
    const portsOpen = ports.filter((port) => victim.open.includes(port)).sort((a, b) => a - b)
    return {
      kind: 'port-scan', attackers: [attacker.text], victims: [victim.text], ...counted(scene.tally),
        portsTried: ports.length, portsFailed: ports.length - portsOpen.length,
      portsRefused: ports.length - portsOpen.length - silent.size, portsSilent: silent.size, portsOpen,
      text: `${attacker.text} tried ${ports.length} ports of ${victim.name} (${victim.text}), ${ports.length - portsOpen.length} failed`,
    }
  }
}
