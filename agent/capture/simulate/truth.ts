/**
 * What really happened in a simulated capture, written beside it. Counts are what an ideal flow meter sees: attempts
 * are distinct (initiator, responder, responder port) with Zeek's S0 or REJ, octets are IP octets, times are those
 * of the first and the last packet.
 */
import type { AttackKind } from './options.ts'
import type { Tally } from './tally.ts'
import { ephemeral } from './lan.ts'

/** What is told of every attack. */
type Told<Kind extends AttackKind> = {
  kind: Kind
  /** Addresses; of spoofed ones the network. */
  attackers: string[]
  /** Addresses. Of a tunnel: the server asked. Of a beacon or an exfiltration: the address outside. */
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

export type PortScanTruth = Told<'port-scan'> & {
  portsTried: number
  /** Refused or silent: distinct ports. */
  portsFailed: number
  portsRefused: number
  portsSilent: number
  portsOpen: number[]
}

export type HostSweepTruth = Told<'host-sweep'> & {
  port: number
  respondersTried: number
  respondersFailed: number
  respondersOpen: string[]
  /** Addresses on the attacker's own subnet that nobody has: only ARP requests are seen of them. */
  unresolved: number
}

export type BruteForceTruth = Told<'brute-force'> & {
  port: number
  /** Connections in which every password was wrong. */
  attempts: number
  /** The connection whose password was right. */
  success: { startMicros: number, endMicros: number, initiatorPort: number }
}

export type DnsTunnelTruth = Told<'dns-tunnel'> & {
  domain: string
  server: string
  /** Not through the office's resolver. */
  direct: boolean
  queries: number
  uniqueSubdomains: number
  /** Mean of each name's longest label. */
  meanLabel: number
}

export type BeaconTruth = Told<'beacon'> & {
  port: number
  serverName: string
  connections: number
  periodSeconds: number
  /** Share of the period by which calls come early or late, at most. */
  jitter: number
}

export type ExfiltrationTruth = Told<'exfiltration'> & {
  port: number
  serverName: string
  connections: number
  /** TCP payload that left, TLS included. */
  payloadOctetsOut: number
}

export type SynFloodTruth = Told<'syn-flood'> & {
  port: number
  syns: number
  /** Distinct spoofed addresses. */
  sources: number
  /** SYNs that were answered by a SYN-ACK, to which nothing came back. */
  answered: number
  unanswered: number
  perSecond: number
}

export type AttackTruth =
  | PortScanTruth | HostSweepTruth | BruteForceTruth | DnsTunnelTruth | BeaconTruth | ExfiltrationTruth | SynFloodTruth

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

type Counted = Pick<AttackTruth, 'startMicros' | 'endMicros' | 'flows' | 'packets' | 'initiatorOctets' | 'responderOctets'>

/** The common part of an attack's truth from what was counted. */
export function counted({ firstMicros, lastMicros, flows, packets, octets }: Tally): Counted {
  return { startMicros: firstMicros, endMicros: lastMicros, flows, packets, initiatorOctets: octets[0], responderOctets: octets[1] }
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
