/**
 * Where frames come from. A source hands over blocks of frames in place: one buffer and, per frame, where it lies in
 * it. Nothing is copied per frame; the block is valid until the next call of `next`.
 */

/** A block of frames. Arrays are at least `count` long and reused between blocks. */
export type Frames = {
  count: number
  /** The bytes all frames lie in. */
  bytes: Uint8Array
  view: DataView
  /** Start of each frame in `bytes`. */
  offset: Int32Array
  /** Captured bytes of each frame: nothing past them may be read. */
  captured: Int32Array
  /** Length on the wire. */
  wire: Int32Array
  /** Time, microseconds since 1970; nanoseconds are in the fraction. */
  micros: Float64Array
  /** Link type of each frame (LINKTYPE_ value, tcpdump.org/linktypes). */
  link: Int32Array
  /** VLAN tag the kernel took off the frame (TCI), or -1. */
  vlan: Int32Array
}

/** What a source has met besides frames. Cumulative. */
export type SourceCounters = {
  frames: number
  octets: number
  /** Records of a damaged file that could not be delivered. */
  damaged: number
  /** Estimates of the kernel and the interface. */
  kernelDropped: number
  interfaceDropped: number
  /** Loopback echoes and Vedette's own traffic left out before decoding. They are counted in `frames` too. */
  ignored: number
}

export type SourceProgress = {
  /** 0 ... 1, or undefined where the end is not known (live, standard input). */
  fraction?: number
  /** Of the file being read. */
  name: string
}

export interface Source {
  readonly name: string
  readonly counters: SourceCounters
  /** Warnings for people, each at most once: a damaged file, offload detected. */
  readonly warnings: { code: string, text: string }[]
  progress(): SourceProgress
  /** Opens files or sockets. Throws VedetteError with a code a person can act on. */
  open(): Promise<void>
  /**
   * The next block; undefined at the end (files) or after close. A live source without traffic gives an empty block at
   * least every 100 ms.
   */
  next(): Promise<Frames | undefined>
  close(): Promise<void>
}

/** Frames for `capacity` frames over `bytes`. */
export function makeFrames(bytes: Uint8Array, capacity: number): Frames {
  return {
    count: 0, bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    offset: new Int32Array(capacity), captured: new Int32Array(capacity), wire: new Int32Array(capacity),
    micros: new Float64Array(capacity), link: new Int32Array(capacity), vlan: new Int32Array(capacity).fill(-1),
  }
}

export const newSourceCounters = (): SourceCounters =>
  ({ frames: 0, octets: 0, damaged: 0, kernelDropped: 0, interfaceDropped: 0, ignored: 0 })
