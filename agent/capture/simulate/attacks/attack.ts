/** What every attack needs: a time within the capture, people to attack and be attacked. */
import type { Lan, Scene } from '../lan.ts'
import type { AttackKind } from '../options.ts'
import type { Station } from '../station.ts'
import type { AttackTruth } from '../truth.ts'

/** Plans the attack, starts its script, and gives a function that tells the truth once the capture is over. */
export type Attack = (lan: Lan) => () => AttackTruth

export const attackScene = (lan: Lan, kind: AttackKind): Scene => lan.scene(kind, '', true)

/** A time for an attack that takes `seconds`: between these shares of the capture, and over before its end. */
export function attackTime({ lan, random }: Scene, seconds: number, from = 0.15, to = 0.9): number {
  const length = lan.endMicros - lan.startMicros
  const latest = Math.max(0, Math.min(to * length, length - seconds * 1e6 - 5e6))
  return Math.floor(lan.startMicros + random.between(Math.min(from * length, latest), latest))
}

/** Seconds an attack may take, when it would like to take this many: at most a third of the capture. */
export const affordable = (lan: Lan, seconds: number): number => Math.min(seconds, (lan.endMicros - lan.startMicros) / 3e6)

/**
 * The infected workstations, one for each attack that needs one: a host is never the attacker of two, so that each alert has one
 * right answer. Depends on the seed alone, not on which attacks take place.
 */
export function infected(lan: Lan, kind: AttackKind): Station {
  const order: readonly AttackKind[] = ['port-scan', 'host-sweep', 'brute-force', 'dns-tunnel', 'beacon', 'exfiltration', 'syn-flood']
  return lan.random.fork('infected').shuffled(lan.cast.workstations)[order.indexOf(kind)]
}
