/**
 * What is said on the LAN, before it becomes packets: a script speaks in conversations, a player (tcp.ts,
 * datagram.ts) writes their frames. A conversation is plain data that says who, when, how much and how it ends, so
 * the same script can be played as packets or, for long runs, be turned into flow records directly.
 */
import type { Station } from './station.ts'
import type { Tally } from './tally.ts'

/** 0 is the initiator, 1 the responder. */
export type Side = 0 | 1

/** One side's say in a TCP conversation. */
export type Turn = {
  from: Side
  /** Thinking time before it, from the end of what this side has last received or sent. */
  afterMicros: number
  /** Payload octets, at least 1 and at least the head. */
  octets: number
  /** The first octets; the rest comes from the pool. */
  head?: Uint8Array
  /** 'tls': behind the head come TLS application data records. */
  framing?: 'tls'
}

/** What both sides say, made as it is needed. */
export type Talk = Generator<Turn, void, void>

export type TcpOpening =
  /** A whole handshake. */
  | 'handshake'
  /** Begun before the capture: no handshake is seen. */
  | 'midstream'
  /** The SYN is answered by RST. */
  | 'refused'
  /** The SYN is never answered; `retries` more follow after 1, 2, 4 ... s. */
  | 'unanswered'
  /** SYN, SYN-ACK, nothing more. */
  | 'half'
  /** SYN, SYN-ACK, RST: what a SYN scan does with an open port. */
  | 'probe'

/** `fin0`: the initiator closes; `rst1`: the responder resets; `open`: still open when the capture ends. */
export type TcpEnding = 'fin0' | 'fin1' | 'rst0' | 'rst1' | 'open'

type Between = {
  startMicros: number
  initiator: Station
  responder: Station
  /** IPv6 instead of IPv4; both must have an address. */
  six?: boolean
  tally: Tally
}

export type TcpConversation = Between & {
  kind: 'tcp'
  initiatorPort: number
  responderPort: number
  opening: TcpOpening
  retries?: number
  turns: Iterable<Turn>
  /** Waits this long after the last turn. */
  lingerMicros?: number
  ending: TcpEnding
  /** How fast a side can send. Default 40 MB/s. */
  octetsPerSecond?: number
}

export type Datagram = {
  from: Side
  /** When it passes the sensor, after the start of the conversation. */
  offsetMicros: number
  payload: Uint8Array
}

export type Datagrams = Generator<Datagram, void, void>

export type UdpConversation = Between & { kind: 'udp', initiatorPort: number, responderPort: number, datagrams: Iterable<Datagram> }

/** Whole ICMP messages, type first; the checksum is filled in. */
export type IcmpConversation = Between & { kind: 'icmp', messages: Iterable<Datagram> }

/** A frame that is not IP: ARP, LLDP. */
export type OtherFrame = { kind: 'frame', startMicros: number, bytes: Uint8Array, tally: Tally }

export type Conversation = TcpConversation | UdpConversation | IcmpConversation | OtherFrame
