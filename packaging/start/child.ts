/**
 * One of the two processes that `npm start` runs. They are in process groups of their own, so that Ctrl-C reaches only the
 * parent, which stops them in order; each ends by itself when the parent is gone (the IPC channel closes).
 * A child's log lines are kept (the last 40) and shown only when it fails.
 */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { errors, VedetteError } from '../../proto/error.ts'
import type { ErrorCode } from '../../proto/error.ts'

const isCode = (text: string): text is ErrorCode => Object.hasOwn(errors, text)

export type ChildMessage = { type: string } & Record<string, unknown>

const keptLines = 40

export class Child {
  readonly name: string
  readonly ended: Promise<number>
  private readonly process: ChildProcess
  private lines: string[] = []
  private waiting: { type: string, resolve: (message: ChildMessage) => void, reject: (error: unknown) => void }[] = []
  private status: number | undefined
  onMessage: (message: ChildMessage) => void = () => undefined

  constructor(name: string, file: string, args: readonly string[], onLine: (line: string) => void = () => undefined) {
    this.name = name
    this.process = fork(file, [...args], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], detached: true })
    this.process.stderr?.setEncoding('utf8')
    let rest = ''
    this.process.stderr?.on('data', (text: string) => {
      const parts = (rest + text).split('\n')
      rest = (parts.pop() ?? '').slice(-4096)
      for (const line of parts) { this.keep(line); onLine(line) }
    })
    this.process.on('message', (message) => { this.receive(message as ChildMessage) })
    this.ended = new Promise((resolve) => {
      this.process.on('close', (code, signal) => {
        this.status = code ?? (signal === null ? 1 : 128)
        if (rest !== '') this.keep(rest)
        for (const waiter of this.waiting.splice(0)) waiter.reject(this.failure())
        resolve(this.status)
      })
    })
  }

  /** The next message of this type; rejects with the child's own error line when it ends first. */
  message(type: string): Promise<ChildMessage> {
    return new Promise((resolve, reject) => {
      if (this.status === undefined) this.waiting.push({ type, resolve, reject })
      else reject(this.failure())
    })
  }

  /** Asks it to end; kills it after `deadlineMs`. Resolves when it has ended. */
  async stop(deadlineMs: number): Promise<void> {
    if (this.status !== undefined) return
    this.process.kill('SIGTERM')
    const timer = setTimeout(() => { this.process.kill('SIGKILL') }, deadlineMs)
    await this.ended
    clearTimeout(timer)
  }

  /** What it said last, as an error: its own line with a code when it wrote one. */
  failure(): VedetteError {
    for (const line of this.lines.toReversed()) {
      const [, code = '', text = ''] = /^vedette-\w+: (E_[A-Z_]+): (.*)$/.exec(line) ?? []
      if (isCode(code)) return new VedetteError(code, text)
    }
    return new VedetteError('E_CHILD_ENDED', `${this.name} ended with status ${String(this.status)}`, this.lines.slice(-3).join(' | '))
  }

  private keep(line: string): void {
    this.lines.push(line)
    if (this.lines.length > keptLines) this.lines.shift()
  }

  private receive(message: ChildMessage): void {
    this.onMessage(message)
    const at = this.waiting.findIndex(({ type }) => type === message.type)
    if (at >= 0) this.waiting.splice(at, 1)[0].resolve(message)
  }
}
