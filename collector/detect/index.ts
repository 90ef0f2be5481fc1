/**
 * The detectors, and the set that runs them over the records of one run. `observe` takes records in log order, `tick` the
 * clock of each batch, `rebuild` records that had been observed before a restart. What must survive is written by
 * `save`, in the commit that stores the findings. Loses nothing by itself; never blocks.
 */
import { BruteForce } from './brute-force.ts'
import { DnsTunnel } from './dns-tunnel.ts'
import { quietMicros } from './firing.ts'
import { FlowModel } from './flow-model.ts'
import { OneWayGuard } from './one-way.ts'
import { isAlive } from './outcome.ts'
import { PortScan } from './port-scan.ts'
import type { Aggregate } from '../aggregate/aggregate.ts'
import type { Detection, Detector, SeenFlow } from './detector.ts'
import type { DetectorParts } from './judge.ts'
import type { DetectorSettings } from './settings.ts'

export { detectorSchema, readDetectorSettings } from './settings.ts'
export type { DetectorSettings } from './settings.ts'

type Settings = DetectorSettings['detectors']

/** Name -> how to make it. */
export const detectors = {
  'port-scan': (settings: Settings, parts: DetectorParts): Detector => new PortScan(settings['port-scan'], parts),
  'brute-force': (settings: Settings, parts: DetectorParts): Detector => new BruteForce(settings['brute-force'], parts),
  'dns-tunnel': (settings: Settings, parts: DetectorParts): Detector => new DnsTunnel(settings['dns-tunnel'], parts),
} as const satisfies Record<string, (settings: Settings, parts: DetectorParts) => Detector>

export type DetectorName = keyof typeof detectors
export const detectorNames = Object.keys(detectors) as DetectorName[]

/** The enabled detectors over one run's windows. */
export function createDetectors(settings: DetectorSettings, aggregate: Aggregate): DetectorSet {
  return new DetectorSet(settings, aggregate)
}

export class DetectorSet {
  readonly detectors: readonly Detector[]
  readonly guard: OneWayGuard
  readonly #aggregate: Aggregate
  readonly #model: FlowModel
  /** Stream of the records observed since the last `tick`. */
  #carried: string | undefined

  constructor(settings: DetectorSettings, aggregate: Aggregate) {
    this.#aggregate = aggregate
    this.guard = new OneWayGuard(settings.oneWay)
    this.#model = new FlowModel(settings.detectors['flow-model'], aggregate.remember)
    const { limits, fromOutside } = settings
    const parts: DetectorParts = { aggregate, blind: (stream) => this.guard.blind(stream), episodes: limits.episodes, fromOutside }
    const enabled = detectorNames.filter((name) => settings.detectors[name].enabled)
    this.detectors = enabled.map((name) => detectors[name](settings.detectors, parts))
  }

  /** Takes one record; adds what was found to `out`. */
  observe(flow: SeenFlow, out: Detection[]): void {
    const before = out.length
    this.#carried = flow.stream
    this.guard.observe(flow)
    this.#model.observe(flow)
    if (flow.initiatorInternal && isAlive(flow)) {
      this.#aggregate.baseline.seen(flow.initiatorAddress, flow.startMicros)
    }
    for (const detector of this.detectors) detector.observe(flow, out)
    if (this.#aggregate.clocks.advance(flow.stream, flow.endMicros)) this.#settle(flow.stream, out)
    for (let i = before; i < out.length; i++) this.#model.weigh(out[i], flow.stream)
  }

  /** Takes one record of before a restart: windows only. */
  rebuild(flow: SeenFlow): void {
    this.guard.observe(flow)
    for (const detector of this.detectors) detector.rebuild(flow)
  }

  /**
   * Takes the clock of a batch, after its records. Only an empty batch's counts: records bring their own time, and how they were cut
   * into batches must not matter. `last`: the stream has nothing more to say, so whatever grew is reported.
   */
  tick(stream: string, clockMicros: number, last: boolean, out: Detection[]): void {
    const carried = this.#carried === stream
    this.#carried = undefined
    if (carried && !last) return
    const before = out.length
    const moved = this.#aggregate.clocks.advance(stream, clockMicros)
    if (last) for (const detector of this.detectors) detector.settle(stream, this.#aggregate.clocks.of(stream) + quietMicros, out)
    else if (moved) this.#settle(stream, out)
    for (let i = before; i < out.length; i++) this.#model.weigh(out[i], stream)
  }

  #settle(stream: string, out: Detection[]): void {
    const clock = this.#aggregate.clocks.of(stream)
    for (const detector of this.detectors) detector.settle(stream, clock, out)
  }

  /** Hands every changed row to `remember`. */
  save(): void {
    for (const detector of this.detectors) detector.save()
    this.#model.save()
    this.#aggregate.clocks.save(this.#aggregate.remember)
  }

  /** Takes back the rows of an earlier process. */
  restore(rows: ReadonlyMap<string, string>): void {
    this.#aggregate.baseline.restore(rows)
    this.#aggregate.clocks.restore(rows)
    this.#model.restore(rows)
    for (const detector of this.detectors) detector.restore(rows)
  }

  /** Entries held and given up, by detector, for metrics. */
  sizes(): Map<string, { entries: number, evicted: number }> {
    return new Map([...this.detectors.map((detector) => [detector.name, detector.size()] as const), ['baseline', this.#aggregate.baseline.size()]])
  }
}
