/**
 * What stands before any sink: order, bounds and retries, once for all of them.
 *
 * First in, first out, one send in flight: a broker or collector that dies in the middle of a send then costs duplicates, never records. The queue is
 * bounded in octets (a larger batch waits until the queue is empty); `offer` waits while it is full, which is how pressure runs back to the source.
 * A retryable error is retried for ever, after a random part of a doubling wait ("full jitter": so that a thousand agents do not return together).
 * A refused batch is dropped, counted in `recordsDropped`, and said. The ledger's recordsWaiting, recordsAcknowledged and recordsDropped are kept here.
 * Nothing is on disk: what waits when the process is killed is lost (a replay makes the same batches again).
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
  private change = Promise.withResolvers<void>()

  constructor(sink: Sink, options: DelivererOptions) {
    this.sink = sink
    this.options = options
    this.sleep = options.sleep ?? pause
  }

  /** Batches that wait, the one being sent included. */
  get waiting(): number {
    return this.queue.length
  }

  /** Resolves when the batch is in the queue: at once, or when there is room. After `stop` it resolves and the batch stays undelivered. */
  offer(batch: SealedBatch): Promise<void> {
    this.options.ledger.add('recordsWaiting', batch.count)
    this.lastOffer = this.enter(batch, this.lastOffer)
    return this.lastOffer
  }

  /** Resolves when every batch offered before the call has been acknowledged or dropped, or after `stop`. */
  async drain(): Promise<void> {
    await this.lastOffer
    while (this.queue.length > 0 && !this.stopping.signal.aborted) await this.change.promise
  }

  /** Ends retries and waits, and closes the sink, which ends the send in flight. What is left stays counted in `recordsWaiting`. */
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
      if (this.stopping.signal.aborted) return
      await this.change.promise
    }
    if (this.stopping.signal.aborted) return
    this.queue.push(batch)
    this.octets += batch.bytes.length
    this.sending ??= this.run()
  }

  private notify(): void {
    const { resolve } = this.change
    this.change = Promise.withResolvers<void>()
    resolve()
  }

  private async run(): Promise<void> {
    for (let batch = this.queue.at(0); batch !== undefined && !this.stopping.signal.aborted; batch = this.queue.at(0)) {
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
    let refused: VedetteError | undefined
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        await this.sink.send(batch)
        if (refused !== undefined) log.info('sink-back', `the sink ${this.sink.name} takes batches again`, { attempts: attempt + 1, awayMs: Math.round(clock.monotonicMs() - from) })
        return 'acknowledged'
      } catch (error) {
        refused = error instanceof VedetteError ? error : new VedetteError('E_INTERNAL', `the sink ${this.sink.name} failed: ${String(error)}`, '', { cause: error })
        if (signal.aborted) break
        const about = { sink: this.sink.name, stream: batch.stream, sequence: batch.sequence, records: batch.count }
        if (!refused.retryable) {
          log.error(refused.code, `${refused.message}; the batch was dropped. ${refused.advice}`, about)
          return 'dropped'
        }
        const waitMs = retryWait(attempt, refused, random)
        log.warn(refused.code, `${refused.message}; the batch waits. ${refused.advice}`, { ...about, attempt: attempt + 1, waitMs: Math.round(waitMs) })
        await this.sleep(waitMs, signal)
      }
    }
    return 'waiting'
  }
}

/**
 * Milliseconds before the next attempt: a random part of `first * 2^attempt` up to the ceiling; never less than what the sink asked for (up to
 * five minutes). Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export function retryWait(attempt: number, error: VedetteError, random: () => number): number {
  const chosen = random() * Math.min(backOffMs.ceiling, backOffMs.first * 2 ** Math.min(attempt, 20))
  const asked = error instanceof SinkBusyError ? Math.min(askedLimitMs, error.retryAfterMs) : 0
  return asked + chosen
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  const end = (): void => { clearTimeout(timer); resolve() }
  signal.addEventListener('abort', end, { once: true })
  return promise.finally(() => { signal.removeEventListener('abort', end) })
}
