/**
 * What other tools say about public captures, read from their own files, and what the engine says, in one form: packets of each conversation. Captures
 * and expectations lie beside the project (../shared/data) and are not part of it.
 */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { formatAddress, parseAddress } from '../../proto/address.ts'
import { readCapture } from './frames-of.ts'
import { runEngine } from './run-engine.ts'
import type { EngineOptions } from '../../agent/flow/engine.ts'
import type { Flow } from '../../proto/flow.ts'

export const data = resolve(import.meta.dirname, '../../../shared/data')

/** Why a test is left out, or undefined when its data are there. */
export const missing = (path: string): string | undefined =>
  existsSync(resolve(data, path)) ? undefined : `${path} is not beside the project: the comparison is left out`

/** One record a flow, however long or silent. */
export const endless: Partial<EngineOptions> =
  { parts: false, idleMicros: Infinity, synMicros: Infinity, closeMicros: Infinity, activeMicros: Infinity, memory: 64 * 1024 * 1024 }

export const flowsOfCapture = (path: string, options: Partial<EngineOptions> = endless): Flow[] =>
  runEngine(readCapture(resolve(data, path)), options).flows

/** Packets of each conversation: protocol and both endpoints in order of their text. Ports are compared for TCP and UDP, where tools agree on them. */
export type Conversations = Map<string, number>

const withPorts = new Set([6, 17])

/** The address in the form of RFC 5952, whatever form it was printed in. */
function canonical(address: string): string {
  const bare = address.replace(/[[\]]/g, '')
  const bytes = parseAddress(bare)
  return bytes === undefined ? bare : formatAddress(bytes)
}

export function conversation(protocol: string | number, a: string, b: string): string {
  return a < b ? `${String(protocol)} ${a} ${b}` : `${String(protocol)} ${b} ${a}`
}

export function conversationsOf(flows: readonly Flow[]): Conversations {
  const out: Conversations = new Map()
  for (const flow of flows) {
    const ports = withPorts.has(flow.protocol)
    const key = conversation(flow.protocol, `${flow.initiatorAddress} ${String(ports ? flow.initiatorPort : 0)}`,
      `${flow.responderAddress} ${String(ports ? flow.responderPort : 0)}`)
    out.set(key, (out.get(key) ?? 0) + flow.initiatorPacketsDelta + flow.responderPacketsDelta)
  }
  return out
}

const protocolNumbers: Readonly<Record<string, number>> = {
  TCP: 6, UDP: 17, ICMP: 1, ICMPV6: 58, SCTP: 132, IGMP: 2, GRE: 47, ESP: 50, AH: 51, OSPF: 89, VRRP: 112, PIM: 103, EGP: 8, IPIP: 4, PGM: 113,
}

/** Conversations of an nDPI result file. */
export function readNdpi(path: string): Conversations {
  const out: Conversations = new Map()
  const line = /^\t\d+\t(\S+) (\[?[0-9a-f.:]+\]?):(\d+) (?:<->|->) (\[?[0-9a-f.:]+\]?):(\d+) .*?\[(\d+) pkts\/\d+ bytes (?:<->|->) (\d+) pkts\//i
  for (const text of readFileSync(resolve(data, path), 'utf8').split('\n')) {
    const found = line.exec(text)
    if (found === null) continue
    const [, name, a, aPort, b, bPort, forth, back] = found
    const protocol = protocolNumbers[name.toUpperCase()] ?? (Number(name) || name)
    const ports = withPorts.has(protocol)
    const key = conversation(protocol, `${canonical(a)} ${ports ? aPort : '0'}`, `${canonical(b)} ${ports ? bPort : '0'}`)
    out.set(key, (out.get(key) ?? 0) + Number(forth) + Number(back))
  }
  return out
}

/** How many conversations of `expected` agree with `actual`, and the first few that do not. */
export function compare(expected: Conversations, actual: Conversations): { agree: number, of: number, differences: string[] } {
  const differences: string[] = []
  let agree = 0
  for (const [key, packets] of expected) {
    if (actual.get(key) === packets) agree++
    else differences.push(`${key}: ${String(packets)} expected, ${String(actual.get(key) ?? 0)} here`)
  }
  for (const [key, packets] of actual) if (!expected.has(key)) differences.push(`${key}: ${String(packets)} only here`)
  return { agree, of: expected.size, differences }
}

/** Rows of a CSV file by its header; values may be quoted, without line ends in them. */
export function readCsv(path: string): Record<string, string>[] {
  const [head, ...rows] = readFileSync(resolve(data, path), 'utf8').trim().split(/\r?\n/)
  const cells = (row: string): string[] =>
    [...row.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain)
  const names = cells(head)
  return rows.map((row) => Object.fromEntries(cells(row).map((value, i) => [names[i], value])))
}
