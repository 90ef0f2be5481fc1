/**
 * Changed alerts to open pages over WebSocket. A page that was away resumes by the version it saw last: what it missed is read from the
 * store first (up to a limit, beyond which it is told to load anew). Nothing is buffered for a slow page: past a cap it is cut off,
 * counted, and comes back by itself. Ordering: versions only grow. May lose: nothing a resuming page would not get again.
 */
import type { WebSocket } from '@fastify/websocket'
import type { Alert } from '../../proto/alert.ts'
import type { Clock } from '../../proto/process/clock.ts'
import type { Store } from '../store/store.ts'

export type LiveLimits = {
  clients: number
  /** Octets waiting in one page's socket before it is cut off. */
  bufferedOctets: number
  /** Missed alerts sent on resume; more make a `reset`. */
  resumeAlerts: number
  /** Time between beats; a page that did not answer the one before is dropped. */
  beatMs: number
}

export const defaultLiveLimits: LiveLimits = { clients: 200, bufferedOctets: 1 << 20, resumeAlerts: 200, beatMs: 10_000 }

/** What the server says, one JSON text per message. */
export type LiveMessage =
  | { type: 'alert', version: number, alert: Alert }
  | { type: 'beat', version: number, nowMs: number }
  /** Too much was missed: load the list anew and resume from `version`. */
  | { type: 'reset', version: number }

export type LiveCounts = { clients: number, joined: number, cutOff: number, silent: number, sent: number }

type Page = { socket: WebSocket, run: string | undefined, version: number, answered: boolean }

export class LiveFeed {
  readonly #store: Store
  readonly #clock: Clock
  readonly #limits: LiveLimits
  readonly #pages = new Set<Page>()
  readonly #counts = { joined: 0, cutOff: 0, silent: 0, sent: 0 }
  #timer: NodeJS.Timeout | undefined

  constructor(store: Store, clock: Clock, limits: Partial<LiveLimits> = {}) {
    this.#store = store
    this.#clock = clock
    this.#limits = { ...defaultLiveLimits, ...limits }
  }

  get full(): boolean {
    return this.#pages.size >= this.#limits.clients
  }

  counts(): LiveCounts {
    return { clients: this.#pages.size, ...this.#counts }
  }

  publish(alerts: readonly Alert[]): void {
    if (this.#pages.size === 0) return
    const ordered = alerts.toSorted((a, b) => a.version - b.version).map((alert) => ({ alert, text: encodeAlert(alert) }))
    for (const page of this.#pages) {
      for (const { alert, text } of ordered) if (!this.#offer(page, alert, text)) break
    }
  }

  /** Takes a page in. `after` undefined: only what changes from now on. `run` undefined: every run. */
  join(socket: WebSocket, after: number | undefined, run: string | undefined): void {
    const page: Page = { socket, run, version: after ?? this.#store.version(), answered: true }
    this.#counts.joined += 1
    socket.on('close', () => { this.#pages.delete(page) })
    socket.on('error', () => { this.#pages.delete(page) })
    socket.on('pong', () => { page.answered = true })
    // Pages have nothing to say; a message is read and forgotten (its size is limited by the socket).
    socket.on('message', () => { page.answered = true })
    this.#pages.add(page)
    if (after !== undefined) this.#resume(page, after)
    this.#send(page, { type: 'beat', version: this.#store.version(), nowMs: this.#clock.nowMs() })
    this.#timer ??= setInterval(() => { this.beat() }, this.#limits.beatMs).unref()
  }

  /** Reading the store and sending are one synchronous step: no alert can fall between them. */
  #resume(page: Page, after: number): void {
    const newest = this.#store.version()
    const limit = this.#limits.resumeAlerts
    const { items, next } = this.#store.alerts({ afterVersion: after, order: 'version', limit, ...(page.run === undefined ? {} : { run: page.run }) })
    // A version from the future belongs to another data folder.
    if (after > newest || next !== undefined) {
      page.version = newest
      this.#send(page, { type: 'reset', version: newest })
      return
    }
    for (const alert of items) if (!this.#offer(page, alert, encodeAlert(alert))) return
  }

  #offer(page: Page, alert: Alert, text: string): boolean {
    if (alert.version <= page.version) return true
    page.version = alert.version
    return page.run !== undefined && page.run !== alert.run ? true : this.#sendText(page, text)
  }

  #send(page: Page, message: LiveMessage): boolean {
    return this.#sendText(page, JSON.stringify(message))
  }

  #sendText(page: Page, text: string): boolean {
    if (page.socket.bufferedAmount > this.#limits.bufferedOctets) {
      this.#counts.cutOff += 1
      this.#pages.delete(page)
      page.socket.terminate()
      return false
    }
    page.socket.send(text)
    this.#counts.sent += 1
    return true
  }

  /** Called by a timer of its own; public so that a test can turn it. */
  beat(): void {
    const text = JSON.stringify({ type: 'beat', version: this.#store.version(), nowMs: this.#clock.nowMs() } satisfies LiveMessage)
    for (const page of this.#pages) {
      if (!page.answered) {
        this.#counts.silent += 1
        this.#pages.delete(page)
        page.socket.terminate()
        continue
      }
      page.answered = false
      if (this.#sendText(page, text)) page.socket.ping()
    }
  }

  close(): void {
    clearInterval(this.#timer)
    for (const page of this.#pages) page.socket.close(1001, 'the collector is stopping')
    this.#pages.clear()
  }
}

const encodeAlert = (alert: Alert): string => JSON.stringify({ type: 'alert', version: alert.version, alert } satisfies LiveMessage)
