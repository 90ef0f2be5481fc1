/**
 * Sealed batches -> lines of JSON: whole flows only (final records), one line each. The form of `stdout` and of
 * `.jsonl` files.
 */
import { decodeFlow, openBatch } from '../../proto/codec.ts'
import { flowToJson } from '../../proto/json.ts'

/** The lines of one batch, each ended by a newline; '' when no flow ended in it. Throws E_BATCH_UNDECODABLE. */
export function batchLines(bytes: Uint8Array): string {
  const { sensor, spans, count } = openBatch(bytes)
  let text = ''
  for (let i = 0; i < count; i++) {
    const flow = decodeFlow(bytes, spans[2 * i], spans[2 * i + 1])
    if (flow.final) text += `${JSON.stringify(flowToJson(flow, sensor))}\n`
  }
  return text
}
