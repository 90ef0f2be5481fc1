/** Sealed batches for tests of the sinks. */
import type { Flow } from '../../../proto/flow.ts'
import type { SealedBatch } from '../../../agent/sink/sink.ts'
import { encodeBatch, encodeRecords, makeFlow } from '../../../proto/codec.ts'
import { sealBatch } from '../../../proto/signature.ts'

export const testFlow = (fields: Partial<Flow> = {}): Flow => makeFlow({
  number: 1, final: true, initiatorAddress: '192.0.2.1', responderAddress: '198.51.100.7', initiatorPort: 50000, responderPort: 443, protocol: 6,
  startMicros: 1700000000123456, endMicros: 1700000001000000, initiatorPackets: 3, responderPackets: 2, initiatorOctets: 300, responderOctets: 2000,
  connState: 'SF', history: 'ShADadFf', endReason: 'end', ...fields,
})

export function sealed(sequence: number, flows: readonly Flow[] = [testFlow({ number: sequence })]): SealedBatch {
  const header = {
    stream: 'test/0', sensor: 'test', boot: '0123456789abcdef', sequence, clockMicros: 1700000000000000, run: '', recordVersion: 1, featureHash: '', modelHash: '',
    vantage: 'tap', simulated: false, last: false, ledger: new Map<string, number>(), dropped: [],
  }
  const bytes = sealBatch(encodeBatch(header, encodeRecords(flows)), new Uint8Array(32))
  return { stream: header.stream, boot: header.boot, sequence, count: flows.length, bytes }
}
