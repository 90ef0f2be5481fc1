/**
 * What the readers of the capture formats have in common: `file.ts` brings octets into one buffer, a reader finds the
 * records in it. Limits: a record of more than `recordLimit` captured octets is damage, whatever the file's header says
 * about its snap length.
 */
import type { Frames } from './source.ts'

/**
 * Largest record that is believed, octets. tcpdump's own limit is 256 KiB; merged and USB captures hold larger ones.
 */
export const recordLimit = 16 * 1024 * 1024

/**
 * Made for one file, over the counters of its source: `octets` and `damaged` are the reader's to count, and what the
 * capture itself says was dropped while it was made.
 */
export interface RecordReader {
  readonly format: 'pcap' | 'pcapng'
  /**
   * Fills `frames` (from its index 0, setting `count`) with the records that lie whole in `frames.bytes[from, to)`, and
   * returns the offset of the first octet it has not used. Allocates nothing and does not throw.
   */
  parse(frames: Frames, from: number, to: number): number
  /** Octets from the returned offset on that must be there before anything more can be parsed. */
  readonly needed: number
  /**
   * Octets from the returned offset on to pass over unread: a block that nobody needs. The caller sets it back to 0.
   */
  skip: number
  /** Why nothing after the returned offset can be read; '' while all is well. */
  readonly broken: string
}
