import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { evaluate, prAuc, rocAuc, thresholdAt } from '../../models/evaluate.ts'

describe('ranking', () => {
  test('known cases', () => {
    expect(rocAuc([0.1, 0.2], [0.8, 0.9])).toBe(1)
    expect(rocAuc([0.8, 0.9], [0.1, 0.2])).toBe(0)
    expect(rocAuc([0.5, 0.5], [0.5])).toBe(0.5)
    // scikit-learn's documentation example: roc_auc_score([0, 0, 1, 1], [.1, .4, .35, .8]) = .75, average_precision_score = .83
    expect(rocAuc([0.1, 0.4], [0.35, 0.8])).toBe(0.75)
    expect(prAuc([0.1, 0.4], [0.35, 0.8])).toBeCloseTo(0.8333, 4)
    expect(prAuc([0.5, 0.5], [0.5, 0.5])).toBe(0.5)
    expect(rocAuc([], [1])).toBeNaN()
    expect(prAuc([1], [])).toBeNaN()
  })

  test('ROC-AUC is the share of pairs in the right order', () => {
    const scores = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 30 })
    fc.assert(fc.property(scores, scores, (benign, attack) => {
      let right = 0
      for (const b of benign) for (const a of attack) right += a > b ? 1 : a === b ? 0.5 : 0
      expect(rocAuc(benign, attack)).toBeCloseTo(right / benign.length / attack.length, 10)
    }))
  })
})

test('at most the budgeted share of the benign lies above the threshold, ties included', () => {
  const scores = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 200 })
  fc.assert(fc.property(scores, fc.double({ min: 0, max: 1, noNaN: true }), (benign, budget) => {
    const threshold = thresholdAt(benign, budget)
    expect(benign.filter((s) => s > threshold).length).toBeLessThanOrEqual(budget * benign.length)
  }))
})

test('the card\'s figures, by kind', () => {
  const benign = Array.from({ length: 1000 }, (_, i) => i / 2000)
  const scores = [...benign, 0.9, 0.8, 0.1, 0.2]
  const kinds = [...benign.map(() => ''), 'scan', 'scan', 'beacon', 'beacon']
  const metrics = evaluate({ scores, kinds }, 0.001)
  expect(metrics).toMatchObject({ benign: 1000, attack: 4, falsePositives: 0.001, recallAtBudget: 0.5, budget: 0.001 })
  expect(metrics.byKind).toEqual([
    { kind: 'beacon', flows: 2, recallAtBudget: 0, rocAuc: 0.3005 }, { kind: 'scan', flows: 2, recallAtBudget: 1, rocAuc: 1 },
  ])
  expect(metrics).toMatchObject({ meanRecallAtBudget: 0.5, meanRocAuc: 0.6503 })
  expect(metrics.tails[0]).toEqual({ tail: 0.1, share: 0.599 })
})
