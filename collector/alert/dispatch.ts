/**
 * Sends what waits in the store's outbox. Notifications are claimed by lease, so a dispatcher that dies delivers late,
 * not never; a receiver may therefore see one twice, with the same id. Every channel has its own queue (64), worker and
 * breaker: a dead channel delays nobody else. Failed for now: back-off with jitter from 2 s to 10 min (Brooker 2015,
 * "Exponential backoff and jitter"), for ever. Refused: settled, counted, never tried again. Loses nothing; `stop` waits
 * for deliveries under way until its deadline.
 */
import { errors, VedetteError } from '../../proto/error.ts'
import { Breaker } from './breaker.ts'
import type { Alert } from '../../proto/alert.ts'
import type { Clock } from '../../proto/process/clock.ts'
import type { Logger } from '../../proto/process/log.ts'
import type { Channel, Message } from '../channel/channel.ts'
import type { Notification, Store } from '../store/store.ts'

export type Outbox = Pick<Store, 'claimNotifications' | 'settleNotification'>

export type DispatcherOptions = {
  store: Outbox
  channels: ReadonlyMap<string, Channel>
  clock: Clock
  log: Logger
  /** 0 ... 1. */
  random: () => number
  /** Where the page is: links are this + /alerts/ID. */
  publicUrl: string
  /** How often the outbox is looked at, milliseconds. */
  intervalMs?: number
  leaseMs?: number
}

export type DispatchCounts = { delivered: number, refused: number, retried: number }

type Claimed = Notification & { attempt: number }
/** `held` are the ids in the queue or under way: a lease that ends meanwhile must not queue a message twice. */
type Lane = { channel: Channel, breaker: Breaker, queue: Claimed[], held: Set<string>, busy: Promise<void> | undefined }

const laneLimit = 64
const firstRetryMs = 2000
const lastRetryMs = 600_000

export class Dispatcher {
  readonly counts: DispatchCounts = { delivered: 0, refused: 0, retried: 0 }
  readonly #options: Required<DispatcherOptions>
  readonly #lanes: ReadonlyMap<string, Lane>
  #timer: NodeJS.Timeout | undefined
  #stopping = false

  constructor(options: DispatcherOptions) {
    this.#options = { intervalMs: 1000, leaseMs: 60_000, ...options }
    this.#lanes = new Map([...options.channels].map(([name, channel]) => {
      const breaker = new Breaker({ failures: 5, openMs: 10_000, openMaxMs: 300_000 })
      return [name, { channel, breaker, queue: [], held: new Set<string>(), busy: undefined }]
    }))
  }

  /** Looks at the outbox from now on. */
  start(): void {
    this.#timer ??= setInterval(() => { this.poke() }, this.#options.intervalMs)
    this.#timer.unref()
    this.poke()
  }

  /**
   * Claims what is due and hands it to the channels' queues. Called by the timer, and after a commit that queued
   * something.
   */
  poke(): void {
    if (this.#stopping) return
    const { store, clock, leaseMs, log } = this.#options
    try {
      for (const claimed of store.claimNotifications(clock.nowMs(), leaseMs, laneLimit)) this.#admit(claimed)
    } catch (error) {
      if (!(error instanceof VedetteError)) throw error
      log.warn(error.code, `the outbox could not be read: ${error.message}`)
    }
  }

  #admit(claimed: Claimed): void {
    const lane = this.#lanes.get(claimed.channel)
    const nowMs = this.#options.clock.monotonicMs()
    if (lane === undefined) this.#settle(claimed, 'refused', 'there is no channel of this name any more')
    else if (lane.held.has(claimed.id)) return
    else if (lane.queue.length >= laneLimit || !this.#mayTry(lane, nowMs)) {
      this.#postpone(claimed, Math.max(firstRetryMs, lane.breaker.waitMs(nowMs)), `the channel is ${lane.breaker.state}`)
    } else {
      lane.queue.push(claimed)
      lane.held.add(claimed.id)
      this.#start(lane)
    }
  }

  #start(lane: Lane): void {
    lane.busy ??= this.#work(lane).finally(() => {
      lane.busy = undefined
      if (lane.queue.length > 0) this.#start(lane)
    })
  }

  /** An open breaker lets one through when its time is up; while that one is under way the lane is busy. */
  #mayTry(lane: Lane, nowMs: number): boolean {
    return lane.breaker.state === 'closed' || lane.queue.length === 0 && lane.busy === undefined && lane.breaker.admits(nowMs)
  }

  async #work(lane: Lane): Promise<void> {
    for (let claimed = lane.queue.shift(); claimed !== undefined; claimed = lane.queue.shift()) {
      if (this.#stopping || lane.breaker.state === 'open') this.#postpone(claimed, Math.max(firstRetryMs, lane.breaker.waitMs(this.#options.clock.monotonicMs())), 'not tried')
      else await this.#deliver(lane, claimed)
      lane.held.delete(claimed.id)
    }
  }

  async #deliver({ channel, breaker }: Lane, claimed: Claimed): Promise<void> {
    const { clock, log, publicUrl } = this.#options
    try {
      const alert = JSON.parse(claimed.body) as Alert
      const message: Message = { id: claimed.id, kind: claimed.kind, alert, link: `${publicUrl.replace(/\/$/, '')}/alerts/${encodeURIComponent(alert.id)}` }
      await channel.deliver(message)
      breaker.succeeded()
      this.#settle(claimed, 'delivered', '')
    } catch (error) {
      const problem = error instanceof VedetteError ? error : new VedetteError('E_INTERNAL', error instanceof Error ? error.message : String(error))
      if (errors[problem.code].retryable) {
        breaker.failed(clock.monotonicMs())
        this.counts.retried++
        log.warn(problem.code, `${channel.name}: ${problem.message}`, { notification: claimed.id, attempt: claimed.attempt })
        this.#postpone(claimed, backOffMs(claimed.attempt, this.#options.random), problem.message)
      } else {
        breaker.succeeded()
        log.error(problem.code, `${channel.name}: ${problem.message}`, { notification: claimed.id })
        this.#settle(claimed, 'refused', problem.message)
      }
    }
  }

  #postpone(claimed: Claimed, waitMs: number, why: string): void {
    this.#settle(claimed, { retryAtMs: this.#options.clock.nowMs() + Math.ceil(waitMs) }, why)
  }

  #settle(claimed: Claimed, outcome: 'delivered' | 'refused' | { retryAtMs: number }, detail: string): void {
    if (outcome === 'delivered' || outcome === 'refused') this.counts[outcome]++
    try {
      this.#options.store.settleNotification(claimed.id, claimed.channel, outcome, detail)
    } catch (error) {
      if (!(error instanceof VedetteError)) throw error
      this.#options.log.warn(error.code, `the outcome of a notification could not be stored: ${error.message}`, { notification: claimed.id })
    }
  }

  /** State of each channel, for readiness and the page. */
  states(): { channel: string, state: 'closed' | 'open' | 'half-open', waiting: number }[] {
    return [...this.#lanes].map(([channel, { breaker, queue }]) => ({ channel, state: breaker.state, waiting: queue.length }))
  }

  /** Resolves when no delivery is under way. */
  async idle(): Promise<void> {
    await Promise.all([...this.#lanes.values()].map(async ({ busy }) => busy))
  }

  /**
   * Claims nothing more, waits for deliveries under way up to `deadlineMs`, closes the channels. What was not delivered
   * stays in the outbox.
   */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true
    clearInterval(this.#timer)
    let timer: NodeJS.Timeout | undefined
    await Promise.race([this.idle(), new Promise<void>((resolve) => { timer = setTimeout(resolve, deadlineMs) })])
    clearTimeout(timer)
    await Promise.all([...this.#lanes.values()].map(async ({ channel }) => channel.close()))
  }
}

/**
 * Milliseconds before try `attempt` + 1: uniform between half and the whole of 2 s doubled for each attempt, at most 10
 * min.
 */
export function backOffMs(attempt: number, random: () => number): number {
  const most = Math.min(lastRetryMs, firstRetryMs * 2 ** Math.min(30, Math.max(0, attempt - 1)))
  return most / 2 + random() * most / 2
}
