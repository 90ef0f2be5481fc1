/**
 * Where decoded packets lie: one slot of 128 octets per frame, 64 slots in one typed array that is made once (an
 * array for each field costs twice as much). A slot has all that flows need of a frame, except its payload: that is
 * two offsets into the block. A frame that is no packet has its reason in `outcomeP`.
 *
 * Hot code copies these constants into its own module (`const { sourceP } = packet`): V8 folds a module's own
 * constants, but reads imported ones from memory each time.
 */
import type { AgentCounter } from '../../proto/ledger.ts'

/**
 * Frames decoded at a time: enough to overlap the memory accesses of their flows, few enough for the first-level
 * cache.
 */
export const batchSize = 64

/** slot << shiftP is the index of a slot's first word. */
export const shiftP = 5
/** 0, or why the frame is no packet (`outcome`). */
export const outcomeP = 0
/** Protocol and bits of `kind`. */
export const kindP = 1
/** Source port << 16 | destination port. ICMP: type, and the answering type or the code. */
export const portsP = 2
/** VLAN id | inner VLAN id << 12. */
export const scopeP = 3
/** IP octets on the wire. */
export const lengthP = 4
export const ttlP = 5
export const tcpFlagsP = 6
/** Octets after the transport header, on the wire. */
export const payloadP = 7
/** Captured payload: from, and one past its end. */
export const payloadAtP = 8
export const payloadEndP = 9
/** Identification of a fragmented packet. */
export const fragmentP = 10
/** Hash of the conversation, filled in by the flow table. */
export const hashP = 11
/** Of TCP, when `tcpHeader` is set in `kindP`. */
export const sequenceP = 12
export const acknowledgementP = 13
export const windowP = 14
/** Addresses as they stand in the packet, read as little-endian words: one word for IPv4, four for IPv6. */
export const sourceP = 16
export const destinationP = 20

/** Why a frame is no packet; the index is the value of `outcomeP`, 0 means it is one. */
export const outcomeCounters = [
  'framesInFlows', 'notIpArp', 'notIpOther', 'undecodableLink', 'undecodableTruncated', 'undecodableHeader', 'undecodableNesting',
] as const satisfies readonly AgentCounter[]

export const outcome = { packet: 0, arp: 1, notIp: 2, link: 3, truncated: 4, header: 5, nesting: 6 } as const

/** Bits of `kindP` beside the protocol number (the low eight). Those under `keyMask` belong to the flow's key. */
export const kind = {
  /** IPv6 addresses. */
  six: 0x100,
  /** ICMP without an answering type: the other direction is another flow. */
  oneWay: 0x200,
  keyMask: 0x3ff,
  /** First fragment of several. */
  firstFragment: 0x400,
  /** Fragment without the transport header. */
  laterFragment: 0x800,
  /** The whole fixed TCP header was captured: sequence numbers may be read. */
  tcpHeader: 0x1000,
  /** Captured less than the packet was long. */
  snapped: 0x2000,
  /** The IP header gives no length: left to the interface (segmentation offload). */
  offloaded: 0x4000,
} as const

export class Packets {
  /** Slots filled. */
  count = 0
  readonly P = new Int32Array(batchSize << shiftP)
  /** Time of each slot's frame, microseconds since 1970. */
  readonly micros = new Float64Array(batchSize)
}
