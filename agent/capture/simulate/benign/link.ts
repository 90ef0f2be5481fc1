/** Below and beside IP: ARP in both directions, DHCP, IPv6 neighbours, LLDP, and the clocks' NTP. */
import { arpFrame, dhcpMessage, lldpFrame, neighbourMessage, ntpMessage } from '../content/control.ts'
import type { Datagram, Datagrams } from '../conversation.ts'
import { subnet } from '../hosts.ts'
import type { Lan, Scene } from '../lan.ts'
import { makeStation } from '../station.ts'
import type { Station } from '../station.ts'
import { nowAndThen, regularly } from './pace.ts'

const everybody = makeStation({ name: 'broadcast', role: 'group', address: new Uint8Array([255, 255, 255, 255]),
  mac: new Uint8Array(6).fill(255), subnet: -1 })

export function startArp(lan: Lan, name: string): void {
  const { cast } = lan
  for (const host of cast.hosts) {
    const scene = lan.scene(name, host.text)
    const gateway = cast.gateways.get(host.subnet) ?? cast.gateway
    const neighbours = cast.hosts.filter((other) => other.subnet === host.subnet && other !== host)
    scene.run(nowAndThen(scene, 200, (at) => {
      const target = host !== cast.gateway && scene.random.chance(0.7) ? gateway : scene.random.pick(neighbours)
      scene.frame(at, arpFrame(1, host, host.address, undefined, target.address))
      scene.frame(at + 2 * target.delayMicros + 60, arpFrame(2, { ...target, vlan: host.vlan }, target.address, host, host.address))
    }))
  }
}

export function startDhcp(lan: Lan, name: string): void {
  const { cast } = lan
  for (const host of cast.workstations) {
    const scene = lan.scene(name, host.text)
    const { random } = scene
    const transaction = random.bits()
    scene.run(nowAndThen(scene, 9000, (at) => {
      if (random.chance(0.75)) {
        scene.udp({ startMicros: at, initiator: host, initiatorPort: 68, responder: cast.resolver, responderPort: 67, datagrams: [
          { from: 0, offsetMicros: 0, payload: dhcpMessage(3, transaction, host, cast.resolver, true) },
            { from: 1, offsetMicros: random.between(800, 4000), payload: dhcpMessage(5, transaction, host, cast.resolver, true) }] })
        return
      }
      // Without an address yet, everything is broadcast; the relay on the gateway answers.
      const nobody = { ...host, address: new Uint8Array(4), text: '0.0.0.0' }
      const relay = cast.gateways.get(subnet.workstations) ?? cast.gateway
      const say = (from: Station, micros: number, types: readonly [1, 3] | readonly [2, 5], ports: readonly [number, number]): void => {
        const datagrams = types.map((type, i) => ({ from: 0 as const, offsetMicros: i * 9000,
          payload: dhcpMessage(type, transaction, host, cast.resolver, false) }))
        scene.udp({ startMicros: micros, initiator: from, initiatorPort: ports[0], responder: everybody,
          responderPort: ports[1], datagrams })
      }
      say(nobody, at, [1, 3], [68, 67])
      say(relay, at + 3000, [2, 5], [67, 68])
    }))
  }
}

export function startNtp(lan: Lan, name: string): void {
  const { cast, world } = lan
  for (const host of cast.hosts) {
    if (host === cast.resolver) continue
    associate(lan.scene(name, host.text), host, cast.resolver)
  }
  const outside = lan.scene(name, 'outside')
  associate(outside, cast.resolver, world.outside(outside.random, 'time.clockpool.example'))
}

/** Polls from port 123 every 64 to 1024 s: one conversation. */
function associate(scene: Scene, client: Station, server: Station): void {
  const { lan, random } = scene
  const startMicros = lan.startMicros + random.between(0, 300e6)
  const everyMicros = random.pick([64e6, 256e6, 512e6, 1024e6])
  function* polls(): Datagrams {
    for (let at = 0; startMicros + at < lan.endMicros; at += everyMicros + random.between(-1e6, 1e6)) {
      yield { from: 0, offsetMicros: at, payload: ntpMessage(3, startMicros + at) }
      const back = at + 2 * server.delayMicros + random.between(30, 300)
      yield { from: 1, offsetMicros: back, payload: ntpMessage(4, startMicros + back) }
    }
  }
  scene.udp({ startMicros, initiator: client, initiatorPort: 123, responder: server, responderPort: 123, datagrams: polls() })
}

export function startNeighbours(lan: Lan, name: string): void {
  const { cast } = lan
  for (const host of [...cast.workstations.filter((_, i) => i % 3 === 0), ...cast.servers]) {
    const scene = lan.scene(name, host.text)
    const gateway = cast.gateways.get(host.subnet) ?? cast.gateway
    const low = gateway.address6.subarray(13)
    const group = makeStation({ name: 'solicited', role: 'group', address: new Uint8Array(4), subnet: -1,
      mac: new Uint8Array([0x33, 0x33, 0xff, ...low]),
      address6: new Uint8Array([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...low]) })
    const { random } = scene
    const times = Array.from({ length: Math.ceil((lan.endMicros - lan.startMicros) / 500e6) },
      (_, i) => (i * 500 + random.between(0, 490)) * 1e6)
    const say = (payload: Uint8Array, delayMicros: number): Datagram[] => times.map((at) => ({ from: 0,
      offsetMicros: at + delayMicros, payload }))
    const startMicros = lan.startMicros + 1e6
    // The two do not have each other's address for a meter: the question goes to a group.
    scene.icmp({ startMicros, initiator: { ...host, ttl: 255 }, responder: group, six: true,
      messages: say(neighbourMessage(true, gateway, host), 0) })
    scene.icmp({ startMicros, initiator: { ...gateway, ttl: 255 }, responder: host, six: true,
      messages: say(neighbourMessage(false, gateway, gateway), 250) })
  }
}

export function startLldp(lan: Lan, name: string): void {
  const scene = lan.scene(name)
  scene.run(regularly(scene, 30, 0, (at) => { scene.frame(at, lldpFrame(lan.cast.gateway.mac, `core.${lan.cast.domain}`)) }))
}
