/**
 * Password guessing: many short connections from one host to one authentication service, and whether one of them got in.
 *
 * Source: Hellemons et al. 2012, "SSHCure: a flow-based SSH intrusion detection system" (phases of scan, brute force and
 * compromise told apart by flow length and rate); the counts are Zeek's detect-bruteforcing carried over to flows.
 * Method: per (initiator, responder, port), connections in which both sides spoke and that ended within `shortSeconds`:
 * `least` in 10 minutes or `leastLong` in 4 hours. Services are known by port or by the protocol recognised in the
 * payload. A connection begun after the first attempt that lasts `sessionSeconds`, or is `sessionOctets` large and five
 * times the mean attempt, is a success: the episode is reported at once, as critical.
 * Limits: a success shorter and smaller than that is not noticed; several accounts behind one connection count once.
 */
import { firingOf, frameOf, outsidePart, sampleFrom, sampleLimit, sampleOf, sizePart, subjectOf, thresholdOf, together, windowMicros } from './judge.ts'
import { hasConversed } from './outcome.ts'
import { versionHash } from './settings.ts'
import { slowMicros, SlowCounts } from './slow-count.ts'
import type { Evidence, UsualRange } from '../../proto/alert.ts'
import type { Sample, Samples } from '../aggregate/samples.ts'
import type { SumWindows } from '../aggregate/sum-windows.ts'
import type { Detection, Detector, SeenFlow } from './detector.ts'
import type { Episode, Firing } from './firing.ts'
import type { DetectorParts, Subject } from './judge.ts'
import type { BruteForceSettings } from './settings.ts'

/** `successMicros` is 0 until a session shows that the guessing succeeded; `session` is its record, kept because windows do not hold it. */
type Login = Subject & {
  port: number
  service: string
  attempts: number
  slow: number
  successMicros: number
  sessionSeconds: number
  sessionOctets: number
  session?: Sample
}
type Service = { name: string, times: number }

const measure = 'short-logins'
const byApplication: ReadonlyMap<string, Service> = new Map([
  ['ssh', { name: 'SSH', times: 1 }], ['ftp', { name: 'FTP', times: 1 }], ['telnet', { name: 'Telnet', times: 1 }],
  ['rdp', { name: 'RDP', times: 1 }], ['vnc', { name: 'VNC', times: 1 }],
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
    this.#services = new Map(Object.entries(settings.services).map(([port, { name, times = 1 }]) => [Number(port), { name, times }]))
    this.#attempts = parts.aggregate.sums(1)
    this.#slow = new SlowCounts(this.name, parts.episodes * 4, parts.aggregate.remember)
    this.#samples = parts.aggregate.samples()
    this.#firing = firingOf(this.name, parts, slowMicros)
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
    const { times } = service
    const fast = this.#count(flow)
    const slow = this.#slow.add(key, micros)
    /**
     * Weighted, so that a service that programs use often needs more. Both forms are put on the scale of the fast one.
     */
    const weighted = fast / times
    if (internal) baseline.note(initiator, measure, Math.ceil(weighted), micros)
    const value = Math.max(weighted, slow / times * this.#settings.least / this.#settings.leastLong)
    if (value < this.#settings.least && this.#firing.get(key) === undefined) return undefined
    const threshold = thresholdOf(this.#settings, baseline.usual(initiator, measure, micros))
    if (value >= threshold) baseline.spoil(initiator, measure, micros)
    const begin = (): Login => ({
      ...subjectOf(flow, this.#samples.of(key)), port: flow.responderPort, service: service.name, attempts: fast, slow,
      successMicros: 0, sessionSeconds: 0, sessionOctets: 0,
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

  /** A longer connection to a service under attack: if it is long or large enough, the attack has succeeded. Its end is reported too. */
  #session(flow: SeenFlow): Episode<Login> | undefined {
    const key = keyOf(flow)
    const episode = this.#firing.get(key)
    if (episode === undefined || flow.startMicros <= episode.about.firstMicros) return undefined
    if (episode.about.successMicros > 0 && (!flow.final || episode.about.successMicros !== flow.startMicros)) return undefined
    if (flow.startMicros > episode.overMicros + slowMicros) return undefined
    const seconds = (flow.endMicros - flow.startMicros) / 1e6
    const octets = flow.initiatorOctets + flow.responderOctets
    const [n, total] = this.#attempts.sums(key, flow.initiatorInternal) ?? [0, 0]
    const large = octets >= this.#settings.sessionOctets && octets >= 5 * total / Math.max(1, n)
    if (seconds < this.#settings.sessionSeconds && !large) return undefined
    const shown = { successMicros: flow.startMicros, sessionSeconds: Math.round(seconds), sessionOctets: octets, session: sampleOf(flow) }
    Object.assign(episode.about, shown)
    return this.#firing.report(key, episode, flow.endMicros)
  }

  settle(stream: string, clockMicros: number, out: Detection[]): void {
    for (const [key, episode] of this.#firing.settle(stream, clockMicros)) out.push(this.#describe(key, episode))
  }

  #describe(key: string, episode: Episode<Login>): Detection {
    const { about } = episode
    const { service, port, responder, sessionSeconds, sessionOctets } = about
    const usual = this.#parts.aggregate.baseline.usual(about.initiator, measure, episode.overMicros)
    const threshold = thresholdOf(this.#settings, usual)
    const times = this.#services.get(port)?.times ?? 1
    const succeeded = about.successMicros > 0
    const long = about.attempts < threshold * times
    const samples = [...this.#samples.of(key), ...about.session === undefined ? [] : [about.session]].slice(-sampleLimit)
    return {
      ...frameOf(this, measure, episode, samples, usual), peer: responder, strand: String(port),
      techniques: succeeded ? ['T1110', 'T1078'] : this.techniques, windowMicros: long ? slowMicros : windowMicros,
      evidence: [...this.#attemptEvidence(about, threshold * times, times, usual), ...succeeded ? this.#sessionEvidence(about) : []],
      riskParts: [
        { name: this.name, points: this.#settings.points, reason: `many short ${service} connections` },
        ...sizePart(episode.value, threshold, this.#settings.sizePoints),
        ...outsidePart(episode.internal, succeeded, this.#parts.fromOutside),
        ...succeeded ? [{ name: 'success', points: this.#settings.successPoints, reason: 'a long or large session followed' }] : [],
      ],
      facts: {
        service, port, responder, attempts: long ? about.slow : about.attempts,
        succeeded, sessionSeconds, sessionOctets, internal: episode.internal,
      },
    }
  }

  #attemptEvidence({ service, attempts, slow }: Login, threshold: number, times: number, usual: UsualRange | undefined): Evidence[] {
    const unit = 'connections'
    return [
      {
        name: measure, label: `short ${service} connections in 10 min`, value: attempts, unit, threshold,
        ...(usual === undefined ? {} : { usual }),
      },
      { name: 'short-logins-4h', label: `short ${service} connections in 4 h`, value: slow, unit, threshold: this.#settings.leastLong * times },
    ]
  }

  #sessionEvidence({ sessionSeconds, sessionOctets }: Login): Evidence[] {
    const { sessionSeconds: long, sessionOctets: large } = this.#settings
    return [
      { name: 'session-seconds', label: 'the session after them lasted', value: sessionSeconds, unit: 's', threshold: long },
      { name: 'session-octets', label: 'and carried', value: sessionOctets, unit: 'octets', threshold: large },
    ]
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
    return together(this.#attempts.size(), this.#samples.size(), this.#firing.size(), this.#slow.size())
  }
}

const keyOf = (flow: SeenFlow): string => `${flow.initiatorAddress}>${flow.responderAddress}:${flow.responderPort}`
