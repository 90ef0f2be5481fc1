/**
 * Notices a sensor that sees one direction of the traffic only (a mirror port set up for one side, asymmetric routing):
 * there every connection looks failed. Per stream, over 5 minutes of event time: connections that prove it, against
 * connections seen in both directions. Unanswered SYNs are in neither number. Bounded: 1,024 streams. Rebuilt from the
 * log after a restart. Limits: whoever forges enough half conversations blinds the stream to silent failures; the stream
 * then shows as blind, and failures with an answer still count.
 */
import { isAttempt, provesOneWay, tcp } from './outcome.ts'
import type { SeenFlow } from './detector.ts'

const paneMicros = 30e6
const panes = 10
const streams = 1024

type View = { newest: number, oneWay: Uint32Array, both: Uint32Array }

export class OneWayGuard {
  readonly #views = new Map<string, View>()
  readonly #share: number
  readonly #flows: number

  /**
   * `share`: the part of one-way connections above which failures mean nothing; `flows`: connections needed before that
   * is judged.
   */
  constructor(options: { share: number, flows: number }) {
    this.#share = options.share
    this.#flows = options.flows
  }

  observe(flow: SeenFlow): void {
    if (flow.protocol !== tcp || !isAttempt(flow)) return
    const oneWay = provesOneWay(flow)
    if (!oneWay && (flow.responderPackets === 0 || flow.initiatorPackets === 0)) return
    const pane = Math.floor(flow.startMicros / paneMicros)
    let view = this.#views.get(flow.stream)
    if (view === undefined) {
      view = { newest: pane, oneWay: new Uint32Array(panes), both: new Uint32Array(panes) }
      this.#views.set(flow.stream, view)
      if (this.#views.size > streams) this.#views.delete(this.#views.keys().next().value ?? '')
    }
    for (let i = Math.max(view.newest + 1, pane - panes + 1); i <= pane; i++) {
      view.oneWay[i % panes] = 0
      view.both[i % panes] = 0
    }
    view.newest = Math.max(view.newest, pane)
    if (pane > view.newest - panes) (oneWay ? view.oneWay : view.both)[pane % panes]++
  }

  /** Share of one-way connections of a stream, 0 ... 1; 0 while too few were seen. */
  share(stream: string): number {
    const view = this.#views.get(stream)
    if (view === undefined) return 0
    const oneWay = view.oneWay.reduce((sum, n) => sum + n, 0)
    const both = view.both.reduce((sum, n) => sum + n, 0)
    return oneWay + both >= this.#flows || both === 0 && oneWay > 0 ? oneWay / (oneWay + both) : 0
  }

  /** Whether "failed" is unknown on this stream now. */
  blind(stream: string): boolean {
    return this.share(stream) > this.#share
  }

  /** Streams that are blind now, for the sensor's page. */
  blindStreams(): { stream: string, share: number }[] {
    return [...this.#views.keys()].map((stream) => ({ stream, share: this.share(stream) })).filter(({ share }) => share > this.#share)
  }
}
