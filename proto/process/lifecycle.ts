/**
 * Starting and stopping a process. Parts start in order and stop in reverse; a part that cannot start stops the ones before it.
 * The first SIGINT, SIGTERM or SIGHUP (or the end of the process that started this one) ends the work and stops everything, within one
 * deadline for all; a second signal ends the process at once. Nothing waits for ever: a part that does not stop is named and left behind.
 */
import type { Logger } from './log.ts'

/** Constructors are inert: whatever opens files, sockets or threads does so in `start`. */
export type Part = {
  name: string
  start(): Promise<void> | void
  stop(): Promise<void> | void
}

export type RunOptions = {
  log: Logger
  /** What the process is for; ends by itself (replay), or when `signal` aborts. Without it the process runs until a signal. */
  work?: (signal: AbortSignal) => Promise<void>
  /** For ending the work and stopping all parts together. Default 5000. */
  deadlineMs?: number
  /** Where signals come from; tests hand in their own. Default: `process`. */
  signals?: SignalSource
}

export type SignalSource = Pick<NodeJS.EventEmitter, 'on' | 'off'> & { exit(status: number): void }

/** Why it ended, and the parts that did not stop in time. */
export type Ended = { reason: string, late: string[] }

/** Exit statuses of a process ended by a second signal, as a shell would report them. */
const statusOf = new Map([['SIGHUP', 129], ['SIGINT', 130], ['SIGTERM', 143], ['disconnect', 143]])

/** Starts the parts, does the work, stops the parts. Throws what a start or the work threw, after stopping what had started. */
export async function runParts(parts: readonly Part[], options: RunOptions): Promise<Ended> {
  const { log, work, deadlineMs = 5000, signals = process } = options
  const ending = new AbortController()
  const started: Part[] = []
  let reason = 'done'
  const listeners = [...statusOf].map(([name, status]) => ({ name, listener: (): void => {
    if (ending.signal.aborted) { signals.exit(status); return }
    reason = name
    ending.abort()
  } }))
  for (const { name, listener } of listeners) signals.on(name, listener)
  // The parent may have gone while the parts were being made.
  if (signals === process && process.send !== undefined && !process.connected) {
    reason = 'disconnect'
    ending.abort()
  }

  let failure: { error: unknown } | undefined
  try {
    for (const part of parts) {
      if (ending.signal.aborted) break
      log.debug('part-start', `starting ${part.name}`)
      await part.start()
      started.push(part)
    }
    if (!ending.signal.aborted) await workUntil(work, ending.signal, deadlineMs, log)
  } catch (error) {
    failure = { error }
  }
  if (reason !== 'done') log.info('stopping', `stopping (${reason})`)
  const late = await stopParts(started, deadlineMs, log)
  for (const { name, listener } of listeners) signals.off(name, listener)
  if (failure !== undefined) throw failure.error
  return { reason, late }
}

/** Resolves when the work is done, or at the latest `deadlineMs` after the signal. */
async function workUntil(work: RunOptions['work'], signal: AbortSignal, deadlineMs: number, log: Logger): Promise<void> {
  const aborted = new Promise<void>((resolve) => { signal.addEventListener('abort', () => { resolve() }, { once: true }) })
  if (work === undefined) { await aborted; return }
  const running = work(signal)
  await Promise.race([running, aborted])
  if (!signal.aborted) return
  if (!await within(running, deadlineMs)) log.warn('work-late', 'the work did not end in time and is abandoned', { deadlineMs })
}

/** Stops in reverse order, all within `deadlineMs`; gives the names of those that did not. A failing stop is logged, the others go on. */
export async function stopParts(started: readonly Part[], deadlineMs: number, log: Logger): Promise<string[]> {
  const late: string[] = []
  const until = performance.now() + deadlineMs
  for (const part of started.toReversed()) {
    try {
      log.debug('part-stop', `stopping ${part.name}`)
      if (await within(Promise.resolve(part.stop()), Math.max(1, until - performance.now()))) continue
      late.push(part.name)
      log.warn('part-late', `${part.name} did not stop in time`, { deadlineMs })
    } catch (error) {
      log.error('part-stop-failed', `${part.name} did not stop cleanly`, { error })
    }
  }
  return late
}

/** Whether `promise` settled within `ms`; rejects when it rejects in time, and swallows a later rejection. */
async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const out = new Promise<boolean>((resolve) => { timer = setTimeout(() => { resolve(false) }, ms) })
  promise.catch(() => undefined)
  try {
    return await Promise.race([promise.then(() => true), out])
  } finally {
    clearTimeout(timer)
  }
}
