/**
 * What really happened in a simulated capture, written beside it. Counts are what an ideal flow meter sees: attempts are distinct (initiator, responder,
 * responder port) with Zeek's S0 or REJ, octets are IP octets, times are those of the first and the last packet.
 */
import type { AttackKind } from './options.ts'
import type { Tally } from './tally.ts'
import { ephemeral } from './lan.ts'

type Any = {
  /** Addresses. */
  attackers: string[]
  victims: string[]
  startMicros: number
  endMicros: number
  /** Conversations that are the attack and nothing else. */
  flows: number
  packets: number
  initiatorOctets: number
  responderOctets: number
  /** One sentence for people. */
  text: string
}

export type PortScanTruth = Any & { kind: 'port-scan', portsTried: number, portsFailed: number, portsRefused: number, portsSilent: number, portsOpen: number[] }
export type HostSweepTruth = Any & { kind: 'host-sweep', port: number, respondersTried: number, respondersFailed: number, respondersOpen: string[],
  /** Addresses on the attacker's own subnet that nobody has: only ARP requests are seen of them. */
  unresolved: number }
export type BruteForceTruth = Any & { kind: 'brute-force', port: number, attempts: number,
  /** The connection whose password was right. */
  success: { startMicros: number, endMicros: number, initiatorPort: number } }
export type DnsTunnelTruth = Any & { kind: 'dns-tunnel', domain: string, server: string, direct: boolean, queries: number, uniqueSubdomains: number, meanLabel: number }
export type BeaconTruth = Any & { kind: 'beacon', port: number, serverName: string, connections: number, periodSeconds: number, jitter: number }
export type ExfiltrationTruth = Any & { kind: 'exfiltration', port: number, serverName: string, connections: number, payloadOctetsOut: number }
export type SynFloodTruth = Any & { kind: 'syn-flood', port: number, syns: number, sources: number, answered: number, unanswered: number, perSecond: number }

export type AttackTruth = PortScanTruth | HostSweepTruth | BruteForceTruth | DnsTunnelTruth | BeaconTruth | ExfiltrationTruth | SynFloodTruth

export type Truth = {
  seed: number
  generatorVersion: number
  hours: number
  startMicros: number
  endMicros: number
  firstPacketMicros: number
  lastPacketMicros: number
  packets: number
  /** Octets of all frames. */
  octets: number
  /** Conversations over IP with at least one packet, cut where they were silent for more than 120 s. */
  flows: number
  internalNetworks: readonly string[]
  hosts: { name: string, role: string, address: string, mac: string }[]
  benign: { behaviour: string, packets: number, flows: number, octets: number }[]
  attacks: AttackTruth[]
}

/** The common part of an attack's truth from what was counted. */
export function counted(tally: Tally): Pick<Any, 'startMicros' | 'endMicros' | 'flows' | 'packets' | 'initiatorOctets' | 'responderOctets'> {
  return { startMicros: tally.firstMicros, endMicros: tally.lastMicros, flows: tally.flows, packets: tally.packets, initiatorOctets: tally.octets[0], responderOctets: tally.octets[1] }
}

/** What `attackOf` needs of a flow. */
export type LabelledFlow = { initiatorAddress: string, responderAddress: string, initiatorPort: number, startMicros: number }

/** A function that says which attack a flow belongs to, '' for benign. Exact: attacks use initiator ports or
 * spoofed addresses that benign conversations never do. */
export function attackOf(truth: Pick<Truth, 'attacks'>): (flow: LabelledFlow) => AttackKind | '' {
  const attacks = truth.attacks.map((attack) => ({ ...attack, victims: new Set(attack.victims), attackers: new Set(attack.attackers) }))
  return ({ initiatorAddress, responderAddress, initiatorPort, startMicros }) => {
    const spoofed = initiatorAddress.startsWith('198.19.')
    if (initiatorPort < ephemeral.attack[0] && !spoofed) return ''
    for (const { kind, attackers, victims, startMicros: begun, endMicros } of attacks) {
      if (startMicros < begun || startMicros > endMicros || !victims.has(responderAddress)) continue
      if (kind === 'syn-flood' ? spoofed : attackers.has(initiatorAddress)) return kind
    }
    return ''
  }
}
