import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { runParts } from '../../../proto/process/lifecycle.ts'
import { silentLogger } from '../../../proto/process/log.ts'
import type { Part } from '../../../proto/process/lifecycle.ts'

class Signals extends EventEmitter {
  readonly exits: number[] = []
  exit(status: number): void { this.exits.push(status) }
}

const log = silentLogger

/** Parts that write down what happens to them. */
function parts(names: readonly string[], over: Partial<Record<string, Partial<Part>>> = {}) {
  const events: string[] = []
  const list: Part[] = names.map((name) => ({
    name, start: () => { events.push(`+${name}`) }, stop: () => { events.push(`-${name}`) }, ...over[name],
  }))
  return { events, list }
}

describe('a run', () => {
  it('starts in order, works, and stops in reverse', async () => {
    const { events, list } = parts(['a', 'b', 'c'])
    const ended = await runParts(list, { log, signals: new Signals(), work: async () => { events.push('work') } })
    expect(events).toEqual(['+a', '+b', '+c', 'work', '-c', '-b', '-a'])
    expect(ended).toEqual({ reason: 'done', late: [] })
  })

  it('that cannot start stops what had started, and says why', async () => {
    const { events, list } = parts(['a', 'b', 'c'], { b: { start: async () => { throw new Error('no') } } })
    await expect(runParts(list, { log, signals: new Signals() })).rejects.toThrow('no')
    expect(events).toEqual(['+a', '-a'])
  })

  it('whose work fails stops everything, and says why', async () => {
    const { events, list } = parts(['a'])
    await expect(runParts(list, { log, signals: new Signals(), work: async () => { throw new Error('work') } })).rejects.toThrow('work')
    expect(events).toEqual(['+a', '-a'])
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'])('without work lasts until %s', async (signal) => {
    const { events, list } = parts(['a', 'b'])
    const signals = new Signals()
    const run = runParts([...list, { name: 'last', start: () => { setImmediate(() => { signals.emit(signal) }) }, stop: () => undefined }], { log, signals })
    expect(await run).toEqual({ reason: signal, late: [] })
    expect(events).toEqual(['+a', '+b', '-b', '-a'])
    expect(signals.eventNames()).toEqual([])
  })

  it('lets the work end by itself after a signal', async () => {
    const signals = new Signals()
    const seen: string[] = []
    const work = (signal: AbortSignal) => new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => { setImmediate(() => { seen.push('flushed'); resolve() }) })
      setImmediate(() => { signals.emit('SIGTERM') })
    })
    const { list } = parts(['a'], { a: { stop: () => { seen.push('stopped') } } })
    await runParts(list, { log, signals, work })
    expect(seen).toEqual(['flushed', 'stopped'])
  })

  it('does not wait for work that does not end', async () => {
    const signals = new Signals()
    const work = () => new Promise<void>(() => { setImmediate(() => { signals.emit('SIGTERM') }) })
    const { events, list } = parts(['a'])
    expect(await runParts(list, { log, signals, work, deadlineMs: 20 })).toMatchObject({ reason: 'SIGTERM' })
    expect(events).toEqual(['+a', '-a'])
  })

  it('signalled while starting goes no further', async () => {
    const signals = new Signals()
    const { events, list } = parts(['a', 'b'], { a: { start: async () => { signals.emit('SIGINT') } } })
    expect(await runParts(list, { log, signals })).toMatchObject({ reason: 'SIGINT' })
    expect(events).toEqual(['-a'])
  })

  it('ends at once on a second signal', async () => {
    const signals = new Signals()
    const { list } = parts(['a'], { a: { stop: () => { signals.emit('SIGINT') } } })
    const run = runParts(list, { log, signals, work: async () => { signals.emit('SIGINT') } })
    await run
    expect(signals.exits).toEqual([130])
  })
})

describe('stopping', () => {
  it('names the parts that do not stop in time, and goes on', async () => {
    const { events, list } = parts(['a', 'stuck', 'c'], { stuck: { stop: () => new Promise<void>(() => undefined) } })
    const { late } = await runParts(list, { log, signals: new Signals(), work: async () => undefined, deadlineMs: 20 })
    expect(late).toEqual(['stuck'])
    expect(events).toContain('-a')
  })

  it('goes on after a part that fails to stop', async () => {
    const { events, list } = parts(['a', 'b'], { b: { stop: async () => { throw new Error('x') } } })
    const lines: string[] = []
    const loud = { ...silentLogger, error: (code: string) => { lines.push(code) } }
    expect(await runParts(list, { log: loud, signals: new Signals(), work: async () => undefined })).toEqual({ reason: 'done', late: [] })
    expect(events).toEqual(['+a', '+b', '-a'])
    expect(lines).toEqual(['part-stop-failed'])
  })
})
