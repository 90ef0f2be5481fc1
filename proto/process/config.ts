/**
 * The configuration of a process: shipped defaults, then files, then the environment, then the command line, each over the one before.
 * Checked whole against one schema before anything starts; every problem has file, line and column. Read once: nothing here
 * looks at the environment or a file later. Secrets are shown to nobody (`dumpConfig`).
 */
import { readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Value } from 'typebox/value'
import type { Static, TObject } from 'typebox'
import { errnoName, VedetteError } from '../error.ts'
import { checkTree, nearest } from './config-check.ts'
import type { Problem } from './config-check.ts'
import { environmentNames, formatQuantity, leaves } from './config-schema.ts'
import type { Schema } from './config-schema.ts'
import { mergeTrees, parseTree, treeAt } from './config-tree.ts'
import type { Environment, Place, Tree } from './config-tree.ts'

export type ConfigOptions<S extends TObject> = {
  schema: S
  /** The shipped YAML: holds every key that must have a value. */
  defaults: string
  /** YAML files of the operator, later over earlier. */
  file?: string | readonly string[]
  env: Environment
  /** Dotted key -> value as given on the command line; undefined: not given. */
  flags?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>
  /** `VEDETTE_AGENT`: the variable of flow.memory is VEDETTE_AGENT_FLOW_MEMORY. '' : the environment gives no keys. */
  prefix: string
  /** Rules that span keys; `key` says which one to point at. */
  rules?: (config: Static<S>) => readonly { key: string, text: string, advice?: string }[]
}

export type LoadedConfig<S extends TObject> = {
  config: Static<S>
  /** Dotted key -> where its value comes from: 'default', 'agent.yaml:4:7', a variable's name, 'command line'. */
  origins: Map<string, string>
  /** For the log: variables that look like ours and are not. */
  warnings: string[]
  schema: S
}

/** E_CONFIG with every problem; `message` is the first. */
export class ConfigError extends VedetteError {
  readonly problems: readonly string[]

  constructor(problems: readonly Problem[]) {
    const [first] = problems
    const more = problems.length > 1 ? ` (and ${String(problems.length - 1)} more; config check shows all)` : ''
    super('E_CONFIG', `${first.place.text}: ${first.text}${more}`, first.advice)
    this.problems = problems.map(({ place, text, advice }) => `${place.text}: ${text}${advice === '' ? '' : `. ${advice}`}`)
  }
}

/** Reads, merges, checks. Throws ConfigError (E_CONFIG) and E_FILE_*. */
export function loadConfig<S extends TObject>(options: ConfigOptions<S>): LoadedConfig<S> {
  const { schema, defaults, file = [], env, flags = {}, prefix, rules } = options
  const warnings: string[] = []
  const layers = [
    parseTree(readText(defaults), basename(defaults), 'default', env),
    ...(typeof file === 'string' ? [file] : file).map((path) => parseTree(readText(path), path, 'file', env)),
    ...(prefix === '' ? [] : environmentLayer(prefix, schema, env, warnings)),
    ...flagLayer(flags),
  ]
  const { value, problems, places } = checkTree(schema, layers.reduce(mergeTrees))
  if (problems.length > 0) throw new ConfigError(problems)
  if (!Value.Check(schema, value)) {
    throw new VedetteError('E_INTERNAL', `the configuration passed every check but one: ${JSON.stringify(Value.Errors(schema, value)[0])}`)
  }
  const config = value
  const nowhere: Place = { layer: 'default', text: basename(defaults) }
  const broken = (rules?.(config) ?? []).map(({ key, text, advice = '' }) => ({ key, text, advice, place: places.get(key) ?? nowhere }))
  if (broken.length > 0) throw new ConfigError(broken)
  openSecrets(schema, config, env, '', places)
  const origins = new Map([...places].map(([key, { layer, text }]) => [key, layer === 'default' ? 'default' : text]))
  return { config, origins, warnings, schema }
}

function readText(path: string): string {
  try {
    if (statSync(path).isDirectory()) throw new VedetteError('E_FILE_DIRECTORY', `${path} is a directory`, 'Name the configuration file inside it')
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof VedetteError) throw error
    if (errnoName(error) === 'ENOENT') throw new VedetteError('E_FILE_MISSING', `there is no configuration file ${path}`, 'Check the path given with --config')
    throw new VedetteError('E_FILE_UNREADABLE', `cannot read ${path} (${errnoName(error)})`, 'Check its permissions', { cause: error })
  }
}

/** Kubernetes gives every container a variable like NAME_PORT=tcp://10.0.0.1:8420 for a service of that name: not meant for us. */
const serviceLink = /^(tcp|udp|sctp):\/\/[\d.:[\]a-f]+:\d+$/

function environmentLayer(prefix: string, schema: TObject, env: Environment, warnings: string[]): Tree[] {
  const names = environmentNames(prefix, schema)
  const byKey = new Map(leaves(schema).map((leaf) => [leaf.key, leaf.schema]))
  const layers: Tree[] = []
  for (const [name, value] of Object.entries(env).toSorted(([a], [b]) => a < b ? -1 : 1)) {
    if (!name.startsWith(`${prefix}_`) || value === undefined || serviceLink.test(value)) continue
    const key = names.get(name)
    if (key === undefined) {
      const near = nearest([...names.keys()], name)
      warnings.push(`the environment variable ${name} is not a key of the configuration${near === undefined ? '' : `; did you mean ${near}?`}`)
      continue
    }
    const place: Place = { layer: 'environment', text: name }
    const structured = byKey.get(key)?.items?.type === 'object'
    layers.push(treeAt(key, structured ? parseTree(value, name, 'environment', {}) : { kind: 'value', place, value, loose: true }))
  }
  return layers
}

function flagLayer(flags: NonNullable<ConfigOptions<TObject>['flags']>): Tree[] {
  const place: Place = { layer: 'flag', text: 'command line' }
  return Object.entries(flags).flatMap(([key, value]) => {
    if (value === undefined) return []
    const leaf: Tree = typeof value === 'object'
      ? { kind: 'list', place, items: value.map((item) => ({ kind: 'value', place, value: item, loose: true })) }
      : { kind: 'value', place, value, loose: true }
    return [treeAt(key, leaf)]
  })
}

/** `--set flow.memory=64MiB` as flags. Throws E_USAGE. */
export function parseSettings(settings: readonly string[]): Record<string, string> {
  return Object.fromEntries(settings.map((setting) => {
    const at = setting.indexOf('=')
    if (at < 1) throw new VedetteError('E_USAGE', `--set takes KEY=VALUE, not ${setting}`, 'For example: --set flow.memory=64MiB')
    return [setting.slice(0, at), setting.slice(at + 1)]
  }))
}

type Values = Record<string, unknown>

/** Replaces "file:PATH" and "credential:NAME" by what is there, in keys that are secrets. */
function openSecrets(schema: Schema, value: Values, env: Environment, prefix: string, places: ReadonlyMap<string, Place>): void {
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const key = `${prefix}${name}`
    const found = value[name]
    if (inner['x-secret'] === true && typeof found === 'string') value[name] = openSecret(found, key, env, places.get(key)?.text ?? key)
    else if (inner.properties !== undefined && found !== undefined) openSecrets(inner, found as Values, env, `${key}.`, places)
    else if (inner.items?.properties !== undefined && Array.isArray(found)) {
      for (const [i, item] of found.entries()) openSecrets(inner.items, item as Values, env, `${key}[${String(i)}].`, places)
    }
  }
}

function openSecret(value: string, key: string, env: Environment, place: string): string {
  const [, kind, name] = /^(file|credential):(.+)$/.exec(value) ?? []
  if (kind === undefined) return value
  const folder = env.CREDENTIALS_DIRECTORY
  if (kind === 'credential' && folder === undefined) {
    throw new VedetteError('E_CONFIG', `${place}: ${key} names a systemd credential, but there are none`, 'Add LoadCredential= to the unit, or use file:')
  }
  const path = kind === 'file' ? name : join(folder ?? '', basename(name))
  try {
    return readFileSync(path, 'utf8').trimEnd()
  } catch (error) {
    throw new VedetteError('E_CONFIG', `${place}: the secret ${key} cannot be read from ${path} (${errnoName(error)})`, '', { cause: error })
  }
}

/** The effective configuration as YAML, each value with its origin, secrets left out. */
export function dumpConfig<S extends TObject>({ schema, config, origins }: LoadedConfig<S>): string {
  return dumpSection(schema, config, origins, '', '')
}

/** `config check` and `config dump`: prints, and gives the exit status. Every problem is a line of its own. */
export function showConfig<S extends TObject>(name: string, topic: string, load: () => LoadedConfig<S>): number {
  try {
    const loaded = load()
    for (const warning of loaded.warnings) process.stderr.write(`${name}: ${warning}\n`)
    process.stdout.write(topic === 'dump' ? dumpConfig(loaded) : 'The configuration is right.\n')
    return 0
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const problem of error.problems) process.stderr.write(`${name}: E_CONFIG: ${problem.replace(/\s*\n\s*/g, ' ')}\n`)
    return 2
  }
}

function dumpSection(schema: Schema, value: Values, origins: ReadonlyMap<string, string>, prefix: string, indent: string): string {
  let out = ''
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const found = value[name]
    if (found === undefined) continue
    const key = `${prefix}${name}`
    const origin = `  # ${origins.get(key) ?? 'default'}\n`
    if (inner.properties !== undefined) out += `${indent}${name}:\n${dumpSection(inner, found as Values, origins, `${key}.`, `${indent}  `)}`
    else if (inner.items?.properties !== undefined && Array.isArray(found) && found.length > 0) {
      const items = (found as Values[]).map((item, i) =>
        dumpSection(inner.items ?? {}, item, origins, `${key}[${String(i)}].`, `${indent}    `))
      out += `${indent}${name}:${origin}${items.map((item) => `${indent}  - ${item.slice(indent.length + 4)}`).join('')}`
    } else out += `${indent}${name}: ${written(inner, found)}${origin}`
  }
  return out
}

function written(schema: Schema, value: unknown): string {
  if (schema['x-secret'] === true) return '"[redacted]"'
  const unit = schema['x-unit']
  return unit === undefined ? JSON.stringify(value) : formatQuantity(unit, value as number)
}
