/** What all running detectors share: the threshold a history allows, the points a size is worth, the frame of a detection. */
import type { RiskPart, UsualRange } from '../../proto/alert.ts'
import type { Sample } from '../aggregate/samples.ts'
import type { Aggregate } from '../aggregate/aggregate.ts'
import type { Detection, SeenFlow } from './detector.ts'
import type { Episode } from './firing.ts'
import type { LearntSettings } from './settings.ts'

/** Window and pane of running detectors (decided once in aggregate/panes.ts; a test holds them equal). */
export const windowMicros = 600e6
export const paneMicros = 30e6

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
  return [succeeded ? { name: 'from-outside', points: 0, reason: 'from outside, but it succeeded' } : { name: 'from-outside', points: -points, reason: 'the attacker is outside and nothing shows success' }]
}

export const sampleOf = (flow: SeenFlow): Sample => ({
  stream: flow.stream, boot: flow.boot, number: flow.number, startMicros: flow.startMicros, endMicros: flow.endMicros, edgeScore: flow.edgeScore, centralScore: flow.centralScore,
})

const highest = (scores: (number | undefined)[]): number | undefined =>
  scores.reduce<number | undefined>((most, score) => score === undefined || most !== undefined && most >= score ? most : score, undefined)

/** The parts of a detection that come from its sampled flows. */
export function fromSamples(samples: readonly Sample[], firstMicros: number, lastMicros: number): Pick<Detection, 'flows' | 'firstMicros' | 'lastMicros' | 'edgeScore' | 'centralScore'> {
  const edgeScore = highest(samples.map((sample) => sample.edgeScore))
  const centralScore = highest(samples.map((sample) => sample.centralScore))
  return {
    flows: samples.map(({ stream, boot, number }) => ({ stream, boot, number })),
    firstMicros: samples.reduce((least, { startMicros }) => Math.min(least, startMicros), firstMicros),
    lastMicros: samples.reduce((most, { startMicros }) => Math.max(most, startMicros), lastMicros),
    ...(edgeScore === undefined ? {} : { edgeScore }),
    ...(centralScore === undefined ? {} : { centralScore }),
  }
}

/** What every episode remembers. */
export type Subject = { initiator: string, responder: string, run: string, sensor: string, firstMicros: number }

export const subjectOf = (flow: SeenFlow, firstMicros: number): Subject =>
  ({ initiator: flow.initiatorAddress, responder: flow.responderAddress, run: flow.run, sensor: flow.sensor, firstMicros })

export const episodeParts = (episode: Episode<Subject>): Pick<Detection, 'run' | 'sensor' | 'episodeMicros' | 'step'> =>
  ({ run: episode.about.run, sensor: episode.about.sensor, episodeMicros: episode.opened, step: episode.step })
