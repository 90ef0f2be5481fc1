/** The generated office, frames to alerts in one process: the detectors find their attacks with the right numbers, and nothing else. */
import { describe, expect, it } from 'vitest'
import { createEngine } from '../../agent/engine.ts'
import { SimulateSource } from '../../agent/capture/simulate/index.ts'
import { defaultEngineOptions } from '../../agent/flow/engine.ts'
import { newAgentLedger } from '../../proto/ledger.ts'
import { flowsOf } from '../agent/run-engine.ts'
import { Chain, makeEntry } from './chain.ts'
import type { Alert } from '../../proto/alert.ts'
import type { AttackTruth, SimulateOptions, Truth } from '../../agent/capture/simulate/index.ts'

async function observe(options: SimulateOptions): Promise<{ alerts: Alert[], truth: Truth, blind: number }> {
  const source = new SimulateSource(options)
  await source.open()
  const engine = createEngine(defaultEngineOptions, newAgentLedger())
  const chain = new Chain()
  let offset = 0
  const take = (): void => {
    for (let chunk = engine.chunks.shift(); chunk !== undefined; chunk = engine.chunks.shift()) {
      const entry = makeEntry([], offset++, { last: chunk.last, clockMicros: chunk.clockMicros })
      entry.batch.flows = flowsOf(chunk)
      chain.apply([entry])
    }
  }
  for (let block = await source.next(); block !== undefined; block = await source.next()) {
    for (let at = 0; at < block.count;) {
      at = engine.consume(block, at)
      take()
    }
  }
  while (!engine.finish()) take()
  take()
  return { alerts: [...chain.store.alerts.values()], truth: source.truth(), blind: chain.set.guard.blindStreams().length }
}

const attackOf = <Kind extends AttackTruth['kind']>(truth: Truth, kind: Kind): Extract<AttackTruth, { kind: Kind }> =>
  truth.attacks.find((attack): attack is Extract<AttackTruth, { kind: Kind }> => attack.kind === kind)!

describe('the simulated office', () => {
  it('raises one alert for each attack that the detectors know, with attacker, victim and numbers', { timeout: 60_000 }, async () => {
    const { alerts, truth, blind } = await observe({ seed: 11, hours: 1 })
    const scan = attackOf(truth, 'port-scan')
    const guessing = attackOf(truth, 'brute-force')
    const tunnel = attackOf(truth, 'dns-tunnel')
    expect(alerts.map(({ detector, entity, peer }) => [detector, entity, peer]).sort()).toEqual([
      ['brute-force', guessing.attackers[0], guessing.victims[0]], ['dns-tunnel', tunnel.attackers[0], tunnel.domain], ['port-scan', scan.attackers[0], scan.victims[0]],
    ])
    const of = new Map(alerts.map((alert) => [alert.detector, alert]))
    expect(of.get('port-scan')!.sentence).toContain(`${scan.attackers[0]} tried ${scan.portsTried} ports on ${scan.victims[0]} in 10 min; ${scan.portsFailed} failed.`)
    expect(of.get('brute-force')).toMatchObject({ severity: 'critical', evidence: [{ value: guessing.attempts }, {}, {}, {}] })
    expect(of.get('brute-force')!.sentence).toContain(`${guessing.attackers[0]} made ${guessing.attempts} short SSH connections to ${guessing.victims[0]} (port 22)`)
    expect(of.get('dns-tunnel')!.evidence[0].value).toBeGreaterThanOrEqual(60)
    expect(of.get('dns-tunnel')!.evidence[0].value).toBeLessThanOrEqual(tunnel.uniqueSubdomains)
    expect(of.get('dns-tunnel')!.evidence[1].value).toBeCloseTo(tunnel.meanLabel, 0)
    expect(blind).toBe(0)
  })

  it('raises nothing while nothing happens', { timeout: 60_000 }, async () => {
    expect((await observe({ seed: 13, hours: 0.5, attacks: 'none' })).alerts.map(({ sentence }) => sentence)).toEqual([])
  })
})
