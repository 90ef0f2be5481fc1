/** The agent's pipeline in this process: frames to sealed batches, pressure, failure, and the ledger at the end. */
import { expect, it } from 'vitest'
import { SimulateSource } from '../../agent/capture/simulate/index.ts'
import { createEngine } from '../../agent/engine.ts'
import { defaultEngineOptions } from '../../agent/flow/engine.ts'
import { Pipeline } from '../../agent/pipeline.ts'
import { Sealer } from '../../agent/seal.ts'
import { decodeBatch } from '../../proto/codec.ts'
import { agentEquations, balance, newAgentLedger } from '../../proto/ledger.ts'
import { systemClock } from '../../proto/process/clock.ts'
import { verifyBatch } from '../../proto/signature.ts'
import type { Chunk } from '../../agent/flow/chunk.ts'
import type { Scorer } from '../../agent/score/scorer.ts'
import type { SealedBatch } from '../../agent/sink/sink.ts'
import type { AgentLedger } from '../../proto/ledger.ts'

const key = new Uint8Array(32).fill(3)

type Options = { offer?: (batch: SealedBatch, ledger: AgentLedger) => Promise<void>, score?: (chunk: Chunk) => Promise<Chunk>, live?: boolean }

function make({ offer, score, live = false }: Options = {}): { pipeline: Pipeline, ledger: AgentLedger, batches: SealedBatch[], source: SimulateSource } {
  const ledger = newAgentLedger()
  const batches: SealedBatch[] = []
  const source = new SimulateSource({ seed: 5, hours: 0.25, attacks: 'none' })
  const scorer: Scorer = { modelHash: 'm', featureHash: 'f', score: score ?? ((chunk) => Promise.resolve(chunk)), close: () => Promise.resolve() }
  const sealer = new Sealer({
    sensor: 's', worker: 0, boot: '00000000000000aa', run: 'r', vantage: 'host', simulated: true, live, featureHash: 'f', modelHash: 'm', key, ledger,
  })
  const take = (batch: SealedBatch): Promise<void> => {
    batches.push(batch)
    ledger.add('recordsAcknowledged', batch.count)
    return Promise.resolve()
  }
  const deliver = { offer: (batch: SealedBatch) => offer === undefined ? take(batch) : offer(batch, ledger), drain: () => Promise.resolve() }
  const engine = createEngine(defaultEngineOptions, ledger)
  return { pipeline: new Pipeline({ source, engine, scorer, sealer, deliver, ledger, clock: systemClock, live: false }), ledger, batches, source }
}

const expectBalanced = (ledger: AgentLedger): void => {
  for (const { name, left, right } of balance(agentEquations, ledger.snapshot())) expect(left, name).toBe(right)
}

it('seals every record into signed batches without gaps, each with a ledger that balances', async () => {
  const { pipeline, ledger, batches, source } = make()
  await source.open()
  await pipeline.run()
  expectBalanced(ledger)
  expect(batches.map(({ sequence }) => sequence)).toEqual(batches.map((_, i) => i + 1))
  let records = 0
  for (const [i, { bytes, count }] of batches.entries()) {
    expect(verifyBatch(bytes, [key])).toBe(true)
    const batch = decodeBatch(bytes)
    records += batch.flows.length
    expect(batch).toMatchObject({ stream: 's/0', run: 'r', simulated: true, sequence: i + 1, last: i === batches.length - 1 })
    expect(batch.flows).toHaveLength(count)
    expect(batch.ledger.get('recordsSealed')).toBe(records)
    const through = agentEquations.filter(({ name }) => name !== 'delivery')
    for (const { name, left, right } of balance(through, batch.ledger)) expect(left, `${name} of batch ${String(i + 1)}`).toBe(right)
  }
  expect(records).toBe(ledger.get('recordsMade'))
  expect(ledger.get('frames')).toBe(source.counters.frames)
})

it('the same frames give the same bytes, however slow the sink and the scorer are', async () => {
  const quick = make()
  await quick.source.open()
  await quick.pipeline.run()
  const slow: SealedBatch[] = []
  let turns = 0
  const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve) })
  const dragging = make({
    offer: async (batch, ledger) => { await turn(); slow.push(batch); ledger.add('recordsAcknowledged', batch.count) },
    score: async (chunk) => { if (++turns % 3 === 0) await turn(); return chunk },
  })
  await dragging.source.open()
  await dragging.pipeline.run()
  expect(slow.map(({ bytes }) => Buffer.from(bytes).toString('base64'))).toEqual(quick.batches.map(({ bytes }) => Buffer.from(bytes).toString('base64')))
})

it('a sink that takes nothing holds the source: little is in flight', async () => {
  let taken = 0
  const release = Promise.withResolvers<undefined>()
  const held = make({ offer: async (batch, ledger) => { taken++; await release.promise; ledger.add('recordsAcknowledged', batch.count) } })
  await held.source.open()
  const running = held.pipeline.run()
  for (let i = 0; i < 200; i++) await new Promise((resolve) => { setImmediate(resolve) })
  expect(taken).toBe(1)
  expect(held.ledger.get('recordsMade')).toBeLessThan(60 * 512)
  expect((held.source.progress().fraction ?? 1)).toBeLessThan(1)
  release.resolve(undefined)
  await running
  expectBalanced(held.ledger)
})

it('what the sink throws ends the run with that error', async () => {
  const { pipeline, source } = make({ offer: () => Promise.reject(new Error('gone')) })
  await source.open()
  await expect(pipeline.run()).rejects.toThrow('gone')
})

it('stop ends the run early with every open flow reported', async () => {
  const { pipeline, ledger, batches, source } = make()
  await source.open()
  pipeline.stop()
  await pipeline.run()
  expect(batches).toHaveLength(1)
  expect(decodeBatch(batches[0].bytes).last).toBe(true)
  expectBalanced(ledger)
})
