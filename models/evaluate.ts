/**
 * How well scores tell usual flows from attacks. Ranking measures (ROC-AUC, average precision) beside what counts in
 * use: how many flows of each kind of attack lie above the score that lets a stated share of benign flows through.
 * Evaluate only on captures the training has not seen; never on a random part of the same one. Ties count half, so a
 * model that scores everything alike gets .5.
 */
import type { AttackMetrics, ModelMetrics } from './bundle.ts'
import { scoreOfTail } from './calibration.ts'

/** Scores with the truth beside them: '' for benign, else the kind of attack. */
export type Labelled = { scores: ArrayLike<number>, kinds: readonly string[] }

/** Benign flows that may score above the threshold: one in 1,000. */
export const defaultBudget = 0.001
const checkedTails = [0.1, 0.01, 0.001, 0.0001]

const together = (benign: readonly number[], attack: readonly number[]): { score: number, attack: boolean }[] =>
  [...benign.map((score) => ({ score, attack: false })), ...attack.map((score) => ({ score, attack: true }))]

/** Probability that a drawn attack scores above a drawn benign flow (Mann and Whitney, 1947); NaN without both. */
export function rocAuc(benign: readonly number[], attack: readonly number[]): number {
  const all = together(benign, attack).sort((a, b) => a.score - b.score)
  let below = 0
  let sum = 0
  for (let i = 0; i < all.length;) {
    let tiedBenign = 0
    let tiedAttack = 0
    const { score } = all[i]
    for (; i < all.length && all[i].score === score; i++) {
      if (all[i].attack) tiedAttack++
      else tiedBenign++
    }
    sum += tiedAttack * (below + tiedBenign / 2)
    below += tiedBenign
  }
  return sum / (benign.length * attack.length)
}

/** Average precision: the area under precision over recall, by steps at each distinct score; NaN without attacks. */
export function prAuc(benign: readonly number[], attack: readonly number[]): number {
  const all = together(benign, attack).sort((a, b) => b.score - a.score)
  let hits = 0
  let area = 0
  for (let i = 0; i < all.length;) {
    let tied = 0
    const { score } = all[i]
    for (; i < all.length && all[i].score === score; i++) if (all[i].attack) tied++
    hits += tied
    area += tied / attack.length * (hits / i)
  }
  return attack.length === 0 ? NaN : area
}

/** Lowest score that at most this share of the benign lie above. */
export function thresholdAt(benign: readonly number[], budget: number): number {
  const sorted = [...benign].sort((a, b) => b - a)
  return sorted[Math.min(sorted.length - 1, Math.floor(budget * sorted.length))] ?? 0
}

/** Share of the scores that lie above. */
const above = (scores: readonly number[], threshold: number): number =>
  scores.length === 0 ? 0 : scores.filter((s) => s > threshold).length / scores.length
const round = (x: number): number => Math.round(x * 1e4) / 1e4
const mean = (list: readonly number[]): number => round(list.reduce((sum, x) => sum + x, 0) / list.length)

/** Everything the model card says about a model. */
export function evaluate({ scores, kinds }: Labelled, budget = defaultBudget): ModelMetrics {
  const benign: number[] = []
  const attack: number[] = []
  const byKind = new Map<string, number[]>()
  kinds.forEach((kind, i) => {
    if (kind === '') { benign.push(scores[i]); return }
    attack.push(scores[i])
    const list = byKind.get(kind)
    if (list === undefined) byKind.set(kind, [scores[i]])
    else list.push(scores[i])
  })
  const threshold = thresholdAt(benign, budget)
  const kindMetrics: AttackMetrics[] = [...byKind].sort(([a], [b]) => a < b ? -1 : 1).map(([kind, list]) =>
    ({ kind, flows: list.length, recallAtBudget: round(above(list, threshold)), rocAuc: round(rocAuc(benign, list)) }))
  return {
    benign: benign.length, attack: attack.length, rocAuc: round(rocAuc(benign, attack)), prAuc: round(prAuc(benign, attack)),
    budget, falsePositives: round(above(benign, threshold)), recallAtBudget: round(above(attack, threshold)),
    meanRocAuc: mean(kindMetrics.map(({ rocAuc: area }) => area)),
    meanRecallAtBudget: mean(kindMetrics.map(({ recallAtBudget }) => recallAtBudget)),
    byKind: kindMetrics, tails: checkedTails.map((tail) => ({ tail, share: round(above(benign, scoreOfTail(tail))) })),
  }
}
