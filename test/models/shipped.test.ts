import { beforeAll, expect, test } from 'vitest'
import { scoreOfTail } from '../../models/calibration.ts'
import { ModelSession } from '../../models/session.ts'
import { vectorise } from '../../models/vector.ts'
import { shipped } from './bundles.ts'
import { simulatedFlows } from './train-shipped.ts'
import type { LabelledFlow } from '../../models/trainer.ts'

let usual: Float32Array
const attacks = new Map<string, number[]>()

beforeAll(async () => {
  const session = await ModelSession.open(shipped)
  const score = (flows: readonly LabelledFlow[]): Promise<Float32Array> => session.score(vectorise(flows.map(({ flow }) => flow)), flows.length)
  usual = await score(await simulatedFlows(301, 'none', 0.4))
  const flows = (await simulatedFlows(302, 'all', 0.4)).filter(({ kind }) => kind !== '')
  const scores = await score(flows)
  flows.forEach(({ kind }, i) => {
    const list = attacks.get(kind) ?? []
    attacks.set(kind, list)
    list.push(scores[i])
  })
  await session.close()
})

const shareAbove = (score: number): number => usual.filter((one) => one > score).length / usual.length

// When this fails although no model file changed, the flow engine or the simulator gives other numbers than the model has learnt:
// run `node test/models/train-shipped.ts`.
// Less than half an hour is more varied than the two hours of training, hence the wide bounds.
test('the flow engine still gives the flows the model knows: scores of fresh benign traffic are as rare as the scale says', () => {
  expect(usual.length).toBeGreaterThan(2000)
  for (const tail of [0.5, 0.1, 0.01]) {
    const share = shareAbove(scoreOfTail(tail))
    expect(share / tail).toBeGreaterThan(0.3)
    expect(share / tail).toBeLessThan(4)
  }
  expect(shareAbove(scoreOfTail(0.0001))).toBeLessThan(0.003)
})

test.each(['port-scan', 'syn-flood', 'exfiltration'])('single flows of a %s stand out from it', (kind) => {
  const scores = attacks.get(kind)?.sort((a, b) => a - b) ?? []
  expect(scores.length).toBeGreaterThan(0)
  expect(shareAbove(scores[scores.length >> 1])).toBeLessThan(0.01)
})
