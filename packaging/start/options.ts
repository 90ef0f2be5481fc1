/** The command line of `npm start`. Throws E_USAGE. */
import { parseArgs } from 'node:util'
import { resolve } from 'node:path'
import { VedetteError } from '../../proto/error.ts'

export type StartOptions = {
  /** The user's captures; empty: the generated one. */
  captures: string[]
  /** Capture live instead. */
  interfaces: string[]
  filter: string
  data: string
  fresh: boolean
  port: number
  seed: number
  /** Ends after the summary instead of keeping the page up. */
  once: boolean
  help: boolean
}

export const usage = `Vedette: packets in, explained alerts out, every loss accounted for.

  npm start                              replay a capture made on the spot: an office network and seven attacks
  npm start -- a.pcap b.pcapng.gz        replay your own captures (pcap, pcapng; plain, .gz or .zst)
  npm start -- --interface lo            watch an interface (needs root or CAP_NET_RAW)

  --data DIR       where everything is kept (default: vedette-data, beside the project's package.json)
  --fresh          forget what an earlier start stored there
  --port N         port of the page, on this machine only (default: 8420)
  --seed N         which generated capture (default: 1)
  --filter EXPR    with --interface: a filter in tcpdump's language (needs libpcap)
  --once           end after the summary instead of keeping the page up
  --help           this text
`

export function readOptions(args: readonly string[], root: string): StartOptions {
  const { values, positionals } = parse(args)
  if (values.data === '') throw new VedetteError('E_USAGE', '--data takes a folder, and none was named', 'For example: --data /var/tmp/vedette')
  const port = whole(values.port ?? '8420', '--port', 65535)
  if (positionals.length > 0 && values.interface !== undefined) {
    throw new VedetteError('E_USAGE', 'captures and --interface exclude each other', 'Name files to replay, or an interface to watch')
  }
  return {
    captures: positionals.map((path) => resolve(path)), interfaces: values.interface ?? [], filter: values.filter ?? '',
    data: resolve(values.data ?? `${root}/vedette-data`), fresh: values.fresh ?? false, port, seed: whole(values.seed ?? '1', '--seed', 2 ** 31),
    once: values.once ?? false, help: values.help ?? false,
  }
}

function parse(args: readonly string[]): ReturnType<typeof parseWith> {
  try {
    return parseWith(args)
  } catch (error) {
    throw new VedetteError('E_USAGE', (error as Error).message.split('. ')[0], 'See npm start -- --help')
  }
}

const parseWith = (args: readonly string[]) => parseArgs({
  args: [...args], allowPositionals: true,
  options: {
    interface: { type: 'string', short: 'i', multiple: true }, filter: { type: 'string' }, data: { type: 'string' }, fresh: { type: 'boolean' },
    port: { type: 'string' }, seed: { type: 'string' }, once: { type: 'boolean' }, help: { type: 'boolean', short: 'h' },
  },
})

function whole(text: string, flag: string, most: number): number {
  if (!/^\d{1,10}$/.test(text) || Number(text) > most) throw new VedetteError('E_USAGE', `${flag} takes a whole number up to ${String(most)}, not ${text}`, 'See npm start -- --help')
  return Number(text)
}
