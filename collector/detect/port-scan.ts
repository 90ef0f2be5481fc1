/**
 * Vertical port scan: one host tries many ports of another and most of them fail.
 *
 * Source: counting distinct failed destinations in a sliding window is the scan detector of Bro (Paxson 1999, "Bro: a
 * system for detecting network intruders in real-time") and the threshold form that Jung et al. 2004 compare their
 * sequential test with.
 * Method: per (initiator, responder), distinct (protocol, port) whose attempt failed, in 10 minutes; fires at max(least,
 * factor x the initiator's learnt maximum). Attempts count when the flow began. Failure is defined in outcome.ts; on a
 * one-way view silence is unknown and not counted, only resets are.
 * Limits: scans without a SYN (FIN, NULL, ACK) look like flows begun before capture and are not counted; UDP ports of
 * traceroute are left out.
 */
import { firingOf, frameOf, outsidePart, sampleFrom, sampleOf, sizePart, subjectOf, thresholdOf, together, windowMicros } from './judge.ts'
import { hasFailed, isAttempt, isGroup, tcp, udp } from './outcome.ts'
import { versionHash } from './settings.ts'
import type { DistinctWindows } from '../aggregate/distinct-windows.ts'
import type { Samples } from '../aggregate/samples.ts'
import type { Detection, Detector, SeenFlow } from './detector.ts'
import type { Episode, Firing } from './firing.ts'
import type { DetectorParts, Subject } from './judge.ts'
import type { PortScanSettings } from './settings.ts'

const measure = 'failed-ports'

export class PortScan implements Detector {
  readonly name = 'port-scan'
  readonly kind = 'running'
  readonly techniques = ['T1046']
  readonly source = 'Paxson 1999 (Bro); Jung et al. 2004'
  readonly versionHash: string
  readonly #settings: PortScanSettings
  readonly #parts: DetectorParts
  readonly #tried: DistinctWindows
  readonly #failed: DistinctWindows
  readonly #samples: Samples
  readonly #firing: Firing<Subject>

  constructor(settings: PortScanSettings, parts: DetectorParts) {
    this.versionHash = versionHash(this.name, settings)
    this.#settings = settings
    this.#parts = parts
    this.#tried = parts.aggregate.distinct()
    this.#failed = parts.aggregate.distinct()
    this.#samples = parts.aggregate.samples()
    this.#firing = firingOf(this.name, parts, 0)
  }

  rebuild(flow: SeenFlow): void {
    this.#count(flow)
  }

  /** Distinct failed ports after this record; 0 when it does not count. */
  #count(flow: SeenFlow): number {
    if (!isAttempt(flow) || (flow.protocol !== tcp && flow.protocol !== udp) || isGroup(flow.responderAddress)) return 0
    if (flow.protocol === udp && !countsAsProbe(flow)) return 0
    const key = keyOf(flow)
    const member = flow.protocol << 16 | flow.responderPort
    this.#tried.add(key, member, flow.startMicros, flow.initiatorInternal)
    if (!hasFailed(flow, this.#parts.blind(flow.stream))) return 0
    const failed = this.#failed.add(key, member, flow.startMicros, flow.initiatorInternal)
    if (failed >= sampleFrom) this.#samples.add(key, sampleOf(flow))
    return failed
  }

  observe(flow: SeenFlow, out: Detection[]): void {
    const failed = this.#count(flow)
    if (failed === 0) return
    const { baseline } = this.#parts.aggregate
    const { startMicros: micros, initiatorAddress: initiator, initiatorInternal: internal } = flow
    if (internal) baseline.note(initiator, measure, failed, micros)
    const key = keyOf(flow)
    if (failed < this.#settings.least && this.#firing.get(key) === undefined) return
    const threshold = thresholdOf(this.#settings, baseline.usual(initiator, measure, micros))
    if (failed >= threshold) baseline.spoil(initiator, measure, micros)
    const first = (): Subject => subjectOf(flow, this.#samples.of(key))
    const episode = this.#firing.measure(key, failed, threshold, micros, flow.stream, internal, first)
    if (episode !== undefined) out.push(this.#describe(key, episode))
  }

  settle(stream: string, clockMicros: number, out: Detection[]): void {
    for (const [key, episode] of this.#firing.settle(stream, clockMicros)) out.push(this.#describe(key, episode))
  }

  #describe(key: string, episode: Episode<Subject>): Detection {
    const usual = this.#parts.aggregate.baseline.usual(episode.about.initiator, measure, episode.overMicros)
    const threshold = thresholdOf(this.#settings, usual)
    const failed = Math.max(episode.value, this.#failed.count(key, episode.internal))
    const tried = Math.max(failed, this.#tried.count(key, episode.internal))
    return {
      ...frameOf(this, measure, episode, this.#samples.of(key), usual), peer: episode.about.responder, strand: '', windowMicros,
      evidence: [
        { name: measure, label: 'ports that failed', value: failed, unit: 'ports', threshold, ...(usual === undefined ? {} : { usual }) },
        { name: 'tried-ports', label: 'ports tried', value: tried, unit: 'ports' },
      ],
      riskParts: [
        { name: this.name, points: this.#settings.points, reason: 'many ports of one host failed' },
        ...sizePart(failed, threshold, this.#settings.sizePoints),
        ...outsidePart(episode.internal, false, this.#parts.fromOutside),
      ],
      facts: { failed, tried, internal: episode.internal },
    }
  }

  save(): void {
    this.#firing.save()
  }

  restore(rows: ReadonlyMap<string, string>): void {
    this.#firing.restore(rows)
  }

  size(): { entries: number, evicted: number } {
    return together(this.#tried.size(), this.#failed.size(), this.#samples.size(), this.#firing.size())
  }
}

const keyOf = (flow: SeenFlow): string => `${flow.initiatorAddress}>${flow.responderAddress}`

/**
 * An unanswered UDP packet is a probe unless it is a late answer of a server (well-known port to ephemeral one) or
 * traceroute (33434 to 33534).
 */
function countsAsProbe(flow: SeenFlow): boolean {
  if (flow.initiatorPort < 1024 && flow.responderPort >= 1024) return false
  return flow.responderPort < 33434 || flow.responderPort > 33534
}
