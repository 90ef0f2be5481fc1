import { expect, it } from 'vitest'
import { RunBook } from '../../collector/runs.ts'
import { makeEntry, refused } from './chain.ts'

const batch = (run: string, change: { last?: boolean, clockMicros?: number } = {}) => makeEntry([refused({ startMicros: 5e6 })], 0, { run, ...change }).batch

it('tells live traffic, demonstrations and replays apart, and when they are done', () => {
  const book = new RunBook(new Map())
  book.take(batch('', { last: true }), 1e6)
  book.take(batch('demo'), 2e6)
  book.take(batch('replay-1', { last: true, clockMicros: 9e6 }), 3e6)
  expect(book.list().map(({ name, kind, state }) => [name, kind, state])).toEqual([['replay-1', 'replay', 'done'], ['demo', 'demo', 'running'], ['', 'live', 'running']])
  expect(book.list()[0]).toMatchObject({ startedMs: 3000, fromMicros: 5e6, clockMicros: 9e6, records: 1 })
})

it('survives in its rows, and forgets the run longest unchanged past its limit', () => {
  const book = new RunBook(new Map())
  const rows = new Map<string, string>()
  const save = (): void => {
    const memory = new Map<string, string | undefined>()
    book.save(memory)
    for (const [key, value] of memory) { if (value === undefined) rows.delete(key); else rows.set(key, value) }
  }
  for (let i = 0; i < 205; i++) { book.take(batch(`replay-${String(i)}`), i * 1000); save() }
  expect(rows.size).toBe(200)
  expect(rows.has('run-report/replay-0')).toBe(false)
  expect(new Set(new RunBook(rows).list().map(({ name }) => name))).toEqual(new Set(book.list().map(({ name }) => name)))
})
