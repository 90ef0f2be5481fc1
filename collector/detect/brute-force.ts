/**
 * Password guessing: many short connections from one host to one authentication service, and whether one of them got in.
 *
 * Source: Hellemons et al. 2012, "SSHCure: a flow-based SSH intrusion detection system" (phases of scan, brute force and
 * compromise told apart by flow length and rate); the counts are Zeek's detect-bruteforcing carried over to flows.
 * Method: per (initiator, responder, port), connections in which both sides spoke and that ended within `shortSeconds`: `least` in 10 minutes or `leastLong` in
 * 4 hours. Services are known by port or by the protocol recognised in the payload. A connection begun after the first attempt
 * that lasts `sessionSeconds`, or is `sessionOctets` large and five times the mean attempt, is a success: the episode is reported at once, as critical.
 * Limits: a success shorter and smaller than that is not noticed; several accounts behind one connection count once.
 */
import { episodeParts, fromSamples, outsidePart, paneMicros, sampleOf, sizePart, subjectOf, thresholdOf, windowMicros } from './judge.ts'
import { Firing } from './firing.ts'
import { hasConversed } from './outcome.ts'
import { versionHash } from './settings.ts'
import { slowMicros, SlowCounts } from './slow-count.ts'
import type { Samples } from '../aggregate/samples.ts'
import type { SumWindows } from '../aggregate/sum-windows.ts'
import type { Detection, Detector, SeenFlow } from './detector.ts'
import type { Episode } from './firing.ts'
import type { DetectorParts, Subject } from './judge.ts'
import type { BruteForceSettings } from './settings.ts'

type Login = Subject & { port: number, service: string, successMicros: number, sessionSeconds: number, sessionOctets: number, attempts: number, slow: number }
type Service = { name: string, times?: number }

const measure = 'short-logins'
const sampleFrom = 4
const byApplication: ReadonlyMap<string, Service> = new Map([
  ['ssh', { name: 'SSH' }], ['ftp', { name: 'FTP' }], ['telnet', { name: 'Telnet' }], ['rdp', { name: 'RDP' }], ['vnc', { name: 'VNC' }],
])

export class BruteForce implements Detector {
  readonly name = 'brute-force'
  readonly kind = 'running'
  readonly techniques = ['T1110']
  readonly source = 'Hellemons et al. 2012 (SSHCure); Zeek detect-bruteforcing'
  readonly versionHash: string
  readonly #settings: BruteForceSettings
  readonly #parts: DetectorParts
  readonly #services: ReadonlyMap<number, Service>
  readonly #attempts: SumWindows
  readonly #slow: SlowCounts
  readonly #samples: Samples
  readonly #firing: Firing<Login>

  constructor(settings: BruteForceSettings, parts: DetectorParts) {
    this.versionHash = versionHash(this.name, settings)
    this.#settings = settings
    this.#parts = parts
    this.#services = new Map(Object.entries(settings.services).map(([port, { name, times }]) => [Number(port), { name, ...(times === undefined ? {} : { times }) }]))
    this.#attempts = parts.aggregate.sums(1)
    this.#slow = new SlowCounts(this.name, parts.episodes * 4, parts.aggregate.remember)
    this.#samples = parts.aggregate.samples()
    this.#firing = new Firing({ detector: this.name, remember: parts.aggregate.remember, episodes: parts.episodes, windowMicros, paneMicros, retainMicros: slowMicros })
  }

  rebuild(flow: SeenFlow): void {
    if (this.#service(flow) !== undefined && this.#isShort(flow)) this.#count(flow)
  }

  #service(flow: SeenFlow): Service | undefined {
    if (!hasConversed(flow)) return undefined
    return this.#services.get(flow.responderPort) ?? (flow.application === '' ? undefined : byApplication.get(flow.application))
  }

  #isShort(flow: SeenFlow): boolean {
    return flow.part === 0 && flow.final && flow.endMicros - flow.startMicros < this.#settings.shortSeconds * 1e6
  }

  #count(flow: SeenFlow): number {
    const key = keyOf(flow)
    const n = this.#attempts.add(key, [flow.initiatorOctets + flow.responderOctets], flow.startMicros, flow.initiatorInternal)
    if (n >= sampleFrom) this.#samples.add(key, sampleOf(flow))
    return n
  }

  observe(flow: SeenFlow, out: Detection[]): void {
    const service = this.#service(flow)
    if (service === undefined) return
    const episode = this.#isShort(flow) ? this.#attempt(flow, service) : this.#session(flow)
    if (episode !== undefined) out.push(this.#describe(keyOf(flow), episode))
  }

  #attempt(flow: SeenFlow, service: Service): Episode<Login> | undefined {
    const { startMicros: micros, initiatorAddress: initiator, initiatorInternal: internal } = flow
    const { baseline } = this.#parts.aggregate
    const key = keyOf(flow)
    const times = service.times ?? 1
    const fast = this.#count(flow)
    const slow = this.#slow.add(key, micros)
    /** Weighted, so that a service that programs use often needs more. Both forms are put on the scale of the fast one. */
    const weighted = Math.floor(fast / times)
    if (internal) baseline.note(initiator, measure, weighted, micros)
    const value = Math.max(weighted, Math.floor(slow / times * this.#settings.least / this.#settings.leastLong))
    if (value < this.#settings.least && this.#firing.get(key) === undefined) return undefined
    const threshold = thresholdOf(this.#settings, baseline.usual(initiator, measure, micros))
    if (value >= threshold) baseline.spoil(initiator, measure, micros)
    const begin = (): Login => ({
      ...subjectOf(flow, fromSamples(this.#samples.of(key), micros, micros).firstMicros), port: flow.responderPort, service: service.name,
      successMicros: 0, sessionSeconds: 0, sessionOctets: 0, attempts: fast, slow,
    })
    const known = this.#firing.get(key)
    const due = this.#firing.measure(key, value, threshold, micros, flow.stream, internal, begin)
    const now = due ?? known
    if (now !== undefined) {
      now.about.attempts = fast
      now.about.slow = slow
    }
    return due
  }

  /** A longer connection to a service under attack: if it is long or large enough, the attack has succeeded. */
  #session(flow: SeenFlow): Episode<Login> | undefined {
    const key = keyOf(flow)
    const episode = this.#firing.get(key)
    if (episode === undefined || episode.about.successMicros > 0 || flow.startMicros <= episode.about.firstMicros) return undefined
    if (flow.startMicros > episode.overMicros + slowMicros) return undefined
    const seconds = (flow.endMicros - flow.startMicros) / 1e6
    const octets = flow.initiatorOctets + flow.responderOctets
    const [n, total] = this.#attempts.sums(key, flow.initiatorInternal) ?? [0, 0]
    const large = octets >= this.#settings.sessionOctets && octets >= 5 * total / Math.max(1, n)
    if (seconds < this.#settings.sessionSeconds && !large) return undefined
    Object.assign(episode.about, { successMicros: flow.startMicros, sessionSeconds: Math.round(seconds), sessionOctets: octets })
    this.#samples.add(key, sampleOf(flow))
    return this.#firing.report(key, episode, flow.startMicros)
  }

  settle(stream: string, clockMicros: number, out: Detection[]): void {
    for (const [key, episode] of this.#firing.settle(stream, clockMicros)) out.push(this.#describe(key, episode))
  }

  #describe(key: string, episode: Episode<Login>): Detection {
    const { about } = episode
    const usual = this.#parts.aggregate.baseline.usual(about.initiator, measure, episode.overMicros)
    const threshold = thresholdOf(this.#settings, usual)
    const times = this.#services.get(about.port)?.times ?? 1
    const succeeded = about.successMicros > 0
    const overLong = about.attempts < threshold * times
    return {
      detector: this.name, entityKind: 'host', entity: about.initiator, peer: about.responder, strand: String(about.port), measure,
      windowMicros: overLong ? slowMicros : windowMicros, techniques: succeeded ? ['T1110', 'T1078'] : this.techniques, versionHash: this.versionHash,
      ...episodeParts(episode), ...fromSamples(this.#samples.of(key), about.firstMicros, Math.max(episode.overMicros, about.successMicros)), firstMicros: about.firstMicros,
      ...(usual === undefined ? {} : { usual }),
      evidence: [
        { name: measure, label: `short ${about.service} connections in 10 min`, value: about.attempts, unit: 'connections', threshold: threshold * times, ...(usual === undefined ? {} : { usual }) },
        { name: 'short-logins-4h', label: `short ${about.service} connections in 4 h`, value: about.slow, unit: 'connections', threshold: this.#settings.leastLong * times },
        ...(succeeded ? [
          { name: 'session-seconds', label: 'the session after them lasted', value: about.sessionSeconds, unit: 's', threshold: this.#settings.sessionSeconds },
          { name: 'session-octets', label: 'and carried', value: about.sessionOctets, unit: 'octets', threshold: this.#settings.sessionOctets },
        ] : []),
      ],
      riskParts: [
        { name: this.name, points: this.#settings.points, reason: `many short ${about.service} connections` },
        ...sizePart(episode.value, threshold, this.#settings.sizePoints), ...outsidePart(episode.internal, succeeded, this.#parts.fromOutside),
        ...(succeeded ? [{ name: 'success', points: this.#settings.successPoints, reason: 'a long or large session followed' }] : []),
      ],
      facts: {
        service: about.service, port: about.port, responder: about.responder, attempts: overLong ? about.slow : about.attempts, long: overLong, succeeded, internal: episode.internal,
        sessionSeconds: about.sessionSeconds, sessionOctets: about.sessionOctets,
      },
    }
  }

  save(): void {
    this.#firing.save()
    this.#slow.save()
  }

  restore(rows: ReadonlyMap<string, string>): void {
    this.#firing.restore(rows)
    this.#slow.restore(rows)
  }

  size(): { entries: number, evicted: number } {
    const all = [this.#attempts.size(), this.#samples.size(), { entries: this.#firing.size, evicted: this.#firing.evicted }, { entries: this.#slow.size, evicted: this.#slow.evicted }]
    return all.reduce((sum, held) => ({ entries: sum.entries + held.entries, evicted: sum.evicted + held.evicted }))
  }
}

const keyOf = (flow: SeenFlow): string => `${flow.initiatorAddress}>${flow.responderAddress}:${flow.responderPort}`
