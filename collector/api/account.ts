/** The ledger for people: equations with the words of every term, worked out from plain counters. */
import { agentCounters, agentEquations, balance, collectorCounters, collectorEquations } from '../../proto/ledger.ts'
import type { CounterSpec, Equation } from '../../proto/ledger.ts'
import type { LedgerReport } from './options.ts'
import type { Ledger } from './schema.ts'

type Account = Ledger['collector']

function accountOf<Name extends string>(
  specs: readonly (CounterSpec & { name: Name })[], equations: readonly Equation<Name>[], counters: ReadonlyMap<string, number>,
): Account {
  const specOf = new Map<string, CounterSpec>(specs.map((spec) => [spec.name, spec]))
  const term = (name: string): Account['estimates'][number] =>
    ({ name, text: specOf.get(name)?.text ?? name, kind: specOf.get(name)?.kind ?? 'flow', value: counters.get(name) ?? 0 })
  const balances = balance(equations, counters)
  return {
    balanced: balances.every(({ balanced }) => balanced),
    equations: equations.map(({ name, left, right }, index) => ({
      name, left: left.map(term), right: right.map(term), leftSum: balances[index]?.left ?? 0, rightSum: balances[index]?.right ?? 0,
      balanced: balances[index]?.balanced ?? false,
    })),
    estimates: specs.filter(({ kind }) => kind === 'estimate').map(({ name }) => term(name)),
    counters: Object.fromEntries(specs.map(({ name }) => [name, counters.get(name) ?? 0])),
  }
}

/** Evaluates every equation of `report`. */
export function ledgerBody(report: LedgerReport, nowMs: number): Ledger {
  const streams = report.streams.map(({ counters, gaps, ...stream }) => ({
    ...stream, gaps: gaps ?? 0, ...accountOf(agentCounters, agentEquations, counters),
  }))
  const collector = accountOf(collectorCounters, collectorEquations, report.collector)
  return { streams, collector, balanced: collector.balanced && streams.every(({ balanced }) => balanced), nowMs }
}
