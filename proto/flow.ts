/**
 * The flow record: what an agent says about one conversation, and the table of its fields. The table is the contract: `codec.ts` writes and
 * reads by it, `vedette.proto` is checked against it, the archive's columns and the page's names come from it.
 *
 * A long flow is reported in parts (part 0 when it closes or 10 s after its first packet, then every 60 s, then a final one). Each part
 * carries totals since the flow began and the deltas since the part before, so sums add deltas and features use totals.
 * Direction: the initiator sent the first SYN, or else the first packet seen.
 */

/** Zeek's thirteen connection states, in the order of their numbers on the wire (base/protocols/conn). 0: not TCP-like, nothing seen. */
export const connStates = ['', 'S0', 'S1', 'SF', 'REJ', 'S2', 'S3', 'RSTO', 'RSTR', 'RSTOS0', 'RSTRH', 'SH', 'SHR', 'OTH'] as const
export type ConnState = typeof connStates[number]

/** IPFIX flowEndReason, information element 136 (RFC 5102, 5.11.3); the index is the wire value. */
export const endReasons = ['', 'idle', 'active', 'end', 'forced', 'resources'] as const
export type EndReason = typeof endReasons[number]

/** How initiator and responder were told apart; the index is the wire value. */
export const directionMethods = ['', 'syn', 'first-packet', 'syn-ack'] as const
export type DirectionMethod = typeof directionMethods[number]

/** Bits of `marks`: what a reader must know before trusting the record. */
export const mark = {
  /** The flow had begun before capture did: never new, never failed. */
  midstream: 1,
  /** Exported early because the table was full. */
  evicted: 2,
  /** At least one packet had a wrong checksum; it was kept. */
  badChecksum: 4,
  /** At least one packet was cut by the snap length; lengths are those on the wire. */
  snapped: 8,
  /** Packets larger than a wire segment were seen (segmentation offload). */
  offloaded: 16,
  /** Contains IP fragments. */
  fragmented: 32,
  /** Deep parsing stopped early; packets and octets are complete. */
  parsingCut: 64,
} as const

export type DnsTransaction = {
  /** Query name as sent, lower case, no trailing dot; bytes that are not printable are written \DDD (RFC 1035, 5.1). */
  query: string
  /** QTYPE (RFC 1035, 3.2.3). */
  type: number
  /** RCODE of the answer; absent when none was seen. */
  rcode?: number
  /** Number of answer records. */
  answers: number
  /** From query to answer, microseconds; 0 when unanswered. */
  rttMicros: number
  /** Query's time after the start of the flow, microseconds. */
  offsetMicros: number
}

/** Length and inter-arrival sums of packets; sums, never derived floats, so that every reader derives the same numbers. */
export type FlowStatistics = {
  initiatorLengthMin: number
  initiatorLengthMax: number
  initiatorLengthSquares: number
  responderLengthMin: number
  responderLengthMax: number
  responderLengthSquares: number
  interarrivalMin: number
  interarrivalMax: number
  interarrivalSquares: number
  initiatorInterarrivalMin: number
  initiatorInterarrivalMax: number
  initiatorInterarrivalSquares: number
  initiatorDurationMicros: number
  responderInterarrivalMin: number
  responderInterarrivalMax: number
  responderInterarrivalSquares: number
  responderDurationMicros: number
}

/** What the initiator did just before this flow began, by packet time; see `contextNames`. */
export const contextNames = ['flows10s', 'failed10s', 'responders10s', 'ports10s', 'flows600s', 'failed600s', 'responders600s', 'ports600s'] as const

export type Flow = FlowStatistics & {
  /** Number within (stream, boot), from 1. With stream, boot and part it identifies the record. */
  number: number
  part: number
  final: boolean
  initiatorAddress: string
  responderAddress: string
  /** TCP, UDP, SCTP: port. ICMP: type. */
  initiatorPort: number
  /** TCP, UDP, SCTP: port. ICMP: the answering type, else the code (as Community ID and Zeek have it). */
  responderPort: number
  protocol: number
  startMicros: number
  endMicros: number
  partStartMicros: number
  initiatorPackets: number
  responderPackets: number
  initiatorOctets: number
  responderOctets: number
  initiatorPacketsDelta: number
  responderPacketsDelta: number
  initiatorOctetsDelta: number
  responderOctetsDelta: number
  initiatorPayloadOctets: number
  responderPayloadOctets: number
  initiatorTcpFlags: number
  responderTcpFlags: number
  initiatorTtl: number
  responderTtl: number
  connState: ConnState
  history: string
  endReason: EndReason
  directionMethod: DirectionMethod
  marks: number
  vlan: number
  innerVlan: number
  handshakeSynMicros: number
  handshakeAckMicros: number
  /** IP lengths of the first 16 packets; negative from the responder. */
  sizes: number[]
  /** Protocol recognised from the first payload bytes: 'dns', 'tls', 'http', 'ssh' ...; '' when none. */
  application: string
  /** TLS or QUIC server name, HTTP host. '' when none. */
  serverName: string
  dns: DnsTransaction[]
  /** Eight numbers in the order of `contextNames`; empty where the sensor cannot tell. */
  context: number[]
  /** 0 usual ... 1 never seen; absent when the model did not score it. */
  edgeScore?: number
  /** How many packets or flows this record stands for under sampling; 1 unless stated. */
  weight: number
}

export type WireType = 'uint' | 'bool' | 'fixed64' | 'double' | 'float' | 'bytes' | 'string' | 'packedUint' | 'packedSint' | 'message'

export type FieldSpec = {
  name: keyof Flow
  /** Field number in message Flow. Never reused. */
  field: number
  wire: WireType
  unit: string
  /** IPFIX information element, where one fits. */
  ipfix?: number
  ecs?: string
}

const f = (name: keyof Flow, field: number, wire: WireType, unit = '', ipfix?: number, ecs?: string): FieldSpec =>
  ({ name, field, wire, unit, ...(ipfix === undefined ? {} : { ipfix }), ...(ecs === undefined ? {} : { ecs }) })

/** Every field of a flow record, in wire order. */
export const flowFields: readonly FieldSpec[] = [
  f('number', 1, 'uint', '', 148),
  f('part', 2, 'uint'),
  f('final', 3, 'bool'),
  f('initiatorAddress', 4, 'bytes', '', 8, 'source.ip'),
  f('responderAddress', 5, 'bytes', '', 12, 'destination.ip'),
  f('initiatorPort', 6, 'uint', '', 7, 'source.port'),
  f('responderPort', 7, 'uint', '', 11, 'destination.port'),
  f('protocol', 8, 'uint', '', 4, 'network.iana_number'),
  f('startMicros', 9, 'fixed64', 'us since 1970', 154, 'event.start'),
  f('endMicros', 10, 'fixed64', 'us since 1970', 155, 'event.end'),
  f('initiatorPackets', 11, 'uint', 'packets', 298, 'source.packets'),
  f('responderPackets', 12, 'uint', 'packets', 299, 'destination.packets'),
  f('initiatorOctets', 13, 'uint', 'IP octets', 231, 'source.bytes'),
  f('responderOctets', 14, 'uint', 'IP octets', 232, 'destination.bytes'),
  f('endReason', 15, 'uint', '', 136),
  f('connState', 16, 'uint'),
  f('history', 17, 'string'),
  f('vlan', 18, 'uint', '', 58, 'network.vlan.id'),
  f('innerVlan', 19, 'uint', '', 245, 'network.inner.vlan.id'),
  f('initiatorPacketsDelta', 20, 'uint', 'packets'),
  f('responderPacketsDelta', 21, 'uint', 'packets'),
  f('initiatorOctetsDelta', 22, 'uint', 'IP octets'),
  f('responderOctetsDelta', 23, 'uint', 'IP octets'),
  f('partStartMicros', 24, 'fixed64', 'us since 1970'),
  f('initiatorTcpFlags', 25, 'uint', 'union of flags', 6),
  f('responderTcpFlags', 26, 'uint', 'union of flags'),
  f('initiatorPayloadOctets', 27, 'uint', 'octets after the transport header'),
  f('responderPayloadOctets', 28, 'uint', 'octets after the transport header'),
  f('directionMethod', 29, 'uint', '', 239),
  f('marks', 30, 'uint', 'bits'),
  f('initiatorLengthMin', 31, 'uint', 'IP octets'),
  f('initiatorLengthMax', 32, 'uint', 'IP octets'),
  f('responderLengthMin', 33, 'uint', 'IP octets'),
  f('responderLengthMax', 34, 'uint', 'IP octets'),
  f('initiatorLengthSquares', 35, 'uint', 'IP octets squared'),
  f('responderLengthSquares', 36, 'uint', 'IP octets squared'),
  f('interarrivalMin', 37, 'uint', 'us'),
  f('interarrivalMax', 38, 'uint', 'us'),
  f('interarrivalSquares', 39, 'double', 'us squared'),
  f('initiatorInterarrivalMin', 40, 'uint', 'us'),
  f('initiatorInterarrivalMax', 41, 'uint', 'us'),
  f('initiatorInterarrivalSquares', 42, 'double', 'us squared'),
  f('initiatorDurationMicros', 43, 'uint', 'us'),
  f('responderInterarrivalMin', 44, 'uint', 'us'),
  f('responderInterarrivalMax', 45, 'uint', 'us'),
  f('responderInterarrivalSquares', 46, 'double', 'us squared'),
  f('responderDurationMicros', 47, 'uint', 'us'),
  f('sizes', 48, 'packedSint', 'IP octets'),
  f('handshakeSynMicros', 49, 'uint', 'us'),
  f('handshakeAckMicros', 50, 'uint', 'us'),
  f('application', 51, 'string', '', 96, 'network.protocol'),
  f('serverName', 52, 'string', '', undefined, 'destination.domain'),
  f('dns', 53, 'message', '', undefined, 'dns.question.name'),
  f('context', 54, 'packedUint'),
  f('edgeScore', 55, 'float'),
  f('initiatorTtl', 56, 'uint', '', 192),
  f('responderTtl', 57, 'uint', '', 192),
  f('weight', 58, 'float'),
]

/** Version of the record; readers accept this one and its neighbours (fields are only ever added). */
export const recordVersion = 1

/** A batch as sealed by an agent: encoded, checksummed and signed once, sent and stored as the same bytes. */
export type FlowBatch = {
  /** One capture worker of one sensor: `sensor/worker`. Key of order, dedupe, gaps, clock and ledger. */
  stream: string
  sensor: string
  /** 16 hexadecimal digits. Live: random at each start. Replay: a hash of files, configuration, record version and run. */
  boot: string
  /** From 1, without gaps, within (stream, boot). */
  sequence: number
  /** Packet clock when the batch was sealed, microseconds; a batch without flows is a tick. */
  clockMicros: number
  /** '' for live traffic, else the name of the isolated run ('demo', 'replay-...'). */
  run: string
  recordVersion: number
  featureHash: string
  modelHash: string
  /** 'host', 'tap' or 'export': where the packets were seen. */
  vantage: string
  simulated: boolean
  /** True in the last batch of a boot: the sensor has nothing more to say. */
  last: boolean
  /** Cumulative counters of the agent at the moment of sealing, by the names in `ledger.ts`. */
  ledger: Map<string, number>
  /** Sequences the sensor's spool dropped: gaps that are explained. */
  dropped: number[]
  flows: Flow[]
}

/** Identity of one record, for links from findings to flows. */
export type FlowId = { stream: string, boot: string, number: number }
