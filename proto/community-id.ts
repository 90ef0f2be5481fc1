/**
 * Community ID v1 (github.com/corelight/community-id-spec): '1:' + base64(SHA-1(seed, addresses, protocol, 0, ports)), the
 * smaller endpoint first. It is a function of the record, so records do not carry it: whoever prints or stores one computes it.
 */
import { createHash } from 'node:crypto'
import { parseAddress } from './address.ts'

/** Protocols whose two port fields are part of the id: ICMP, TCP, UDP, ICMPv6, SCTP. */
const withPorts = new Set([1, 6, 17, 58, 132])
/** ICMP message types that have an answering type (the spec's tables): these flows have two directions. */
export const icmpAnswer: ReadonlyMap<number, number> = new Map([
  [8, 0], [0, 8], [13, 14], [14, 13], [15, 16], [16, 15], [17, 18], [18, 17], [10, 9], [9, 10],
])
export const icmp6Answer: ReadonlyMap<number, number> = new Map([
  [128, 129], [129, 128], [133, 134], [134, 133], [135, 136], [136, 135],
  [130, 131], [131, 130], [144, 145], [145, 144], [139, 140], [140, 139],
])

export type Tuple = { initiatorAddress: string, responderAddress: string, initiatorPort: number, responderPort: number, protocol: number }

/** The Community ID of a tuple, '' when an address is not one. For ICMP the ports are type and answering type or code. */
export function communityId(tuple: Tuple, seed = 0): string {
  const a = parseAddress(tuple.initiatorAddress)
  const b = parseAddress(tuple.responderAddress)
  if (a?.length !== b?.length || a === undefined || b === undefined) return ''
  const oneWay = (tuple.protocol === 1 && !icmpAnswer.has(tuple.initiatorPort))
    || (tuple.protocol === 58 && !icmp6Answer.has(tuple.initiatorPort))
  const order = Buffer.compare(a, b)
  const swap = !oneWay && (order > 0 || (order === 0 && tuple.initiatorPort > tuple.responderPort))
  const input = Buffer.alloc(2 + 2 * a.length + 2 + 4)
  input.writeUInt16BE(seed, 0)
  input.set(swap ? b : a, 2)
  input.set(swap ? a : b, 2 + a.length)
  const at = 2 + 2 * a.length
  input[at] = tuple.protocol
  let length = at + 2
  if (withPorts.has(tuple.protocol)) {
    input.writeUInt16BE(swap ? tuple.responderPort : tuple.initiatorPort, at + 2)
    input.writeUInt16BE(swap ? tuple.initiatorPort : tuple.responderPort, at + 4)
    length += 4
  }
  return `1:${createHash('sha1').update(input.subarray(0, length)).digest('base64')}`
}
