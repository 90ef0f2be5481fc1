/** Real processes for end-to-end tests: started as a user starts them, ended when the test is over. */
import { fork, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { captureName, truthPath, writeCapture } from '../../agent/capture/simulate/index.ts'
import type { Truth } from '../../agent/capture/simulate/index.ts'
import type { Alert } from '../../proto/alert.ts'

export const root = join(import.meta.dirname, '../..')
export const agentMain = join(root, 'agent/main.ts')
export const collectorMain = join(root, 'collector/main.ts')

/** A folder that is gone after the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'vedette-e2e-'))
  onTestFinished(() => { rmSync(path, { recursive: true, force: true }) })
  return path
}

/** The generated capture of a seed, made once per machine; with its truth. */
export async function generated(seed: number): Promise<{ path: string, truth: Truth }> {
  const path = join(tmpdir(), 'vedette-captures', captureName({ seed }))
  if (!existsSync(path) || !existsSync(truthPath(path))) await writeCapture(path, { seed })
  return { path, truth: JSON.parse(await readFile(truthPath(path), 'utf8')) as Truth }
}

export type Result = { status: number | null, signal: NodeJS.Signals | null, stdout: Buffer, stderr: string }

/** Runs a command to its end. `input` goes to standard input. */
export function run(file: string, args: readonly string[], input?: Uint8Array, env: Record<string, string> = {}): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, ...args], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (part: Buffer) => out.push(part))
    child.stderr.on('data', (part: Buffer) => err.push(part))
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
    child.on('error', reject)
    child.on('close', (status, signal) => { resolve({ status, signal, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString() }) })
  })
}

export const agent = (...args: string[]): Promise<Result> => run(agentMain, args)

/** A process that talks over IPC. */
export class Process {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  readonly messages: ({ type: string } & Record<string, unknown>)[] = []
  stderr = ''
  private readonly waiting = new Set<() => void>()

  constructor(file: string, args: readonly string[]) {
    this.child = fork(file, [...args], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => { this.stderr += text })
    this.child.on('message', (message) => { this.messages.push(message as { type: string }); this.wake() })
    this.ended = new Promise((resolve) => { this.child.on('close', (status) => { resolve(status); this.wake() }) })
    onTestFinished(() => { this.child.kill('SIGKILL') })
  }

  private wake(): void {
    for (const wake of this.waiting) wake()
  }

  /** The first message that `holds`; fails with the process's own words when it ends first. */
  async message(holds: (message: { type: string } & Record<string, unknown>) => boolean): Promise<{ type: string } & Record<string, unknown>> {
    for (;;) {
      const found = this.messages.find((message) => holds(message))
      if (found !== undefined) return found
      if (this.child.exitCode !== null || this.child.signalCode !== null) throw new Error(`the process ended: ${this.stderr}`)
      await new Promise<void>((resolve) => {
        const wake = (): void => { this.waiting.delete(wake); resolve() }
        this.waiting.add(wake)
      })
    }
  }

  kill(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal)
    return this.ended
  }
}

/** A running collector over a data folder. */
export class Collector {
  readonly process: Process
  readonly url: string

  private constructor(process: Process, url: string) {
    this.process = process
    this.url = url
  }

  static async start(data: string, ...args: string[]): Promise<Collector> {
    const port = args.includes('--port') ? [] : ['--port', '0']
    const process = new Process(collectorMain, ['--data', join(data, 'collector'), '--key-file', join(data, 'key'), '--log-level', 'warn', ...port, ...args])
    const { url } = await process.message(({ type }) => type === 'ready')
    return new Collector(process, String(url))
  }

  async get<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.url}${path}`)
    if (!answer.ok) throw new Error(`${path}: ${String(answer.status)} ${await answer.text()}`)
    return await answer.json() as T
  }

  /** Resolves when both readers have read the whole journal. */
  async settled(): Promise<LedgerAnswer> {
    for (;;) {
      const ledger = await this.get<LedgerAnswer>('/v1/ledger')
      const { recordsDetecting, recordsArchiving } = ledger.collector.counters
      if (recordsDetecting === 0 && recordsArchiving === 0) return ledger
    }
  }

  async alerts(run: string): Promise<Alert[]> {
    return (await this.get<{ items: Alert[] }>(`/v1/alerts?limit=500&run=${run}`)).items
  }
}

export type LedgerAnswer = {
  balanced: boolean
  streams: { stream: string, boot: string, last: boolean, gaps: number, balanced: boolean, counters: Record<string, number> }[]
  collector: { balanced: boolean, counters: Record<string, number> }
}

/** Starts the replay of a capture into a collector. */
export function replay(data: string, url: string, capture: string, ...args: string[]): Process {
  return new Process(agentMain, ['replay', capture, '--sink', 'http', '--url', url, '--key-file', join(data, 'key'), '--run', 'demo', '--sensor', 'demo', '--log-level', 'warn', ...args])
}
