/**
 * The link to /v1/live: resumes by the version seen last, polls every 5 s while there is no WebSocket, and says honestly which of the two
 * it is doing, or that neither works. May lose nothing: whatever was missed comes first after a resume.
 */
import type { Alert } from '../../proto/alert.ts'
import type { LiveMessage } from '../api/live.ts'

export type LinkState = 'connecting' | 'live' | 'polling' | 'stale'

export type LinkOptions = {
  /** Opens the feed; calls `heard` for each message and `closed` once. What it gives ends the connection, silently. */
  open: (query: string, heard: (text: string) => void, closed: () => void) => () => void
  /** Loads the list once; false when it failed. */
  poll: () => Promise<boolean>
  onAlert: (alert: Alert) => void
  onState: (state: LinkState) => void
  /** The server gave up on what was missed: load everything anew. */
  onReset: () => void
  later: (run: () => void, ms: number) => unknown
  cancel: (timer: unknown) => void
}

const pollMs = 5000
/** The server beats every 10 s; after two missed beats the connection is dead, whatever the socket says. */
const silenceMs = 25_000
const retryMs = [500, 1000, 2000, 5000, 10_000]

export class LiveLink {
  readonly #options: LinkOptions
  #run: string | undefined
  #version = 0
  #close: (() => void) | undefined
  #failures = 0
  #timers: { retry?: unknown, poll?: unknown, silence?: unknown } = {}
  #stopped = true

  constructor(options: LinkOptions) {
    this.#options = options
  }

  /** Follows `run` (undefined: every run) from `version` on. */
  start(run: string | undefined, version: number): void {
    this.stop()
    this.#stopped = false
    this.#run = run
    this.#version = version
    this.#failures = 0
    this.#options.onState('connecting')
    this.#connect()
  }

  stop(): void {
    this.#stopped = true
    this.#drop()
    this.#clear('retry', 'poll')
  }

  #clear(...names: ('retry' | 'poll' | 'silence')[]): void {
    for (const name of names) {
      if (this.#timers[name] !== undefined) this.#options.cancel(this.#timers[name])
      this.#timers[name] = undefined
    }
  }

  #drop(): void {
    this.#clear('silence')
    this.#close?.()
    this.#close = undefined
  }

  #connect(): void {
    this.#drop()
    const query = new URLSearchParams({ after: String(this.#version), ...(this.#run === undefined ? {} : { run: this.#run }) })
    this.#close = this.#options.open(`?${query}`, (text) => { this.#heard(text) }, () => { this.#lost() })
    this.#watch()
  }

  #watch(): void {
    this.#clear('silence')
    this.#timers.silence = this.#options.later(() => { this.#lost() }, silenceMs)
  }

  #heard(text: string): void {
    this.#watch()
    // Only a message proves that the feed works: a proxy may open the socket and say nothing.
    if (this.#failures > 0 || this.#timers.poll !== undefined) this.#clear('poll')
    this.#failures = 0
    this.#options.onState('live')
    const message = JSON.parse(text) as LiveMessage
    if (message.type === 'alert') {
      this.#version = Math.max(this.#version, message.version)
      this.#options.onAlert(message.alert)
    } else if (message.type === 'reset') {
      this.#version = message.version
      this.#options.onReset()
    }
  }

  #lost(): void {
    this.#drop()
    if (this.#stopped) return
    if (this.#failures === 0) this.#options.onState('connecting')
    const wait = retryMs[Math.min(this.#failures, retryMs.length - 1)] ?? pollMs
    this.#failures += 1
    this.#clear('retry')
    this.#timers.retry = this.#options.later(() => { this.#connect() }, wait)
    if (this.#timers.poll === undefined) this.#poll()
  }

  #poll(): void {
    // The first poll waits: most breaks are a restart that is over in a moment.
    this.#timers.poll = this.#options.later(() => {
      void this.#options.poll().then((worked) => {
        if (this.#stopped || this.#timers.poll === undefined) return
        this.#options.onState(worked ? 'polling' : 'stale')
        this.#poll()
      })
    }, this.#failures <= 1 ? 1000 : pollMs)
  }
}
