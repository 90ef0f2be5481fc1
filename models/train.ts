/**
 * `node models/train.ts`: learns a flow model from the user's own flows. The flows are files that `vedette-agent replay
 * ... --sink file` wrote. Synchronous; some 30 s for 50,000 flows. The figures of the model card need attacks with a
 * known truth, so a bundle made here says that it was not measured.
 */
import { parseArgs } from 'node:util'
import { VedetteError } from '../proto/error.ts'
import type { Flow } from '../proto/flow.ts'
import { runMain } from '../proto/process/main.ts'
import { readFlowFile } from './flow-file.ts'
import { trainBundle } from './trainer.ts'

const usage = `node models/train.ts --out FOLDER [options] FILE...

Learns what is usual from flows and writes a model bundle.
FILE is what this writes:  vedette-agent replay capture.pcap --sink file --out FILE

  --out FOLDER       where the bundle goes
  --name NAME        name of the model (default flow-anomaly)
  --version N        version of the model (default 1)
  --source TEXT      what the flows are, for the model card (default: the file names)
  --seed N           seed of the training (default 1); the same flows and seed give the same bytes
  --rows N           learn from at most so many flows, evenly spaced (default 60000)
  --help             this text
`

export type TrainCommand = { out: string, name: string, version: number, source: string, seed: number, rows: number, files: string[] }

/** Reads the command line; undefined: help is wanted. Throws E_USAGE. */
export function readTrainCommand(args: readonly string[]): TrainCommand | undefined {
  const { values, positionals } = parse(args)
  if (values.help === true) return undefined
  if (values.out === undefined) throw new VedetteError('E_USAGE', '--out is missing', 'Name the folder of the new bundle; see --help')
  if (positionals.length === 0) throw new VedetteError('E_USAGE', 'there is no file to learn from', 'See --help')
  return {
    out: values.out, name: values.name, version: whole('version', values.version), seed: whole('seed', values.seed), rows: whole('rows', values.rows),
    source: values.source ?? `Flows of ${positionals.join(', ')}`, files: positionals,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args], allowPositionals: true,
      options: {
        out: { type: 'string' }, name: { type: 'string', default: 'flow-anomaly' }, version: { type: 'string', default: '1' },
        source: { type: 'string' }, seed: { type: 'string', default: '1' }, rows: { type: 'string', default: '60000' }, help: { type: 'boolean' },
      },
    })
  } catch (error) {
    throw new VedetteError('E_USAGE', error instanceof Error ? error.message : 'the command line is wrong', 'See --help', { cause: error })
  }
}

function whole(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new VedetteError('E_USAGE', `--${name} ${text} is not a whole number`, 'See --help')
  return Number(text)
}

/** Flows of all files, and the vantages they name. */
function* flowsOf(files: readonly string[], vantages: Set<string>): Generator<Flow> {
  for (const file of files) {
    for (const { vantage, flows } of readFlowFile(file)) {
      if (flows.length > 0) vantages.add(vantage)
      yield* flows
    }
  }
}

/** Trains as told; `say` gets a line at a time. Throws E_USAGE, E_FILE_*, E_BATCH_UNDECODABLE. */
export function train(command: TrainCommand, say: (text: string) => void): void {
  const vantages = new Set<string>()
  const flows = [...flowsOf(command.files, vantages)]
  const { model } = trainBundle(flows, [], {
    dir: command.out, name: command.name, version: command.version, source: command.source, vantages: [...vantages].sort(),
    rows: command.rows, training: { seed: command.seed }, progress: say,
  })
  say(`wrote ${command.out}, model ${model.sha256.slice(0, 16)}`)
}

if (process.argv[1] === import.meta.filename) {
  runMain('train', () => {
    const command = readTrainCommand(process.argv.slice(2))
    if (command === undefined) process.stdout.write(usage)
    else train(command, (text) => { process.stdout.write(`${text}\n`) })
    return Promise.resolve()
  })
}
