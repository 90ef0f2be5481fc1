/** What every store must do. A store's own test calls this with a way to make one that is empty, and to open the same one again. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Commit, Notification, Store } from '../../collector/store/store.ts'
import type { Alert, Finding, Severity } from '../../proto/alert.ts'

export function alert(n: number, over: Partial<Alert> = {}): Alert {
  return {
    id: `alert-${String(n)}`, fingerprint: `print-${String(n)}`, detector: 'port-scan', run: '', sensor: 'edge', entityKind: 'host', entity: `10.0.0.${String(n % 250)}`,
    peer: '', state: 'new', severity: 'medium', risk: 50, riskParts: [], firstMicros: 1.7e15, lastMicros: 1.7e15 + n, raisedMs: 1, updatedMs: 1, findings: 1,
    sentence: `sentence ${String(n)}`, evidence: [], techniques: ['T1046'], nextSteps: [], flows: [{ stream: 'edge/0', boot: 'b', number: n }], versionHash: 'h',
    version: 0, ...over,
  }
}

export function finding(n: number, over: Partial<Finding> = {}): Finding {
  return {
    id: `finding-${String(n)}`, fingerprint: `print-${String(n)}`, detector: 'port-scan', run: '', sensor: 'edge', entityKind: 'host', entity: '10.0.0.1', peer: '',
    firstMicros: 1.7e15, lastMicros: 1.7e15 + n, windowMicros: 6e8, sentence: '', evidence: [], riskParts: [], techniques: [], flows: [], versionHash: 'h', ...over,
  }
}

export const notification = (n: number, over: Partial<Notification> = {}): Notification =>
  ({ id: `note-${String(n)}`, channel: 'log', alertId: `alert-${String(n)}`, kind: 'raised', body: '{}', ...over })

/** A commit that moves `detection` from `from` to `from + 10`. */
export const commit = (from: number, over: Partial<Commit> = {}): Commit => ({
  reader: 'detection', position: { done: from + 10, resume: from }, expectedDone: from, findings: [], alerts: [], notifications: [], memory: new Map(), ...over,
})

export function storeContract(name: string, make: () => { store: Store, reopen: () => Store, remove: () => void }): void {
  describe(`${name} keeps the store's contract`, () => {
    let made: ReturnType<typeof make>
    let store: Store

    beforeEach(() => {
      made = make()
      store = made.store
      store.open()
    })
    afterEach(() => {
      store.close()
      made.remove()
    })

    const reopen = (): void => {
      store.close()
      store = made.reopen()
      store.open()
    }

    it('begins at the start and moves on by compare-and-set', () => {
      expect(store.position('detection')).toEqual({ done: 0, resume: 0 })
      store.commit(commit(0))
      expect(store.position('detection')).toEqual({ done: 10, resume: 0 })
      expect(() => store.commit(commit(0, { alerts: [alert(1)] }))).toThrow(expect.objectContaining({ code: 'E_STORE_STALE', retryable: false }))
      expect(store.counts()).toEqual({ alerts: 0, findings: 0 })
      store.commit(commit(0, { reader: 'other' }))
      reopen()
      expect([store.position('detection').done, store.position('other').done]).toEqual([10, 10])
    })

    it('commits all or nothing', () => {
      const broken = { ...alert(2), lastMicros: Number.NaN }
      expect(() => store.commit(commit(0, { alerts: [alert(1), broken], findings: [finding(1)], notifications: [notification(1)], memory: new Map([['a', '1']]) }))).toThrow()
      expect(store.position('detection').done).toBe(0)
      expect([store.counts(), store.version(), store.memory(''), store.notificationCounts().queued]).toEqual([{ alerts: 0, findings: 0 }, 0, new Map(), 0])
    })

    it('numbers every change of an alert, and gives the alerts back as stored', () => {
      expect(store.commit(commit(0, { alerts: [alert(1), alert(2)] })).map(({ version }) => version)).toEqual([1, 2])
      const [changed] = store.commit(commit(10, { alerts: [alert(1, { risk: 80, severity: 'high' })] }))
      expect(changed).toEqual(alert(1, { risk: 80, severity: 'high', version: 3 }))
      expect(store.alert('alert-1')).toEqual(changed)
      expect([store.version(), store.counts().alerts]).toEqual([3, 2])
      reopen()
      expect(store.alerts({ order: 'version', limit: 10, afterVersion: 1 }).items.map(({ id, version }) => [id, version])).toEqual([['alert-2', 2], ['alert-1', 3]])
      expect(store.alert('nobody')).toBeUndefined()
    })

    it('keeps each finding once, with the alert of its fingerprint', () => {
      store.commit(commit(0, { alerts: [alert(1)], findings: [finding(1), finding(2, { fingerprint: 'print-1' })] }))
      store.commit(commit(10, { findings: [finding(3, { fingerprint: 'print-1', sentence: 'later' }), finding(1, { sentence: 'repeated' })] }))
      expect(store.counts().findings).toBe(3)
      expect(store.findings('alert-1', 10).map(({ id }) => id)).toEqual(['finding-3', 'finding-2', 'finding-1'])
      expect(store.findings('alert-1', 10)[2].sentence).toBe('')
      expect(store.findings('alert-1', 1)).toHaveLength(1)
      expect(store.knownFindings(['finding-1', 'finding-9', 'finding-3'])).toEqual(new Set(['finding-1', 'finding-3']))
    })

    it('finds the newest open alert of a fingerprint', () => {
      const same = { fingerprint: 'same' }
      store.commit(commit(0, { alerts: [alert(1, { ...same, state: 'closed', lastMicros: 9e15 }), alert(2, same), alert(3, { ...same, state: 'escalated' }), alert(4)] }))
      const open = store.openAlerts(['same', 'print-4', 'unknown'])
      expect([open.get('same')?.id, open.get('print-4')?.id, open.size]).toEqual(['alert-3', 'alert-4', 2])
      store.commit(commit(10, { alerts: [alert(2, { ...same, state: 'closed' }), alert(3, { ...same, state: 'closed' })] }))
      expect(store.openAlerts(['same']).size).toBe(0)
    })

    it('lists in three orders, page by page, without leaving out or repeating', () => {
      const severities: Severity[] = ['low', 'medium', 'high', 'critical']
      const all = Array.from({ length: 57 }, (_, n) => alert(n, {
        risk: (n * 7) % 10 * 10, severity: severities[n % 4], lastMicros: 1.7e15 + (n * 13) % 11, state: n % 5 === 0 ? 'closed' : 'new', run: n % 3 === 0 ? 'demo' : '',
        detector: n % 2 === 0 ? 'port-scan' : 'brute-force',
      }))
      store.commit(commit(0, { alerts: all }))
      const walk = (order: 'newest' | 'risk' | 'version', more: object = {}): Alert[] => {
        const items: Alert[] = []
        let cursor: string | undefined
        do {
          const page = store.alerts({ order, limit: 10, ...more, ...cursor === undefined ? {} : { cursor } })
          expect(page.items.length).toBeLessThanOrEqual(10)
          items.push(...page.items)
          cursor = page.next
        } while (cursor !== undefined)
        expect(new Set(items.map(({ id }) => id)).size).toBe(items.length)
        return items
      }
      const pairs = (items: Alert[], less: (a: Alert, b: Alert) => boolean): void => {
        for (let i = 1; i < items.length; i++) expect(less(items[i - 1], items[i])).toBe(true)
      }
      const newest = walk('newest')
      expect(newest).toHaveLength(57)
      pairs(newest, (a, b) => a.lastMicros >= b.lastMicros)
      pairs(walk('risk'), (a, b) => a.risk > b.risk || (a.risk === b.risk && a.lastMicros >= b.lastMicros))
      pairs(walk('version'), (a, b) => a.version < b.version)
      const ids = (items: Alert[]): string[] => items.map(({ id }) => id).sort()
      const where = (test: (a: Alert) => boolean): string[] => ids(all.filter(test))
      expect(ids(walk('risk', { run: 'demo', state: 'new' }))).toEqual(where((a) => a.run === 'demo' && a.state === 'new'))
      expect(ids(walk('newest', { minSeverity: 'high', detector: 'brute-force' }))).toEqual(where((a) => ['high', 'critical'].includes(a.severity) && a.detector === 'brute-force'))
      expect(ids(walk('newest', { entity: '10.0.0.7' }))).toEqual(where((a) => a.entity === '10.0.0.7'))
      expect(walk('newest', { entity: '\' OR 1=1 --' })).toEqual([])
    })

    it('refuses a cursor of another order, and rubbish', () => {
      store.commit(commit(0, { alerts: [alert(1), alert(2)] }))
      const { next = '' } = store.alerts({ order: 'risk', limit: 1 })
      for (const cursor of [next, 'rubbish', '', Buffer.from('["newest",1,2]').toString('base64url')]) {
        expect(() => store.alerts({ order: 'newest', limit: 1, cursor })).toThrow(expect.objectContaining({ code: 'E_REQUEST' }))
      }
    })

    it('remembers by prefix, and forgets', () => {
      store.commit(commit(0, { memory: new Map([['a/1', 'x'], ['a/2', 'y'], ['ab', 'z'], ['a_%', 'w'], ['a/\u{10ffff}', 'v']]) }))
      expect(store.memory('a/')).toEqual(new Map([['a/1', 'x'], ['a/2', 'y'], ['a/\u{10ffff}', 'v']]))
      store.commit(commit(10, { memory: new Map([['a/1', undefined], ['a/2', 'new']]) }))
      reopen()
      expect([...store.memory('a/').entries()].slice(0, 1)).toEqual([['a/2', 'new']])
      expect(store.memory('a_').size).toBe(1)
      expect(store.memory('').size).toBe(4)
    })

    it('queues a notification once, and leases it to one dispatcher at a time', () => {
      store.commit(commit(0, { notifications: [notification(1), notification(2), notification(1, { channel: 'webhook' })] }))
      store.commit(commit(10, { notifications: [notification(1, { body: 'again' })] }))
      expect(store.notificationCounts()).toEqual({ queued: 3, delivered: 0, refused: 0, waiting: 3 })
      const first = store.claimNotifications(1000, 500, 2)
      expect(first.map(({ id, channel, attempt, body }) => [id, channel, attempt, body])).toEqual([['note-1', 'log', 1, '{}'], ['note-2', 'log', 1, '{}']])
      expect(store.claimNotifications(1000, 500, 10).map(({ channel }) => channel)).toEqual(['webhook'])
      expect(store.claimNotifications(1499, 500, 10)).toEqual([])
      store.settleNotification('note-1', 'log', 'delivered', 'ok')
      store.settleNotification('note-1', 'log', 'refused', 'too late')
      store.settleNotification('note-2', 'log', { retryAtMs: 5000 }, 'away')
      expect(store.claimNotifications(1500, 500, 10).map(({ id, channel, attempt }) => [id, channel, attempt])).toEqual([['note-1', 'webhook', 2]])
      store.settleNotification('note-1', 'webhook', 'refused', 'gone')
      reopen()
      expect(store.claimNotifications(4999, 500, 10)).toEqual([])
      expect(store.claimNotifications(5000, 500, 10)).toMatchObject([{ id: 'note-2', attempt: 2, kind: 'raised', alertId: 'alert-2' }])
      store.settleNotification('unknown', 'log', 'delivered', '')
      expect(store.notificationCounts()).toEqual({ queued: 3, delivered: 1, refused: 1, waiting: 1 })
    })

    it('keeps settings', () => {
      expect(store.setting('x')).toBeUndefined()
      store.setSetting('x', '1')
      store.setSetting('x', '2')
      reopen()
      expect(store.setting('x')).toBe('2')
    })

    it('says that it is not open', () => {
      store.close()
      expect(() => store.version()).toThrow(expect.objectContaining({ code: 'E_STORE' }))
      expect(() => store.commit(commit(0))).toThrow(expect.objectContaining({ code: 'E_STORE' }))
    })
  })
}
