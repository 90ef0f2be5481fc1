import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeBatch, encodeRecords } from '../../proto/codec.ts'
import type { Flow } from '../../proto/flow.ts'
import { sealBatch } from '../../proto/signature.ts'
import { writeVarint } from '../../proto/wire.ts'
import { readFlowFile } from '../../models/flow-file.ts'
import { ModelSession } from '../../models/session.ts'
import { readTrainCommand, train } from '../../models/train.ts'
import { usualFlows } from './synthetic.ts'

let dir: string
beforeAll(() => { dir = mkdtempSync(join(tmpdir(), 'vedette-train-')) })
afterAll(() => { rmSync(dir, { recursive: true }) })

/** A file as the agent's file sink writes it. */
function writeFlows(name: string, flows: readonly Flow[], each: number): string {
  const parts: Uint8Array[] = []
  for (let at = 0, sequence = 1; at < flows.length; at += each, sequence++) {
    const header = {
      stream: 's/0', sensor: 's', boot: 'b', sequence, clockMicros: 1, run: '', recordVersion: 1, featureHash: '', modelHash: '', vantage: 'tap',
      simulated: true, last: false, ledger: new Map(), dropped: [],
    }
    const sealed = sealBatch(encodeBatch(header, encodeRecords(flows.slice(at, at + each))), new Uint8Array(16))
    const length = new Uint8Array(10)
    parts.push(length.subarray(0, writeVarint(length, 0, sealed.length)), sealed)
  }
  const path = join(dir, name)
  writeFileSync(path, Buffer.concat(parts))
  return path
}

describe('reading files of batches', () => {
  test('gives every flow in order, from files larger than a block and batches of any size', () => {
    const flows = usualFlows(9000)
    for (const each of [1, 512, 9000]) {
      const path = writeFlows('flows.bin', flows.slice(0, each === 1 ? 50 : 9000), each)
      expect([...readFlowFile(path)].flatMap((batch) => batch.flows)).toEqual(each === 1 ? flows.slice(0, 50) : flows)
    }
  })

  test.each([
    ['that is missing', 'none', 'E_FILE_MISSING'], ['that is a folder', '.', 'E_FILE_DIRECTORY'], ['that holds something else', 'text', 'E_BATCH_UNDECODABLE'],
    ['that is cut', 'cut', 'E_BATCH_UNDECODABLE'],
  ])('a file %s is refused', (_, name, code) => {
    writeFileSync(join(dir, 'text'), 'Not batches, just a line of text.\xff\xff\xff\xff\xff\xff')
    const whole = readFileSync(writeFlows('whole', usualFlows(5), 5))
    writeFileSync(join(dir, 'cut'), whole.subarray(0, whole.length - 1))
    expect(() => [...readFlowFile(join(dir, name))]).toThrow(expect.objectContaining({ code }))
  })

  test('an empty file has no flows', () => {
    writeFileSync(join(dir, 'empty'), '')
    expect([...readFlowFile(join(dir, 'empty'))]).toEqual([])
  })
})

test('the command trains from files and says what it did', async () => {
  const path = writeFlows('usual.bin', usualFlows(1200), 400)
  const said: string[] = []
  train({ ...readTrainCommand(['--out', join(dir, 'out'), '--seed', '4', path])! }, (text) => said.push(text))
  const session = await ModelSession.open(join(dir, 'out'))
  expect(session.manifest).toMatchObject({ name: 'flow-anomaly', vantages: ['tap'], training: { seed: 4, rows: 960 } })
  expect(said.at(-1)).toContain(session.modelHash)
  await session.close()
})

describe('the command line', () => {
  test('has defaults, and help', () => {
    expect(readTrainCommand(['--out', 'x', 'a', 'b'])).toEqual(
      { out: 'x', name: 'flow-anomaly', version: 1, seed: 1, rows: 60_000, source: 'Flows of a, b', files: ['a', 'b'] })
    expect(readTrainCommand(['--help'])).toBeUndefined()
  })

  test.each([[[]], [['a']], [['--out', 'x']], [['--out', 'x', '--seed', '-1', 'a']], [['--nonsense', 'a']]])('%j is refused', (args) => {
    expect(() => readTrainCommand(args)).toThrow(expect.objectContaining({ code: 'E_USAGE' }))
  })
})
