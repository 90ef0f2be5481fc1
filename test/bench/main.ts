/**
 * Capture file -> flow records, the whole agent beside softflowd, argus and a practical limit (a C flow table with the same
 * kind of features), interleaved, in CPU time of the whole process with its start. `npm run bench`; `--rounds N`, `--small`
 * (a flood of a million flows too), `--flows N` (size of the mixed capture), `--write` (store the ratios as the new baseline).
 *
 * Ratios are compared, not times: the machine may be slow or busy, and then all of them are. Ends with status 1 when the agent is
 * slower than a rival, or 1.3 times slower against the limit than the stored baseline. What the bench needs (a C compiler, python3,
 * ../shared/bench) may be missing: it then says so and ends well.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const root = resolve(import.meta.dirname, '../..')
const material = resolve(root, '../shared/bench')
const baselinePath = join(import.meta.dirname, 'baseline.json')
const rivals = ['softflowd', 'argus']
/** How much slower against the limit than the baseline is worth an alarm: the noise of a shared machine is about a quarter. */
const tolerance = 1.3

type Outcome = { packets: number, ns: Record<string, number>, rss: Record<string, number> }
type Baseline = Record<string, { ratioToLimit: number, peakMegabytes: number }>

const print = (line: string): void => { process.stdout.write(`${line}\n`) }

const found = (program: string): boolean => {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Why the bench cannot run, or undefined. */
function obstacle(): string | undefined {
  if (!existsSync(join(material, 'gen.c'))) return 'The bench needs ../shared/bench (capture generator, limit and rivals), which is not beside this project.'
  if (!found('cc')) return 'The bench needs a C compiler (cc) to make its captures and the limit.'
  return found('python3') ? undefined : 'The bench needs python3 to run the rivals.'
}

/** The agent (command-line `flags` added) beside `beside` and the limit. */
function measure(capture: string, rounds: number, folder: string, beside: readonly string[], flags: string): Outcome {
  const json = join(folder, 'outcome.json')
  const ours = `${process.execPath} ${join(root, 'agent/main.ts')} replay {file} --sink none --log-level silent ${flags}`
  const script = [join(material, 'rivals.py'), '--rounds', String(rounds), '--only', beside.join(',') || 'ours', '--json', json]
  execFileSync('python3', [...script, '--ours', ours, capture], { stdio: ['ignore', 'ignore', 'inherit'], cwd: folder })
  return JSON.parse(readFileSync(json, 'utf8')) as Outcome
}

/** Prints one capture's table; gives whether the agent is where it should be. */
function report(name: string, { packets, ns, rss }: Outcome, baseline: Baseline): boolean {
  const { ours, limit } = ns
  print(`${name}: ${String(packets)} packets`)
  for (const key of Object.keys(ns).sort((a, b) => ns[a] - ns[b])) {
    const label = key === 'ours' ? 'vedette' : key
    const ratio = (ns[key] / limit).toFixed(2).padStart(6)
    print(`  ${label.padEnd(10)} ${ns[key].toFixed(0).padStart(6)} ns/packet  ${rss[key].toFixed(0).padStart(5)} MB  ${ratio} of the limit`)
  }
  let good = true
  for (const rival of rivals.filter((key) => key in ns)) {
    if (ours > ns[rival]) {
      print(`  slower than ${rival}`)
      good = false
    }
  }
  const before = baseline[name]?.ratioToLimit
  if (before !== undefined) {
    print(`  ${(ours / limit).toFixed(2)} of the limit, ${before.toFixed(2)} in the stored baseline`)
    if (ours / limit > before * tolerance) {
      print('  slower than the baseline')
      good = false
    }
  }
  return good
}

function main(): number {
  const { values } = parseArgs({ options: {
    rounds: { type: 'string', default: '3' }, flows: { type: 'string', default: '300000' }, small: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  } })
  const why = obstacle()
  if (why !== undefined) {
    print(why)
    return 0
  }
  const folder = mkdtempSync(join(tmpdir(), 'vedette-bench-'))
  try {
    execFileSync('cc', ['-O2', '-o', join(folder, 'gen'), join(material, 'gen.c'), '-lm'])
    const captures: [string, string[]][] = [['mixed', [values.flows, '1']], ...values.small ? [['small', ['5000000', '1000000']] as [string, string[]]] : []]
    const baseline: Baseline = existsSync(baselinePath) ? JSON.parse(readFileSync(baselinePath, 'utf8')) as Baseline : {}
    let good = true
    for (const [name, sizes] of captures) {
      const capture = join(folder, `${name}.pcap`)
      execFileSync(join(folder, 'gen'), [name, capture, ...sizes], { stdio: 'ignore' })
      // The rivals score nothing: scoring, in its own thread, is measured by itself.
      const outcome = measure(capture, Number(values.rounds), folder, rivals, '--no-score')
      good = report(name, outcome, baseline) && good
      const scored = measure(capture, Number(values.rounds), folder, [], '')
      print(`  with every flow scored: ${scored.ns.ours.toFixed(0)} ns/packet, ${scored.rss.ours.toFixed(0)} MB, ${(scored.ns.ours / scored.ns.limit).toFixed(2)} of the limit`)
      baseline[name] = { ratioToLimit: Number((outcome.ns.ours / outcome.ns.limit).toFixed(2)), peakMegabytes: Math.round(outcome.rss.ours) }
      rmSync(capture)
    }
    if (values.write) writeFileSync(baselinePath, `${JSON.stringify(baseline, null, 2)}\n`)
    return good ? 0 : 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

process.exitCode = main()
