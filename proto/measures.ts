/**
 * The numbers of a record without its names: what a model needs of a flow. `WireMeasures.read` takes them from the wire
 * into one object that is used over and over; addresses, strings and DNS are skipped and nothing is allocated per
 * record, which makes it four times as fast as `decodeFlow`. A `Flow` is a `FlowMeasures` too, so one vector function
 * serves both. Fields go by their number and wire type into a table of 64 numbers; the getters give them names.
 *
 * Like every reader of the wire it throws RangeError on what does not fit, and uses nothing past `end`.
 */
import { connStates } from './flow.ts'
import type { ConnState, Flow } from './flow.ts'
import { unzigzag } from './wire.ts'
import type { Reader } from './wire.ts'

export type FlowMeasures = Pick<Flow,
  'responderPort' | 'protocol' | 'startMicros' | 'endMicros' | 'initiatorPackets' | 'responderPackets' | 'initiatorOctets' | 'responderOctets' |
  'initiatorPayloadOctets' | 'responderPayloadOctets' | 'connState' | 'handshakeSynMicros' | 'handshakeAckMicros' | 'initiatorLengthMax' |
  'initiatorLengthSquares' | 'responderLengthSquares' | 'interarrivalSquares' | 'initiatorInterarrivalSquares' | 'initiatorDurationMicros' |
  'responderDurationMicros' | 'sizes' | 'context'>

const sizesField = 48
const contextField = 54
/** fixed64 fields; the other eight-byte ones are doubles. */
const isFixed64 = Uint8Array.from({ length: 64 }, (_, field) => field === 9 || field === 10 || field === 24 ? 1 : 0)

export class WireMeasures implements FlowMeasures {
  /** By field number. */
  private readonly v = new Float64Array(64)
  readonly sizes: number[] = []
  readonly context: number[] = []

  get responderPort(): number { return this.v[7] }
  get protocol(): number { return this.v[8] }
  get startMicros(): number { return this.v[9] }
  get endMicros(): number { return this.v[10] }
  get initiatorPackets(): number { return this.v[11] }
  get responderPackets(): number { return this.v[12] }
  get initiatorOctets(): number { return this.v[13] }
  get responderOctets(): number { return this.v[14] }
  get connState(): ConnState { return connStates[this.v[16]] ?? '' }
  get initiatorPayloadOctets(): number { return this.v[27] }
  get responderPayloadOctets(): number { return this.v[28] }
  get initiatorLengthMax(): number { return this.v[32] }
  get initiatorLengthSquares(): number { return this.v[35] }
  get responderLengthSquares(): number { return this.v[36] }
  get interarrivalSquares(): number { return this.v[39] }
  get initiatorInterarrivalSquares(): number { return this.v[42] }
  get initiatorDurationMicros(): number { return this.v[43] }
  get responderDurationMicros(): number { return this.v[47] }
  get handshakeSynMicros(): number { return this.v[49] }
  get handshakeAckMicros(): number { return this.v[50] }

  /** Reads one message Flow from the reader's position to `end`. Throws RangeError. */
  read(r: Reader, end: number): void {
    const { v } = this
    const { bytes, view } = r
    v.fill(0)
    this.sizes.length = this.context.length = 0
    let at = r.at
    while (at < end) {
      // Tags of up to field 2,047 and numbers below 2^21 are read here, without a call; that is nearly all.
      let tag = bytes[at++]
      if (tag > 127) {
        tag = tag & 127 | bytes[at++] << 7
        if (tag > 16383) throw new RangeError('field number above 2,047')
      }
      const field = tag >>> 3
      const wire = tag & 7
      if (wire === 0) {
        const first = at
        let value = bytes[at++]
        if (value > 127) {
          const second = bytes[at++]
          value = value & 127 | (second & 127) << 7
          if (second > 127) {
            const third = bytes[at++]
            value |= (third & 127) << 14
            if (third > 127) {
              r.at = first
              value = r.varint()
              at = r.at
            }
          }
        }
        if (at > end) throw new RangeError('varint past the end')
        if (field < 64) v[field] = value
      } else if (wire === 1) {
        if (at + 8 > end) throw new RangeError('field past the end')
        if (field < 64) v[field] = isFixed64[field] === 1 ? fixed64(view, at) : view.getFloat64(at, true)
        at += 8
      } else {
        r.at = at
        if (wire === 2 && field === sizesField) readPacked(r, this.sizes, true)
        else if (wire === 2 && field === contextField) readPacked(r, this.context, false)
        else r.skip(wire)
        at = r.at
        if (at > end) throw new RangeError('field past the end')
      }
    }
    if (at > end) throw new RangeError('record past its end')
    r.at = at
  }
}

const fixed64 = (view: DataView, at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 4294967296

/** At most 4,096 values, as in `codec.ts`. */
function readPacked(r: Reader, into: number[], signed: boolean): void {
  const end = r.length() + r.at
  for (let n = 0; r.at < end; n++) {
    if (n === 4096) throw new RangeError('packed field of more than 4,096 values')
    const value = r.varint()
    into.push(signed ? unzigzag(value) : value)
  }
  if (r.at !== end) throw new RangeError('packed field past its length')
}
