/**
 * What does not work in every office: configurations that name machines that are gone (SYNs without an answer),
 * services that have moved (RST), an inventory that asks machines that may be off. Each looks a little like a scan
 * and stays below what the detectors need.
 */
import type { Lan, Scene } from '../lan.ts'
import type { Station } from '../station.ts'
import { nowAndThen, regularly } from './pace.ts'

export function startFailing(lan: Lan, name: string): void {
  const { cast } = lan
  const [oldFiles, , oldPrinter] = cast.absent
  for (const host of cast.workstations) {
    const scene = lan.scene(name, host.text)
    const { random } = scene
    const inVain = (meanSeconds: number, responder: Station, responderPort: number): void => {
      scene.run(nowAndThen(scene, meanSeconds, (at) => {
        scene.tcp({ startMicros: at, initiator: host, responder, responderPort, opening: 'unanswered', retries: 3 })
      }))
    }
    if (random.chance(0.2)) inVain(900, oldFiles, 445)
    if (random.chance(0.12)) inVain(1200, oldPrinter, 9100)
    // A site that is down today.
    if (random.chance(0.3)) inVain(2400, lan.world.outside(random, 'gone'), 443)
    if (random.chance(0.15)) {
      scene.run(regularly(scene, 300, 0.02, (at) => {
        const responderPort = random.pick([8080, 8080, 8443])
        scene.tcp({ startMicros: at, initiator: host, responder: cast.application, responderPort, opening: 'refused' })
      }))
    }
  }
  inventory(lan.scene(name, 'inventory'))
  // A developer finds out which port a service listens on now: a handful of tries, no scan.
  const developer = lan.scene(name, 'developer')
  const guesses = [3000, 5000, 7000, 8000, 8081, 8443, 8888, 9000, 9090]
  developer.run(nowAndThen(developer, 3000, (at) => {
    for (const [i, responderPort] of developer.random.several(guesses, developer.random.whole(3, 7)).entries()) {
      developer.tcp({ startMicros: at + i * 3e6, initiator: cast.admins[0], responder: cast.build, responderPort, opening: 'refused' })
    }
  }))
}

/** Asks five workstations and three addresses that nobody has any more, one after the other. */
function inventory(scene: Scene): void {
  const { cast } = scene.lan
  const { random } = scene
  scene.run(nowAndThen(scene, 2700, (at) => {
    const asked = [...random.several(cast.workstations, 5), ...cast.absent.slice(3)]
    for (const [i, host] of asked.entries()) {
      const target = { startMicros: at + i * 20e6, initiator: cast.monitor, responder: host, responderPort: 135 }
      if (host.role === 'absent') scene.tcp({ ...target, opening: 'unanswered', retries: 2 })
      else if (host.open.includes(135)) scene.tcp({ ...target, lingerMicros: 30e3 })
      else scene.tcp({ ...target, opening: 'refused' })
    }
  }))
}
