/**
 * What became of a connection attempt, from the record of its first part. Connection states are Zeek's (Zeek manual,
 * conn_state).
 *
 * Failed: S0 (SYN, no answer), REJ (SYN, reset), RSTOS0 (SYN, then the initiator's own reset, never an answer), SH (SYN
 * and FIN, never an answer); for UDP, no packet from the responder. RSTRH, SHR and OTH say that the sensor did not see
 * the SYN: they say nothing about the attempt. A flow that had begun before capture is neither an attempt nor a failure,
 * whatever its state.
 */
import { mark } from '../../proto/flow.ts'
import type { SeenFlow } from './detector.ts'

export const tcp = 6
export const udp = 17
const silentStates = new Set<string>(['S0', 'RSTOS0', 'SH'])
const answeredStates = new Set<string>(['S1', 'SF', 'S2', 'S3', 'RSTO', 'RSTR'])
const acknowledged = 0x10

/** Whether a record is the first of a flow whose beginning was seen. */
export function isAttempt(flow: SeenFlow): boolean {
  return flow.part === 0 && (flow.marks & mark.midstream) === 0
}

/** Whether an attempt failed. On a `blind` stream silence says nothing; a reset from the responder still does. */
export function hasFailed(flow: SeenFlow, blind: boolean): boolean {
  if (flow.protocol === tcp && flow.connState === 'REJ') return true
  if (blind) return false
  return flow.protocol === tcp ? silentStates.has(flow.connState) : flow.protocol === udp && flow.responderPackets === 0
}

/** Whether a TCP connection was opened and both sides spoke: it cannot be made up by a forged sender. */
export function hasConversed(flow: SeenFlow): boolean {
  return flow.protocol === tcp && (flow.marks & mark.midstream) === 0 && answeredStates.has(flow.connState) &&
    (flow.initiatorTcpFlags & acknowledged) !== 0 && flow.initiatorPayloadOctets > 0 && flow.responderPayloadOctets > 0
}

/** Whether a flow shows that its initiator exists: a forged sender can have SYNs refused, but cannot converse. */
export function isAlive(flow: SeenFlow): boolean {
  return flow.protocol === tcp ? hasConversed(flow) : isAttempt(flow) && flow.responderPackets > 0
}

/**
 * Whether an attempt proves that the sensor sees one direction only: the initiator went on after its SYN and no answer
 * was ever seen, or only answers were. An unanswered SYN proves nothing: that is what a scan looks like.
 */
export function provesOneWay(flow: SeenFlow): boolean {
  if (flow.initiatorPackets === 0) return flow.responderPackets > 0
  return flow.responderPackets === 0 && ((flow.initiatorTcpFlags & acknowledged) !== 0 || flow.initiatorPayloadOctets > 0)
}

/** Multicast and limited broadcast never answer (RFC 5771, RFC 919, RFC 4291). */
export function isGroup(address: string): boolean {
  if (address.includes(':')) return address.startsWith('ff')
  const first = Number.parseInt(address, 10)
  return first >= 224
}
