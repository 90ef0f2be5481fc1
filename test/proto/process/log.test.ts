/** What is written, what is left out, and that what is left out is said. */
import { describe, expect, it } from 'vitest'
import { VedetteError } from '../../../proto/error.ts'
import { ManualClock } from '../../../proto/process/clock.ts'
import { createLogger, silentLogger } from '../../../proto/process/log.ts'
import type { LoggerOptions } from '../../../proto/process/log.ts'

function capture(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = []
  const clock = new ManualClock(Date.UTC(2026, 0, 2, 3, 4, 5))
  const log = createLogger({ name: 'test', level: 'info', format: 'json', clock, stream: { write: (line) => { lines.push(line) } }, ...options })
  return { log, clock, lines, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

describe('lines', () => {
  it('have a level, a time from the clock, the name, a code, a sentence and fields', () => {
    const { log, parsed } = capture()
    log.warn('E_SINK_AWAY', 'the collector is away', { url: 'http://x' })
    expect(parsed()).toEqual([{ level: 'warn', time: '2026-01-02T03:04:05.000Z', name: 'test', code: 'E_SINK_AWAY', msg: 'the collector is away', url: 'http://x' }])
  })

  it('below the level are not written', () => {
    const { log, lines } = capture({ level: 'warn' })
    log.info('a', 'no')
    log.debug('b', 'no')
    log.error('c', 'yes')
    expect(lines).toHaveLength(1)
    const silent = capture({ level: 'silent' })
    silent.log.error('c', 'no')
    expect(silent.lines).toHaveLength(0)
  })

  it('of a child carry its fields too', () => {
    const { log, parsed } = capture()
    log.child({ sensor: 's1' }).info('x', 'text', { n: 1 })
    expect(parsed()[0]).toMatchObject({ sensor: 's1', n: 1, name: 'test' })
  })

  it('keep errors short, with the stack only when debugging', () => {
    const error = new VedetteError('E_STORE', 'no')
    const quiet = capture()
    quiet.log.error('E_STORE', 'text', { error })
    expect(quiet.parsed()[0]).toMatchObject({ error: { message: 'no', code: 'E_STORE' } })
    expect(quiet.lines[0]).not.toContain('at ')
    const debugging = capture({ level: 'debug' })
    debugging.log.error('E_STORE', 'text', { error: new TypeError('x') })
    expect(debugging.parsed()[0]).toMatchObject({ error: { type: 'TypeError' } })
    expect(debugging.lines[0]).toContain('stack')
  })

  it('never show secrets', () => {
    const { log, lines } = capture()
    log.info('x', 'text', { secret: 'hunter2', channel: { token: 'hunter2', url: 'u' } })
    expect(lines[0]).not.toContain('hunter2')
    expect(lines[0]).toContain('[redacted]')
  })

  it('are readable in the pretty format', () => {
    const { log, lines } = capture({ format: 'pretty' })
    log.info('started', 'listening', { port: 1 })
    expect(lines.join('')).toContain('started: listening')
    expect(() => JSON.parse(lines[0]) as unknown).toThrow()
  })

  it.each(['\n', '\r', '\u001b[2K', '\u0085', '\u2028', '\u202e', '\b'])('for people stay one line whatever a name in them holds: %j', (evil) => {
    const { log, lines } = capture({ format: 'pretty' })
    log.warn('alert-1', `dns tunnel to x${evil}[00:00:00] INFO: all is well`, { entity: `x${evil}y` })
    const text = lines.join('')
    expect(text).toContain('\ufffd')
    expect(text.split('\n').filter((line) => line.includes('all is well'))).toEqual([expect.stringContaining('alert-1: dns tunnel')])
    expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f]/)
  })
})

describe('rate limit', () => {
  it('writes the first lines of a code each minute and sums up the rest', () => {
    const { log, clock, parsed } = capture({ perMinute: 3 })
    for (let i = 0; i < 100; i++) log.warn('busy', 'slow down', { i })
    log.warn('other', 'still heard')
    expect(parsed().map(({ code }) => code)).toEqual(['busy', 'busy', 'busy', 'other'])
    clock.advance(60_000)
    log.info('unrelated', 'any line ends the minute')
    expect(parsed()[4]).toMatchObject({ code: 'busy', level: 'warn', suppressed: 97 })
    expect(String(parsed()[4].msg)).toContain('97')
    log.warn('busy', 'again')
    expect(parsed().at(-1)).toMatchObject({ msg: 'again' })
  })

  it('is shared by children', () => {
    const { log, lines } = capture({ perMinute: 2 })
    for (let i = 0; i < 5; i++) log.child({ i }).warn('busy', 'slow down')
    expect(lines).toHaveLength(2)
  })

  it('does not mention codes that stayed below it', () => {
    const { log, clock, lines } = capture({ perMinute: 2 })
    log.warn('a', 'x')
    clock.advance(61_000)
    log.warn('b', 'x')
    expect(lines).toHaveLength(2)
  })
})

it('the silent logger says nothing and has children', () => {
  silentLogger.child({}).error('x', 'y')
  silentLogger.info('x', 'y')
  silentLogger.debug('x', 'y')
  silentLogger.warn('x', 'y')
  expect(silentLogger.child({ a: 1 })).toBe(silentLogger)
})
