import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SinkBusyError } from '../../../agent/sink/busy.ts'
import { Deliverer, retryWait } from '../../../agent/sink/deliver.ts'
import type { DelivererOptions } from '../../../agent/sink/deliver.ts'
import type { SealedBatch, Sink } from '../../../agent/sink/sink.ts'
import { VedetteError } from '../../../proto/error.ts'
import { agentEquations, balance, newAgentLedger } from '../../../proto/ledger.ts'
import { ManualClock } from '../../../proto/process/clock.ts'
import type { Logger } from '../../../proto/process/log.ts'
import { sealed } from './batches.ts'

const away = new VedetteError('E_SINK_AWAY', 'nobody there')
const refused = new VedetteError('E_SINK_REFUSED', 'not this one')

/** A sink that does what it is told for each send: nothing (acknowledged), an error, or a promise to wait for. */
class ToldSink implements Sink {
  readonly name = 'told'
  readonly sent: number[] = []
  inFlight = 0
  mostInFlight = 0
  closed = 0
  private readonly orders: (Error | Promise<unknown> | undefined)[]

  constructor(...orders: (Error | Promise<unknown> | undefined)[]) {
    this.orders = orders
  }

  async open(): Promise<void> {}

  async send(batch: SealedBatch): Promise<void> {
    this.mostInFlight = Math.max(this.mostInFlight, ++this.inFlight)
    const order = this.orders.shift()
    try {
      if (order instanceof Error) throw order
      await order
      this.sent.push(batch.sequence)
    } finally {
      this.inFlight--
    }
  }

  async close(): Promise<void> {
    this.closed++
  }
}

/** A deliverer that does not really wait, unless `itself` is true, and what it counts and says. */
function setUp(sink: Sink, options: Partial<DelivererOptions> = {}, itself = false) {
  const ledger = newAgentLedger()
  const logged: string[] = []
  const waits: number[] = []
  const note = (code: string): void => { logged.push(code) }
  const log: Logger = { debug: note, info: note, warn: note, error: note, child: () => log }
  const sleep = async (ms: number): Promise<void> => { waits.push(ms) }
  const deliverer = new Deliverer(sink, {
    maxOctets: 1e6, ledger, clock: new ManualClock(), log, random: () => 0.5, ...(itself ? {} : { sleep }), ...options,
  })
  const offer = (batch: SealedBatch): Promise<void> => {
    ledger.add('recordsSealed', batch.count)
    return deliverer.offer(batch)
  }
  const counted = (): number[] => (['recordsWaiting', 'recordsAcknowledged', 'recordsDropped'] as const).map((name) => ledger.get(name))
  const balanced = (): boolean => balance(agentEquations, ledger.snapshot()).find(({ name }) => name === 'delivery')?.balanced === true
  return { deliverer, offer, ledger, logged, waits, counted, balanced }
}

/** A promise and the function that keeps it. */
function promise(): [Promise<void>, () => void] {
  let keep = (): void => {}
  const made = new Promise<void>((resolve) => { keep = resolve })
  return [made, () => { keep() }]
}

const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve) })

describe('Deliverer', () => {
  it('sends in order, one at a time, and counts what is acknowledged', async () => {
    const sink = new ToldSink()
    const { deliverer, offer, counted, balanced } = setUp(sink)
    for (let i = 1; i <= 20; i++) await offer(sealed(i))
    await deliverer.drain()
    expect(sink.sent).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
    expect(sink.mostInFlight).toBe(1)
    expect(counted()).toEqual([0, 20, 0])
    expect(balanced()).toBe(true)
    await deliverer.drain()
  })

  it('tries again for as long as it takes, waiting longer each time, and says when the sink is back', async () => {
    const sink = new ToldSink(...Array.from({ length: 12 }, () => away))
    const { deliverer, offer, logged, waits, counted } = setUp(sink)
    await offer(sealed(1))
    await offer(sealed(2))
    await deliverer.drain()
    expect(sink.sent).toEqual([1, 2])
    expect(waits).toEqual([125, 250, 500, 1000, 2000, 4000, 8000, 15000, 15000, 15000, 15000, 15000])
    expect(logged).toEqual([...Array.from({ length: 12 }, () => 'E_SINK_AWAY'), 'sink-back'])
    expect(counted()).toEqual([0, 2, 0])
  })

  it('drops what is refused, counts it and goes on', async () => {
    const sink = new ToldSink(undefined, refused, new TypeError('a defect'))
    const { deliverer, offer, logged, waits, counted, balanced } = setUp(sink)
    for (let i = 1; i <= 4; i++) await offer(sealed(i))
    await deliverer.drain()
    expect(sink.sent).toEqual([1, 4])
    expect(logged).toEqual(['E_SINK_REFUSED', 'E_INTERNAL'])
    expect(waits).toEqual([])
    expect(counted()).toEqual([0, 2, 2])
    expect(balanced()).toBe(true)
  })

  it('holds back who offers while the queue is full, and keeps their order', async () => {
    const [gate, open] = promise()
    const sink = new ToldSink(gate)
    const { deliverer, offer, counted, balanced } = setUp(sink, { maxOctets: 2 * sealed(1).bytes.length })
    const entered: number[] = []
    const offers = [1, 2, 3, 4, 5].map((i) => offer(sealed(i)).then(() => { entered.push(i) }))
    await turn()
    expect(entered).toEqual([1, 2])
    expect(deliverer.waiting).toBe(2)
    expect(counted()).toEqual([5, 0, 0])
    expect(balanced()).toBe(true)
    open()
    await Promise.all(offers)
    await deliverer.drain()
    expect(sink.sent).toEqual([1, 2, 3, 4, 5])
    expect(entered).toEqual([1, 2, 3, 4, 5])
  })

  it('takes a batch that is larger than the queue when nothing else waits', async () => {
    const sink = new ToldSink()
    const { deliverer, offer } = setUp(sink, { maxOctets: 1 })
    await Promise.all([1, 2, 3].map((i) => offer(sealed(i))))
    await deliverer.drain()
    expect(sink.sent).toEqual([1, 2, 3])
  })

  it('stops in the middle of a wait; what is left stays counted as waiting', async () => {
    const sink = new ToldSink(undefined, away)
    const [slept, startedSleeping] = promise()
    const sleep = (_ms: number, signal: AbortSignal): Promise<void> => {
      startedSleeping()
      return new Promise((resolve) => { signal.addEventListener('abort', () => { resolve() }) })
    }
    const { deliverer, offer, counted, balanced } = setUp(sink, { sleep, maxOctets: 2 * sealed(1).bytes.length })
    const offers = [1, 2, 3, 4].map((i) => offer(sealed(i)))
    await slept
    const drained = deliverer.drain()
    await deliverer.stop()
    await Promise.all([...offers, drained])
    expect(sink.sent).toEqual([1])
    expect(sink.closed).toBe(1)
    expect(counted()).toEqual([3, 1, 0])
    expect(balanced()).toBe(true)
    await offer(sealed(9))
    await deliverer.drain()
    expect(counted()).toEqual([4, 1, 0])
  })

  it('stops in the middle of a send, which closing the sink ends', async () => {
    const sink = new ToldSink()
    let fail = (_error: Error): void => {}
    sink.send = () => new Promise((_, reject) => { fail = reject })
    sink.close = async () => { fail(away) }
    const { deliverer, offer, counted, logged } = setUp(sink)
    await offer(sealed(1))
    await turn()
    await deliverer.stop()
    expect(counted()).toEqual([1, 0, 0])
    expect(logged).toEqual([])
  })

  it('waits by itself, and stops waiting when told', async () => {
    const sink = new ToldSink(away, away, undefined, away)
    const { deliverer, offer, counted } = setUp(sink, { random: () => 0 }, true)
    await offer(sealed(1))
    await deliverer.drain()
    expect(sink.sent).toEqual([1])
    const patient = setUp(new ToldSink(away), { random: () => 0.999 }, true)
    await patient.offer(sealed(2))
    await turn()
    await patient.deliverer.stop()
    expect(patient.logged).toEqual(['E_SINK_AWAY'])
    expect([counted(), patient.counted()]).toEqual([[0, 1, 0], [1, 0, 0]])
  })

  it('delivers everything once and in order, whatever fails on the way', async () => {
    const kinds = fc.array(fc.constantFrom('ok', 'away', 'busy', 'refused'), { maxLength: 40 })
    await fc.assert(fc.asyncProperty(kinds, fc.integer({ min: 1, max: 2000 }), async (orders, maxOctets) => {
      const sink = new ToldSink(...orders.map((order) => ({ ok: undefined, away, busy: new SinkBusyError('later', 10), refused })[order]))
      const { deliverer, offer, counted, balanced } = setUp(sink, { maxOctets })
      for (let i = 1; i <= 10; i++) void offer(sealed(i))
      await deliverer.drain()
      expect(sink.sent).toEqual([...sink.sent].sort((a, b) => a - b))
      expect(new Set(sink.sent).size).toBe(sink.sent.length)
      expect(counted()).toEqual([0, sink.sent.length, 10 - sink.sent.length])
      expect(sink.mostInFlight).toBe(1)
      expect(balanced()).toBe(true)
    }), { numRuns: 50 })
  })
})

describe('retryWait', () => {
  it('is a random part of a doubling wait, up to half a minute', () => {
    expect(retryWait(0, away, () => 0)).toBe(0)
    expect(retryWait(3, away, () => 0.25)).toBe(500)
    expect(retryWait(5000, away, () => 0.999999)).toBeLessThan(30_000)
  })

  it('is never less than what the sink asks for, up to five minutes', () => {
    expect(retryWait(0, new SinkBusyError('later', 7000), () => 0.5)).toBe(7125)
    expect(retryWait(0, new SinkBusyError('later', 1e9), () => 0)).toBe(300_000)
  })
})
