/** The command line of `vedette-collector`. Throws E_USAGE. */
import { parseArgs } from 'node:util'
import { VedetteError } from '../proto/error.ts'
import { parseSettings } from '../proto/process/config.ts'

export const usage = `vedette-collector: takes flow records in, looks for attacks, explains and shows them.

  vedette-collector [serve] --data DIR       journal, detection, archive, API and page until it is stopped
  vedette-collector config check | dump      look at the configuration and end

  --data DIR          where everything is kept (default: vedette-data/collector)
  --port N            port of page, API and agents (default: 8420; 0: any)
  --host ADDRESS      address to listen on (default: 127.0.0.1; there is no log-in yet, so think before you change it)
  --key-file FILE     key that batches are signed with; agents have the same one. Repeat it while a key is being changed
  --config FILE       YAML over the shipped defaults; repeat it to layer several
  --set KEY=VALUE     any key, e.g. --set archive.memory=2GiB; also VEDETTE_COLLECTOR_ARCHIVE_MEMORY=2GiB
  --log-level LEVEL   debug, info, warn, error, silent
  --help, --version

Exit status: 0 stopped, 1 a defect, 2 something to put right: one line says what.
`

export type Command = {
  name: 'serve' | 'config' | 'help' | 'version'
  topic: string
  configFiles: string[]
  flags: Record<string, string | number | boolean | readonly string[] | undefined>
}

const options = {
  'data': { type: 'string' }, 'port': { type: 'string' }, 'host': { type: 'string' }, 'key-file': { type: 'string', multiple: true },
  'config': { type: 'string', multiple: true }, 'set': { type: 'string', multiple: true }, 'log-level': { type: 'string' },
  'help': { type: 'boolean', short: 'h' }, 'version': { type: 'boolean' },
} as const

export function readCommand(args: readonly string[]): Command {
  const { values, positionals: [word = 'serve', topic = ''] } = parse(args)
  const name = values.help === true || word === 'help' ? 'help' : values.version === true ? 'version' : word === 'serve' || word === 'config' ? word : undefined
  if (name === undefined) throw new VedetteError('E_USAGE', `there is no command ${word}`, 'The commands are serve and config; see vedette-collector --help')
  if (name === 'config' && topic !== 'check' && topic !== 'dump') throw new VedetteError('E_USAGE', `config takes check or dump${topic === '' ? '' : `, not ${topic}`}`, 'See vedette-collector --help')
  if (name === 'serve' && topic !== '') throw new VedetteError('E_USAGE', `serve takes no ${topic}`, 'See vedette-collector --help')
  const given = { 'data': values.data, 'port': values.port, 'host': values.host, 'keyFiles': values['key-file'], 'log.level': values['log-level'] }
  return {
    name, topic, configFiles: values.config ?? [],
    flags: { ...parseSettings(values.set ?? []), ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) },
  }
}

const parseWith = (args: readonly string[]) => parseArgs({ args: [...args], allowPositionals: true, options })

function parse(args: readonly string[]): ReturnType<typeof parseWith> {
  try {
    return parseWith(args)
  } catch (error) {
    throw new VedetteError('E_USAGE', (error as Error).message.split('. ')[0], 'See vedette-collector --help')
  }
}
