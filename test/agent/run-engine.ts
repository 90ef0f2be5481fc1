/** Runs frames through a whole engine and decodes what comes out. */
import { createEngine } from '../../agent/engine.ts'
import { defaultEngineOptions } from '../../agent/flow/engine.ts'
import { decodeFlow } from '../../proto/codec.ts'
import { agentEquations, balance, newAgentLedger } from '../../proto/ledger.ts'
import { Reader } from '../../proto/wire.ts'
import { blocksOf } from './frames-of.ts'
import type { TestFrame } from './frames-of.ts'
import type { Frames } from '../../agent/capture/source.ts'
import type { Chunk } from '../../agent/flow/chunk.ts'
import type { EngineOptions } from '../../agent/flow/engine.ts'
import type { Flow } from '../../proto/flow.ts'
import type { AgentLedger } from '../../proto/ledger.ts'

export type Run = { chunks: Chunk[], flows: Flow[], ledger: AgentLedger }

/** All chunks of the frames; every cut is checked against the ledger's equations of decode and flow. */
export function runEngine(frames: readonly TestFrame[], options: Partial<EngineOptions> = {}, blockSize = 1024): Run {
  return runBlocks(blocksOf(frames, blockSize), options)
}

export function runBlocks(blocks: readonly Frames[], options: Partial<EngineOptions> = {}): Run {
  const ledger = newAgentLedger()
  const engine = createEngine({ ...defaultEngineOptions, memory: 8 * 1024 * 1024, ...options }, ledger)
  const chunks: Chunk[] = []
  const take = (): void => { for (let chunk = engine.chunks.shift(); chunk !== undefined; chunk = engine.chunks.shift()) chunks.push(chunk) }
  for (const block of blocks) {
    for (let at = 0; at < block.count;) {
      at = engine.consume(block, at)
      take()
    }
  }
  while (!engine.finish()) take()
  take()
  for (const chunk of chunks) assertBalanced(chunk.ledger)
  return { chunks, flows: chunks.flatMap(flowsOf), ledger }
}

/** Throws when one of the engine's own equations does not hold. */
export function assertBalanced(counters: ReadonlyMap<string, number>): void {
  for (const { name, left, right, balanced } of balance(agentEquations.slice(0, 3), counters)) {
    if (!balanced) throw new Error(`the ledger's equation ${name} does not hold: ${String(left)} is not ${String(right)}`)
  }
}

/** The records of a chunk. */
export function flowsOf(chunk: Chunk): Flow[] {
  return spansOf(chunk).map(([from, to]) => decodeFlow(chunk.bytes, from, to))
}

/** Where the records of a chunk lie. */
export function spansOf(chunk: Chunk): [number, number][] {
  const reader = new Reader(chunk.bytes)
  const spans: [number, number][] = []
  while (reader.at < reader.end) {
    if (reader.varint() !== 50) throw new Error('not a record')
    const length = reader.length()
    const from = reader.take(length)
    spans.push([from, from + length])
  }
  return spans
}
