/**
 * Where decoded packets lie: one slot per frame, 64 slots, typed arrays that are made once. A slot holds offsets into
 * the block of frames, so it is valid as long as the block is. A frame that is no packet has its reason in `outcome`.
 */
import type { AgentCounter } from '../../proto/ledger.ts'

/**
 * Frames decoded at a time: enough to overlap the memory accesses of their flows, few enough to stay in the
 * first-level cache.
 */
export const batchSize = 64

/** Why a frame is no packet; the index is the value of `outcome`, 0 means it is one. */
export const outcomeCounters = [
  'framesInFlows', 'notIpArp', 'notIpOther', 'undecodableLink', 'undecodableTruncated', 'undecodableHeader', 'undecodableNesting',
] as const satisfies readonly AgentCounter[]

export const outcome = { packet: 0, arp: 1, notIp: 2, link: 3, truncated: 4, header: 5, nesting: 6 } as const

/** Bits of `kind` beside the protocol number (the low eight). Those under `keyMask` belong to the flow's key. */
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

const ints = (): Int32Array => new Int32Array(batchSize)

export class Packets {
  /** Slots filled. */
  count = 0
  /** 0, or why the frame is no packet. */
  readonly outcome = ints()
  readonly micros = new Float64Array(batchSize)
  /** Offset of the source address; the destination follows (4 or 16 octets). */
  readonly source = ints()
  readonly kind = ints()
  /** Source port << 16 | destination port. ICMP: type, and the answering type or the code. */
  readonly ports = ints()
  /** VLAN id | inner VLAN id << 12. */
  readonly scope = ints()
  /** IP octets on the wire. */
  readonly length = ints()
  readonly ttl = ints()
  /** Offset of the transport header. */
  readonly transport = ints()
  readonly tcpFlags = ints()
  /** Octets after the transport header, on the wire. */
  readonly payload = ints()
  /** Captured payload: from, and one past its end. */
  readonly payloadAt = ints()
  readonly payloadEnd = ints()
  /** Identification of a fragmented packet. */
  readonly fragment = ints()
}
