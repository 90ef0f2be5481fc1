/**
 * The edge of a process: whatever is thrown inside becomes one line on standard error and an exit status. 0: done. 1: a defect of ours.
 * 2: something a person can act on (a `VedetteError`). Stack traces appear only when the log level is debug. A reader of standard
 * output that goes away (`| head`) ends the process quietly.
 */
import './node-guard.ts'
import { errnoName, VedetteError } from '../error.ts'

/** Time between the end of `main` and the end of the process, for handles a library left open. */
const lingerMs = 1000
/** Time a process has to stop by itself when its parent is gone: both deadlines of `runParts`, and a little. */
const orphanMs = 11_000
const orphanStatus = 143

/** Whether the person running this asked for debugging: `--log-level debug`, or a `VEDETTE_..._LOG_LEVEL=debug`. */
export function wantsDebug(args: readonly string[], env: NodeJS.ProcessEnv): boolean {
  const at = args.indexOf('--log-level')
  return args.includes('--log-level=debug') || (at >= 0 && args[at + 1] === 'debug')
    || Object.entries(env).some(([name, value]) => /^VEDETTE_([A-Z]+_)?LOG_LEVEL$/.test(name) && value === 'debug')
}

/** One line for a person and the exit status. What is not a VedetteError is a defect: E_INTERNAL. */
export function report(name: string, error: unknown, debug: boolean): { text: string, status: 1 | 2 } {
  const known = error instanceof VedetteError ? error : internal(error)
  const stack = debug && error instanceof Error && error.stack !== undefined ? `${error.stack}\n` : ''
  return { text: `${name}: ${oneLine(known.line)}\n${stack}`, status: known.code === 'E_INTERNAL' ? 1 : 2 }
}

function internal(error: unknown): VedetteError {
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return new VedetteError('E_INTERNAL', `a defect in Vedette (${oneLine(what)})`, 'Run it again with --log-level debug and report what it prints')
}

const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, ' ').trim()

/** Runs a command. `main` gives the exit status (nothing: 0); the process ends soon after it, even if a handle is still open. */
export function runMain(name: string, main: () => Promise<number | undefined> | Promise<void>): void {
  const fail = (error: unknown): never => {
    const { text, status } = report(name, error, wantsDebug(process.argv.slice(2), process.env))
    process.stderr.write(text)
    process.exit(status)
  }
  process.stdout.on('error', (error) => { if (errnoName(error) === 'EPIPE') process.exit(0); else fail(error) })
  process.stderr.on('error', () => undefined)
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
  // A parent that is gone wants nothing any more; whatever the stop is waiting for, it ends.
  process.once('disconnect', () => { setTimeout(() => { process.exit(orphanStatus) }, orphanMs).unref() })
  main().then((status) => {
    process.exitCode = status ?? 0
    setTimeout(() => { process.exit() }, lingerMs).unref()
  }, fail)
}
