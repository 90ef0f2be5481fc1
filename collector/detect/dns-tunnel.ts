/**
 * DNS tunnel: data carried in the names of one registered domain.
 *
 * Source: Farnham 2013, "Detecting DNS tunneling" (SANS): volume and uniqueness of names per domain, label length,
 * entropy; Born and Gustafson 2010 for the character statistics. Prevalence (few hosts use the domain) is what keeps
 * content networks and antivirus look-ups out.
 * Method: per (internal initiator, registered domain), distinct names below it in 10 minutes; fires at max(least, factor
 * x learnt maximum) when the longest labels have a mean length >= `labelLength` or the names a mean entropy >= `entropy`
 * bits per character, and at most `hosts` internal hosts asked for the domain in that time. A host that itself answers
 * DNS is a resolver: names it passes on for others are not its own.
 * Limits: the 4-hour form needs a query over the archive and is not here; registered domains follow the short table in
 * registered-domain.ts.
 */
import { hash32 } from '../../proto/sketch.ts'
import { firingOf, frameOf, sampleFrom, sampleOf, sizePart, subjectOf, thresholdOf, together, windowMicros } from './judge.ts'
import { registeredDomain } from './registered-domain.ts'
import { versionHash } from './settings.ts'
import type { DistinctWindows } from '../aggregate/distinct-windows.ts'
import type { Samples } from '../aggregate/samples.ts'
import type { SumWindows } from '../aggregate/sum-windows.ts'
import type { Detection, Detector, SeenFlow } from './detector.ts'
import type { Episode, Firing } from './firing.ts'
import type { DetectorParts, Subject } from './judge.ts'
import type { DnsTunnelSettings } from './settings.ts'

type Tunnel = Subject & { domain: string, labelLength: number, entropy: number, hosts: number, queries: number }

/** A query's key, and the counts it left. */
type Seen = { key: string, domain: string, names: number, hosts: number }

const measure = 'unique-subdomains'
const resolverPort = 53

export class DnsTunnel implements Detector {
  readonly name = 'dns-tunnel'
  readonly kind = 'running'
  readonly techniques = ['T1071.004', 'T1048']
  readonly source = 'Farnham 2013 (SANS); Born and Gustafson 2010'
  readonly versionHash: string
  readonly #settings: DnsTunnelSettings
  readonly #parts: DetectorParts
  readonly #names: DistinctWindows
  readonly #hosts: DistinctWindows
  /** Hosts that answered DNS, by how many asked them. */
  readonly #resolvers: DistinctWindows
  /** Length of the longest label, entropy of the name. */
  readonly #shape: SumWindows
  readonly #samples: Samples
  readonly #exempt: ReadonlySet<string>
  readonly #firing: Firing<Tunnel>

  constructor(settings: DnsTunnelSettings, parts: DetectorParts) {
    this.versionHash = versionHash(this.name, settings)
    this.#settings = settings
    this.#parts = parts
    this.#names = parts.aggregate.distinct()
    this.#hosts = parts.aggregate.distinct()
    this.#resolvers = parts.aggregate.distinct()
    this.#shape = parts.aggregate.sums(2)
    this.#samples = parts.aggregate.samples()
    this.#exempt = new Set(settings.exempt)
    this.#firing = firingOf(this.name, parts, 0)
  }

  rebuild(flow: SeenFlow): void {
    if (!this.#applies(flow)) return
    for (const { query, offsetMicros } of flow.dns) this.#count(flow, query, flow.startMicros + offsetMicros)
  }

  #applies(flow: SeenFlow): boolean {
    if (flow.dns.length === 0 || !flow.initiatorInternal) return false
    if (flow.responderInternal && flow.responderPort === resolverPort && flow.responderPackets > 0) {
      this.#resolvers.add(flow.responderAddress, hash32(flow.initiatorAddress), flow.startMicros, true)
    }
    return true
  }

  #count(flow: SeenFlow, query: string, micros: number): Seen | undefined {
    const name = registeredDomain(query)
    if (name === undefined || name.below === '') return undefined
    const { domain, below } = name
    const key = `${flow.initiatorAddress}>${domain}`
    const hosts = this.#hosts.add(domain, hash32(flow.initiatorAddress), micros, true)
    const names = this.#names.add(key, hash32(below), micros, true)
    if (names >= sampleFrom) {
      this.#shape.add(key, [longestLabel(below), entropyOf(below)], micros, true)
      this.#samples.add(key, sampleOf(flow))
    }
    return { key, domain, names, hosts }
  }

  observe(flow: SeenFlow, out: Detection[]): void {
    if (!this.#applies(flow)) return
    for (const { query, offsetMicros } of flow.dns) {
      const micros = flow.startMicros + offsetMicros
      const seen = this.#count(flow, query, micros)
      if (seen === undefined || this.#exempt.has(seen.domain)) continue
      const episode = this.#judge(flow, seen, micros)
      if (episode !== undefined) out.push(this.#describe(seen.key, episode))
    }
  }

  #judge(flow: SeenFlow, { key, domain, names, hosts }: Seen, micros: number): Episode<Tunnel> | undefined {
    const { baseline } = this.#parts.aggregate
    const initiator = flow.initiatorAddress
    baseline.note(initiator, measure, names, micros)
    const known = this.#firing.get(key)
    if (names < this.#settings.least && known === undefined) return undefined
    const threshold = thresholdOf(this.#settings, baseline.usual(initiator, measure, micros))
    const [queries, labels, bits] = this.#shape.sums(key, true) ?? [0, 0, 0]
    const labelLength = labels / Math.max(1, queries)
    const entropy = bits / Math.max(1, queries)
    const few = hosts <= (this.#passesOn(initiator) ? 1 : this.#settings.hosts)
    const shaped = labelLength >= this.#settings.labelLength || entropy >= this.#settings.entropy
    const value = few && shaped ? names : 0
    if (value >= threshold) baseline.spoil(initiator, measure, micros)
    const about = { domain, labelLength: round(labelLength), entropy: round(entropy), hosts, queries }
    const begin = (): Tunnel => ({ ...subjectOf(flow, this.#samples.of(key)), ...about })
    const due = this.#firing.measure(key, value, threshold, micros, flow.stream, true, begin)
    const now = due ?? known
    if (now !== undefined && value > 0) Object.assign(now.about, about)
    return due
  }

  /** Whether a host answers DNS for others. */
  #passesOn(address: string): boolean {
    return this.#resolvers.count(address, true) > 0
  }

  settle(stream: string, clockMicros: number, out: Detection[]): void {
    for (const [key, episode] of this.#firing.settle(stream, clockMicros)) out.push(this.#describe(key, episode))
  }

  #describe(key: string, episode: Episode<Tunnel>): Detection {
    const { about } = episode
    const usual = this.#parts.aggregate.baseline.usual(about.initiator, measure, episode.overMicros)
    const threshold = thresholdOf(this.#settings, usual)
    /** The estimate of names may exceed the queries, which are counted; those before sampling began are not among them. */
    const names = Math.min(Math.max(episode.value, this.#names.count(key, true)), about.queries + sampleFrom - 1)
    return {
      ...frameOf(this, measure, episode, this.#samples.of(key), usual), peer: about.domain, strand: '', windowMicros,
      evidence: [
        { name: measure, label: 'different names below the domain', value: names, unit: 'names', threshold, ...(usual === undefined ? {} : { usual }) },
        { name: 'label-length', label: 'mean length of the longest label', value: about.labelLength, unit: 'characters', threshold: this.#settings.labelLength },
        { name: 'entropy', label: 'mean entropy of a name', value: about.entropy, unit: 'bits per character', threshold: this.#settings.entropy },
        { name: 'domain-hosts', label: 'hosts that asked for the domain', value: about.hosts, unit: about.hosts === 1 ? 'host' : 'hosts' },
        { name: 'queries', label: 'queries', value: about.queries, unit: 'queries' },
      ],
      riskParts: [
        { name: this.name, points: this.#settings.points, reason: 'many different, long or random names below one rare domain' },
        ...sizePart(names, threshold, this.#settings.sizePoints),
      ],
      facts: { domain: about.domain, names, labelLength: about.labelLength, entropy: about.entropy, hosts: about.hosts, internal: true },
    }
  }

  save(): void {
    this.#firing.save()
  }

  restore(rows: ReadonlyMap<string, string>): void {
    this.#firing.restore(rows)
  }

  size(): { entries: number, evicted: number } {
    const windows = [this.#names, this.#hosts, this.#resolvers, this.#shape, this.#samples, this.#firing]
    return together(...windows.map((window) => window.size()))
  }
}

const round = (value: number): number => Math.round(value * 100) / 100

function longestLabel(name: string): number {
  let most = 0
  for (let at = 0, end = 0; at <= name.length; at = end + 1) {
    end = name.indexOf('.', at)
    if (end < 0) end = name.length
    most = Math.max(most, end - at)
  }
  return most
}

const tally = new Uint16Array(128)

/** Shannon entropy of the characters of a name, dots left out, bits per character (Shannon 1948). */
export function entropyOf(name: string): number {
  tally.fill(0)
  let total = 0
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    if (code === 46) continue
    tally[code & 127]++
    total++
  }
  let bits = 0
  for (const n of tally) if (n > 0) bits -= n / total * Math.log2(n / total)
  return bits
}
