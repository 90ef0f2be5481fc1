import { expect, it } from 'vitest'
import { ResumePoint } from '../../collector/resume.ts'

const minute = 60e6
const passed = (stream: string, offset: number, minutes: number, change: { appendMinutes?: number, last?: boolean } = {}): Parameters<ResumePoint['take']>[0] =>
  ({ stream, offset, clockMicros: minutes * minute, appendMicros: (change.appendMinutes ?? minutes) * minute, last: change.last ?? false })

it('is the oldest batch within 15 minutes of its stream\'s clock', () => {
  const point = new ResumePoint()
  expect(point.offset()).toBeUndefined()
  for (let i = 0; i <= 30; i++) point.take(passed('a/0', i * 100, i))
  expect(point.offset()).toBe(1500)
})

it('goes by the slowest stream, but not by one that ended or fell silent', () => {
  const point = new ResumePoint()
  point.take(passed('slow/0', 0, 0, { appendMinutes: 0 }))
  for (let i = 1; i <= 14; i++) point.take(passed('a/0', i * 100, 100 + i * 10, { appendMinutes: i }))
  expect(point.offset()).toBe(0)
  point.take(passed('a/0', 1600, 300, { appendMinutes: 16 }))
  expect(point.offset()).toBe(1600)
  point.take(passed('a/0', 1700, 301, { appendMinutes: 17, last: true }))
  expect(point.offset()).toBeUndefined()
})

it('a clock that steps back does not lose the batches before it', () => {
  const point = new ResumePoint()
  point.take(passed('a/0', 100, 60, { appendMinutes: 1 }))
  point.take(passed('a/0', 200, 0, { appendMinutes: 2 }))
  expect(point.offset()).toBe(100)
})
