/**
 * `node test/models/train-shipped.ts [FOLDER]`: trains the shipped bundle (models/flow-anomaly/1) from the simulated
 * office. It stands here because it needs simulator and flow engine beside the trainer, which no part of the product
 * may see together. Learns from the benign part of the captures `learnt`, measures on whole captures of other seeds.
 * The same code gives the same bytes.
 */
import { join } from 'node:path'
import { SimulateSource } from '../../agent/capture/simulate/source.ts'
import { attackOf } from '../../agent/capture/simulate/truth.ts'
import { createEngine } from '../../agent/engine.ts'
import { defaultEngineOptions } from '../../agent/flow/options.ts'
import { decodeFlow } from '../../proto/codec.ts'
import type { Flow } from '../../proto/flow.ts'
import { newAgentLedger } from '../../proto/ledger.ts'
import { Reader } from '../../proto/wire.ts'
import type { Manifest } from '../../models/bundle.ts'
import { isTrainable, trainBundle } from '../../models/trainer.ts'
import type { LabelledFlow } from '../../models/trainer.ts'

/** Seeds of the captures that are learnt from, and of those the card's figures come from. */
export const seeds = { learnt: [101, 102, 103], measured: [201, 202, 203] } as const

/** Whole flows of one simulated capture with the kind of attack each belongs to, as the agent would make them. */
export async function simulatedFlows(seed: number, attacks: 'all' | 'none', hours = 2): Promise<LabelledFlow[]> {
  const source = new SimulateSource({ seed, attacks, hours })
  const engine = createEngine(defaultEngineOptions, newAgentLedger())
  const flows: Flow[] = []
  const take = (): void => {
    for (const { bytes } of engine.chunks.splice(0)) {
      const r = new Reader(bytes)
      while (r.at < bytes.length) {
        r.varint()
        const n = r.length()
        const flow = decodeFlow(bytes, r.at, r.at + n)
        if (isTrainable(flow)) flows.push(flow)
        r.at += n
      }
    }
  }
  await source.open()
  for (let frames = await source.next(); frames !== undefined; frames = await source.next()) {
    for (let at = 0; at < frames.count;) {
      at = engine.consume(frames, at)
      take()
    }
  }
  while (!engine.finish()) take()
  take()
  const kindOf = attackOf(source.truth())
  return flows.map((flow) => ({ flow, kind: kindOf(flow) }))
}

/** Trains the bundle into `dir`. */
export async function trainShipped(dir: string, say: (text: string) => void): Promise<Manifest> {
  const flows: Flow[] = []
  for (const seed of seeds.learnt) {
    for (const { flow, kind } of await simulatedFlows(seed, 'none')) if (kind === '') flows.push(flow)
    say(`seed ${String(seed)}: ${String(flows.length)} flows to learn from`)
  }
  const measured: LabelledFlow[] = []
  for (const seed of seeds.measured) {
    measured.push(...await simulatedFlows(seed, 'all'))
    say(`seed ${String(seed)}: ${String(measured.length)} flows to measure with`)
  }
  return trainBundle(flows, measured, {
    dir, name: 'flow-anomaly', version: 1, vantages: ['host', 'tap'], progress: say,
    source: `The benign part of Vedette's simulated office, seeds ${seeds.learnt.join(', ')}`,
  })
}

if (process.argv[1] === import.meta.filename) {
  const dir = process.argv[2] ?? join(import.meta.dirname, '../../models/flow-anomaly/1')
  const { metrics } = await trainShipped(dir, (text) => { process.stdout.write(`${text}\n`) })
  process.stdout.write(`${JSON.stringify(metrics, null, 2)}\n`)
}
