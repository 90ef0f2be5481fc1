import { expect, it } from 'vitest'
import { ManualClock, systemClock } from '../../../proto/process/clock.ts'

it('a manual clock runs when it is told to, and only the wall clock steps', () => {
  const clock = new ManualClock(1000)
  clock.advance(250)
  expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1250, 250])
  clock.step(-5000)
  expect([clock.nowMs(), clock.monotonicMs()]).toEqual([-3750, 250])
  expect(() => { clock.advance(-1) }).toThrow(RangeError)
})

it('the system clock knows the date and never goes back', () => {
  expect(systemClock.nowMs()).toBeGreaterThan(Date.UTC(2024, 0))
  const first = systemClock.monotonicMs()
  expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(first)
})
