/**
 * The list of alerts as the reader sees it. Its order stands still: a changed alert changes in its place, a new one waits until it is
 * asked for, so no row ever moves under the cursor. Pure.
 */
import { severityFloor } from '../../proto/alert.ts'
import type { Alert, Severity } from '../../proto/alert.ts'

export type Order = 'newest' | 'risk'
export type Filter = {
  run: string | undefined
  severity: Severity | undefined
  detector: string | undefined
  entity: string | undefined
  order: Order
}
export type Queue = { shown: readonly Alert[], waiting: ReadonlyMap<string, Alert> }

export const emptyQueue: Queue = { shown: [], waiting: new Map() }

export function passes(alert: Alert, { run, severity, detector, entity }: Filter): boolean {
  return (run === undefined || alert.run === run) && (severity === undefined || alert.risk >= severityFloor[severity])
    && (detector === undefined || alert.detector === detector) && (entity === undefined || alert.entity === entity)
}

const before = (order: Order) => (a: Alert, b: Alert): number =>
  (order === 'risk' ? b.risk - a.risk || b.lastMicros - a.lastMicros : b.lastMicros - a.lastMicros || b.risk - a.risk) || (a.id < b.id ? -1 : 1)

/** A list as the server gave it. */
export const listed = (alerts: readonly Alert[], order: Order): Queue => ({ shown: alerts.toSorted(before(order)), waiting: new Map() })

/** More of the same list, below what is there. */
export function extended({ shown, waiting }: Queue, alerts: readonly Alert[]): Queue {
  const known = new Set(shown.map(({ id }) => id))
  return { shown: [...shown, ...alerts.filter(({ id }) => !known.has(id))], waiting }
}

/** Takes in what changed. An empty list has nothing that could move: there the news appear at once. */
export function offered({ shown, waiting }: Queue, alerts: readonly Alert[], filter: Filter): Queue {
  const news = new Map(waiting)
  const changed = new Map<string, Alert>()
  const known = new Set(shown.map(({ id }) => id))
  for (const alert of alerts) {
    if (known.has(alert.id)) changed.set(alert.id, alert)
    else if (passes(alert, filter)) news.set(alert.id, alert)
  }
  const next = { shown: changed.size === 0 ? shown : shown.map((alert) => changed.get(alert.id) ?? alert), waiting: news }
  return shown.length === 0 ? released(next, filter.order) : next
}

/** What waited takes its place. */
export function released({ shown, waiting }: Queue, order: Order): Queue {
  return { shown: [...shown, ...waiting.values()].toSorted(before(order)), waiting: new Map() }
}

/** The alert `steps` below (above when negative) the selected one; the ends hold; nothing selected begins at the top. */
export function neighbour({ shown }: Queue, selected: string | undefined, steps: number): Alert | undefined {
  const at = shown.findIndex(({ id }) => id === selected)
  return at < 0 ? shown[0] : shown[Math.max(0, Math.min(shown.length - 1, at + steps))]
}
