import { describe, expect, it } from 'vitest'
import { agentCounters, agentEquations, balance, collectorCounters, collectorEquations, Ledger, newAgentLedger, newCollectorLedger } from '../../proto/ledger.ts'

describe('the tables', () => {
  it.each([['agent', agentCounters], ['collector', collectorCounters]])('of the %s have no name or number twice', (_side, counters) => {
    expect(new Set(counters.map(({ name }) => name)).size).toBe(counters.length)
    expect(new Set(counters.map(({ field }) => field)).size).toBe(counters.length)
  })

  it.each([
    ['agent', agentEquations, agentCounters] as const, ['collector', collectorEquations, collectorCounters] as const,
  ])('of the %s: every exit and every stock is in an equation, no estimate is', (_side, equations, counters) => {
    const used = new Set<string>(equations.flatMap(({ left, right }) => [...left, ...right]))
    for (const { name, kind } of counters) {
      if (kind === 'exit' || kind === 'stock') expect(used, name).toContain(name)
      if (kind === 'estimate') expect(used, name).not.toContain(name)
    }
  })

  it('name no counter that does not exist, and none twice in an equation', () => {
    const known = new Set<string>([...agentCounters, ...collectorCounters].map(({ name }) => name))
    for (const { left, right } of [...agentEquations, ...collectorEquations]) {
      expect([...left, ...right].filter((name) => !known.has(name))).toEqual([])
      expect(new Set([...left, ...right]).size).toBe(left.length + right.length)
    }
  })
})

describe('balance', () => {
  it('holds for a process that has done nothing', () => {
    expect(balance(agentEquations, newAgentLedger().snapshot()).every(({ balanced }) => balanced)).toBe(true)
    expect(balance(collectorEquations, newCollectorLedger().snapshot()).every(({ balanced }) => balanced)).toBe(true)
  })

  it('finds one missing frame and says which terms there are', () => {
    const ledger = newAgentLedger()
    ledger.add('frames', 10)
    ledger.add('framesInFlows', 8)
    ledger.add('notIpArp')
    ledger.add('packetsOpen', 8)
    const [frames, flows, packets] = balance(agentEquations, ledger.snapshot())
    expect(frames).toMatchObject({ name: 'frames', left: 10, right: 9, balanced: false })
    expect(frames.terms).toContainEqual({ name: 'notIpArp', value: 1 })
    expect([flows.balanced, packets.balanced]).toEqual([true, true])
  })

  it('takes a missing counter for 0', () => {
    expect(balance(agentEquations, new Map([['frames', 1]]))[0]).toMatchObject({ left: 1, right: 0, balanced: false })
  })
})

describe('a ledger', () => {
  it('counts, sets, and hands out copies', () => {
    const ledger = new Ledger([{ name: 'a' as const }, { name: 'b' as const }])
    ledger.add('a')
    ledger.add('a', 4)
    ledger.set('b', 7)
    const copy = ledger.snapshot()
    ledger.add('b', -7)
    expect([ledger.get('a'), ledger.get('b'), copy.get('b')]).toEqual([5, 0, 7])
  })
})
