/**
 * What stands before any sink: order, bounds and retries, once for all of them.
 *
 * First in, first out, one send in flight: a broker or collector that dies in the middle of a send then costs
 * duplicates, never records. The queue is bounded in octets (a larger batch waits until the queue is empty); `offer`
 * waits while it is full, which is how pressure runs back to the source. A retryable error is retried for ever, after a
 * random part of a doubling wait ("full jitter": so that a thousand agents do not return together). A refused batch is
 * dropped, counted in `recordsDropped`, and said. The ledger's recordsWaiting, recordsAcknowledged and recordsDropped
 * are kept here. Nothing is on disk: what waits when the process is killed is lost (a replay makes the same batches
 * again).
 */
import { VedetteError } from '../../proto/error.ts'
import { SinkBusyError } from './busy.ts'
import type { AgentLedger } from '../../proto/ledger.ts'
import type { Clock } from '../../proto/process/clock.ts'
import type { Logger } from '../../proto/process/log.ts'
import type { SealedBatch, Sink } from './sink.ts'

/** First wait before a retry, and the longest one that this side chooses; a sink may ask for up to `askedLimitMs`. */
const backOffMs = { first: 250, ceiling: 30_000 }
const askedLimitMs = 300_000

export type DelivererOptions = {
  /** Octets of batches that may wait, the one being sent included. */
  maxOctets: number
  ledger: AgentLedger
  clock: Clock
  log: Logger
  /** 0 <= random() < 1. */
  random: () => number
  /** Waits `ms`, or until the signal; resolves in both cases. Tests hand in their own. */
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>
}

type Signal = { promise: Promise<void>, resolve: () => void }

function makeSignal(): Signal {
  let resolve = (): void => { /* set below, before anybody can call it */ }
  const promise = new Promise<void>((done) => { resolve = done })
  return { promise, resolve }
}

export class Deliverer {
  private readonly sink: Sink
  private readonly options: DelivererOptions
  private readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  private readonly queue: SealedBatch[] = []
  private octets = 0
  private readonly stopping = new AbortController()
  /** Offers take their turn: the order of the calls is the order of the queue. */
  private lastOffer: Promise<void> = Promise.resolve()
  private sending: Promise<void> | undefined
  /** Woken each time a batch leaves the queue, and on stop. */
  private change: Signal = makeSignal()

  constructor(sink: Sink, options: DelivererOptions) {
    this.sink = sink
    this.options = options
    this.sleep = options.sleep ?? pause
  }

  /** Batches that wait, the one being sent included. */
  get waiting(): number {
    return this.queue.length
  }

  /** Their octets. */
  get waitingOctets(): number {
    return this.octets
  }

  /**
   * Resolves when the batch is in the queue: at once, or when there is room. After `stop` it resolves and the batch
   * stays undelivered.
   */
  offer(batch: SealedBatch): Promise<void> {
    this.options.ledger.add('recordsWaiting', batch.count)
    this.lastOffer = this.enter(batch, this.lastOffer)
    return this.lastOffer
  }

  /** Resolves when nothing waits any more: all acknowledged or dropped; or after `stop`. */
  async drain(): Promise<void> {
    await this.lastOffer
    while (this.queue.length > 0 && !this.stopped()) await this.change.promise
  }

  /**
   * Ends retries and waits, and closes the sink, which ends the send in flight. What is left stays counted in
   * `recordsWaiting`.
   */
  async stop(): Promise<void> {
    this.stopping.abort()
    this.notify()
    await this.sink.close()
    await this.sending
  }

  private async enter(batch: SealedBatch, before: Promise<void>): Promise<void> {
    await before
    const { maxOctets } = this.options
    while (this.queue.length > 0 && this.octets + batch.bytes.length > maxOctets) {
      if (this.stopped()) return
      await this.change.promise
    }
    if (this.stopped()) return
    this.queue.push(batch)
    this.octets += batch.bytes.length
    this.sending ??= this.run()
  }

  private stopped(): boolean {
    return this.stopping.signal.aborted
  }

  private notify(): void {
    const { resolve } = this.change
    this.change = makeSignal()
    resolve()
  }

  private async run(): Promise<void> {
    for (let batch = this.queue.at(0); batch !== undefined && !this.stopped(); batch = this.queue.at(0)) {
      const outcome = await this.settle(batch)
      if (outcome === 'waiting') break
      this.options.ledger.add(outcome === 'acknowledged' ? 'recordsAcknowledged' : 'recordsDropped', batch.count)
      this.options.ledger.add('recordsWaiting', -batch.count)
      this.queue.shift()
      this.octets -= batch.bytes.length
      this.notify()
    }
    this.sending = undefined
  }

  /** Sends until the batch is acknowledged or refused; 'waiting' when stopped before. */
  private async settle(batch: SealedBatch): Promise<'acknowledged' | 'dropped' | 'waiting'> {
    const { log, clock, random } = this.options
    const { signal } = this.stopping
    const from = clock.monotonicMs()
    for (let attempt = 0; !this.stopped(); attempt++) {
      try {
        await this.sink.send(batch)
        const awayMs = Math.round(clock.monotonicMs() - from)
        if (attempt > 0) log.info('sink-back', `the sink ${this.sink.name} takes batches again`, { attempts: attempt + 1, awayMs })
        return 'acknowledged'
      } catch (error) {
        const why = asVedetteError(error, this.sink.name)
        const about = { sink: this.sink.name, stream: batch.stream, sequence: batch.sequence, records: batch.count }
        if (!why.retryable) {
          log.error(why.code, `${why.message}; the batch was dropped. ${why.advice}`, about)
          return 'dropped'
        }
        if (this.stopped()) break
        const waitMs = Math.round(retryWait(attempt, why, random))
        log.warn(why.code, `${why.message}; the batch waits. ${why.advice}`, { ...about, attempt: attempt + 1, waitMs })
        await this.sleep(waitMs, signal)
      }
    }
    return 'waiting'
  }
}

/**
 * Milliseconds before the next attempt: a random part of `first * 2^attempt` up to the ceiling; never less than what
 * the sink asked for (up to five minutes). Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog,
 * 2015.
 */
export function retryWait(attempt: number, error: VedetteError, random: () => number): number {
  const chosen = random() * Math.min(backOffMs.ceiling, backOffMs.first * 2 ** Math.min(attempt, 20))
  const asked = error instanceof SinkBusyError ? Math.min(askedLimitMs, error.retryAfterMs) : 0
  return asked + chosen
}

function asVedetteError(error: unknown, sink: string): VedetteError {
  if (error instanceof VedetteError) return error
  return new VedetteError('E_INTERNAL', `the sink ${sink} failed: ${String(error)}`, '', { cause: error })
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end, { once: true })
  })
}
