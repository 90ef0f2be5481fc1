/**
 * A detector turns flows into findings. `running` detectors see every record in log order and fire when a count crosses
 * its threshold; they hold bounded windows of at most 10 minutes of event time. A detector never reads a clock, a store
 * or a random number: the same records give the same findings. Adding one: a file here, a line in index.ts, a page in
 * docs.
 *
 * Two kinds of state: windows, rebuilt after a restart by `rebuild` from the last part of the log; and what was learnt
 * and fired, kept as rows of detection memory in the commit that they belong to. `rebuild` touches only the first kind.
 */
import type { Evidence, RiskPart, UsualRange } from '../../proto/alert.ts'
import type { Flow } from '../../proto/flow.ts'

/** A flow with what ingest, enrichment and the models know of it. */
export type SeenFlow = Flow & {
  stream: string
  sensor: string
  boot: string
  run: string
  initiatorInternal: boolean
  responderInternal: boolean
  /** Model that gave the edge score; '' or absent when none did. */
  modelHash?: string
  centralScore?: number
  /** Model that gave the central score. */
  centralModelHash?: string
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
  /** Usual range of that number for the entity when the detector fired; absent without any history. */
  usual?: UsualRange
  evidence: Evidence[]
  riskParts: RiskPart[]
  /** Words for the sentence: names of ports, a domain, 'succeeded'. */
  facts: Record<string, string | number | boolean>
  flows: { stream: string, boot: string, number: number }[]
  edgeScore?: number
  centralScore?: number
  /**
   * Start of the window in which this episode first crossed the threshold, and how often it has fired since: with the
   * fingerprint they make the finding's id.
   */
  episodeMicros: number
  step: number
  /** Tells episodes of one fingerprint apart, e.g. the port under attack; '' when there is only one. */
  strand: string
  techniques: readonly string[]
  versionHash: string
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
  /** Takes one record; adds what it found to `out`. Called in log order, once per record. */
  observe(flow: SeenFlow, out: Detection[]): void
  /** Takes a record that was observed before a restart: refills windows, learns nothing, finds nothing. */
  rebuild(flow: SeenFlow): void
  /**
   * A stream's clock entered a new pane: what grew since it was last reported and then fell quiet is reported with its
   * final numbers.
   */
  settle(stream: string, clockMicros: number, out: Detection[]): void
  /** Writes what must survive a restart. */
  save(): void
  /** Takes back the rows of detection memory. */
  restore(rows: ReadonlyMap<string, string>): void
  /** Window entries held now, and how many were evicted by the cap. */
  size(): { entries: number, evicted: number }
}
