/**
 * A model in a thread of its own (the runtime blocks the thread it runs on), for agent and collector alike. Requests
 * are answered in the order they were made. At most 8 are at the thread at a time; further ones wait in their promise.
 *
 * Nothing throws here: when the model fails, dies or hangs, requests are answered with undefined and a log line says
 * why; the caller goes on without scores. A dead thread is started again by the next request once a pause is over: 1 s
 * at first, a minute at most.
 */
import { SHARE_ENV, Worker } from 'node:worker_threads'
import { VedetteError } from '../proto/error.ts'
import { systemClock } from '../proto/process/clock.ts'
import type { ErrorCode } from '../proto/error.ts'
import type { Clock } from '../proto/process/clock.ts'
import type { Logger } from '../proto/process/log.ts'
import { disableTelemetry } from './session.ts'

/** What crosses the thread's border; its buffer is handed over, not copied. */
export type Payload = Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>

/** Main thread -> worker. */
export type ThreadRequest = { id: number, payload: Payload }

/** Worker -> main thread. */
export type ThreadReply =
  | { kind: 'ready', modelHash: string }
  | { kind: 'refused', code: ErrorCode, message: string, advice: string }
  | { kind: 'done', id: number, count: number, payload: Payload }
  | { kind: 'failed', id: number, message: string }

/** An answer: how many records were scored, and the scored thing. */
export type Answer = { count: number, payload: Payload }

export type ModelThreadOptions = {
  /** The worker's file. */
  file: URL
  /** Folder of the model bundle. */
  bundle: string
  log: Logger
  clock?: Clock | undefined
  /** A thread that answers nothing for so long is ended. Milliseconds, default 30,000. */
  deadlineMs?: number | undefined
}

const inFlightLimit = 8
const backoffMs = { first: 1000, most: 60_000 }

/** A request on its way; `answer` is set, once known, to leave when its turn comes. */
type Entry = {
  id: number
  payload: Payload | undefined
  answer: { value: Answer | undefined } | undefined
  resolve: (answer: Answer | undefined) => void
}

export class ModelThread {
  /** Of the open model; '' before. */
  modelHash = ''
  readonly #options: ModelThreadOptions
  readonly #clock: Clock
  /** Oldest first; the head leaves when it has an answer. */
  readonly #queue: Entry[] = []
  #worker: Worker | undefined
  #state: 'down' | 'starting' | 'up' | 'closed' = 'down'
  #inFlight = 0
  #nextId = 1
  #failures = 0
  #retryAtMs = 0
  #deadline: NodeJS.Timeout | undefined

  constructor(options: ModelThreadOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  /** Starts the thread; gives the reason when the bundle is refused or the thread dies, undefined when it is ready. */
  open(): Promise<VedetteError | undefined> {
    disableTelemetry()
    this.#state = 'starting'
    const { file, bundle } = this.#options
    const worker = new Worker(file, { workerData: { bundle }, env: SHARE_ENV })
    this.#worker = worker
    return new Promise((resolve) => {
      let reason = 'it ended'
      worker.on('message', (reply: ThreadReply) => {
        if (this.#worker !== worker) return
        if (reply.kind === 'ready') {
          this.modelHash = reply.modelHash
          this.#state = 'up'
          resolve(undefined)
        } else if (reply.kind === 'refused') {
          this.#down(worker)
          resolve(new VedetteError(reply.code, reply.message, reply.advice))
        } else this.#settle(reply)
        this.#pump()
      })
      worker.on('error', (error) => { reason = error instanceof Error ? error.message : String(error) })
      worker.on('exit', () => {
        const text = `the model's thread died: ${reason}`
        resolve(new VedetteError('E_MODEL_FAILED', text))
        if (this.#worker !== worker) return
        if (this.#state === 'up') this.#options.log.warn('E_MODEL_FAILED', `${text}; flows go on unscored until it runs again`)
        this.#down(worker)
        this.#pump()
      })
    })
  }

  /** Asks the thread; the payload is the thread's from then on. Undefined: not scored. Answers come in the order of the calls. */
  ask(payload: Payload): Promise<Answer | undefined> {
    return this.#enqueue({ payload, answer: undefined })
  }

  /** Answers undefined when everything asked before has been answered: keeps the place of something that needs no score. */
  skip(): Promise<Answer | undefined> {
    return this.#enqueue({ payload: undefined, answer: { value: undefined } })
  }

  #enqueue(entry: Pick<Entry, 'payload' | 'answer'>): Promise<Answer | undefined> {
    return new Promise((resolve) => {
      this.#queue.push({ id: this.#nextId++, ...entry, resolve })
      if (this.#state === 'down' && this.#clock.monotonicMs() >= this.#retryAtMs) void this.#reopen()
      this.#pump()
    })
  }

  async #reopen(): Promise<void> {
    const { log } = this.#options
    const refusal = await this.open()
    if (refusal === undefined) log.info('model-restarted', 'the model\'s thread runs again')
    else log.warn(refusal.code, `${refusal.message}; flows go on unscored`)
  }

  /** Gives waiting requests to the thread while there are credits, and lets answered ones leave in order. */
  #pump(): void {
    for (const entry of this.#queue) {
      const { payload } = entry
      if (payload === undefined || entry.answer !== undefined) continue
      if (this.#state === 'starting' || this.#state === 'up' && this.#inFlight >= inFlightLimit) break
      if (this.#state === 'up') this.#post(entry, payload)
      else entry.answer = { value: undefined }
    }
    for (let head = this.#queue.at(0); head?.answer !== undefined; head = this.#queue.at(0)) {
      this.#queue.shift()
      head.resolve(head.answer.value)
    }
  }

  #post(entry: Entry, payload: Payload): void {
    const request: ThreadRequest = { id: entry.id, payload }
    this.#worker?.postMessage(request, [payload.buffer])
    entry.payload = undefined
    this.#inFlight++
    if (this.#deadline === undefined) this.#deadline = setTimeout(() => { this.#overdue() }, this.#options.deadlineMs ?? 30_000).unref()
    else if (this.#inFlight === 1) this.#deadline.refresh()
  }

  #overdue(): void {
    this.#deadline = undefined
    if (this.#inFlight > 0) void this.#worker?.terminate()
  }

  #settle(reply: Extract<ThreadReply, { kind: 'done' | 'failed' }>): void {
    const entry = this.#queue.find(({ id }) => id === reply.id)
    if (entry === undefined) return
    this.#inFlight--
    this.#deadline?.refresh()
    if (reply.kind === 'done') {
      this.#failures = 0
      entry.answer = { value: reply }
    } else {
      this.#options.log.warn('E_MODEL_FAILED', `some flows go on unscored: ${reply.message}`)
      entry.answer = { value: undefined }
    }
  }

  /** The thread is no more: what was at it is answered without a score. */
  #down(worker: Worker): void {
    this.#worker = undefined
    if (this.#state !== 'closed') this.#state = 'down'
    this.#retryAtMs = this.#clock.monotonicMs() + Math.min(backoffMs.most, backoffMs.first * 2 ** this.#failures)
    this.#failures++
    this.#inFlight = 0
    clearTimeout(this.#deadline)
    this.#deadline = undefined
    for (const entry of this.#queue) if (entry.payload === undefined) entry.answer ??= { value: undefined }
    void worker.terminate()
  }

  /** Ends the thread; what has not been answered is answered without a score. */
  async close(): Promise<void> {
    this.#state = 'closed'
    const worker = this.#worker
    if (worker !== undefined) {
      this.#down(worker)
      await worker.terminate()
    }
    this.#pump()
  }
}
