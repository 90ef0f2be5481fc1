/** When people work and machines poll: the repeating part of every behaviour. */
import type { Scene } from '../lan.ts'
import type { Scripted } from '../schedule.ts'

/** Does something now and then: first after up to one interval, then after exponentially distributed ones, until the capture ends. */
export function* nowAndThen(scene: Scene, meanSeconds: number, act: (micros: number) => void): Scripted {
  const { lan, random } = scene
  let at = lan.startMicros + random.unit() * Math.min(meanSeconds, 600) * 1e6
  while (at < lan.endMicros) {
    yield at
    act(at)
    at += (0.2 * meanSeconds + random.exponential(0.8 * meanSeconds)) * 1e6
  }
}

/** Does something at a fixed period, give or take a share of it. */
export function* regularly(scene: Scene, periodSeconds: number, jitter: number, act: (micros: number, round: number) => void): Scripted {
  const { lan, random } = scene
  const phase = random.unit() * periodSeconds * 1e6
  for (let round = 0; ; round++) {
    const at = lan.startMicros + phase + (round + random.between(0, jitter)) * periodSeconds * 1e6
    if (at >= lan.endMicros) return
    yield at
    act(at, round)
  }
}
