/**
 * Findings become alerts: findings with one fingerprint are one alert, open for more while evidence comes within 4 hours
 * of event time. Pure: reads the store through an argument, writes nothing; what it gives goes into one commit with the
 * log position. A finding that is known already (after a restart) is left out and counted, so an alert is raised exactly
 * once. Each raised alert, and each rise of its severity, queues one notification per channel, with a stable id.
 */
import { createHash } from 'node:crypto'
import { severityOf, severities } from '../../proto/alert.ts'
import { mergeParts, riskOf } from './risk.ts'
import type { Alert, Finding } from '../../proto/alert.ts'
import type { FlowId } from '../../proto/flow.ts'
import type { Explained } from '../explain/explain.ts'
import type { Notification, Store } from '../store/store.ts'

export type GrouperOptions = {
  /** Channels that every alert goes to. */
  channels: readonly string[]
  /** Whether alerts of a run are sent to people; default: live traffic and the demonstration only. */
  notifies?: (run: string) => boolean
  /** How long an alert waits for more evidence, event time. */
  openMicros?: number
}

export type Grouping = {
  findings: Finding[]
  alerts: Alert[]
  notifications: Notification[]
  /** Amounts for the ledger, by its names. */
  counts: { findings: number, findingsRaised: number, findingsGrouped: number, findingsRepeated: number, notificationsQueued: number }
}

export type AlertSource = Pick<Store, 'knownFindings' | 'openAlerts'>

const flowLimit = 20

export class Grouper {
  readonly #channels: readonly string[]
  readonly #notifies: (run: string) => boolean
  readonly #openMicros: number

  constructor(options: GrouperOptions) {
    this.#channels = options.channels
    this.#notifies = options.notifies ?? ((run) => run === '' || run === 'demo')
    this.#openMicros = options.openMicros ?? 4 * 3600e6
  }

  /** Groups the findings of one group of log batches, in order. `nowMs`: wall clock, for the alerts' own times only. */
  group(explained: readonly Explained[], source: AlertSource, nowMs: number): Grouping {
    const counts = { findings: explained.length, findingsRaised: 0, findingsGrouped: 0, findingsRepeated: 0, notificationsQueued: 0 }
    if (explained.length === 0) return { findings: [], alerts: [], notifications: [], counts }
    const known = new Set(source.knownFindings(explained.map(({ finding }) => finding.id)))
    const open = new Map(source.openAlerts([...new Set(explained.map(({ finding }) => finding.fingerprint))]))
    const findings: Finding[] = []
    const changed = new Map<string, Alert>()
    const notifications: Notification[] = []
    for (const { finding, nextSteps } of explained) {
      if (known.has(finding.id)) {
        counts.findingsRepeated++
        continue
      }
      known.add(finding.id)
      findings.push(finding)
      const before = open.get(finding.fingerprint)
      const continues = before !== undefined && finding.firstMicros <= before.lastMicros + this.#openMicros
      const alert = continues ? extend(before, finding, nextSteps, nowMs) : raise(finding, nextSteps, nowMs)
      counts[continues ? 'findingsGrouped' : 'findingsRaised']++
      open.set(finding.fingerprint, alert)
      changed.set(alert.id, alert)
      const rose = continues && severities.indexOf(alert.severity) > severities.indexOf(before.severity)
      if (!continues || rose) notifications.push(...this.#notify(alert, continues ? 'updated' : 'raised'))
    }
    counts.notificationsQueued = notifications.length
    return { findings, alerts: [...changed.values()], notifications, counts }
  }

  #notify(alert: Alert, kind: Notification['kind']): Notification[] {
    if (!this.#notifies(alert.run)) return []
    const body = JSON.stringify(alert)
    const id = `${alert.id}.${kind === 'raised' ? kind : alert.severity}`
    return this.#channels.map((channel) => ({ id, channel, alertId: alert.id, kind, body }))
  }
}

function raise(finding: Finding, nextSteps: readonly string[], nowMs: number): Alert {
  const { id: _, windowMicros: __, ...shared } = finding
  const riskParts = mergeParts([], finding.riskParts)
  const risk = riskOf(riskParts)
  return {
    ...shared, id: createHash('sha256').update(`alert ${finding.id}`).digest('hex').slice(0, 32),
    state: 'new', severity: severityOf(risk), risk, riskParts, raisedMs: nowMs, updatedMs: nowMs, findings: 1,
    nextSteps: [...nextSteps], flows: finding.flows.slice(0, flowLimit), version: 0,
  }
}

function extend(alert: Alert, finding: Finding, nextSteps: readonly string[], nowMs: number): Alert {
  const riskParts = mergeParts(alert.riskParts, finding.riskParts)
  const risk = Math.max(alert.risk, riskOf(riskParts))
  const edgeScore = higher(alert.edgeScore, finding.edgeScore)
  const centralScore = higher(alert.centralScore, finding.centralScore)
  return {
    ...alert, riskParts, risk, severity: severityOf(risk),
    firstMicros: Math.min(alert.firstMicros, finding.firstMicros), lastMicros: Math.max(alert.lastMicros, finding.lastMicros),
    updatedMs: nowMs, findings: alert.findings + 1, sentence: finding.sentence, evidence: finding.evidence,
    techniques: [...new Set([...alert.techniques, ...finding.techniques])], nextSteps: [...nextSteps],
    flows: latest(alert.flows, finding.flows), versionHash: finding.versionHash,
    ...(edgeScore === undefined ? {} : { edgeScore }), ...(centralScore === undefined ? {} : { centralScore }),
  }
}

function higher(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.max(a, b)
}

/** The newest flows of both lists, each once, at most 20. */
function latest(held: readonly FlowId[], added: readonly FlowId[]): FlowId[] {
  const flows = new Map<string, FlowId>()
  for (const flow of [...held, ...added]) {
    const key = `${flow.stream} ${flow.boot} ${String(flow.number)}`
    flows.delete(key)
    flows.set(key, flow)
  }
  return [...flows.values()].slice(-flowLimit)
}
