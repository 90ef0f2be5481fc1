/**
 * Fragments find their flow: the first fragment, which has the ports, leaves them here under (addresses, protocol,
 * identification); later ones take them. 4,096 entries, the newest wins its place, each good for 30 s of packet time.
 * A later fragment that finds nothing is a flow without ports. Two packets whose 64 bits of hash agree would share
 * ports; nobody can aim at that without the table's secret.
 */
import * as packet from '../decode/packets.ts'
import { finish, fold, hashKeys } from './hash.ts'

const size = 4096
const lifeMicros = 30e6
const { fragmentP, kindP, portsP, scopeP, sourceP } = packet
const { oneWay, six } = packet.kind
const keyBits = 0x1ff

export class FragmentTable {
  private readonly first: Int32Array
  private readonly second: Int32Array
  private readonly check = new Int32Array(size)
  private readonly ports = new Int32Array(size)
  private readonly bits = new Int32Array(size)
  private readonly micros = new Float64Array(size)

  constructor() {
    // Not the engine's seed: which entry gives way decides ports, and records must not depend on the seed.
    this.first = hashKeys(0x1b873593)
    this.second = hashKeys(0x6c62272e)
  }

  private mix(keys: Int32Array, P: Int32Array, slot: number, view: DataView): number {
    const at = P[slot + sourceP]
    const bits = P[slot + kindP]
    let folded: number
    if ((bits & six) === 0) folded = fold(keys, view.getInt32(at), view.getInt32(at + 4), P[slot + fragmentP], bits & keyBits)
    else {
      folded = fold(keys, view.getInt32(at), view.getInt32(at + 4), view.getInt32(at + 8), view.getInt32(at + 12))
      folded = fold(keys, folded, view.getInt32(at + 16), view.getInt32(at + 20), view.getInt32(at + 24))
      folded = fold(keys, folded, view.getInt32(at + 28), P[slot + fragmentP], bits & keyBits)
    }
    return finish(folded ^ P[slot + scopeP])
  }

  /** Remembers the ports of a first fragment. */
  remember(P: Int32Array, slot: number, view: DataView, micros: number): void {
    const i = this.mix(this.first, P, slot, view) & size - 1
    this.check[i] = this.mix(this.second, P, slot, view)
    this.ports[i] = P[slot + portsP]
    this.bits[i] = P[slot + kindP] & oneWay
    this.micros[i] = micros
  }

  /** Gives a later fragment the ports of its first one, when that was seen. */
  resolve(P: Int32Array, slot: number, view: DataView, micros: number): void {
    const i = this.mix(this.first, P, slot, view) & size - 1
    if (this.check[i] !== this.mix(this.second, P, slot, view) || micros - this.micros[i] > lifeMicros) return
    P[slot + portsP] = this.ports[i]
    P[slot + kindP] |= this.bits[i]
  }
}
