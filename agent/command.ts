/** The command line of `vedette-agent`: which command, which files, and which configuration keys the flags set. Throws E_USAGE. */
import { parseArgs } from 'node:util'
import { VedetteError } from '../proto/error.ts'
import { parseSettings } from '../proto/process/config.ts'

export const usage = `vedette-agent: turns packets into flow records, scores them, and sends them on.

  vedette-agent capture --interface eth0 --url http://collector:8420   watch an interface (root or CAP_NET_RAW)
  vedette-agent replay FILE [FILE ...] --sink stdout                   read captures; - is standard input
  vedette-agent simulate --seed 1 --folder DIR                         make an office network as a capture, with the truth beside it
  vedette-agent config check | dump                                    look at the configuration and end

Where records go
  --sink http|file|stdout|none   stdout prints one JSON line per flow; none does all the work and discards (default: http)
  --url URL                      collector, for http (default: http://localhost:8420)
  --out FILE                     for file: *.jsonl as JSON lines, else sealed batches
  --key-file FILE                key that signs batches; the collector has the same one

What is read
  --interface NAME               repeat it for several
  --filter EXPR                  only packets that match, in tcpdump's language (needs libpcap)
  --sensor NAME                  name of this sensor (default: name of the host)
  --run NAME                     replay as this isolated run (default: replay-HASH)
  --simulated                    mark the traffic as generated
  --preset vedette|nfstream      how flows end (default: vedette)
  --no-score                     leave the model out
  --skip-stored                  do not send a replay that the collector has already had in full

Configuration
  --config FILE                  YAML over the shipped defaults; repeat it to layer several
  --set KEY=VALUE                any key, e.g. --set flow.memory=1GiB; also VEDETTE_AGENT_FLOW_MEMORY=1GiB
  --log-level LEVEL              debug, info, warn, error, silent
  --help, --version

Exit status: 0 done (with warnings where a file was damaged), 1 a defect, 2 something to put right: one line says what.
`

export type Flags = Record<string, string | number | boolean | readonly string[] | undefined>

export type Command = {
  name: 'replay' | 'capture' | 'simulate' | 'config' | 'help' | 'version'
  files: string[]
  /** Words after `config`. */
  topic: string
  configFiles: string[]
  /** Configuration keys that were given as flags. */
  flags: Flags
  seed: number
  folder: string
  skipStored: boolean
}

const options = {
  'sink': { type: 'string' }, 'url': { type: 'string' }, 'out': { type: 'string' }, 'key-file': { type: 'string' },
  'interface': { type: 'string', short: 'i', multiple: true }, 'filter': { type: 'string' }, 'sensor': { type: 'string' }, 'run': { type: 'string' },
  'simulated': { type: 'boolean' }, 'preset': { type: 'string' }, 'no-score': { type: 'boolean' }, 'skip-stored': { type: 'boolean' },
  'config': { type: 'string', multiple: true }, 'set': { type: 'string', multiple: true }, 'log-level': { type: 'string' },
  'seed': { type: 'string' }, 'folder': { type: 'string' }, 'help': { type: 'boolean', short: 'h' }, 'version': { type: 'boolean' },
} as const

const commands = ['replay', 'capture', 'simulate', 'config'] as const

export function readCommand(args: readonly string[]): Command {
  const { values, positionals } = parse(args)
  const [word = 'help', ...rest] = positionals
  const name = values.help === true ? 'help' : values.version === true ? 'version' : word === 'help' ? 'help' : commands.find((known) => known === word)
  if (name === undefined) throw new VedetteError('E_USAGE', `there is no command ${word}`, 'The commands are replay, capture, simulate and config; see vedette-agent --help')
  if (name === 'replay' && rest.length === 0) throw new VedetteError('E_USAGE', 'replay needs a capture file', 'For example: vedette-agent replay capture.pcap --sink stdout')
  if (name === 'capture' && rest.length > 0) throw new VedetteError('E_USAGE', `capture takes no file, but ${rest[0]} was given`, 'Use replay for files')
  if (name === 'config' && rest[0] !== 'check' && rest[0] !== 'dump') throw new VedetteError('E_USAGE', `config takes check or dump${rest.length === 0 ? '' : `, not ${rest[0]}`}`, 'See vedette-agent --help')
  const seed = values.seed ?? '1'
  if (!/^\d{1,10}$/.test(seed)) throw new VedetteError('E_USAGE', `--seed takes a whole number, not ${seed}`, 'For example: --seed 7')
  return {
    name, files: rest, topic: rest[0] ?? '', configFiles: values.config ?? [], seed: Number(seed), folder: values.folder ?? '.',
    skipStored: values['skip-stored'] ?? false,
    flags: {
      ...parseSettings(values.set ?? []),
      ...given({ 'sink.kind': values.sink, 'sink.url': values.url, 'sink.path': values.out, 'keyFile': values['key-file'], 'sensor': values.sensor,
        'run': values.run, 'simulated': values.simulated, 'flow.preset': values.preset, 'capture.interfaces': values.interface,
        'capture.filter': values.filter, 'log.level': values['log-level'], 'score.enabled': values['no-score'] === true ? false : undefined }),
    },
  }
}

const given = (flags: Flags): Flags => Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined))

const parseWith = (args: readonly string[]) => parseArgs({ args: [...args], allowPositionals: true, options })

function parse(args: readonly string[]): ReturnType<typeof parseWith> {
  try {
    return parseWith(args)
  } catch (error) {
    throw new VedetteError('E_USAGE', (error as Error).message.split('. ')[0], 'See vedette-agent --help')
  }
}
