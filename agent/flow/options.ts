/**
 * What can be set about flows. Everything here changes records, so it is part of a replay's boot (agent/identity.ts).
 */

export type EngineOptions = {
  /** Silence after which a flow ends; of a SYN nobody answered; of a connection that was closed or reset. */
  idleMicros: number
  synMicros: number
  closeMicros: number
  /** With parts: when part 0 is reported, and how often a later one. */
  firstPartMicros: number
  partMicros: number
  /** Without parts: a flow that lasts longer is ended and begun anew. */
  activeMicros: number
  parts: boolean
  /**
   * Octets of all flow state together: records, table, names, context. The oldest flow is exported early before more
   * is taken.
   */
  memory: number
  /** A chunk is cut at this many records, this many octets, and every so often by the packet clock. */
  chunkRecords: number
  chunkOctets: number
  chunkClockMicros: number
  /** `consume` stops when so many chunks wait to be taken. */
  maxChunks: number
  /**
   * Secret of the hash tables. Records do not depend on it; a live sensor draws it at random, so that nobody can aim
   * at one bucket.
   */
  hashSeed: number
}

export const defaultEngineOptions: EngineOptions = {
  idleMicros: 120e6, synMicros: 40e6, closeMicros: 5e6, firstPartMicros: 10e6, partMicros: 60e6, activeMicros: Infinity, parts: true,
  memory: 256 * 1024 * 1024, chunkRecords: 512, chunkOctets: 131072, chunkClockMicros: 10e6, maxChunks: 16, hashSeed: 0x2545f491,
}

/** Time-outs as nfstream has them: idle 120 s, active 1800 s, whatever TCP says; one record a flow. */
export const nfstreamEngineOptions: EngineOptions = {
  ...defaultEngineOptions, synMicros: 120e6, closeMicros: Infinity, activeMicros: 1800e6, parts: false,
}
