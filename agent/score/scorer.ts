/**
 * Chunks -> the same chunks with a score in every record, by a model in a thread of its own (the runtime blocks the thread it runs on). Chunks come
 * back in the order they were given. At most 8 are at the thread at a time; further ones wait in their promise.
 *
 * Nothing is lost here: when the model is missing, fails, dies or hangs, chunks come back as they were, with `unscored` = their count, and
 * a log line says why. A dead thread is started again when the next chunk comes, after 1 s at first and up to a minute later. The bytes of a
 * chunk are copied for the thread (some 20 us each), so they are still there when it dies.
 */
import { SHARE_ENV, Worker } from 'node:worker_threads'
import { VedetteError } from '../../proto/error.ts'
import { featureHash } from '../../proto/feature.ts'
import { systemClock } from '../../proto/process/clock.ts'
import type { Clock } from '../../proto/process/clock.ts'
import type { Logger } from '../../proto/process/log.ts'
import { disableTelemetry } from '../../models/session.ts'
import type { Chunk } from '../flow/chunk.ts'
import type { ScoreReply, ScoreRequest } from './worker.ts'

export interface Scorer {
  /** 16 hexadecimal digits, or '' without a model. */
  readonly modelHash: string
  /** Hash of this version's feature list: what batches carry, with or without a model. */
  readonly featureHash: string
  /** Gives the chunk with scores, or as it was with `unscored` set. Never rejects. */
  score(chunk: Chunk): Promise<Chunk>
  /** Ends the thread; chunks still at it come back unscored. */
  close(): Promise<void>
}

export type ScorerOptions = {
  /** Folder of the model bundle; undefined: nothing is scored. */
  bundle: string | undefined
  log: Logger
  clock?: Clock
  /** The thread's file; tests put in failing ones. */
  worker?: URL
  /** A thread that answers nothing for so long is ended. Milliseconds, default 30,000. */
  deadlineMs?: number
}

const inFlightLimit = 8
const backoffMs = { first: 1000, most: 60_000 }

const unscored = (chunk: Chunk): Chunk => ({ ...chunk, unscored: chunk.count })

/** Without a model: everything goes on as it is. */
class NoScorer implements Scorer {
  readonly modelHash = ''
  readonly featureHash = featureHash
  score(chunk: Chunk): Promise<Chunk> { return Promise.resolve(unscored(chunk)) }
  close(): Promise<void> { return Promise.resolve() }
}

/** Opens the bundle in its thread. Without a usable bundle the scorer lets everything pass unscored; the log says why. */
export async function createScorer(options: ScorerOptions): Promise<Scorer> {
  const { bundle, log } = options
  if (bundle === undefined) {
    log.info('model-none', 'no model is configured: flows go on unscored')
    return new NoScorer()
  }
  const scorer = new ThreadScorer(bundle, options)
  const refusal = await scorer.open()
  if (refusal === undefined) return scorer
  log.warn(refusal.code, `${refusal.message}; flows go on unscored${refusal.advice === '' ? '' : `. ${refusal.advice}`}`)
  await scorer.close()
  return new NoScorer()
}

/** A chunk on its way. `result` is set when its turn to leave may come. */
type Entry = { id: number, chunk: Chunk, posted: boolean, result: Chunk | undefined, resolve: (chunk: Chunk) => void }

class ThreadScorer implements Scorer {
  modelHash = ''
  readonly featureHash = featureHash
  private readonly bundle: string
  private readonly log: Logger
  private readonly clock: Clock
  private readonly file: URL
  private readonly deadlineMs: number
  /** Oldest first; the head leaves when it has a result. */
  private readonly queue: Entry[] = []
  private thread: Worker | undefined
  private state: 'down' | 'starting' | 'up' | 'closed' = 'down'
  private inFlight = 0
  private nextId = 1
  private failures = 0
  private retryAtMs = 0
  private deadline: NodeJS.Timeout | undefined

  constructor(bundle: string, options: ScorerOptions) {
    this.bundle = bundle
    this.log = options.log
    this.clock = options.clock ?? systemClock
    this.file = options.worker ?? new URL('worker.ts', import.meta.url)
    this.deadlineMs = options.deadlineMs ?? 30_000
  }

  /** Starts the thread; gives the reason when the bundle is refused or the thread dies. */
  open(): Promise<VedetteError | undefined> {
    disableTelemetry()
    this.state = 'starting'
    const thread = new Worker(this.file, { workerData: { bundle: this.bundle }, env: SHARE_ENV })
    this.thread = thread
    return new Promise((resolve) => {
      let reason = 'it ended'
      thread.on('message', (reply: ScoreReply) => {
        if (this.thread !== thread) return
        if (reply.kind === 'ready') {
          this.modelHash = reply.modelHash
          this.state = 'up'
          resolve(undefined)
        } else if (reply.kind === 'refused') {
          this.down(thread)
          resolve(new VedetteError(reply.code, reply.message, reply.advice))
        } else this.settle(reply)
        this.pump()
      })
      thread.on('error', (error) => { reason = error.message })
      thread.on('exit', () => {
        if (this.thread !== thread) return
        const text = `the scoring thread died: ${reason}`
        if (this.state === 'up') this.log.warn('E_MODEL_FAILED', `${text}; it is started again, until then flows go on unscored`)
        this.down(thread)
        resolve(new VedetteError('E_MODEL_FAILED', text))
        this.pump()
      })
    })
  }

  score(chunk: Chunk): Promise<Chunk> {
    return new Promise((resolve) => {
      this.queue.push({ id: this.nextId++, chunk, posted: false, result: chunk.count === 0 ? unscored(chunk) : undefined, resolve })
      if (this.state === 'down' && this.clock.monotonicMs() >= this.retryAtMs) void this.reopen()
      this.pump()
    })
  }

  private async reopen(): Promise<void> {
    const refusal = await this.open()
    if (refusal === undefined) this.log.info('model-restarted', 'the scoring thread runs again')
    else this.log.warn(refusal.code, `${refusal.message}; flows go on unscored`)
  }

  /** Gives waiting chunks to the thread while there are credits, and lets finished ones leave in order. */
  private pump(): void {
    for (const entry of this.queue) {
      if (entry.posted || entry.result !== undefined) continue
      if (this.state === 'starting' || this.state === 'up' && this.inFlight >= inFlightLimit) break
      if (this.state === 'up') this.post(entry)
      else entry.result = unscored(entry.chunk)
    }
    for (let head = this.queue[0] as Entry | undefined; head?.result !== undefined; head = this.queue[0]) {
      this.queue.shift()
      head.resolve(head.result)
    }
  }

  private post(entry: Entry): void {
    const bytes = entry.chunk.bytes.slice()
    const request: ScoreRequest = { id: entry.id, bytes }
    this.thread?.postMessage(request, [bytes.buffer])
    entry.posted = true
    this.inFlight++
    if (this.deadline === undefined) this.watch()
  }

  private watch(): void {
    this.deadline = setTimeout(() => {
      this.deadline = undefined
      if (this.inFlight > 0) void this.thread?.terminate()
    }, this.deadlineMs).unref()
  }

  private settle(reply: Extract<ScoreReply, { kind: 'scored' | 'failed' }>): void {
    const entry = this.queue.find(({ id }) => id === reply.id)
    if (entry === undefined) return
    const { chunk } = entry
    this.inFlight--
    this.deadline?.refresh()
    if (reply.kind === 'scored' && reply.count === chunk.count) {
      this.failures = 0
      entry.result = { ...chunk, bytes: reply.bytes, unscored: 0 }
      return
    }
    const why = reply.kind === 'failed' ? reply.message : `it holds ${String(reply.count)} records, not ${String(chunk.count)}`
    this.log.warn('E_MODEL_FAILED', `a chunk of ${String(chunk.count)} flows goes on unscored: ${why}`)
    entry.result = unscored(chunk)
  }

  /** The thread is no more: what was at it leaves unscored. */
  private down(thread: Worker): void {
    this.thread = undefined
    if (this.state !== 'closed') this.state = 'down'
    this.retryAtMs = this.clock.monotonicMs() + Math.min(backoffMs.most, backoffMs.first * 2 ** this.failures)
    this.failures++
    this.inFlight = 0
    clearTimeout(this.deadline)
    this.deadline = undefined
    for (const entry of this.queue) if (entry.posted && entry.result === undefined) entry.result = unscored(entry.chunk)
    void thread.terminate()
  }

  async close(): Promise<void> {
    this.state = 'closed'
    const { thread } = this
    if (thread !== undefined) {
      this.down(thread)
      await thread.terminate()
    }
    this.pump()
  }
}
