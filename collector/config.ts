/**
 * The configuration of a collector: every key, what it is for, its range. The shipped values are in packaging/config/collector.yaml;
 * docs/configuration.md is made from both. Sizes are read as octets, durations as milliseconds.
 */
import { join } from 'node:path'
import { Type } from 'typebox'
import { parseNetwork } from '../proto/address.ts'
import { duration, flag, octets, oneOf, secret, section, text, whole } from '../proto/process/config-schema.ts'
import { loadConfig } from '../proto/process/config.ts'
import { logLevels } from '../proto/process/log.ts'
import type { Static } from 'typebox'
import type { ConfigOptions, LoadedConfig } from '../proto/process/config.ts'

const KiB = 2 ** 10
const MiB = 2 ** 20
const GiB = 2 ** 30
const hour = 3_600_000

const address = { pattern: '^https?://[^\\s/]+(/\\S*)?$', form: 'an address like https://example.org/hook' }

const channelSchema = section({
  name: text('Name of the channel, unique; notifications that wait are kept under it.', { pattern: '^[a-z0-9][a-z0-9-]{0,31}$', form: 'a name of lower-case letters, digits, dashes (at most 32)' }),
  kind: oneOf(['webhook', 'log'], 'webhook: an HTTP POST with JSON; log: a line in the collector\'s log.'),
  url: Type.Optional(text('Where a webhook posts to.', address)),
  secret: Type.Optional(secret('Key a webhook signs its body with (HMAC-SHA256).')),
})

export const collectorSchema = section({
  data: text('Folder for everything that is kept: journal, alerts, flows.'),
  host: text('Address to listen on. There is no log-in yet: anything but loopback shows the page to whoever can reach it.'),
  port: whole('Port of the page, the API and of agents; 0: any free one.', { minimum: 0, maximum: 65535 }),
  publicUrl: Type.Optional(text('Address that people reach the page under, for links in notifications. Without it: host and port.', address)),
  keyFiles: Type.Array(text('A key file.'), { description: 'Files with the keys that batches may be signed with; two while a key is being changed. The first is made when it is missing.', minItems: 1 }),
  internal: Type.Array(text('A network.'), { description: 'Networks that are "inside"; everything else is outside.', minItems: 1 }),
  batchLimit: octets('Largest batch that is accepted.', { minimum: 64 * KiB, maximum: 256 * MiB }),
  journal: section({
    segment: octets('Size of a journal file.', { minimum: MiB, maximum: 4 * GiB }),
    retention: duration('Journal files older than this are removed, once detection and archive have read them.', { minimum: hour, maximum: 365 * 24 * hour }),
  }),
  archive: section({
    memory: octets('Memory that DuckDB may use.', { minimum: 64 * MiB, maximum: 256 * GiB }),
    threads: whole('Threads that DuckDB may use.', { minimum: 1, maximum: 64 }),
  }),
  detection: section({
    rescore: flag('Scores each flow once more, centrally.'),
    thresholds: Type.Optional(text('File of thresholds laid over the shipped packaging/config/detectors.yaml.')),
    bundle: Type.Optional(text('Folder of another model bundle than the shipped one.')),
  }),
  channels: Type.Array(channelSchema, { description: 'Who is told of alerts, and how.' }),
  log: section({
    level: oneOf(logLevels, 'The least important lines that are written.'),
    format: oneOf(['auto', 'json', 'pretty'], '`auto`: readable on a terminal, JSON elsewhere.'),
  }),
})

export type CollectorConfig = Static<typeof collectorSchema>
export type ChannelConfig = CollectorConfig['channels'][number]

export const collectorPrefix = 'VEDETTE_COLLECTOR'
export const collectorDefaults = join(import.meta.dirname, '../packaging/config/collector.yaml')

/** Rules that span keys. */
export function collectorRules({ channels, internal }: CollectorConfig): { key: string, text: string, advice?: string }[] {
  const broken: { key: string, text: string, advice?: string }[] = []
  for (const [i, network] of internal.entries()) {
    if (parseNetwork(network) === undefined) broken.push({ key: `internal[${String(i)}]`, text: `internal must be networks like 10.0.0.0/8, not ${network}` })
  }
  const names = new Set<string>()
  for (const [i, { name, kind, url }] of channels.entries()) {
    if (kind === 'webhook' && url === undefined) broken.push({ key: `channels[${String(i)}].kind`, text: `the webhook ${name} has no url` })
    if (names.has(name)) broken.push({ key: `channels[${String(i)}].name`, text: `two channels are named ${name}` })
    names.add(name)
  }
  return broken
}

/** Shipped defaults < files < environment < command line. Throws E_CONFIG, E_FILE_*. */
export function loadCollectorConfig(layers: Pick<ConfigOptions<typeof collectorSchema>, 'file' | 'env' | 'flags'>): LoadedConfig<typeof collectorSchema> {
  return loadConfig({ schema: collectorSchema, defaults: collectorDefaults, prefix: collectorPrefix, rules: collectorRules, ...layers })
}
