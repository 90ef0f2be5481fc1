/** Sending what waits: leases, retries, breakers; a dead channel delays nobody else. */
import { describe, expect, it } from 'vitest'
import { Breaker } from '../../../collector/alert/breaker.ts'
import { backOffMs, Dispatcher } from '../../../collector/alert/dispatch.ts'
import { VedetteError } from '../../../proto/error.ts'
import { ManualClock } from '../../../proto/process/clock.ts'
import { silentLogger } from '../../../proto/process/log.ts'
import { alertExample } from '../../contract/channel.ts'
import type { Outbox } from '../../../collector/alert/dispatch.ts'
import type { Channel, Message } from '../../../collector/channel/channel.ts'
import type { Notification } from '../../../collector/store/store.ts'

type Row = Notification & { dueMs: number, attempt: number, state: 'waiting' | 'delivered' | 'refused', detail: string }

/** An outbox as the stores keep it. */
class Box implements Outbox {
  readonly rows: Row[] = []
  broken = false

  add(channel: string, id: string): void {
    this.rows.push({ id, channel, alertId: alertExample.id, kind: 'raised', body: JSON.stringify(alertExample), dueMs: 0, attempt: 0, state: 'waiting', detail: '' })
  }

  claimNotifications(nowMs: number, leaseMs: number, limit: number): (Notification & { attempt: number })[] {
    if (this.broken) throw new VedetteError('E_STORE', 'busy')
    return this.rows.filter((row) => row.state === 'waiting' && row.dueMs <= nowMs).sort((a, b) => a.dueMs - b.dueMs).slice(0, limit).map((row) => {
      row.dueMs = nowMs + leaseMs
      row.attempt++
      return { ...row }
    })
  }

  settleNotification(id: string, channel: string, outcome: 'delivered' | 'refused' | { retryAtMs: number }, detail: string): void {
    if (this.broken) throw new VedetteError('E_STORE', 'busy')
    const row = this.rows.find((held) => held.id === id && held.channel === channel && held.state === 'waiting')
    if (row === undefined) return
    row.detail = detail
    if (typeof outcome === 'string') row.state = outcome
    else row.dueMs = outcome.retryAtMs
  }

  states(channel: string): string[] {
    return this.rows.filter((row) => row.channel === channel).map(({ state }) => state)
  }
}

class FakeChannel implements Channel {
  readonly name: string
  readonly got: Message[] = []
  tries = 0
  closed = 0
  fail: (() => Promise<void> | void) | undefined

  constructor(name: string) {
    this.name = name
  }

  async deliver(message: Message): Promise<void> {
    this.tries++
    await this.fail?.()
    this.got.push(message)
  }

  async close(): Promise<void> {
    this.closed++
  }
}

const away = (): never => { throw new VedetteError('E_CHANNEL_AWAY', 'nobody there') }

function make(names = ['a', 'b']): { box: Box, clock: ManualClock, channels: Map<string, FakeChannel>, dispatcher: Dispatcher, run: (ms?: number) => Promise<void> } {
  const box = new Box()
  const clock = new ManualClock(1e12)
  const channels = new Map(names.map((name) => [name, new FakeChannel(name)]))
  const dispatcher = new Dispatcher({ store: box, channels, clock, log: silentLogger, random: () => 0.5, publicUrl: 'http://localhost:8420/' })
  const run = async (ms = 0): Promise<void> => { clock.advance(ms); dispatcher.poke(); await dispatcher.idle() }
  return { box, clock, channels, dispatcher, run }
}

describe('the dispatcher', () => {
  it('delivers what waits, once, with a link', async () => {
    const { box, channels, dispatcher, run } = make()
    box.add('a', 'n1')
    box.add('b', 'n1')
    await run()
    await run(120_000)
    expect(channels.get('a')!.got).toEqual([{ id: 'n1', kind: 'raised', alert: alertExample, link: `http://localhost:8420/alerts/${alertExample.id}` }])
    expect(channels.get('b')!.got).toHaveLength(1)
    expect(dispatcher.counts).toEqual({ delivered: 2, refused: 0, retried: 0 })
    expect(box.rows.map(({ state }) => state)).toEqual(['delivered', 'delivered'])
  })

  it('tries again later and later, and delivers when the channel is back', async () => {
    const { box, clock, channels, dispatcher, run } = make(['a'])
    const channel = channels.get('a')!
    channel.fail = away
    box.add('a', 'n1')
    const waits: number[] = []
    for (let i = 0; i < 4; i++) {
      await run()
      waits.push(box.rows[0].dueMs - clock.nowMs())
      clock.advance(waits[i])
    }
    expect(waits).toEqual([1500, 3000, 6000, 12_000])
    channel.fail = undefined
    await run()
    expect(box.rows[0]).toMatchObject({ state: 'delivered', attempt: 5 })
    expect(dispatcher.counts).toEqual({ delivered: 1, refused: 0, retried: 4 })
  })

  it('settles what is refused for good, without another try', async () => {
    const { box, channels, dispatcher, run } = make(['a'])
    channels.get('a')!.fail = () => { throw new VedetteError('E_CHANNEL_REFUSED', 'no such hook') }
    box.add('a', 'n1')
    await run()
    await run(1e6)
    expect(box.rows[0]).toMatchObject({ state: 'refused', detail: 'no such hook' })
    expect(channels.get('a')!.tries).toBe(1)
    expect(dispatcher.counts).toEqual({ delivered: 0, refused: 1, retried: 0 })
  })

  it('refuses what is for a channel that exists no more', async () => {
    const { box, run } = make(['a'])
    box.add('gone', 'n1')
    await run()
    expect(box.rows[0]).toMatchObject({ state: 'refused', detail: expect.stringContaining('no channel') as string })
  })

  it('is not held up by a channel that never answers, nor by one with a long queue', async () => {
    const { box, channels, dispatcher, clock } = make()
    channels.get('a')!.fail = () => new Promise(() => {})
    for (let i = 0; i < 500; i++) box.add('a', `n${i}`)
    for (let i = 0; i < 20; i++) box.add('b', `n${i}`)
    for (let i = 0; i < 12; i++) {
      dispatcher.poke()
      for (let turn = 0; turn < 200; turn++) await Promise.resolve()
      clock.advance(100)
    }
    expect(box.states('b').every((state) => state === 'delivered')).toBe(true)
    expect(dispatcher.states()).toContainEqual({ channel: 'a', state: 'closed', waiting: 64 })
  })

  it('stops knocking at a dead channel, tries one message when the time is up, then all', async () => {
    const { box, channels, dispatcher, run } = make(['a'])
    const channel = channels.get('a')!
    channel.fail = away
    for (let i = 0; i < 20; i++) box.add('a', `n${i}`)
    await run()
    expect(channel.tries).toBe(5)
    expect(dispatcher.states()[0].state).toBe('open')
    await run(9000)
    expect(channel.tries).toBe(5)
    await run(6000)
    expect(channel.tries).toBe(6)
    channel.fail = undefined
    for (let i = 0; i < 60 && box.states('a').includes('waiting'); i++) await run(10_000)
    expect(box.states('a').every((state) => state === 'delivered')).toBe(true)
    expect(channel.got).toHaveLength(20)
    expect(dispatcher.states()[0].state).toBe('closed')
  })

  it('delivers again what a dispatcher that died had claimed, with the same id', async () => {
    const { box, run } = make(['a'])
    box.add('a', 'n1')
    const dead = make(['a'])
    dead.channels.get('a')!.fail = () => new Promise(() => {})
    const claimed = box.claimNotifications(1e12, 60_000, 10)
    expect(claimed).toHaveLength(1)
    await run()
    expect(box.states('a')).toEqual(['waiting'])
    await run(60_001)
    expect(box.states('a')).toEqual(['delivered'])
  })

  it('does not queue a message twice when its lease ends while it waits', async () => {
    const { box, channels, dispatcher, clock } = make(['a'])
    let finish = (): void => {}
    channels.get('a')!.fail = () => new Promise<void>((resolve) => { finish = resolve })
    box.add('a', 'n1')
    dispatcher.poke()
    clock.advance(61_000)
    dispatcher.poke()
    finish()
    await dispatcher.idle()
    expect(channels.get('a')!.got).toHaveLength(1)
  })

  it('goes on when the store is away for a while', async () => {
    const { box, channels, run } = make(['a'])
    box.add('a', 'n1')
    box.broken = true
    await run()
    box.broken = false
    await run()
    expect(channels.get('a')!.got).toHaveLength(1)
  })

  it('treats a defect of a channel, or of a body, as refused', async () => {
    const { box, channels, run } = make(['a'])
    channels.get('a')!.fail = () => { throw new TypeError('defect') }
    box.add('a', 'n1')
    box.add('a', 'n2')
    box.rows[1].body = '{broken'
    await run()
    expect(box.states('a')).toEqual(['refused', 'refused'])
  })

  it('waits for what is under way when it is stopped, but not past its deadline', async () => {
    const quick = make(['a'])
    let finish = (): void => {}
    quick.channels.get('a')!.fail = () => new Promise<void>((resolve) => { finish = resolve })
    quick.box.add('a', 'n1')
    quick.dispatcher.start()
    const stopped = quick.dispatcher.stop(10_000)
    finish()
    await stopped
    expect(quick.box.states('a')).toEqual(['delivered'])
    expect(quick.channels.get('a')!.closed).toBe(1)
    quick.dispatcher.poke()
    const stuck = make(['a'])
    stuck.channels.get('a')!.fail = () => new Promise(() => {})
    stuck.box.add('a', 'n1')
    stuck.dispatcher.poke()
    await stuck.dispatcher.stop(20)
    expect(stuck.box.states('a')).toEqual(['waiting'])
  })
})

describe('back-off', () => {
  it('doubles from 2 s to 10 min, spread over its upper half', () => {
    expect([1, 2, 3, 20, 5000].map((attempt) => backOffMs(attempt, () => 1))).toEqual([2000, 4000, 8000, 600_000, 600_000])
    expect(backOffMs(1, () => 0)).toBe(1000)
  })
})

describe('a breaker', () => {
  it('opens after failures in a row, lets one try, doubles its time on failure, closes on success', () => {
    const breaker = new Breaker({ failures: 3, openMs: 10, openMaxMs: 30 })
    breaker.failed(0)
    breaker.failed(0)
    breaker.succeeded()
    breaker.failed(0)
    breaker.failed(0)
    expect(breaker.state).toBe('closed')
    breaker.failed(0)
    expect([breaker.state, breaker.admits(9), breaker.waitMs(4)]).toEqual(['open', false, 6])
    expect([breaker.admits(10), breaker.state, breaker.admits(11)]).toEqual([true, 'half-open', false])
    breaker.failed(11)
    expect([breaker.admits(30), breaker.admits(31)]).toEqual([false, true])
    breaker.failed(31)
    expect(breaker.waitMs(31)).toBe(30)
    expect(breaker.admits(61)).toBe(true)
    breaker.succeeded()
    expect([breaker.state, breaker.waitMs(61), breaker.admits(61)]).toEqual(['closed', 0, true])
  })
})
