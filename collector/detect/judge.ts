/** What all running detectors share: the threshold a history allows, the points a size is worth, the frame of a detection. */
import { Firing } from './firing.ts'
import type { RiskPart, UsualRange } from '../../proto/alert.ts'
import type { Aggregate } from '../aggregate/aggregate.ts'
import type { Sample } from '../aggregate/samples.ts'
import type { Detection, Detector, SeenFlow } from './detector.ts'
import type { Episode } from './firing.ts'
import type { LearntSettings } from './settings.ts'

/** Window and pane of running detectors (decided in aggregate/panes.ts; a test holds them equal). */
export const windowMicros = 600e6
export const paneMicros = 30e6

/** Members of a key before its flows are sampled. */
export const sampleFrom = 4

/** Flows linked from one finding. */
export const sampleLimit = 20

/** What a detector is built from. */
export type DetectorParts = {
  aggregate: Aggregate
  /** Whether "failed" is unknown on a stream now. */
  blind: (stream: string) => boolean
  episodes: number
  fromOutside: number
}

/** `least`, or `factor` times the host's learnt maximum once its range is no longer being learnt, at most `atMost`. */
export function thresholdOf({ least, factor, atMost }: LearntSettings, usual: UsualRange | undefined): number {
  return usual === undefined || usual.learning ? least : Math.max(least, Math.min(atMost, Math.ceil(factor * usual.maximum)))
}

/** Five points for each doubling of the threshold, at most `most`. */
export function sizePart(value: number, threshold: number, most: number): RiskPart[] {
  const points = Math.min(most, Math.floor(5 * Math.log2(Math.max(1, value / threshold))))
  return points <= 0 ? [] : [{ name: 'size', points, reason: `${(value / threshold).toFixed(1)} times the threshold` }]
}

/** Points taken off for an attacker from outside that has not succeeded. */
export function outsidePart(internal: boolean, succeeded: boolean, points: number): RiskPart[] {
  if (internal || points === 0) return []
  if (succeeded) return [{ name: 'from-outside', points: 0, reason: 'from outside, but it succeeded' }]
  return [{ name: 'from-outside', points: -points, reason: 'the attacker is outside and nothing shows success' }]
}

export const sampleOf = ({ stream, boot, number, startMicros, endMicros, edgeScore, centralScore }: SeenFlow): Sample =>
  ({ stream, boot, number, startMicros, endMicros, edgeScore, centralScore })

/** What every episode remembers. */
export type Subject = { initiator: string, responder: string, run: string, sensor: string, firstMicros: number }

/** Who is concerned, since when: the earliest of the sampled flows or this one. */
export const subjectOf = (flow: SeenFlow, samples: readonly Sample[]): Subject => ({
  initiator: flow.initiatorAddress, responder: flow.responderAddress, run: flow.run, sensor: flow.sensor,
  firstMicros: samples.reduce((least, { startMicros }) => Math.min(least, startMicros), flow.startMicros),
})

export const firingOf = <About>(detector: string, { aggregate, episodes }: DetectorParts, retainMicros: number): Firing<About> =>
  new Firing<About>({ detector, remember: aggregate.remember, episodes, windowMicros, paneMicros, retainMicros })

export type Framed = Omit<Detection, 'peer' | 'strand' | 'windowMicros' | 'evidence' | 'riskParts' | 'facts'>

/** Everything of a detection about a host that does not depend on the detector. */
export function frameOf(
  detector: Detector, measure: string, episode: Episode<Subject>, samples: readonly Sample[], usual: UsualRange | undefined,
): Framed {
  const { initiator, run, sensor, firstMicros } = episode.about
  const edgeScore = highest(samples.map((sample) => sample.edgeScore))
  const centralScore = highest(samples.map((sample) => sample.centralScore))
  return {
    detector: detector.name, techniques: detector.techniques, versionHash: detector.versionHash, measure,
    entityKind: 'host', entity: initiator, run, sensor, episodeMicros: episode.opened, step: episode.step,
    firstMicros, lastMicros: samples.reduce((most, { startMicros }) => Math.max(most, startMicros), episode.overMicros),
    flows: samples.map(({ stream, boot, number }) => ({ stream, boot, number })),
    ...(usual === undefined ? {} : { usual }),
    ...(edgeScore === undefined ? {} : { edgeScore }),
    ...(centralScore === undefined ? {} : { centralScore }),
  }
}

const highest = (scores: (number | undefined)[]): number | undefined =>
  scores.reduce<number | undefined>((most, score) => score === undefined || most !== undefined && most >= score ? most : score, undefined)

type Held = { entries: number, evicted: number }

/** Entries held and given up by several structures together. */
export const together = (...held: Held[]): Held =>
  held.reduce((sum, { entries, evicted }) => ({ entries: sum.entries + entries, evicted: sum.evicted + evicted }))
