/** `npm run docs`: writes the pages of docs/ that are made from tables. With --check it only says which ones are out of date. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { agentMetricSpecs } from '../../agent/metrics.ts'
import { collectorMetricSpecs } from '../../collector/metrics.ts'
import { agentDefaults, agentPrefix, agentSchema, loadAgentConfig } from '../../agent/config.ts'
import { collectorDefaults, collectorPrefix, collectorSchema, loadCollectorConfig } from '../../collector/config.ts'
import { configurationPage, metricsPage } from './pages.ts'
import type { ConfigPage } from './pages.ts'

const root = join(import.meta.dirname, '../..')
const relative = (path: string): string => path.slice(root.length + 1)

const pages: readonly ConfigPage[] = [
  { title: 'Agent', file: relative(agentDefaults), prefix: agentPrefix, schema: agentSchema, defaults: loadAgentConfig({ env: {} }).config },
  {
    title: 'Collector', file: relative(collectorDefaults), prefix: collectorPrefix, schema: collectorSchema,
    defaults: loadCollectorConfig({ env: {} }).config,
  },
]

/** Path below docs/ -> its text. */
export const madePages: ReadonlyMap<string, string> = new Map([
  ['configuration.md', configurationPage(pages)],
  ['metrics.md', metricsPage(agentMetricSpecs, collectorMetricSpecs)],
])

if (process.argv[1] === import.meta.filename) {
  const check = process.argv.includes('--check')
  for (const [name, text] of madePages) {
    const path = join(root, 'docs', name)
    if (!check) writeFileSync(path, text)
    else if (readFileSync(path, 'utf8') !== text) { process.stdout.write(`docs/${name} is out of date: npm run docs\n`); process.exitCode = 1 }
  }
}
