/** Small sealed batches, a silent logger and a scratch folder for the tests of the log. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeBatch, encodeRecords, makeFlow } from '../../../proto/codec.ts'
import { recordVersion } from '../../../proto/flow.ts'
import { sealBatch } from '../../../proto/signature.ts'
import type { BatchHeader } from '../../../proto/codec.ts'
import type { Logger } from '../../../proto/process/log.ts'

export const key = new Uint8Array(32).fill(7)
export const boot = '0123456789abcdef'

export type LoggedLine = { level: string, code: string, fields: Record<string, unknown> | undefined }

/** A logger that keeps what it is told. */
export function memoryLog(): Logger & { lines: LoggedLine[] } {
  const lines: LoggedLine[] = []
  const at = (level: string) => (code: string, _text: string, fields?: Record<string, unknown>): void => { lines.push({ level, code, fields }) }
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: (): Logger => log, lines }
  return log
}

export const header = (sequence: number, over: Partial<BatchHeader> = {}): BatchHeader => ({
  stream: 'edge/0', sensor: 'edge', boot, sequence, clockMicros: 1.7e15 + sequence * 1e6, run: '', recordVersion, featureHash: '', modelHash: '',
  vantage: 'host', simulated: true, last: false, ledger: new Map([['frames', sequence * 10]]), dropped: [], ...over,
})

/** A sealed batch with `count` flows, numbered on from `first`. */
export function sealed(sequence: number, count = 1, over: Partial<BatchHeader> = {}, first = sequence * 1000): Uint8Array {
  const flows = Array.from({ length: count }, (_, i) => makeFlow({
    number: first + i, final: true, initiatorAddress: '10.0.0.1', responderAddress: '10.0.0.2', initiatorPort: 40000, responderPort: 443, protocol: 6,
    startMicros: 1.7e15 + sequence * 1e6, endMicros: 1.7e15 + sequence * 1e6 + i,
  }))
  return sealBatch(encodeBatch(header(sequence, over), encodeRecords(flows)), key)
}

/** A folder for one test; call `remove` in the end. */
export function scratch(): { dir: string, remove: () => void } {
  const dir = mkdtempSync(join(tmpdir(), 'vedette-test-'))
  return { dir, remove: () => { rmSync(dir, { recursive: true, force: true }) } }
}
