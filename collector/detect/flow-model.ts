/**
 * Model scores as evidence. A score alone says little (no per-flow anomaly score is usable at low false-positive rates:
 * Axelsson 2000, "The base-rate fallacy"), and scores of two models never meet raw: a score counts by its tail
 * probability, the share of this stream's scored flows of the last 7 days, under the same model, that scored as high. It
 * adds at most `most` points to a finding that a detector has made, and never makes one.
 *
 * State: one histogram of 256 buckets per (kind, stream) in two generations of 3.5 days, kept as rows ('scores/...');
 * another model begins a new one. Bounded: 256 histograms, the oldest given up.
 */
import type { Evidence, RiskPart } from '../../proto/alert.ts'
import type { Detection, SeenFlow } from './detector.ts'
import type { FlowModelSettings } from './settings.ts'

const buckets = 256
const generationMicros = 3.5 * 86_400e6
const histograms = 256

type Scores = { model: string, generation: number, now: number[], before: number[] }

export class FlowModel {
  readonly #settings: FlowModelSettings
  readonly #remember: (key: string, value: string | undefined) => void
  readonly #scores = new Map<string, Scores>()
  readonly #dirty = new Set<string>()

  constructor(settings: FlowModelSettings, remember: (key: string, value: string | undefined) => void) {
    this.#settings = settings
    this.#remember = remember
  }

  /** Learns the scores of a finished flow. */
  observe(flow: SeenFlow): void {
    if (!this.#settings.enabled || !flow.final) return
    if (flow.edgeScore !== undefined) this.#learn(`edge/${flow.stream}`, flow.modelHash ?? '', flow.edgeScore, flow.endMicros)
    if (flow.centralScore !== undefined) this.#learn(`central/${flow.stream}`, flow.centralModelHash ?? '', flow.centralScore, flow.endMicros)
  }

  #learn(key: string, model: string, score: number, micros: number): void {
    const generation = Math.floor(micros / generationMicros)
    let scores = this.#scores.get(key)
    if (scores?.model !== model) {
      scores = { model, generation, now: newHistogram(), before: newHistogram() }
      this.#scores.set(key, scores)
      if (this.#scores.size > histograms) {
        const [oldest] = this.#scores.keys()
        this.#scores.delete(oldest)
        this.#dirty.add(oldest)
      }
    }
    if (generation > scores.generation) {
      scores.before = generation === scores.generation + 1 ? scores.now : newHistogram()
      scores.now = newHistogram()
      scores.generation = generation
    }
    scores.now[bucketOf(score)]++
    this.#dirty.add(key)
  }

  /** Share of learnt scores at least as high, never 0; undefined while too few were learnt. */
  tail(key: string, score: number): number | undefined {
    const scores = this.#scores.get(key)
    if (scores === undefined) return undefined
    let total = 0
    let above = 0
    for (let i = 0; i < buckets; i++) {
      const n = scores.now[i] + scores.before[i]
      total += n
      if (i >= bucketOf(score)) above += n
    }
    return total < this.#settings.learnt ? undefined : (above + 1) / (total + 1)
  }

  /** Adds the scores of a detection's flows to its evidence and, when they are rare, points to its risk. */
  weigh(detection: Detection, stream: string): void {
    if (!this.#settings.enabled) return
    const evidence: Evidence[] = []
    let rarest = 1
    const add = (kind: 'edge' | 'central', score: number | undefined): void => {
      if (score === undefined) return
      evidence.push({ name: `${kind}-score`, label: kind === 'edge' ? 'highest score of its flows by the sensor\'s model' : 'highest score of its flows by the collector\'s model', value: Math.round(score * 1e4) / 1e4, unit: '' })
      const share = this.tail(`${kind}/${stream}`, score)
      if (share === undefined) return
      rarest = Math.min(rarest, share)
      evidence.push({ name: `${kind}-tail`, label: 'share of flows here that score as high', value: Number(share.toPrecision(2)), unit: '', threshold: this.#settings.tail })
    }
    add('edge', detection.edgeScore)
    add('central', detection.centralScore)
    detection.evidence.push(...evidence)
    detection.riskParts.push(...this.#points(rarest))
  }

  /** 2.5 points for each power of ten of rarity: 1 in 100 gives 5, 1 in 10,000 gives 10. */
  #points(share: number): RiskPart[] {
    const points = share > this.#settings.tail ? 0 : Math.min(this.#settings.most, Math.round(-2.5 * Math.log10(share)))
    return points <= 0 ? [] : [{ name: 'flow-model', points, reason: `only 1 in ${Math.round(1 / share)} flows here scores as high` }]
  }

  save(): void {
    for (const key of this.#dirty) {
      const scores = this.#scores.get(key)
      this.#remember(`scores/${key}`, scores && JSON.stringify([scores.model, scores.generation, pack(scores.now), pack(scores.before)]))
    }
    this.#dirty.clear()
  }

  restore(rows: ReadonlyMap<string, string>): void {
    for (const [key, value] of rows) {
      if (!key.startsWith('scores/')) continue
      const [model, generation, now, before] = JSON.parse(value) as [string, number, [number, number][], [number, number][]]
      this.#scores.set(key.slice(7), { model, generation, now: unpack(now), before: unpack(before) })
    }
  }
}

const newHistogram = (): number[] => Array.from({ length: buckets }, () => 0)
const bucketOf = (score: number): number => Math.max(0, Math.min(buckets - 1, Math.floor(score * buckets)))
const pack = (histogram: number[]): [number, number][] => histogram.flatMap((n, i) => n === 0 ? [] : [[i, n]])

function unpack(pairs: [number, number][]): number[] {
  const histogram = newHistogram()
  for (const [i, n] of pairs) histogram[i] = n
  return histogram
}
