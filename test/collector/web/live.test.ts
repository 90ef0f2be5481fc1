import { expect, test } from 'vitest'
import type { Alert } from '../../../proto/alert.ts'
import { LiveLink } from '../../../collector/web/live.ts'
import type { LinkState } from '../../../collector/web/live.ts'
import { alertOf } from '../api/samples.ts'

/** A link over a feed and a clock of the test's own. */
function link() {
  const opened: { query: string, heard: (text: string) => void, closed: () => void, ended: boolean }[] = []
  const timers: { run: () => void, at: number }[] = []
  const states: LinkState[] = []
  const alerts: Alert[] = []
  const it = { opened, states, alerts, polls: 0, resets: 0, pollWorks: true, now: 0 }
  const live = new LiveLink({
    open: (query, heard, closed) => {
      const feed = { query, heard, closed, ended: false }
      opened.push(feed)
      return () => { feed.ended = true }
    },
    poll: async () => { it.polls += 1; return it.pollWorks },
    onAlert: (alert) => { alerts.push(alert) },
    onState: (state) => { if (states.at(-1) !== state) states.push(state) },
    onReset: () => { it.resets += 1 },
    later: (run, ms) => { const timer = { run, at: it.now + ms }; timers.push(timer); return timer },
    cancel: (timer) => { const index = timers.findIndex((one) => one === timer); if (index >= 0) timers.splice(index, 1) },
  })
  /** Lets `ms` pass, timer by timer. */
  const pass = async (ms: number): Promise<void> => {
    const end = it.now + ms
    for (;;) {
      timers.sort((a, b) => a.at - b.at)
      const next = timers[0]
      if (next === undefined || next.at > end) break
      timers.shift()
      it.now = next.at
      next.run()
      await Promise.resolve()
      await Promise.resolve()
    }
    it.now = end
  }
  const say = (message: object): void => { opened.at(-1)?.heard(JSON.stringify(message)) }
  return Object.assign(it, { live, pass, say, timers })
}

test('follows a run from a version on, and is live once the server has spoken', () => {
  const it = link()
  it.live.start('demo', 7)
  expect(it.opened[0]?.query).toBe('?after=7&run=demo')
  expect(it.states).toEqual(['connecting'])
  it.say({ type: 'beat', version: 7, nowMs: 0 })
  it.say({ type: 'alert', version: 8, alert: alertOf({ id: 'a', version: 8 }) })
  expect(it.states).toEqual(['connecting', 'live'])
  expect(it.alerts.map(({ id }) => id)).toEqual(['a'])
})

test('resumes after a break by the version seen last', async () => {
  const it = link()
  it.live.start(undefined, 0)
  it.say({ type: 'alert', version: 3, alert: alertOf({ id: 'a', version: 3 }) })
  it.opened[0]?.closed()
  await it.pass(500)
  expect(it.opened[1]?.query).toBe('?after=3')
  it.say({ type: 'beat', version: 3, nowMs: 0 })
  expect(it.states).toEqual(['connecting', 'live', 'connecting', 'live'])
  await it.pass(20_000)
  expect(it.polls).toBe(0)
})

test('polls while there is no feed, and says when nothing works', async () => {
  const it = link()
  it.live.start('demo', 1)
  const refuse = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 100) {
      const feed = it.opened.at(-1)
      if (feed?.ended === false) feed.closed()
      await it.pass(100)
    }
  }
  await refuse(12_000)
  expect(it.polls).toBeGreaterThanOrEqual(2)
  expect(it.states.at(-1)).toBe('polling')
  it.pollWorks = false
  await refuse(6000)
  expect(it.states.at(-1)).toBe('stale')
  expect(it.opened.length).toBeLessThan(12)
  await it.pass(10_000)
  it.say({ type: 'beat', version: 1, nowMs: 0 })
  expect(it.states.at(-1)).toBe('live')
  const polls = it.polls
  await it.pass(20_000)
  expect(it.polls).toBe(polls)
})

test('a feed that falls silent is given up, whatever its socket says', async () => {
  const it = link()
  it.live.start('demo', 1)
  it.say({ type: 'beat', version: 1, nowMs: 0 })
  await it.pass(24_999)
  expect(it.opened).toHaveLength(1)
  await it.pass(600)
  expect(it.opened[0]?.ended).toBe(true)
  expect(it.opened).toHaveLength(2)
})

test('a reset loads anew and goes on from there; stop ends everything', async () => {
  const it = link()
  it.live.start('demo', 1)
  it.say({ type: 'reset', version: 900 })
  expect(it.resets).toBe(1)
  it.opened[0]?.closed()
  await it.pass(500)
  expect(it.opened[1]?.query).toBe('?after=900&run=demo')
  it.live.stop()
  expect(it.opened[1]?.ended).toBe(true)
  expect(it.timers).toEqual([])
})
