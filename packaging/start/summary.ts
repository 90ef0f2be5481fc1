/** The last lines of a replay: what was seen, what was concluded, and whether the books balance. */
import { agentEquations, balance } from '../../proto/ledger.ts'
import type { Balance } from '../../proto/ledger.ts'
import type { ChildMessage } from './child.ts'
import type { Account, Desk } from './desk.ts'
import { count, duration, octets } from './screen.ts'
import type { Screen } from './screen.ts'

/** Alerts listed by sentence. */
const listed = 12

export async function printSummary(screen: Screen, done: ChildMessage, desk: Desk, elapsedMs: number): Promise<void> {
  const ledger = await desk.ledger()
  const alerts = await desk.alerts(String(done.run))
  const agent = balance(agentEquations, new Map(Object.entries(done.ledger as Record<string, number>)))
  const counters = new Map(Object.entries(done.ledger as Record<string, number>))
  const take = (name: string): string => count(counters.get(name) ?? 0)

  screen.line(done.stored === true
    ? '  This capture was replayed before: what was stored then is shown again (--fresh replays it anew).'
    : `  ${take('frames')} packets (${octets(Number(done.octets))}) in ${duration(Number(done.elapsedMs))}, ${count(Math.round((counters.get('frames') ?? 0) / Math.max(0.001, Number(done.elapsedMs) / 1000)))} packets/s`)
  for (const warning of done.warnings as { code: string, text: string }[]) screen.line(`  ! ${warning.code}: ${warning.text}`)
  screen.line()
  screen.line(`  packets   ${take('frames').padStart(12)}`)
  screen.line(`  flows     ${take('flowsOpened').padStart(12)}   in ${take('recordsMade')} records`)
  screen.line(`  findings  ${count(alerts.reduce((sum, alert) => sum + alert.findings, 0)).padStart(12)}`)
  screen.line(`  alerts    ${count(alerts.length).padStart(12)}`)
  screen.line(`  took      ${duration(elapsedMs).padStart(12)}   from the first line to this one`)
  screen.line()
  for (const { severity, sentence } of alerts.slice(0, listed)) screen.line(`  ${severity.toUpperCase().padEnd(9)} ${sentence}`)
  if (alerts.length > listed) screen.line(`  ... and ${count(alerts.length - listed)} more on the page`)
  if (alerts.length === 0) screen.line('  No alert: no detector crossed its threshold.')
  screen.line()
  printLedger(screen, agent, ledger.collector, counters)
}

function printLedger(screen: Screen, agent: readonly Balance[], collector: Account, counters: ReadonlyMap<string, number>): void {
  const equal = agent.every((equation) => equation.balanced) && collector.balanced
  screen.line(`  The loss ledger ${equal ? 'balances' : 'DOES NOT BALANCE'}:`)
  for (const { name, left, right, balanced, terms } of agent) screen.line(row('agent', name, left, right, balanced, terms))
  for (const { name, leftSum, rightSum, balanced, right } of collector.equations) screen.line(row('collector', name, leftSum, rightSum, balanced, right))
  const estimates = (counters.get('kernelDropped') ?? 0) + (counters.get('interfaceDropped') ?? 0)
  if (estimates > 0) screen.line(`    before the ring, by the kernel's own estimate: ${count(estimates)} packets lost`)
}

type Term = { name: string, value: number }

function row(side: string, name: string, left: number, right: number, balanced: boolean, terms: readonly Term[]): string {
  const parts = terms.filter(({ value }) => value !== 0).map((term) => `${term.name} ${count(term.value)}`).join(' + ')
  return `    ${side.padEnd(9)} ${name.padEnd(13)} ${count(left).padStart(11)} ${balanced ? '=' : '!='} ${balanced && parts !== '' ? parts : count(right)}`
}
