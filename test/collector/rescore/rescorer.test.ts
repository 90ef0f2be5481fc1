import { afterEach, describe, expect, test } from 'vitest'
import { featureHash } from '../../../proto/feature.ts'
import { ManualClock } from '../../../proto/process/clock.ts'
import { ModelSession } from '../../../models/session.ts'
import { vectorise } from '../../../models/vector.ts'
import { createRescorer } from '../../../collector/rescore/rescorer.ts'
import type { Rescorer, RescorerOptions } from '../../../collector/rescore/rescorer.ts'
import { shipped } from '../../models/bundles.ts'
import { keepLines } from '../../models/log-lines.ts'
import { scanFlows, usualFlows } from '../../models/synthetic.ts'

const rescorers: Rescorer[] = []
afterEach(async () => { for (const rescorer of rescorers.splice(0)) await rescorer.close() })

async function open(options: Partial<RescorerOptions> = {}) {
  const { log, lines } = keepLines()
  const clock = new ManualClock()
  const rescorer = await createRescorer({ bundle: shipped, log, clock, ...options })
  rescorers.push(rescorer)
  return { rescorer, lines, clock }
}

describe('with the shipped model', () => {
  test('flows get the scores the agent\'s model gives them, in order', async () => {
    const { rescorer } = await open()
    const session = await ModelSession.open(shipped)
    const batches = [usualFlows(100), [], scanFlows(20), usualFlows(1500, 4)]
    const scores = await Promise.all(batches.map((flows) => rescorer.score(flows, featureHash)))
    for (const [i, flows] of batches.entries()) expect(scores[i]).toEqual(await session.score(vectorise(flows), flows.length))
    expect(rescorer.modelHash).toBe(session.modelHash)
    expect(rescorer.counts).toEqual({ scored: 1620, mismatched: 0, failed: 0 })
    await session.close()
  })

  test('a score that comes with the flow changes nothing', async () => {
    const { rescorer } = await open()
    const flows = usualFlows(10)
    const marked = flows.map((flow) => ({ ...flow, edgeScore: 0.9 }))
    expect(await rescorer.score(marked, featureHash)).toEqual(await rescorer.score(flows, featureHash))
  })

  test('flows made with other features are not scored, and counted', async () => {
    const { rescorer, lines } = await open()
    expect(await rescorer.score(usualFlows(7), 'feedfeedfeedfeed')).toBeUndefined()
    expect(await rescorer.score(usualFlows(2), '')).toBeUndefined()
    expect(rescorer.counts).toEqual({ scored: 0, mismatched: 9, failed: 0 })
    expect(lines[0]).toMatch(/^warn E_MODEL_HASH: a sensor sends flows with features feedfeedfeedfeed/)
  })
})

describe('without a usable model', () => {
  test.each([[undefined, /^info model-none/], ['/nowhere', /^warn E_MODEL_MISSING/]])('%s: nothing is scored, all is counted', async (bundle, line) => {
    const { rescorer, lines } = await open({ bundle })
    expect(lines).toEqual([expect.stringMatching(line)])
    expect(await rescorer.score(usualFlows(4), featureHash)).toBeUndefined()
    expect(rescorer.modelHash).toBe('')
    expect(rescorer.counts).toEqual({ scored: 0, mismatched: 0, failed: 4 })
  })

  test('the thread dies: its flows are not scored, and counted', async () => {
    const worker = new URL('../../models/dying-worker.ts', import.meta.url)
    const { rescorer, clock } = await open({ worker })
    expect(await rescorer.score(usualFlows(3), featureHash)).toBeUndefined()
    expect(rescorer.counts.failed).toBe(3)
    clock.advance(1000)
    expect(await rescorer.score(usualFlows(2), featureHash)).toBeUndefined()
    expect(rescorer.counts).toEqual({ scored: 0, mismatched: 0, failed: 5 })
  })
})
