/**
 * Antivirus look-ups: a file's hash as a DNS name below the maker's domain, answered from 127.0.0.0/16. Unique, long
 * and random like a tunnel's names, and now and then as many of them when a machine is scanned; but every
 * workstation asks the same domain.
 */
import { dnsType } from '../content/dns.ts'
import type { Lan, Scene } from '../lan.ts'
import type { Station } from '../station.ts'
import { nowAndThen } from './pace.ts'

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'

export function startAntivirus(lan: Lan, name: string): void {
  for (const host of lan.cast.workstations) {
    const scene = lan.scene(name, host.text)
    const { random } = scene
    scene.run(nowAndThen(scene, 130, (at) => { for (let i = random.whole(1, 3); i > 0; i--) look(scene, host, at + i * 40e3) }))
    if (random.chance(0.3)) scene.run(fullScan(scene, host,
      lan.startMicros + (lan.endMicros - lan.startMicros) * random.between(0.2, 0.85)))
  }
}

function* fullScan(scene: Scene, host: Station, startMicros: number): Generator<number, void, void> {
  let at = startMicros
  for (let left = scene.random.whole(45, 95); left > 0; left--) {
    yield at
    look(scene, host, at)
    at += scene.random.exponential(4.5e6)
  }
}

function look(scene: Scene, host: Station, micros: number): void {
  const { random } = scene
  const name = `${random.text(random.whole(24, 36), alphabet)}.${random.text(2, '0123456789abcdef')}.${scene.lan.world.antivirus}`
  scene.ask(micros, host, name, dnsType.a, [{ type: dnsType.a, ttlSeconds: 300,
    data: new Uint8Array([127, 0, 0, random.pick([2, 2, 2, 128])]) }], 0, random.between(6000, 45000))
}
