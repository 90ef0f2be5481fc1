/**
 * `node test/bench/score.ts`: what scoring a flow costs, microseconds. The model alone by batch size; then everything the scoring thread does
 * with a chunk of 512 records: decode, vector, model, encode. The limit is 2 us a flow. Best of many runs, so that a busy machine shows less.
 */
import { encodeRecords } from '../../proto/codec.ts'
import { featureCount } from '../../proto/feature.ts'
import { RecordReader } from '../../agent/score/records.ts'
import { ModelSession } from '../../models/session.ts'
import { shipped } from '../models/bundles.ts'
import { usualFlows } from '../models/synthetic.ts'

const rounds = 40
const repeats = 25

/** Microseconds per flow of the quickest round. */
async function best(flows: number, work: () => Promise<unknown> | undefined): Promise<number> {
  let least = Infinity
  for (let round = 0; round < rounds; round++) {
    const started = performance.now()
    for (let i = 0; i < repeats; i++) await work()
    least = Math.min(least, (performance.now() - started) * 1000 / repeats / flows)
  }
  return least
}

const say = (name: string, micros: number): void => { process.stdout.write(`${name.padEnd(34)} ${micros.toFixed(2)} us a flow\n`) }

const session = await ModelSession.open(shipped)
const chunk = encodeRecords(usualFlows(512))
const reader = new RecordReader()
reader.read(chunk)
for (const batch of [1, 64, 256, 1024]) {
  const rows = Float32Array.from({ length: batch * featureCount }, (_, i) => reader.rows[i % (512 * featureCount)])
  say(`model alone, batches of ${String(batch)}`, await best(batch, () => session.run(rows, batch)))
}
const scores = await session.score(reader.rows, reader.count)
say('decode and vector', await best(512, () => { reader.read(chunk); return undefined }))
say('encode', await best(512, () => { reader.write(scores); return undefined }))
say('whole thread, chunks of 512', await best(512, async () => {
  reader.read(chunk)
  return reader.write(await session.score(reader.rows, reader.count))
}))
await session.close()
