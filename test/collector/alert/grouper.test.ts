/** Findings to alerts: one per fingerprint, evidence appended, raised once, severity that only rises, notifications with stable ids. */
import { describe, expect, it } from 'vitest'
import { Grouper } from '../../../collector/alert/grouper.ts'
import { mergeParts, riskOf } from '../../../collector/alert/risk.ts'
import { MemoryStore } from '../chain.ts'
import type { Grouping } from '../../../collector/alert/grouper.ts'
import type { Explained } from '../../../collector/explain/explain.ts'
import type { Finding, RiskPart } from '../../../proto/alert.ts'

const hour = 3600e6
const part = (name: string, points: number): RiskPart => ({ name, points, reason: 'because' })
const finding = (id: string, change: Partial<Finding> = {}): Explained => ({
  nextSteps: [`after ${id}`],
  finding: {
    id, fingerprint: 'print', detector: 'port-scan', run: '', sensor: 'edge-1', entityKind: 'host', entity: '10.1.4.7', peer: '10.1.2.9', firstMicros: 10 * hour,
    lastMicros: 10 * hour + 60e6, windowMicros: 600e6, sentence: `sentence ${id}`, evidence: [{ name: 'n', label: 'l', value: 1, unit: 'u' }], riskParts: [part('port-scan', 45)],
    techniques: ['T1046'], flows: [{ stream: 's', boot: 'b', number: Number(id.slice(1)) || 1 }], versionHash: 'v1', ...change,
  },
})

/** Groups and stores, as a commit would. */
function group(store: MemoryStore, explained: Explained[], nowMs = 5000, grouper = new Grouper({ channels: ['log', 'hook'] })): Grouping {
  const grouping = grouper.group(explained, store, nowMs)
  store.commit({ reader: 'detection', position: store.position, expectedDone: store.position.done, ...grouping, memory: new Map() })
  return grouping
}
const only = (store: MemoryStore) => { expect(store.alerts.size).toBe(1); return [...store.alerts.values()][0] }

describe('findings with one fingerprint', () => {
  it('raise one alert and are appended to it', () => {
    const store = new MemoryStore()
    expect(group(store, [finding('f1'), finding('f2', { lastMicros: 11 * hour, riskParts: [part('port-scan', 45), part('size', 10)], techniques: ['T1046', 'T1078'], edgeScore: 0.9 })]).counts)
      .toEqual({ findings: 2, findingsRaised: 1, findingsGrouped: 1, findingsRepeated: 0, notificationsQueued: 2 })
    group(store, [finding('f3', { lastMicros: 10 * hour, sentence: 'the latest', riskParts: [part('size', 3)], versionHash: 'v2', edgeScore: 0.5 })], 9000)
    expect(only(store)).toMatchObject({
      findings: 3, state: 'new', firstMicros: 10 * hour, lastMicros: 11 * hour, sentence: 'the latest', risk: 55, severity: 'medium', techniques: ['T1046', 'T1078'],
      raisedMs: 5000, updatedMs: 9000, versionHash: 'v2', edgeScore: 0.9, nextSteps: ['after f3'], flows: [{ number: 1 }, { number: 2 }, { number: 3 }],
    })
  })

  it('keep at most 20 flows, the newest', () => {
    const store = new MemoryStore()
    group(store, Array.from({ length: 30 }, (_, i) => finding(`f${i + 1}`)))
    expect(only(store).flows.map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, i) => i + 11))
  })

  it('raise another alert after 4 hours without evidence', () => {
    const store = new MemoryStore()
    group(store, [finding('f1'), finding('f2', { firstMicros: 14 * hour + 60e6, lastMicros: 14 * hour + 60e6 })])
    expect(store.alerts.size).toBe(1)
    group(store, [finding('f3', { firstMicros: 18.1 * hour, lastMicros: 18.1 * hour })])
    expect(store.alerts.size).toBe(2)
    group(store, [finding('f4', { firstMicros: 18.2 * hour, lastMicros: 18.2 * hour })])
    expect([...store.alerts.values()].map(({ findings }) => findings)).toEqual([2, 2])
  })

  it('raise another alert when the first was closed', () => {
    const store = new MemoryStore()
    group(store, [finding('f1')])
    const first = only(store)
    store.alerts.set(first.id, { ...first, state: 'closed' })
    group(store, [finding('f2')])
    expect(store.alerts.size).toBe(2)
  })
})

describe('a finding known already', () => {
  it('changes nothing and is counted', () => {
    const store = new MemoryStore()
    group(store, [finding('f1')])
    const { counts, alerts, notifications } = group(store, [finding('f1'), finding('f2'), finding('f2')])
    expect(counts).toEqual({ findings: 3, findingsRaised: 0, findingsGrouped: 1, findingsRepeated: 2, notificationsQueued: 0 })
    expect(alerts[0].findings).toBe(2)
    expect(notifications).toEqual([])
  })
})

describe('notifications', () => {
  it('go to every channel when an alert is raised and when its severity rises, with ids that never change', () => {
    const store = new MemoryStore()
    group(store, [finding('f1')])
    group(store, [finding('f2', { riskParts: [part('size', 5)] })])
    group(store, [finding('f3', { riskParts: [part('success', 45)] })])
    group(store, [finding('f4')])
    const { id } = only(store)
    expect(store.outbox.map((message) => [message.id, message.channel, message.kind])).toEqual([
      [`${id}.raised`, 'log', 'raised'], [`${id}.raised`, 'hook', 'raised'], [`${id}.critical`, 'log', 'updated'], [`${id}.critical`, 'hook', 'updated']])
    expect(JSON.parse(store.outbox[2].body)).toMatchObject({ id, severity: 'critical', sentence: 'sentence f3' })
    expect(store.outbox[0].alertId).toBe(id)
  })

  it('are not sent for replays, but for live traffic and the demonstration', () => {
    const store = new MemoryStore()
    group(store, [finding('f1', { run: 'replay-1', fingerprint: 'a' }), finding('f2', { run: 'demo', fingerprint: 'b' })])
    expect(store.alerts.size).toBe(2)
    expect(store.outbox.map(({ alertId }) => store.alerts.get(alertId)!.run)).toEqual(['demo', 'demo'])
    expect(group(store, []).counts.findings).toBe(0)
  })
})

describe('risk', () => {
  it('is the sum of its parts, 0 to 100; of each name the larger part stays', () => {
    expect(riskOf([part('a', 60), part('b', 70)])).toBe(100)
    expect(riskOf([part('a', -20)])).toBe(0)
    expect(mergeParts([part('a', 5), part('b', 9)], [part('a', 7), part('b', 2), part('c', 1)])).toMatchObject([{ points: 7 }, { points: 9 }, { points: 1 }])
    expect(riskOf(mergeParts([part('from-outside', -20), part('x', 50)], [part('from-outside', 0), part('success', 45)]))).toBe(95)
  })
})
