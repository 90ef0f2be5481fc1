/**
 * A detector turns flows into findings. `running` detectors see every record in log order and fire when a count crosses its
 * threshold; they hold bounded windows of at most 10 minutes of event time. A detector never reads a clock, a store or a random number: the same records give
 * the same findings. Adding one: a file here, a line in index.ts, a page in docs.
 */
import type { Evidence, RiskPart } from '../../proto/alert.ts'
import type { Flow } from '../../proto/flow.ts'

/** A flow with what ingest, enrichment and the models know of it. */
export type SeenFlow = Flow & {
  stream: string
  sensor: string
  boot: string
  run: string
  initiatorInternal: boolean
  responderInternal: boolean
  centralScore?: number
}

/** What a detector saw; explain/ turns it into a sentence. */
export type Detection = {
  detector: string
  entityKind: 'host' | 'service' | 'sensor' | 'metric'
  entity: string
  peer: string
  run: string
  sensor: string
  firstMicros: number
  lastMicros: number
  windowMicros: number
  /** Name of the number the usual range is kept for, e.g. 'failed-ports'. */
  measure: string
  evidence: Evidence[]
  riskParts: RiskPart[]
  /** Words for the sentence: names of ports, a domain, 'succeeded'. */
  facts: Record<string, string | number | boolean>
  flows: { stream: string, boot: string, number: number }[]
  edgeScore?: number
  centralScore?: number
}

export interface Detector {
  readonly name: string
  readonly kind: 'running'
  /** ATT&CK technique ids (v18). */
  readonly techniques: readonly string[]
  /** Published source of the method. */
  readonly source: string
  /** Hash of thresholds: findings store it. */
  readonly versionHash: string
  /** Takes one record; adds what it found to `out`. Called in log order, once per record (and again, from the resume point, after a restart). */
  observe(flow: SeenFlow, out: Detection[]): void
  /** Window entries held now, and how many were evicted by the cap. */
  size(): { entries: number, evicted: number }
}
