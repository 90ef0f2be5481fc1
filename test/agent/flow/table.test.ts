import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { destinationP, hashP, kindP, Packets, portsP, scopeP, sourceP } from '../../../agent/decode/packets.ts'
import { initiatorI, kindI, portsI, responderI, scopeI, extensionI, shiftI } from '../../../agent/flow/layout.ts'
import { createTable } from '../../../agent/flow/table.ts'
import { Wheel } from '../../../agent/flow/wheel.ts'
import type { FlowTable } from '../../../agent/flow/table.ts'

/** A table with its packets: keys are (source, destination, ports). */
type Bench = {
  table: FlowTable
  look: (a: number, b: number, p: number, q: number) => { hash: number, found: number }
  enter: (id: number, hash: number, a: number, b: number, p: number, q: number) => void
}

function setUp(seed: number): Bench {
  const { P } = new Packets()
  const table = createTable(1 << 18, seed, P)
  const look = (a: number, b: number, p: number, q: number): { hash: number, found: number } => {
    P[sourceP] = a
    P[destinationP] = b
    P[portsP] = p << 16 | q
    P[kindP] = 17
    P[scopeP] = 0
    table.hash(0)
    return { hash: P[hashP], found: table.find(0) }
  }
  const enter = (id: number, hash: number, a: number, b: number, p: number, q: number): void => {
    const r = id << shiftI
    table.I[r + initiatorI] = a
    table.I[r + responderI] = b
    table.I[r + portsI] = p << 16 | q
    table.I[r + kindI] = 17
    table.I[r + scopeI] = 0
    table.I[r + extensionI] = 0
    table.insert(hash, id)
  }
  return { table, look, enter }
}

describe('the flow table', () => {
  it('behaves as a map that knows both directions', () => {
    const key = fc.tuple(fc.nat(6), fc.nat(6), fc.nat(3), fc.nat(3))
    fc.assert(fc.property(fc.integer(), fc.array(fc.tuple(key, fc.boolean()), { maxLength: 400 }), (seed, steps) => {
      const { table, look, enter } = setUp(seed)
      const model = new Map<string, number>()
      for (const [[a, b, p, q], remove] of steps) {
        const { hash, found } = look(a, b, p, q)
        const forth = model.get(`${String(a)} ${String(b)} ${String(p)} ${String(q)}`)
        const back = model.get(`${String(b)} ${String(a)} ${String(q)} ${String(p)}`)
        expect(found).toBe(forth !== undefined ? forth * 2 : back !== undefined ? back * 2 + 1 : -1)
        expect(look(b, a, q, p).hash).toBe(hash)
        if (found < 0) {
          const id = table.claim()
          expect(id).toBeGreaterThan(0)
          enter(id, hash, a, b, p, q)
          model.set(`${String(a)} ${String(b)} ${String(p)} ${String(q)}`, id)
        } else if (remove) {
          table.remove(found >> 1)
          for (const [text, id] of model) if (id === found >> 1) model.delete(text)
        }
        expect(table.open()).toBe(model.size)
      }
    }))
  })

  it('grows its index, fills up, and never hands out a unit twice', () => {
    const { table, look, enter } = setUp(1)
    const units = new Set<number>()
    const claim = (id: number, size: number): void => {
      for (let u = id; u < id + size; u++) {
        expect(units.has(u)).toBe(false)
        units.add(u)
      }
    }
    let flows = 0
    for (;;) {
      const id = table.claim()
      if (id === 0) break
      claim(id, 2)
      enter(id, look(flows, 1, 2, 3).hash, flows, 1, 2, 3)
      if (flows % 3 === 0) {
        const extension = table.claimExtension()
        if (extension === 0) break
        claim(extension, 1)
        table.I[(id << shiftI) + extensionI] = extension
      }
      flows++
    }
    expect(flows).toBeGreaterThan(600)
    for (let i = 0; i < flows; i++) expect(look(i, 1, 2, 3).found).toBeGreaterThanOrEqual(2)
  })

  it('makes two extensions of a record when it has no other room', () => {
    const { table, look, enter } = setUp(1)
    let last = 0
    for (let id = table.claim(), i = 0; id !== 0; id = table.claim(), i++) {
      enter(id, look(i, 1, 2, 3).hash, i, 1, 2, 3)
      last = id
    }
    while (table.claimExtension() !== 0) { /* the odd unit left between records and extensions */ }
    table.remove(last)
    expect([table.claimExtension(), table.claimExtension(), table.claimExtension()]).toEqual([last, last + 1, 0])
  })
})

describe('the timing wheel', () => {
  it('visits every flow once its time has passed, in order of its seconds, first in first out', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(500), fc.boolean()), { maxLength: 100 }), (flows) => {
      const table = createTable(1 << 18, 1, new Packets().P)
      const wheel = new Wheel(table)
      wheel.reset(1000)
      const expected: { id: number, second: number }[] = []
      for (const [second, removed] of flows) {
        const id = table.claim()
        wheel.add(id, (1000 + second) * 1e6)
        if (removed) wheel.remove(id)
        else expected.push({ id, second: 1000 + Math.min(second + 1, 255) })
      }
      const visited: { id: number, second: number }[] = []
      while (wheel.second < 1256) {
        for (let id = wheel.due(); id !== 0; id = wheel.due()) {
          wheel.remove(id)
          visited.push({ id, second: wheel.second })
        }
        wheel.step(1256)
      }
      expect(visited).toEqual(expected.sort((a, b) => a.second - b.second))
      expect(wheel.nearest()).toBe(0)
    }))
  })

  it('skips a gap of years in one turn', () => {
    const table = createTable(1 << 18, 1, new Packets().P)
    const wheel = new Wheel(table)
    const id = table.claim()
    wheel.add(id, 50e6)
    let steps = 0
    let seen = 0
    while (wheel.second < 1e9) {
      steps++
      if (wheel.due() !== 0) {
        seen++
        wheel.remove(id)
      }
      wheel.step(1e9)
    }
    expect([seen, steps < 300]).toEqual([1, true])
  })
})
