/**
 * What the flow engine needs from the stages beside it: frames decoded, payloads inspected, initiators remembered.
 * The engine is handed them (agent/engine.ts), so no stage imports another. Flow ids are those of the table: unique
 * among open flows, used again later.
 */
import type { Frames } from '../capture/source.ts'
import type { Packets } from '../decode/packets.ts'

export interface DecodeStage {
  readonly packets: Packets
  /** Decodes up to 64 frames from `from` on; gives their number. */
  decode(frames: Frames, from: number): number
}

/** One payload to look at. One object, filled anew for each. */
export type Payload = {
  id: number
  /** IP protocol. */
  protocol: number
  initiatorPort: number
  responderPort: number
  /** 0 from the initiator, 1 from the responder. */
  direction: number
  bytes: Uint8Array
  view: DataView
  /** Captured bytes [from, to). */
  from: number
  to: number
  /** Time after the start of the flow, microseconds. */
  offsetMicros: number
  /** Application so far, 0 unknown. Set by the stage. */
  application: number
  /** How many more payloads the stage wants, 255 all of them. Set by the stage. */
  wanted: number
}

export interface ProtocolStage {
  /** How many payloads of a new flow the stage wants to see. */
  readonly wanted: number
  /** Octets that `write` takes at most, for any flow. */
  readonly largest: number
  /**
   * Looks at a payload; true when the part is full of transactions and should be closed. Allocates at most for what
   * it keeps.
   */
  inspect(payload: Payload): boolean
  /** Upper bound of the octets `write` takes for this flow. */
  size(id: number, application: number): number
  /** Appends fields 51 (application), 52 (server name) and 53 (DNS) of message Flow; gives the position after. */
  write(id: number, application: number, out: Uint8Array, at: number): number
  /** The part was reported: its transactions are forgotten. */
  reported(id: number): void
  /** The flow has ended. */
  forget(id: number): void
}

/** Numbers about an initiator, in the order of `contextNames`. */
export const contextCount = 8

export interface ContextStage {
  /** Reads ahead what `begin` will need for this initiator. Gives something that depends on what was read. */
  touch(words: Int32Array, initiator: number, six: boolean): number
  /**
   * Writes the eight numbers of the initiator at this moment into `out[at ...]` (each at most 65535), then counts the
   * flow that begins.
   */
  begin(
    words: Int32Array, initiator: number, responder: number, six: boolean, responderPort: number, micros: number,
    out: Uint16Array, at: number,
  ): void
  /** Counts a failure of the initiator. */
  failed(words: Int32Array, initiator: number, six: boolean, micros: number): void
}
