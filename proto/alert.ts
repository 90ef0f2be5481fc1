/** What detection concludes: a finding (a detector fired), an alert (findings with one fingerprint). Shared by collector, API and page. */
import type { FlowId } from './flow.ts'

export const severities = ['low', 'medium', 'high', 'critical'] as const
export type Severity = typeof severities[number]

/** Risk at which a severity begins, 0 ... 100. */
export const severityFloor: Readonly<Record<Severity, number>> = { low: 20, medium: 40, high: 70, critical: 90 }

/** Severity of a risk; below 20 it is still 'low' where something must be shown. */
export function severityOf(risk: number): Severity {
  return risk >= severityFloor.critical ? 'critical' : risk >= severityFloor.high ? 'high' : risk >= severityFloor.medium ? 'medium' : 'low'
}

/** The usual range of a number for this entity. */
export type UsualRange = {
  low: number
  high: number
  maximum: number
  /** How many windows of this entity the range was learnt from. */
  windows: number
  /** True while there is too little history to call the range usual (absolute thresholds only). */
  learning: boolean
}

/** One number that made a finding. */
export type Evidence = {
  /** Stable key, kebab-case: 'failed-ports'. */
  name: string
  /** For people: 'ports that failed'. */
  label: string
  value: number
  unit: string
  threshold?: number
  usual?: UsualRange
}

/** One term of the risk, so that every score shows its parts. */
export type RiskPart = { name: string, points: number, reason: string }

export type Finding = {
  /** Deterministic: the same flows give the same id, whoever computes it. */
  id: string
  /** hash(tenant, run, detector, entity, peer); no version in it. */
  fingerprint: string
  detector: string
  run: string
  sensor: string
  entityKind: 'host' | 'service' | 'sensor' | 'metric'
  /** The subject: attacker's address, for example. */
  entity: string
  /** The other side: victim's address, service or domain; '' when there are many. */
  peer: string
  firstMicros: number
  lastMicros: number
  windowMicros: number
  sentence: string
  evidence: Evidence[]
  riskParts: RiskPart[]
  techniques: string[]
  /** At most 20. */
  flows: FlowId[]
  /** Best of the edge and central scores among the flows, when scored. */
  edgeScore?: number
  centralScore?: number
  /** Hash of the detector's thresholds (or rule text, or model) that fired. */
  versionHash: string
}

export type Alert = {
  id: string
  fingerprint: string
  detector: string
  run: string
  sensor: string
  entityKind: Finding['entityKind']
  entity: string
  peer: string
  state: 'new' | 'acknowledged' | 'escalated' | 'closed'
  severity: Severity
  risk: number
  riskParts: RiskPart[]
  firstMicros: number
  lastMicros: number
  /** Wall clock of the collector when the alert was raised and last changed, milliseconds. */
  raisedMs: number
  updatedMs: number
  findings: number
  sentence: string
  evidence: Evidence[]
  techniques: string[]
  /** What an analyst would do next; links or commands. */
  nextSteps: string[]
  flows: FlowId[]
  edgeScore?: number
  centralScore?: number
  versionHash: string
  /** Grows with every change of any alert; the live feed resumes by it. */
  version: number
}
