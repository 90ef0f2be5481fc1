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
const { destinationP, fragmentP, kindP, portsP, scopeP, sourceP } = packet
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

  private mix(keys: Int32Array, P: Int32Array, slot: number): number {
    const bits = P[slot + kindP]
    let folded = fold(keys, P[slot + sourceP], P[slot + destinationP], P[slot + fragmentP], bits & keyBits)
    if ((bits & six) !== 0) {
      folded = fold(keys, folded, P[slot + sourceP + 1], P[slot + sourceP + 2], P[slot + sourceP + 3])
      folded = fold(keys, folded, P[slot + destinationP + 1], P[slot + destinationP + 2], P[slot + destinationP + 3])
    }
    return finish(folded ^ P[slot + scopeP])
  }

  /** Remembers the ports of a first fragment. */
  remember(P: Int32Array, slot: number, micros: number): void {
    const i = this.mix(this.first, P, slot) & size - 1
    this.check[i] = this.mix(this.second, P, slot)
    this.ports[i] = P[slot + portsP]
    this.bits[i] = P[slot + kindP] & oneWay
    this.micros[i] = micros
  }

  /** Gives a later fragment the ports of its first one, when that was seen. */
  resolve(P: Int32Array, slot: number, micros: number): void {
    const i = this.mix(this.first, P, slot) & size - 1
    if (this.check[i] !== this.mix(this.second, P, slot) || micros - this.micros[i] > lifeMicros) return
    P[slot + portsP] = this.ports[i]
    P[slot + kindP] |= this.bits[i]
  }
}
