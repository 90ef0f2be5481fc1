/** Some hours of flows of a small office with three attacks in them, from a seed: quick to make, in log order, as an agent would report them. */
import { createHash } from 'node:crypto'
import { login, lookup, makeFlow, refused } from './chain.ts'
import type { Flow } from '../../proto/flow.ts'

/** Numbers 0 ... 1 from a seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = state + 0x6d2b79f5 | 0
    let t = Math.imul(state ^ state >>> 15, 1 | state)
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t
    return ((t ^ t >>> 14) >>> 0) / 4294967296
  }
}

const start = 1_800_000_000e6

/** Flows in log order: by the time their record is made (end, or 10 s after the start), numbered. */
export function office(seed: number, hours = 2, scale = 1): Flow[] {
  const random = randomOf(seed)
  const at = (from: number, to: number): number => Math.floor(start + (from + random() * (to - from)) * 3600e6)
  const flows: Flow[] = []
  const hosts = 20
  for (let i = 0; i < 900 * hours * scale; i++) {
    const startMicros = at(0, hours)
    const initiatorAddress = `10.1.4.${Math.floor(random() * hosts)}`
    const pick = random()
    if (pick < 0.5) flows.push(makeFlow({ startMicros, initiatorAddress, responderAddress: `198.51.100.${Math.floor(random() * 60)}`, edgeScore: random() ** 3 }))
    else if (pick < 0.8) flows.push(lookup(`www${Math.floor(random() * 50)}.site${Math.floor(random() * 30)}.example`, { startMicros, initiatorAddress }))
    else if (pick < 0.9) flows.push(login({ startMicros, endMicros: startMicros + (random() < 0.5 ? 3e6 : 400e6), initiatorAddress, responderAddress: '10.1.2.5' }))
    else flows.push(refused({ startMicros, initiatorAddress, responderAddress: '10.1.2.6', responderPort: 8000 + Math.floor(random() * 3) }))
  }
  for (let i = 0; i < 160; i++) flows.push(refused({ startMicros: at(0.5, 0.75), initiatorAddress: '10.1.4.7', responderPort: 1 + i, edgeScore: 0.9 + random() / 10 }))
  for (let i = 0; i < 90; i++) flows.push(login({ startMicros: at(0.9, 1.1), initiatorAddress: '10.1.4.8', responderAddress: '10.1.2.10', initiatorPort: 30_000 + i }))
  const in11 = start + 1.12 * 3600e6
  for (const [part, endMicros] of [in11 + 10e6, in11 + 70e6, in11 + 130e6].entries()) {
    flows.push(login({ startMicros: in11, endMicros, part, final: part === 2, initiatorAddress: '10.1.4.8', responderAddress: '10.1.2.10', responderOctets: 50_000 * part }))
  }
  for (let i = 0; i < 400; i++) {
    const name = createHash('sha256').update(`${seed} ${i}`).digest('hex').slice(0, 40)
    flows.push(lookup(`${name}.tunnel.example`, { startMicros: at(1.3, 1.6), initiatorAddress: '10.1.4.9' }))
  }
  const reported = (flow: Flow): number => flow.part === 0 ? Math.min(flow.endMicros, flow.startMicros + 10e6) : flow.endMicros
  return flows.sort((a, b) => reported(a) - reported(b)).map((flow, i) => ({ ...flow, number: i + 1 }))
}
