/**
 * The configuration of an agent: every key, what it is for, its range. The shipped values are in packaging/config/agent.yaml;
 * docs/configuration.md is made from both. Sizes are read as octets, durations as milliseconds.
 */
import { join } from 'node:path'
import { duration, flag, octets, oneOf, section, text, whole } from '../proto/process/config-schema.ts'
import { loadConfig } from '../proto/process/config.ts'
import { logLevels } from '../proto/process/log.ts'
import { Type } from 'typebox'
import type { Static } from 'typebox'
import type { ConfigOptions, LoadedConfig } from '../proto/process/config.ts'

const KiB = 2 ** 10
const MiB = 2 ** 20
const GiB = 2 ** 30
const second = 1000
const minute = 60 * second
const hour = 60 * minute

export const agentSchema = section({
  sensor: Type.Optional(text('Name of this sensor, as it appears in alerts and queries. Without it: the name of the host.',
    { pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$', form: 'a name of letters, digits, dots, dashes (at most 63)' })),
  vantage: oneOf(['host', 'tap', 'export'], 'Where the packets are seen: on the host itself, on a tap or mirror port, or from flow exports.'),
  run: text('Name of an isolated run; empty for live traffic. A run has its own alerts and never notifies anybody.',
    { pattern: '^[A-Za-z0-9._-]{0,63}$', form: 'empty, or a name of letters, digits, dots, dashes (at most 63)' }),
  simulated: flag('Marks the traffic as generated: it is shown so, and never raises an alarm for people.'),
  keyFile: text('File with the key that signs batches (64 hexadecimal digits, mode 0600); made when it is missing. The collector needs the same key.'),
  capture: section({
    interfaces: Type.Array(text('Name of a network interface.'), { description: 'Interfaces to capture from, e.g. [eth0]. `any` is all of them.' }),
    filter: text('Only packets that match are captured: a filter in tcpdump\'s language. Needs libpcap. Empty: all.'),
    promiscuous: flag('Also take frames that are addressed to others.'),
    snapLength: whole('Captured octets per frame; the rest is only counted.', { minimum: 64, maximum: 262144 }),
    ring: octets('The kernel\'s capture ring, per interface. Larger rides out longer bursts.', { minimum: MiB, maximum: 4 * GiB }),
  }),
  flow: section({
    preset: oneOf(['vedette', 'nfstream'], '`nfstream` ends flows as that tool does (idle 120 s, active 1800 s, no parts) and overrides the time-outs below.'),
    memory: octets('Memory of the flow table. When it is full the oldest flows are reported early.', { minimum: 8 * MiB, maximum: 64 * GiB }),
    idle: duration('A flow without packets for this long has ended.', { minimum: second, maximum: 24 * hour }),
    syn: duration('The same for a connection attempt that nobody answered.', { minimum: second, maximum: hour }),
    close: duration('A closed connection waits this long for stray packets.', { minimum: 0, maximum: 10 * minute }),
    firstPart: duration('A flow that is still open is first reported after this long ...', { minimum: second, maximum: hour }),
    part: duration('... and then every time this long, if packets came.', { minimum: second, maximum: 24 * hour }),
  }),
  score: section({
    enabled: flag('Scores each flow with a small local model.'),
    bundle: Type.Optional(text('Folder of another model bundle than the shipped one.')),
  }),
  batch: section({
    records: whole('A batch is sealed at this many records ...', { minimum: 1, maximum: 4096 }),
    octets: octets('... or at this size ...', { minimum: 4 * KiB, maximum: 4 * MiB }),
    clock: duration('... or when the packet clock has moved on this far. Also the rhythm of batches without flows.', { minimum: second, maximum: minute }),
  }),
  sink: section({
    kind: oneOf(['http', 'file', 'stdout', 'none'], 'Where records go: to a collector, a file, standard output (one JSON line per flow), or nowhere.'),
    url: text('Address of the collector, for http.', { pattern: '^https?://[^\\s/]+(/\\S*)?$', form: 'an address like http://collector:8420' }),
    path: Type.Optional(text('File to write, for file. Named *.jsonl: JSON lines, else sealed batches.')),
    timeout: duration('A collector that has not answered after this long is taken to be away.', { minimum: second, maximum: 10 * minute }),
    queue: octets('Sealed batches that may wait for the sink. When it is full capture waits, and the kernel drops and counts.', { minimum: 256 * KiB, maximum: 16 * GiB }),
  }),
  log: section({
    level: oneOf(logLevels, 'The least important lines that are written.'),
    format: oneOf(['auto', 'json', 'pretty'], '`auto`: readable on a terminal, JSON elsewhere.'),
  }),
  metrics: section({
    host: text('Address that metrics are served on.'),
    port: whole('Port of /metrics for Prometheus; 0: none.', { minimum: 0, maximum: 65535 }),
  }),
})

export type AgentConfig = Static<typeof agentSchema>

export const agentPrefix = 'VEDETTE_AGENT'
export const agentDefaults = join(import.meta.dirname, '../packaging/config/agent.yaml')

/** Rules that span keys. */
export function agentRules({ sink, flow }: AgentConfig): { key: string, text: string, advice?: string }[] {
  const broken: { key: string, text: string, advice?: string }[] = []
  if (sink.kind === 'file' && sink.path === undefined) broken.push({ key: 'sink.kind', text: 'sink.kind is file, but sink.path is missing', advice: 'Name the file with --out' })
  if (flow.syn > flow.idle) broken.push({ key: 'flow.syn', text: 'flow.syn must not be longer than flow.idle' })
  if (flow.firstPart > flow.part) broken.push({ key: 'flow.firstPart', text: 'flow.firstPart must not be longer than flow.part' })
  return broken
}

/** Shipped defaults < files < environment < command line. Throws E_CONFIG, E_FILE_*. */
export function loadAgentConfig(layers: Pick<ConfigOptions<typeof agentSchema>, 'file' | 'env' | 'flags'>): LoadedConfig<typeof agentSchema> {
  return loadConfig({ schema: agentSchema, defaults: agentDefaults, prefix: agentPrefix, rules: agentRules, ...layers })
}
