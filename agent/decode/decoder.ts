/**
 * Frame -> packet, in place and pure: the same frame gives the same slot, whatever came before. Loses nothing silently: a frame
 * that is no packet gets an outcome that is a counter of the ledger. Never blocks, allocates, throws, or reads past the
 * captured bytes; hostile lengths end in `truncated`, `header` or `nesting`. Lengths are those of the IP header, not of the
 * capture.
 */
import { linkLayer } from './link.ts'
import { Cursor } from './cursor.ts'
import * as packet from './packets.ts'
import { decodeIpv4, decodeIpv6 } from './internet.ts'
import type { Frames } from '../capture/source.ts'
import type { Packets } from './packets.ts'

const { batchSize, outcomeP, shiftP } = packet
const { truncated } = packet.outcome

export class Decoder {
  readonly packets: Packets
  private readonly cursor = new Cursor()

  constructor() {
    this.packets = this.cursor.packets
  }

  /** Decodes up to 64 frames from `from` on into slots 0, 1, ...; gives their number. */
  decode(frames: Frames, from: number): number {
    const { cursor, packets } = this
    const { view, offset, captured, wire, link, vlan } = frames
    const { P } = packets
    const count = Math.min(batchSize, frames.count - from)
    cursor.view = view
    packets.micros.set(frames.micros.subarray(from, from + count))
    for (let i = 0; i < count; i++) {
      const frame = from + i
      const at = offset[frame]
      const length = captured[frame]
      const onWire = wire[frame]
      const tci = vlan[frame]
      cursor.slot = i << shiftP
      cursor.end = at + length
      cursor.wireEnd = at + (onWire > length ? onWire : length)
      cursor.scope = 0
      cursor.tags = 0
      cursor.layers = 0
      if (tci >= 0) cursor.tag(tci)
      let result: number
      // The common case first: untagged Ethernet with IP in it.
      if (link[frame] === 1 && length >= 14) {
        const type = view.getUint16(at + 12)
        result = type === 0x0800 ? decodeIpv4(cursor, at + 14) : type === 0x86dd ? decodeIpv6(cursor, at + 14) : linkLayer(cursor, 1, at)
      } else result = length <= 0 ? truncated : linkLayer(cursor, link[frame], at)
      P[(i << shiftP) + outcomeP] = result
    }
    packets.count = count
    return count
  }
}
