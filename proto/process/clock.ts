/**
 * Time, handed to every stage as an argument. `nowMs` may step when the machine's clock is corrected; `monotonicMs` never goes back and
 * says nothing about the date, so durations and timers use it. Tests hand in a `ManualClock`.
 */
export type Clock = {
  /** Milliseconds since 1970; may step. */
  nowMs(): number
  /** Milliseconds since some moment; only differences mean anything. */
  monotonicMs(): number
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
}

/** A clock that stands still until it is told otherwise. */
export class ManualClock implements Clock {
  #nowMs: number
  #monotonicMs = 0

  constructor(nowMs = 0) {
    this.#nowMs = nowMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  /** Lets both clocks run on by `ms` (not negative). */
  advance(ms: number): void {
    if (ms < 0) throw new RangeError('time does not run backwards; use step')
    this.#nowMs += ms
    this.#monotonicMs += ms
  }

  /** Corrects the wall clock alone, forwards or backwards, as an administrator or NTP would. */
  step(ms: number): void {
    this.#nowMs += ms
  }
}
