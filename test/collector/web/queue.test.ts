import fc from 'fast-check'
import { expect, test } from 'vitest'
import { emptyQueue, extended, listed, neighbour, offered, passes, released } from '../../../collector/web/queue.ts'
import type { Filter } from '../../../collector/web/queue.ts'
import { alertOf } from '../api/samples.ts'

const filter = (fields: Partial<Filter> = {}): Filter => ({ run: 'demo', severity: undefined, detector: undefined, entity: undefined, order: 'newest', ...fields })
const ids = (alerts: readonly { id: string }[]): string => alerts.map(({ id }) => id).join(' ')
const at = (id: string, lastMicros: number, risk = 50): ReturnType<typeof alertOf> => alertOf({ id, lastMicros, risk })

test('a list is in the order asked for', () => {
  const alerts = [at('a', 1, 90), at('b', 3, 40), at('c', 2, 70)]
  expect(ids(listed(alerts, 'newest').shown)).toBe('b c a')
  expect(ids(listed(alerts, 'risk').shown)).toBe('a c b')
})

test('news wait, changes happen in place, and both are sorted in when asked for', () => {
  const list = listed([at('a', 1), at('b', 2)], 'newest')
  const changed = offered(list, [at('c', 9), at('a', 10, 95)], filter())
  expect(ids(changed.shown)).toBe('b a')
  expect(changed.shown[1]?.risk).toBe(95)
  expect([...changed.waiting.keys()]).toEqual(['c'])
  const after = released(changed, 'newest')
  expect(ids(after.shown)).toBe('a c b')
  expect(after.waiting.size).toBe(0)
})

test('an empty list has nothing that could move: news appear at once', () => {
  expect(ids(offered(emptyQueue, [at('a', 1), at('b', 2)], filter()).shown)).toBe('b a')
})

test('news that the filter hides are left out', () => {
  const list = listed([at('a', 1)], 'newest')
  expect(offered(list, [alertOf({ id: 'b', run: '' }), at('c', 1, 30)], filter({ severity: 'high' })).waiting.size).toBe(0)
  expect(passes(alertOf({ id: 'x', entity: '10.0.0.1', detector: 'beacon', risk: 75 }), filter({ entity: '10.0.0.1', detector: 'beacon', severity: 'high' }))).toBe(true)
  expect(passes(alertOf({ id: 'x', entity: '10.0.0.1' }), filter({ entity: '10.0.0.2' }))).toBe(false)
})

test('no row moves, whatever comes', () => {
  const some = fc.array(fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), lastMicros: fc.nat(99), risk: fc.nat(100) }).map((fields) => alertOf(fields)), { maxLength: 12 })
  fc.assert(fc.property(some, some, (first, news) => {
    const unique = [...new Map(first.map((alert) => [alert.id, alert])).values()]
    const list = listed(unique, 'risk')
    const next = offered(list, news, filter({ order: 'risk' }))
    if (list.shown.length > 0) expect(ids(next.shown)).toBe(ids(list.shown))
    const all = new Set([...unique, ...news].map(({ id }) => id))
    expect(new Set(released(next, 'risk').shown.map(({ id }) => id))).toEqual(all)
  }))
})

test('more of the list goes below, without doubles', () => {
  expect(ids(extended(listed([at('a', 3), at('b', 2)], 'newest'), [at('b', 2), at('c', 1)]).shown)).toBe('a b c')
})

test('j and k walk from row to row and stop at the ends', () => {
  const list = listed([at('a', 3), at('b', 2), at('c', 1)], 'newest')
  expect(neighbour(list, undefined, 1)?.id).toBe('a')
  expect(neighbour(list, 'a', 1)?.id).toBe('b')
  expect(neighbour(list, 'c', 1)?.id).toBe('c')
  expect(neighbour(list, 'a', -1)?.id).toBe('a')
  expect(neighbour(emptyQueue, 'a', 1)).toBeUndefined()
})
