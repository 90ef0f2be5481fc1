/**
 * Log lines for operators: a level, a code to search for, a sentence, and fields. Written to standard error (standard output belongs to
 * data), one JSON object a line, or readable when a person is watching. Writing is synchronous: it blocks as long as the terminal or
 * pipe does.
 *
 * Loss: of one code at most `perMinute` lines a minute are written, so a failure that repeats a million times cannot fill a disk.
 * What is left out is counted, and said when the minute is over. Secrets named in `secretNames` are never written.
 */
import { pino } from 'pino'
import { prettyFactory } from 'pino-pretty'
import type { DestinationStream, Logger as PinoLogger } from 'pino'
import { VedetteError } from '../error.ts'
import { systemClock } from './clock.ts'
import type { Clock } from './clock.ts'

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = typeof logLevels[number]
type Level = Exclude<LogLevel, 'silent'>

/** `code` is a name that never changes (`E_SINK_AWAY`, `capture-opened`); `text` is for people; what varies goes into `fields`. */
export type Logger = Record<Level, (code: string, text: string, fields?: Record<string, unknown>) => void> & {
  /** A logger that adds these fields to every line. The rate limit is shared. */
  child(fields: Record<string, unknown>): Logger
}

export type LoggerOptions = {
  name: string
  level: LogLevel
  /** 'auto': readable on a terminal, else JSON. */
  format: 'auto' | 'json' | 'pretty'
  clock?: Clock
  /** Default: standard error. */
  stream?: DestinationStream
  /** Lines of one code per minute before the rest is summarised. Default 10. */
  perMinute?: number
}

const windowMs = 60_000

/** Field names whose values are replaced, at the top and one level down. */
export const secretNames = ['secret', 'password', 'token', 'key', 'authorization', 'apiKey', 'privateKey']

type Window = { startMs: number, count: number, suppressed: number, write: (text: string, fields: Record<string, unknown>) => void }

/** Decides which lines are written. One window per code, begun by its first line; shared by a logger and its children. */
class RateLimit {
  readonly #windows = new Map<string, Window>()
  readonly #clock: Clock
  readonly #perMinute: number
  #timer: NodeJS.Timeout | undefined

  constructor(clock: Clock, perMinute: number) {
    this.#clock = clock
    this.#perMinute = perMinute
  }

  /** True when a line of this code may be written now. */
  admit(code: string, write: Window['write']): boolean {
    this.#sweep()
    let window = this.#windows.get(code)
    if (window === undefined) {
      window = { startMs: this.#clock.monotonicMs(), count: 0, suppressed: 0, write }
      this.#windows.set(code, window)
    }
    window.count++
    if (window.count <= this.#perMinute) return true
    window.suppressed++
    window.write = write
    this.#timer ??= setTimeout(() => { this.#timer = undefined; this.#sweep() }, windowMs + 100).unref()
    return false
  }

  /** Ends the windows whose minute is over and says what they left out. */
  #sweep(): void {
    const now = this.#clock.monotonicMs()
    for (const [code, { startMs, suppressed, write }] of this.#windows) {
      if (now - startMs < windowMs) continue
      this.#windows.delete(code)
      if (suppressed > 0) write(`${String(suppressed)} more lines like this were left out in the last minute`, { suppressed })
    }
  }
}

/** Errors as fields: what happened, its code, and the stack only where someone is debugging. */
function describe(value: unknown, stacks: boolean): unknown {
  if (!(value instanceof Error)) return value
  return {
    message: value.message,
    ...(value instanceof VedetteError ? { code: value.code } : { type: value.name }),
    ...(stacks && value.stack !== undefined ? { stack: value.stack } : {}),
  }
}

function wrap(target: PinoLogger, limit: RateLimit): Logger {
  const at = (level: Level) => (code: string, text: string, fields: Record<string, unknown> = {}): void => {
    if (!target.isLevelEnabled(level)) return
    const write = (line: string, extra: Record<string, unknown>): void => {
      const described = Object.fromEntries(Object.entries(extra).map(([name, value]) => [name, describe(value, target.isLevelEnabled('debug'))]))
      target[level]({ ...described, code }, line)
    }
    if (limit.admit(code, write)) write(text, fields)
  }
  return {
    debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'),
    child: (fields) => wrap(target.child(fields), limit),
  }
}

/** Standard error; that nobody reads it any more is no reason to end. */
function standardError(): DestinationStream {
  return pino.destination({ dest: 2, sync: true }).on('error', () => undefined)
}

/** Lines for people instead of JSON; synchronous, so that nothing is lost when the process ends. */
function prettyStream(destination: DestinationStream, colorize: boolean): DestinationStream {
  const format = prettyFactory({
    colorize, ignore: 'pid,hostname,name,code', translateTime: 'SYS:HH:MM:ss', messageFormat: '{code}: {msg}',
  })
  return {
    write: (line) => {
      const fields = JSON.parse(line) as Record<string, unknown>
      // JSON keeps a sentence on its line; here a name in it could begin another line, or move the cursor.
      for (const name of ['msg', 'code']) fields[name] = String(fields[name]).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd')
      destination.write(format(fields))
    },
  }
}

export function createLogger(options: LoggerOptions): Logger {
  const { name, level, format, clock = systemClock, stream, perMinute = 10 } = options
  const destination = stream ?? standardError()
  const watched = stream === undefined && process.stderr.isTTY
  const readable = format === 'pretty' || (format === 'auto' && watched)
  const target = pino({
    level, base: { name }, messageKey: 'msg',
    timestamp: () => `,"time":"${new Date(clock.nowMs()).toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: secretNames.flatMap((secret) => [secret, `*.${secret}`]), censor: '[redacted]' },
  }, readable ? prettyStream(destination, watched) : destination)
  return wrap(target, new RateLimit(clock, perMinute))
}

/** Says nothing: for tests and for tools that print their own lines. */
export const silentLogger: Logger = {
  debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined,
  child: () => silentLogger,
}
