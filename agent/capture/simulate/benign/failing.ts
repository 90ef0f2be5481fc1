/**
 * What does not work in every office: configurations that name machines that are gone (SYNs without an answer), services that have moved (RST), an inventory that asks
 * machines that may be off. Each looks a little like a scan and stays below what the detectors need.
 */
import type { Lan } from '../lan.ts'
import { nowAndThen, regularly } from './pace.ts'

export function startFailing(lan: Lan, name: string): void {
  const { cast } = lan
  const [oldFiles, oldApplication, , , oldPrinter] = cast.absent
  for (const host of cast.workstations) {
    const scene = lan.scene(name, host.text)
    const { random } = scene
    if (random.chance(0.2)) scene.run(nowAndThen(scene, 900, (at) => { scene.tcp({ startMicros: at, initiator: host, responder: oldFiles, responderPort: 445, opening: 'unanswered', retries: 3 }) }))
    if (random.chance(0.12)) scene.run(nowAndThen(scene, 1200, (at) => { scene.tcp({ startMicros: at, initiator: host, responder: oldPrinter, responderPort: 9100, opening: 'unanswered', retries: 3 }) }))
    if (random.chance(0.15)) {
      scene.run(regularly(scene, 300, 0.02, (at) => {
        scene.tcp({ startMicros: at, initiator: host, responder: cast.application, responderPort: random.pick([8080, 8080, 8443]), opening: 'refused' })
      }))
    }
    // A site that is down today.
    if (random.chance(0.3)) {
      const gone = scene.lan.world.outside(random, 'gone')
      scene.run(nowAndThen(scene, 2400, (at) => { scene.tcp({ startMicros: at, initiator: host, responder: gone, responderPort: 443, opening: 'unanswered', retries: 4 }) }))
    }
  }
  const scene = lan.scene(name, 'inventory')
  scene.run(nowAndThen(scene, 2700, (at) => {
    const asked = [...scene.random.several(cast.workstations, 8), ...cast.absent.slice(2, 4), cast.absent[5]]
    asked.forEach((host, i) => {
      const target = { startMicros: at + i * 20e6, initiator: cast.monitor, responder: host, responderPort: 135 }
      if (host.role === 'absent') scene.tcp({ ...target, opening: 'unanswered', retries: 2 })
      else if (host.open.includes(135)) scene.tcp({ ...target, lingerMicros: 30e3 })
      else scene.tcp({ ...target, opening: 'refused' })
    })
  }))
  // A developer finds out which port a service listens on now: a handful of tries, no scan.
  const developer = lan.scene(name, 'developer')
  developer.run(nowAndThen(developer, 3000, (at) => {
    developer.random.several([3000, 5000, 7000, 8000, 8081, 8443, 8888, 9000, 9090], developer.random.whole(3, 7)).forEach((responderPort, i) => {
      developer.tcp({ startMicros: at + i * 3e6, initiator: cast.admins[0], responder: oldApplication.role === 'absent' ? cast.build : oldApplication, responderPort, opening: 'refused' })
    })
  }))
}
