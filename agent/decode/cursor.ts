/**
 * State of decoding one frame: where it lies, how far it may be read, what the layers above have said. Layers are
 * functions that take the cursor and an offset and give an `outcome`; only the innermost one writes the packet's
 * slot, so a tunnel whose inside makes no sense falls back to its outside.
 */
import { Packets } from './packets.ts'

/** Tags, labels, tunnels and extension headers that one frame may have, together. */
export const layerLimit = 16

export class Cursor {
  bytes: Uint8Array
  view: DataView
  readonly packets = new Packets()
  /** Slot being filled. */
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
  // Of the IP header being walked.
  source = 0
  length = 0
  ttl = 0
  fragment = 0
  /** Bits of `kind`. */
  bits = 0

  constructor() {
    this.bytes = new Uint8Array(0)
    this.view = new DataView(this.bytes.buffer)
  }

  /** Notes a VLAN tag (TCI); the first is the outer one. True while the frame has not too many layers. */
  tag(tci: number): boolean {
    if (this.tags === 0) this.scope = tci & 0xfff
    else if (this.tags === 1) this.scope |= (tci & 0xfff) << 12
    this.tags++
    return ++this.layers <= layerLimit
  }
}
