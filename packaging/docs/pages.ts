/**
 * The pages of docs/ that are made from tables: configuration keys and metrics. `npm run docs` writes them, test/docs.test.ts compares.
 * Pure: tables in, Markdown out.
 */
import { expected, limits } from '../../proto/process/config-check.ts'
import { environmentName, formatQuantity, leaves } from '../../proto/process/config-schema.ts'
import type { Schema } from '../../proto/process/config-schema.ts'
import type { MetricSpec } from '../../proto/process/metrics.ts'

export type ConfigPage = { title: string, file: string, prefix: string, schema: object, defaults: Record<string, unknown> }

const made = '<!-- Made by `npm run docs` from the tables in the source; edit those. -->'

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
const row = (...cells: string[]): string => `| ${cells.map(cell).join(' | ')} |`

export function configurationPage(pages: readonly ConfigPage[]): string {
  return `# Configuration

${made}

Every key has a shipped value, so both processes run without a file of yours. Four layers, later over earlier:

1. the shipped file (\`packaging/config/agent.yaml\`, \`packaging/config/collector.yaml\`);
2. your YAML files: \`--config FILE\`, more than one if you like;
3. the environment: the variable beside each key below;
4. the command line: the flags that \`--help\` lists, and \`--set KEY=VALUE\` for any key.

Sections are merged key by key; lists are replaced. \`config check\` reads everything, says every problem with file, line and column, and ends.
\`config dump\` prints the values in effect, each with where it came from, without secrets.

* **Variables.** \`\${NAME}\` and \`\${NAME:default}\` inside a value are replaced from the environment; a missing one without a default is an
  error. A variable never changes the structure of the file. \`$\${\` writes \`\${\`.
* **Sizes** are written \`64KiB\`, \`256MiB\`, \`1GB\`; **durations** \`250ms\`, \`10s\`, \`5m\`, \`72h\`, \`30d\`. Lists in a variable have commas between.
* **Secrets** may be \`file:PATH\` or \`credential:NAME\` (systemd's LoadCredential) instead of the secret itself. They are never printed.

${pages.map(configSection).join('\n')}`
}

function configSection({ title, file, prefix, schema, defaults }: ConfigPage): string {
  const rows = leaves(schema).flatMap(({ key, schema: leaf }) => [
    row(`\`${key}\``, shownDefault(leaf, valueAt(defaults, key)), allowed(leaf), leaf.description ?? '', `\`${environmentName(prefix, key)}\``),
    ...Object.entries(leaf.items?.properties ?? {}).map(([name, inner]) => row(`\`${key}[].${name}\``, '', allowed(inner), inner.description ?? '', '')),
  ])
  return `## ${title}\n\nShipped values: \`${file}\`.\n\n| Key | Shipped | Allowed | Meaning | Variable |\n|---|---|---|---|---|\n${rows.join('\n')}\n`
}

const valueAt = (values: Record<string, unknown>, key: string): unknown =>
  key.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], values)

function shownDefault(schema: Schema, value: unknown): string {
  if (value === undefined) return ''
  if (typeof value === 'number' && schema['x-unit'] !== undefined) return `\`${formatQuantity(schema['x-unit'], value)}\``
  if (value === '') return 'empty'
  return `\`${typeof value === 'string' ? value : JSON.stringify(value).replaceAll(',', ', ')}\``
}

function allowed(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((name) => `\`${name}\``).join(', ')
  if (schema.type === 'array') return schema.items?.type === 'object' ? 'a list of sections' : 'a list'
  const range = limits(schema)
  return range === '' || schema['x-secret'] === true ? expected(schema) : `${expected(schema)}; ${range}`
}

export function metricsPage(agent: readonly MetricSpec[], collector: readonly MetricSpec[]): string {
  const table = (specs: readonly MetricSpec[]): string => `| Metric | Type | Meaning | Labels |\n|---|---|---|---|\n${
    specs.map(({ name, type, help, labels = [] }) => row(`\`${name}\``, type, help, labels.map((label) => `\`${label}\``).join(', '))).join('\n')}\n`
  return `# Metrics

${made}

For Prometheus, text format. The collector serves them at \`/metrics\` on its port; an agent does when \`metrics.port\` is set. Counters of the
[loss ledger](life-of-a-flow.md#the-loss-ledger) are there under their own names, so its equations can be written in PromQL; \`..._ledger_balanced\`
says whether they hold. Both processes also export Node's own metrics (\`..._process_...\`, \`..._nodejs_...\`), which are not listed here.

## Agent

${table(agent)}
## Collector

${table(collector)}`
}
