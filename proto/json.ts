/**
 * A flow record as JSON: the form people and scripts see. The first eighteen names are fixed, always there and in this
 * order; after them come the other fields that are set, in the order of `flowFields`. Scores are rounded to 1e-4, so
 * that two machines print the same text.
 */
import { communityId } from './community-id.ts'
import { flowFields } from './flow.ts'
import type { Flow } from './flow.ts'

/** Names every line has, in order. Scripts depend on them: they never change. */
export const fixedNames = [
  'sensor', 'startMicros', 'endMicros', 'initiatorAddress', 'responderAddress', 'initiatorPort', 'responderPort', 'protocol',
  'initiatorPackets', 'responderPackets', 'initiatorOctets', 'responderOctets', 'connState', 'history', 'communityId', 'endReason',
  'vlan', 'edgeScore',
] as const

const fixed: ReadonlySet<string> = new Set(fixedNames)
const others = flowFields.map(({ name }) => name).filter((name) => !fixed.has(name))

const rounded = (value: number): number => Math.round(value * 1e4) / 1e4

/** `sensor` is the batch's. `edgeScore` is null when the model did not score the record. */
export function flowToJson(flow: Flow, sensor: string): Record<string, unknown> {
  const json: Record<string, unknown> = {
    sensor,
    startMicros: flow.startMicros,
    endMicros: flow.endMicros,
    initiatorAddress: flow.initiatorAddress,
    responderAddress: flow.responderAddress,
    initiatorPort: flow.initiatorPort,
    responderPort: flow.responderPort,
    protocol: flow.protocol,
    initiatorPackets: flow.initiatorPackets,
    responderPackets: flow.responderPackets,
    initiatorOctets: flow.initiatorOctets,
    responderOctets: flow.responderOctets,
    connState: flow.connState,
    history: flow.history,
    communityId: communityId(flow),
    endReason: flow.endReason,
    vlan: flow.vlan,
    edgeScore: flow.edgeScore === undefined || Number.isNaN(flow.edgeScore) ? null : rounded(flow.edgeScore),
  }
  for (const name of others) {
    const value = flow[name]
    if (value === 0 || value === '' || value === false || value === undefined) continue
    if (name === 'weight') { if (flow.weight !== 1) json.weight = rounded(flow.weight) }
    else if (!Array.isArray(value) || value.length > 0) json[name] = value
  }
  return json
}
