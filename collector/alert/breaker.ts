/**
 * Circuit breaker of one channel: closed (all may pass), open (none, after several failures in a row), half-open (one
 * may try when the time is up). Each failed try doubles the time, up to a limit (Nygard 2007, "Release It!"). Times are
 * monotonic milliseconds.
 */
export type BreakerOptions = { failures: number, openMs: number, openMaxMs: number }

export class Breaker {
  readonly #options: BreakerOptions
  #failures = 0
  #openedMs = 0
  #openMs: number
  #state: 'closed' | 'open' | 'half-open' = 'closed'

  constructor(options: BreakerOptions) {
    this.#options = options
    this.#openMs = options.openMs
  }

  get state(): 'closed' | 'open' | 'half-open' {
    return this.#state
  }

  /** Whether a delivery may be tried now; opening half-way admits one. */
  admits(nowMs: number): boolean {
    if (this.#state === 'closed') return true
    if (this.#state === 'half-open' || nowMs < this.#openedMs + this.#openMs) return false
    this.#state = 'half-open'
    return true
  }

  /** Milliseconds until a try is admitted again. */
  waitMs(nowMs: number): number {
    return this.#state === 'open' ? Math.max(0, this.#openedMs + this.#openMs - nowMs) : 0
  }

  succeeded(): void {
    this.#state = 'closed'
    this.#failures = 0
    this.#openMs = this.#options.openMs
  }

  failed(nowMs: number): void {
    this.#failures++
    if (this.#state === 'half-open') this.#openMs = Math.min(this.#options.openMaxMs, this.#openMs * 2)
    else if (this.#failures < this.#options.failures) return
    this.#state = 'open'
    this.#openedMs = nowMs
  }
}
