/** What one behaviour has put on the wire, counted where frames are written. */

/** Idle time after which a meter calls the rest of a conversation another flow, microseconds. */
export const idleMicros = 120e6

export class Tally {
  packets = 0
  /** IP octets by initiators and by responders. */
  octets: [number, number] = [0, 0]
  /** Conversations with at least one frame on the wire. */
  conversations = 0
  /** Conversations, each cut wherever it was silent for more than 120 s: what a flow meter with that idle time-out sees. */
  flows = 0
  /** Last time by addresses, of conversations between fixed ports (DHCP): they meet again under one 5-tuple. */
  readonly fixed = new Map<string, number>()
  firstMicros = Infinity
  lastMicros = -Infinity
}
