/**
 * State of decoding one frame: where it lies, how far it may be read, what the layers above have said. Layers are
 * functions that take the cursor and an offset, write what they know into the packet's slot, and give an `outcome`. A
 * tunnel whose inside makes no sense restores what it had, and counts as itself.
 */
import { shiftP } from './packets.ts'
import type { Packets } from './packets.ts'

/** Tags, labels, tunnels and extension headers that one frame may have, together. */
export const layerLimit = 16

export class Cursor {
  /** What the slot held before a tunnel was tried, by depth; there are never more tunnels than layers. */
  readonly outer = Array.from({ length: layerLimit }, () => new Int32Array(1 << shiftP))
  depth = 0
  view: DataView = new DataView(new ArrayBuffer(0))
  readonly packets: Packets
  readonly P: Int32Array
  /** Index of the first word of the slot being filled. */
  slot = 0
  /** One past the last captured byte that may be read. */
  end = 0
  /** One past the last byte on the wire, captured or not. */
  wireEnd = 0
  /** VLAN id | inner VLAN id << 12. */
  scope = 0
  /** VLAN tags seen. */
  tags = 0
  layers = 0
  /** Bits of `kind` that the IP header gave. */
  bits = 0

  constructor(packets: Packets) {
    this.packets = packets
    this.P = packets.P
  }

  /** Notes a VLAN tag (TCI); the first is the outer one. True while the frame has not too many layers. */
  tag(tci: number): boolean {
    if (this.tags === 0) this.scope = tci & 0xfff
    else if (this.tags === 1) this.scope |= (tci & 0xfff) << 12
    this.tags++
    return ++this.layers <= layerLimit
  }
}
