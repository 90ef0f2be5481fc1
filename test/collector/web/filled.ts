/** A server full of samples, with the page bundled into a folder of its own: what the browser tests look at. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundlePage } from '../../../collector/web/bundle.ts'
import { sampleAlerts, sampleFindings, sampleFlows, sampleLedger, sampleRuns } from '../api/samples.ts'
import { serve } from '../api/serve.ts'
import type { Served } from '../api/serve.ts'

export type Filled = Served & { script: { octets: number, gzipOctets: number } }

/** `alerts` false: a collector that has seen traffic and found nothing. */
export async function filled({ alerts = true, port = 0 }: { alerts?: boolean, port?: number } = {}): Promise<Filled> {
  const webRoot = await mkdtemp(join(tmpdir(), 'vedette-page-'))
  const files = await bundlePage(webRoot)
  const script = files.find(({ name }) => name.endsWith('.js'))
  if (script === undefined) throw new Error('the bundle has no script')
  const served = await serve({ webRoot }, port)
  if (alerts) {
    for (const alert of sampleAlerts().toReversed()) served.store.findingsOf.set(alert.id, sampleFindings(served.store.put(alert)))
  }
  served.archive.rows.push(...sampleFlows())
  served.ledger.now = sampleLedger()
  served.runs.push(...sampleRuns())
  served.clock.ms = Date.UTC(2026, 10, 20, 10, 0)
  return { ...served, script, async close() { await served.close(); await rm(webRoot, { recursive: true }) } }
}
