import { afterEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../../proto/process/clock.ts'
import { ModelThread } from '../../models/thread.ts'
import type { Answer } from '../../models/thread.ts'
import { order } from './order.ts'
import { keepLines } from './log-lines.ts'

const file = new URL('failing-worker.ts', import.meta.url)
const threads: ModelThread[] = []
afterEach(async () => { for (const thread of threads.splice(0)) await thread.close() })

async function start(bundle = 'works', deadlineMs?: number) {
  const clock = new ManualClock()
  const { log, lines } = keepLines()
  const thread = new ModelThread({ file, bundle, log, clock, deadlineMs })
  threads.push(thread)
  return { thread, clock, lines, refusal: await thread.open() }
}
const say = (...bytes: number[]): Uint8Array<ArrayBuffer> => Uint8Array.from(bytes)
const heard = (answer: Answer | undefined): number[] | undefined => answer && Array.from(answer.payload)

describe('a thread that works', () => {
  test('answers in the order of asking, with far more asked than it takes at a time', async () => {
    const { thread } = await start()
    const settled: number[] = []
    const answers = await Promise.all(Array.from({ length: 100 }, async (_, i) => {
      const answer = await (i % 10 === 9 ? thread.skip() : thread.ask(say(order.echo, i)))
      settled.push(i)
      return heard(answer)
    }))
    expect(settled).toEqual(Array.from({ length: 100 }, (_, i) => i))
    answers.forEach((answer, i) => { expect(answer).toEqual(i % 10 === 9 ? undefined : [order.echo, i]) })
  })

  test('keeps the order when the worker answers in another', async () => {
    const { thread } = await start()
    const settled: string[] = []
    const note = (name: string) => (answer: Answer | undefined): void => { settled.push(`${name} ${String(heard(answer))}`) }
    await Promise.all([
      thread.ask(say(order.hold, 1)).then(note('first')), thread.ask(say(order.hold, 2)).then(note('second')),
      thread.skip().then(note('third')), thread.ask(say(order.release, 4)).then(note('fourth')),
    ])
    expect(settled).toEqual(['first 5,1', 'second 5,2', 'third undefined', 'fourth 6,4'])
  })

  test('gives at most 8 to the worker: the ninth waits for an answer', async () => {
    const { thread } = await start()
    const answers = Array.from({ length: 7 }, (_, i) => thread.ask(say(order.hold, i)))
    const eighth = thread.ask(say(order.release, 7))
    const ninth = thread.ask(say(order.echo, 8))
    expect(heard(await eighth)).toEqual([order.release, 7])
    expect(heard(await ninth)).toEqual([order.echo, 8])
    expect((await Promise.all(answers)).map(heard)).toEqual(Array.from({ length: 7 }, (_, i) => [order.hold, i]))
    // Eight held and none released would never end: the worker sees no ninth that could release them.
    const stuck = Array.from({ length: 8 }, (_, i) => thread.ask(say(order.hold, i)))
    const never = thread.ask(say(order.release))
    await thread.close()
    expect(await Promise.all([...stuck, never])).toEqual(Array.from({ length: 9 }, () => undefined))
  })
})

describe('a thread that fails', () => {
  test.each([['exits', order.exit], ['throws', order.throw]] as const)('%s: everything at it comes back unscored, in order, and it is started again after a pause', async (_, how) => {
    const { thread, clock, lines } = await start()
    expect(heard(await thread.ask(say(order.echo, 1)))).toEqual([order.echo, 1])
    const settled: number[] = []
    const lost = await Promise.all([say(order.hold), say(how), say(order.echo), say(order.echo)].map(async (payload, i) => {
      const answer = await thread.ask(payload)
      settled.push(i)
      return answer
    }))
    expect(lost).toEqual([undefined, undefined, undefined, undefined])
    expect(settled).toEqual([0, 1, 2, 3])
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(how === order.throw ? /^warn E_MODEL_FAILED: .*planned failure/ : /^warn E_MODEL_FAILED: .*died/)

    clock.advance(999)
    expect(await thread.ask(say(order.echo, 2))).toBeUndefined()
    clock.advance(1)
    expect(heard(await thread.ask(say(order.echo, 3)))).toEqual([order.echo, 3])
    expect(lines.at(-1)).toMatch(/^info model-restarted/)
  })

  test('the pauses double up to a minute while nothing succeeds, and begin anew after a success', async () => {
    const { thread, clock } = await start()
    for (const pause of [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]) {
      expect(await thread.ask(say(order.exit))).toBeUndefined()
      clock.advance(pause - 1)
      expect(await thread.ask(say(order.exit))).toBeUndefined()
      clock.advance(1)
    }
    expect(heard(await thread.ask(say(order.echo)))).toEqual([order.echo])
    expect(await thread.ask(say(order.exit))).toBeUndefined()
    clock.advance(1000)
    expect(heard(await thread.ask(say(order.echo)))).toEqual([order.echo])
  })

  test('hangs: it is ended after the deadline', async () => {
    const { thread, clock, lines } = await start('works', 50)
    expect(await thread.ask(say(order.hang))).toBeUndefined()
    expect(lines[0]).toMatch(/^warn E_MODEL_FAILED: .*died/)
    clock.advance(1000)
    expect(heard(await thread.ask(say(order.echo, 5)))).toEqual([order.echo, 5])
  })

  test('refuses one request: only that one is unscored', async () => {
    const { thread, lines } = await start()
    const answers = await Promise.all([say(order.echo, 1), say(order.refuse), say(order.echo, 2)].map((payload) => thread.ask(payload)))
    expect(answers.map(heard)).toEqual([[order.echo, 1], undefined, [order.echo, 2]])
    expect(lines).toEqual(['warn E_MODEL_FAILED: some flows go on unscored: planned refusal of one'])
  })

  test('refuses its bundle, or dies at the start: says why, and asking gives nothing', async () => {
    const refused = await start('refused')
    expect(refused.refusal?.line).toBe('E_MODEL_MISSING: planned refusal. Do nothing')
    expect(await refused.thread.ask(say(order.echo))).toBeUndefined()
    const dead = await start('dies')
    expect(dead.refusal?.line).toMatch(/^E_MODEL_FAILED: .*planned death/)
    expect(await dead.thread.ask(say(order.echo))).toBeUndefined()
  })

  test('dies again while starting: what waited for it is answered, with a log line', async () => {
    const { thread, clock, lines } = await start('dies')
    clock.advance(1000)
    expect(await Promise.all([thread.ask(say(order.echo)), thread.ask(say(order.echo))])).toEqual([undefined, undefined])
    expect(lines.at(-1)).toMatch(/^warn E_MODEL_FAILED: .*planned death.*unscored/)
  })

  test('closed: answers without scores, at once', async () => {
    const { thread } = await start()
    const waiting = thread.ask(say(order.hold))
    await thread.close()
    expect(await waiting).toBeUndefined()
    expect(await thread.ask(say(order.echo))).toBeUndefined()
    await thread.close()
  })
})
