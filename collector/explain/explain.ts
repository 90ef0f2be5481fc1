/**
 * From what a detector saw to what a person reads: the finding with its sentence, its numbers, its id, and the next
 * steps. Pure. Everything that came from the network (names, domains) is made inert here, once.
 */
import { fingerprintOf, identify } from './identity.ts'
import { phrases } from './sentences.ts'
import { inert } from './words.ts'
import type { Finding } from '../../proto/alert.ts'
import type { Detection } from '../detect/detector.ts'
import type { Told } from './sentences.ts'

export type Explained = { finding: Finding, nextSteps: string[] }

export type ExplainOptions = {
  /** The name of an address, when there is one. */
  nameOf?: (address: string) => string | undefined
}

export type Explain = (detection: Detection) => Explained

/** Makes the function that explains. */
export function createExplainer(options: ExplainOptions = {}): Explain {
  const shown = (address: string): string => {
    const name = options.nameOf?.(address)
    return name === undefined ? inert(address) : `${inert(name)} (${inert(address)})`
  }
  return (detection) => {
    const entityAddress = inert(detection.entity)
    const peerAddress = inert(detection.peer)
    const told: Told = {
      entity: shown(detection.entity), peer: shown(detection.peer), entityAddress, peerAddress,
      usual: detection.usual, windowMicros: detection.windowMicros,
      facts: new Map(Object.entries(detection.facts).map(([name, fact]) => [name, typeof fact === 'string' ? inert(fact) : fact])),
    }
    const spoken = phrases.get(detection.detector)
    const fingerprint = fingerprintOf(detection)
    const { edgeScore, centralScore } = detection
    const finding: Finding = {
      id: identify(fingerprint, detection.episodeMicros, detection.step, detection.strand), fingerprint,
      detector: detection.detector, run: detection.run, sensor: detection.sensor,
      entityKind: detection.entityKind, entity: entityAddress, peer: peerAddress,
      firstMicros: detection.firstMicros, lastMicros: detection.lastMicros, windowMicros: detection.windowMicros,
      sentence: spoken?.sentence(told) ?? `${detection.detector} fired for ${told.entity}.`,
      evidence: detection.evidence, riskParts: detection.riskParts, techniques: [...detection.techniques],
      flows: detection.flows.slice(0, 20), versionHash: detection.versionHash,
      ...(edgeScore === undefined ? {} : { edgeScore }), ...(centralScore === undefined ? {} : { centralScore }),
    }
    return { finding, nextSteps: spoken?.nextSteps(told) ?? [] }
  }
}
