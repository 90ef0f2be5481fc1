/**
 * Frame -> packet, in place and pure: the same frame gives the same slot, whatever came before. Loses nothing
 * silently: a frame that is no packet gets an outcome that is a counter of the ledger. Never blocks, allocates,
 * throws, or reads past the captured bytes; hostile lengths end in `truncated`, `header` or `nesting`. Lengths are
 * those of the IP header, not of the capture.
 */
import { linkLayer } from './link.ts'
import { Cursor } from './cursor.ts'
import { batchSize, outcome } from './packets.ts'
import { decodeIpv4, decodeIpv6 } from './internet.ts'
import type { Frames } from '../capture/source.ts'
import type { Packets } from './packets.ts'

export class Decoder {
  private readonly cursor = new Cursor()
  readonly packets: Packets

  constructor() {
    this.packets = this.cursor.packets
  }

  /** Decodes up to 64 frames from `from` on into slots 0, 1, ...; gives their number. */
  decode(frames: Frames, from: number): number {
    const { cursor, packets } = this
    const count = Math.min(batchSize, frames.count - from)
    const { view, offset, captured, wire, link, vlan, micros } = frames
    cursor.bytes = frames.bytes
    cursor.view = view
    for (let i = 0; i < count; i++) {
      const frame = from + i
      const at = offset[frame]
      const length = captured[frame]
      cursor.slot = i
      cursor.end = at + length
      cursor.wireEnd = at + Math.max(length, wire[frame])
      cursor.scope = 0
      cursor.tags = 0
      cursor.layers = 0
      packets.micros[i] = micros[frame]
      const tci = vlan[frame]
      if (tci >= 0) cursor.tag(tci)
      // The common case first: untagged Ethernet with IP in it.
      if (link[frame] === 1 && length >= 14) {
        const type = view.getUint16(at + 12)
        packets.outcome[i] = type === 0x0800 ? decodeIpv4(cursor, at + 14)
          : type === 0x86dd ? decodeIpv6(cursor, at + 14)
            : linkLayer(cursor, 1, at)
      } else packets.outcome[i] = length <= 0 ? outcome.truncated : linkLayer(cursor, link[frame], at)
    }
    packets.count = count
    return count
  }
}
