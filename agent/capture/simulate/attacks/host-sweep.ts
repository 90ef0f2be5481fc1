/**
 * A horizontal sweep (ATT&CK T1018, T1046): one infected workstation tries one port on its own subnet and on the
 * empty one next to it. Addresses of its own subnet that nobody has only cause ARP requests, so no SYN is ever seen
 * for them; the empty subnet lies behind the gateway.
 */
import { arpFrame } from '../content/control.ts'
import { subnet } from '../hosts.ts'
import { makeStation } from '../station.ts'
import { counted } from '../truth.ts'
import type { HostSweepTruth } from '../truth.ts'
import { affordable, attackScene, attackTime, infected } from './attack.ts'
import type { Attack } from './attack.ts'

export const hostSweep: Attack = (lan) => {
  const scene = attackScene(lan, 'host-sweep')
  const { random } = scene
  const { cast } = lan
  const attacker = infected(lan, 'host-sweep')
  const port = random.pick([22, 135, 139, 3389, 5900, 5985])
  const emptyFrom = random.whole(1, 120)
  const emptyCount = random.whole(45, 120)
  const ownFrom = random.whole(20, 120)
  const ownCount = random.whole(40, 100)
  const own = new Map(cast.hosts.filter((host) => host.subnet === attacker.subnet
    && host !== attacker).map((host) => [host.address[3], host]))
  const targets = [
    ...Array.from({ length: ownCount }, (_, i) => ({ last: ownFrom + i,
      net: attacker.subnet })).filter(({ last }) => last !== attacker.address[3]),
    ...Array.from({ length: emptyCount }, (_, i) => ({ last: emptyFrom + i, net: subnet.empty })),
  ].map(({ last, net }) => net === subnet.empty
    ? makeStation({ name: '', role: 'absent', address: new Uint8Array([10, cast.site, net, last]), mac: cast.gateway.mac, subnet: net })
    : own.get(last) ?? makeStation({ name: '', role: 'absent', address: new Uint8Array([10, cast.site, net, last]),
      mac: cast.gateway.mac, subnet: -1 }))
  const ordered = random.chance(0.5) ? targets : random.shuffled(targets)
  const unresolved = ordered.filter((target) => target.subnet === -1)
  const tried = ordered.filter((target) => target.subnet !== -1)
  const open = tried.filter((target) => target.role !== 'absent' && target.open.includes(port))
  const seconds = affordable(lan, random.between(20, 300))
  const begin = attackTime(scene, seconds + 10)

  function* sweep(): Generator<number, void, void> {
    let at = begin
    for (const responder of ordered) {
      yield at
      const target = { startMicros: at, initiator: attacker, responder, responderPort: port }
      if (responder.subnet === -1) for (const again of [0, 1e6]) lan.play({ kind: 'frame', startMicros: at + again,
        bytes: arpFrame(1, attacker, attacker.address, undefined, responder.address), tally: lan.scene('arp').tally }, random)
      else if (responder.role === 'absent') scene.tcp({ ...target, opening: 'unanswered', retries: random.whole(0, 1) })
      else if (open.includes(responder)) scene.tcp({ ...target, ending: 'rst0', lingerMicros: random.between(200, 90000) })
      // Office machines' own firewalls drop, others refuse.
      else scene.tcp({ ...target, opening: responder.windows ? 'unanswered' : 'refused' })
      at += seconds * 1e6 / ordered.length * random.between(0.3, 1.7)
    }
  }
  scene.run(sweep())

  return (): HostSweepTruth => ({
    kind: 'host-sweep', attackers: [attacker.text], victims: tried.map(({ text }) => text), ...counted(scene.tally), port,
      respondersTried: tried.length,
    respondersFailed: tried.length - open.length, respondersOpen: open.map(({ text }) => text), unresolved: unresolved.length,
    text: `${attacker.text} tried port ${port} of ${tried.length} hosts, ${tried.length - open.length} failed`,
  })
}
