/**
 * Look-ups without a visit: misspelt and unknown names, the domain's own services, reverse look-ups, block lists
 * asked by the mail server, mirrors with hashed names asked by the build server.
 */
import { dnsName, dnsType } from '../content/dns.ts'
import type { Lan, Scene } from '../lan.ts'
import type { Station } from '../station.ts'
import { nowAndThen } from './pace.ts'

export function startNames(lan: Lan, name: string): void {
  const { cast, world } = lan
  for (const host of [...cast.workstations, ...cast.admins]) {
    const scene = lan.scene(name, host.text)
    const { random } = scene
    scene.run(nowAndThen(scene, 1500, (at) => { misspelt(scene, host, at) }))
    if (host.windows) {
      scene.run(nowAndThen(scene, 900, (at) => {
        scene.ask(at, host, `_ldap._tcp.dc._msdcs.${cast.domain}`, dnsType.srv,
          [{ type: dnsType.srv, ttlSeconds: 600, data: new Uint8Array([0, 0, 0, 100, 1, 0x85, ...dnsName(`dc1.${cast.domain}`)]) }])
        if (random.chance(0.5)) scene.ask(at + 60e3, host, `wpad.${cast.domain}`, dnsType.a, [], 3)
      }))
    }
  }
  const mail = lan.scene(name, 'mail')
  mail.run(nowAndThen(mail, 40, (at) => {
    const { address } = mail.random.pick(world.visitors)
    mail.ask(at, cast.mail, `${[...address].reverse().join('.')}.bl.mailrank.example`, dnsType.a, [], 3, mail.random.between(8000, 60000))
  }))
  const build = lan.scene(name, 'build')
  build.run(nowAndThen(build, 1500, (at) => {
    for (let i = build.random.whole(12, 32); i > 0; i--) {
      const label = build.random.text(40, '0123456789abcdef')
      build.ask(at + build.random.between(0, 200e6), cast.build, `${label}.layers.artifactory-mirror.example`, dnsType.a,
        [{ type: dnsType.a, ttlSeconds: 60, data: world.storage.station.address }], 0, 18e3)
    }
  }))
  const monitor = lan.scene(name, 'monitor')
  monitor.run(nowAndThen(monitor, 45, (at) => {
    const host = monitor.random.pick(cast.hosts)
    monitor.ask(at, cast.monitor, `${[...host.address].reverse().join('.')}.in-addr.arpa`, dnsType.ptr,
      [{ type: dnsType.ptr, ttlSeconds: 1200, data: dnsName(`${host.name}.${cast.domain}`) }])
  }))
}

/** A typing error, then perhaps the search list's second try. */
function misspelt(scene: Scene, host: Station, micros: number): void {
  const { random, lan } = scene
  const site = random.pick(lan.world.popular).main.name
  // A letter of the name's longest part, never a dot.
  const words = site.split('.')
  const word = words[words.length - 2]
  const at = site.lastIndexOf(word) + random.whole(1, word.length - 2)
  const wrong = site.slice(0, at) + random.pick(['', site[at] + site[at], random.text(1, 'aeiou')]) + site.slice(at + 1)
  scene.ask(micros, host, wrong, dnsType.a, [], 3, random.between(9000, 60000))
  if (random.chance(0.4)) scene.ask(micros + 150e3, host, `${wrong}.${lan.cast.domain}`, dnsType.a, [], 3)
}
