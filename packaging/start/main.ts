/**
 * `npm start`: the whole product on one machine. Starts collector and agent as two processes, replays a capture (or watches an
 * interface), prints what came of it, and keeps the page up until Ctrl-C, which stops everything within 5 s. What an earlier
 * start stored is shown again; the same input is not replayed twice.
 */
import { readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { errnoName, VedetteError } from '../../proto/error.ts'
import { makeFolder } from '../../proto/folder.ts'
import { systemClock } from '../../proto/process/clock.ts'
import { lockFolder } from '../../proto/process/lock.ts'
import { runMain } from '../../proto/process/main.ts'
import { readOrMakeKey } from '../../proto/signature.ts'
import { Child } from './child.ts'
import type { ChildMessage } from './child.ts'
import { Desk } from './desk.ts'
import { readOptions, usage } from './options.ts'
import type { StartOptions } from './options.ts'
import { bar, count, createScreen, octets } from './screen.ts'
import { printSummary } from './summary.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const clock = systemClock
const screen = createScreen(process.stdout, () => clock.monotonicMs())
/** Both processes get this long to stop, one after the other; the collector also what the agent leaves, for it has stores to close. */
const stopMs = { agent: 2500, both: 4700 }
/** What a collector keeps in its folder: all that --fresh removes, whatever else lies there. */
const stored = /^(journal|archive-temporary|(state\.sqlite|flows\.duckdb)([-.].*)?)$/

const children: Child[] = []
let stopped: Promise<void> | undefined

/** Stops the agent, then the collector, once. */
function stop(): Promise<void> {
  stopped ??= (async () => {
    const [collector, agent] = children
    const until = clock.monotonicMs() + stopMs.both
    if (children.length > 1) await agent.stop(stopMs.agent)
    if (children.length > 0) await collector.stop(until - clock.monotonicMs())
  })()
  return stopped
}

/** Makes the data folder and, if asked, empties it, unless a collector runs there. Throws E_DATA_*. */
function prepareData({ data, fresh }: StartOptions): void {
  const folder = join(data, 'collector')
  makeFolder(folder, 0o700)
  if (!fresh) return
  const lock = lockFolder(folder)
  try {
    for (const name of readdirSync(folder)) if (stored.test(name)) rmSync(join(folder, name), { recursive: true, force: true })
  } catch (error) {
    throw new VedetteError('E_DATA_UNWRITABLE', `cannot empty the folder ${folder} (${errnoName(error)})`, 'Name another with --data', { cause: error })
  } finally {
    lock.release()
  }
}

/** The generated capture of this seed, made on first use. */
async function generatedCapture(seed: number): Promise<string> {
  const folder = join(root, '.cache/captures')
  const maker = new Child('agent', join(root, 'agent/main.ts'), ['simulate', '--seed', String(seed), '--folder', folder])
  maker.onMessage = (message) => {
    if (message.type === 'progress') screen.progress(`  making the capture  ${bar(Number(message.fraction))}  ${count(Number(message.packets))} packets`)
  }
  const { path } = await maker.message('made')
  await maker.ended
  return String(path)
}

const percent = (share: number): string => `${String(Math.floor(share * 100)).padStart(3)} %`

function showProgress(message: ChildMessage, startedMs: number, live: boolean): void {
  const seconds = Math.max(0.001, (clock.monotonicMs() - startedMs) / 1000)
  const packets = Number(message.packets)
  const rate = `${count(packets)} packets, ${count(Math.round(packets / seconds))}/s, ${octets(Number(message.octets))}, ${count(Number(message.flows))} flows`
  if (live) {
    const aside = `${count(Number(message.ignored))} of Vedette's own left out, ${count(Number(message.kernelDropped))} dropped by the kernel`
    screen.progress(`  live  ${rate}, ${aside}  (Ctrl-C to stop)`)
  } else if (message.fraction === undefined) screen.progress(`  ${rate}`)
  else if (message.fraction === 1) {
    const stored = Number(message.acknowledged) / Math.max(1, Number(message.records))
    screen.progress(`  ${bar(stored)} ${percent(stored)}  all read; ${count(Number(message.acknowledged))} of ${count(Number(message.records))} records stored`)
  }
  else screen.progress(`  ${bar(Number(message.fraction))} ${percent(Number(message.fraction))}  ${rate}`)
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), root)
  if (options.help) { process.stdout.write(usage); return 0 }
  screen.line('Vedette 0.1.0: a network sensor and its collector')
  prepareData(options)
  const keyFile = join(options.data, 'batch.key')
  readOrMakeKey(keyFile)

  const ended = new Promise<string>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => { resolve(signal) })
  })
  const startedMs = clock.monotonicMs()
  const collector = new Child('collector', join(root, 'collector/main.ts'), [
    '--data', join(options.data, 'collector'), '--port', String(options.port), '--key-file', keyFile, '--log-level', 'warn'])
  children.push(collector)
  const ready = await Promise.race([collector.message('ready'), ended])
  if (typeof ready === 'string') { await stop(); return 0 }
  const desk = new Desk(String(ready.url))
  screen.line(`Look at ${String(ready.url)}   (this machine only; Ctrl-C stops everything)`)
  screen.line()

  const live = options.interfaces.length > 0
  const input = live ? undefined : options.captures.length > 0 ? options.captures : [await generatedCapture(options.seed)]
  if (input !== undefined) {
    screen.line(options.captures.length > 0
      ? `Replaying ${input.map((path) => basename(path)).join(', ')}`
      : `Replaying a generated office network with seven attacks (seed ${String(options.seed)}; the truth is in ${basename(input[0])}.truth.json)`)
  } else screen.line(`Watching ${options.interfaces.join(', ')}`)

  const common = ['--sink', 'http', '--url', String(ready.url), '--key-file', keyFile, '--log-level', 'warn']
  const generated = options.captures.length === 0
  const replayStartedMs = clock.monotonicMs()
  const agent = new Child('agent', join(root, 'agent/main.ts'), input === undefined
    ? ['capture', ...options.interfaces.flatMap((name) => ['--interface', name]), ...(options.filter === '' ? [] : ['--filter', options.filter]), ...common]
    : ['replay', ...input, '--run', runName(options), '--sensor', 'demo', ...(generated ? ['--simulated'] : []), '--skip-stored', ...common])
  children.push(agent)
  agent.onMessage = (message) => { if (message.type === 'progress') showProgress(message, replayStartedMs, live) }
  const outcome = agent.message('done')
  outcome.catch(() => undefined)
  const lost = collector.ended.then(() => { if (stopped === undefined) throw collector.failure() })

  if (live) {
    await Promise.race([ended, outcome, lost])
    await agent.stop(stopMs.agent)
  }
  const done = await Promise.race([outcome, ended, lost])
  if (done !== undefined && typeof done !== 'string') {
    await Promise.race([desk.settled(), ended, lost])
    if (stopped === undefined && generated && !live) screen.line('  Seven attacks are in the capture. This version looks for three kinds: port scans, password guessing, DNS tunnels.')
    if (stopped === undefined) await printSummary(screen, done, desk, clock.monotonicMs() - startedMs)
  }
  if (!options.once && !live && done !== 'SIGINT') {
    screen.line()
    screen.line(`The page stays up at ${String(ready.url)} until Ctrl-C.`)
    await Promise.race([ended, lost])
  }
  await stop()
  screen.line('Stopped.')
  return 0
}

/** `demo` for the default capture; other inputs are runs of their own. */
function runName({ captures, seed }: StartOptions): string {
  if (captures.length === 0) return seed === 1 ? 'demo' : `demo-seed-${String(seed)}`
  const name = basename(captures[0]).replace(/\.(pcap|pcapng|cap|gz|zst)\b/g, '').replace(/[^\w-]+/g, '-').slice(0, 40)
  return `demo-${name === '' ? 'input' : name}`
}

runMain('vedette', async () => {
  try {
    return await main()
  } finally {
    await stop()
  }
})
