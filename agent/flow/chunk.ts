/**
 * Records on their way from the flow engine to the sealer. A chunk becomes one batch. It is cut by count, octets and packet
 * clock only, never by the wall clock, so that a replay cuts the same chunks again.
 */
export type Chunk = {
  /** Encoded records as the repeated field 6 of a FlowBatch. */
  bytes: Uint8Array
  count: number
  /** Packet clock when the chunk was cut, microseconds. */
  clockMicros: number
  /** The ledger when the chunk was cut: what the batch will say. */
  ledger: Map<string, number>
  /** Records of the chunk without a score. */
  unscored: number
  /** True for the last chunk of a stream. */
  last: boolean
}
