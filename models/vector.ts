/**
 * Flow record -> feature vector: the one function for agent, collector and training, in the order of
 * `proto/feature.ts`. Every derived float comes about here, in double precision, and is rounded once, to the float32 a
 * model takes. The result is finite whatever the record says (zeros, 2^64, not-a-number). Allocates nothing.
 */
import { featureCount } from '../proto/feature.ts'
import type { FlowMeasures } from '../proto/measures.ts'

/** log1p of the small integers, which most of a flow's numbers are: a look-up instead of a call, the same bits. */
const small = new Float64Array(4096).map((_, i) => Math.log1p(i))

/** log1p of a magnitude; what is negative or not a number is 0, what is beyond 1e18 is 1e18. */
function magnitude(x: number): number {
  if (!(x > 0)) return 0
  if (x < 4096 && x === (x | 0)) return small[x]
  return Math.log1p(x < 1e18 ? x : 1e18)
}

const signed = (x: number): number => x < 0 ? -magnitude(-x) : magnitude(x)

/** Standard deviation from a sum and a sum of squares; rounding may make the variance negative, `magnitude` then says 0. */
const deviation = (mean: number, squares: number, n: number): number => Math.sqrt(squares / n - mean * mean)

/** Writes the vector of one record to `out[at, at + featureCount)`. */
export function vectorInto(flow: FlowMeasures, out: Float32Array, at: number): void {
  const { initiatorPackets, responderPackets, initiatorOctets, responderOctets, responderPort, protocol, connState, sizes, context } = flow
  const packets = initiatorPackets + responderPackets
  const octets = initiatorOctets + responderOctets
  const duration = flow.endMicros - flow.startMicros
  const perSecond = 1e6 / (duration > 1000 ? duration : 1000)
  const balance = octets > 0 ? (initiatorOctets - responderOctets) / octets : 0

  out[at] = magnitude(duration)
  out[at + 1] = magnitude(initiatorPackets)
  out[at + 2] = magnitude(responderPackets)
  out[at + 3] = magnitude(initiatorOctets)
  out[at + 4] = magnitude(responderOctets)
  out[at + 5] = magnitude(flow.initiatorPayloadOctets)
  out[at + 6] = magnitude(flow.responderPayloadOctets)
  out[at + 7] = balance >= -1 && balance <= 1 ? balance : 0
  out[at + 8] = magnitude(packets * perSecond)
  out[at + 9] = magnitude(octets * perSecond)

  const initiatorMean = initiatorPackets > 0 ? initiatorOctets / initiatorPackets : 0
  const responderMean = responderPackets > 0 ? responderOctets / responderPackets : 0
  out[at + 10] = magnitude(initiatorMean)
  out[at + 11] = initiatorPackets > 1 ? magnitude(deviation(initiatorMean, flow.initiatorLengthSquares, initiatorPackets)) : 0
  out[at + 12] = magnitude(flow.initiatorLengthMax)
  out[at + 13] = magnitude(responderMean)
  out[at + 14] = responderPackets > 1 ? magnitude(deviation(responderMean, flow.responderLengthSquares, responderPackets)) : 0

  const gap = packets > 1 ? duration / (packets - 1) : 0
  const initiatorGap = initiatorPackets > 1 ? flow.initiatorDurationMicros / (initiatorPackets - 1) : 0
  out[at + 15] = magnitude(gap)
  out[at + 16] = packets > 2 ? magnitude(deviation(gap, flow.interarrivalSquares, packets - 1)) : 0
  out[at + 17] = magnitude(initiatorGap)
  out[at + 18] = initiatorPackets > 2 ? magnitude(deviation(initiatorGap, flow.initiatorInterarrivalSquares, initiatorPackets - 1)) : 0
  out[at + 19] = responderPackets > 1 ? magnitude(flow.responderDurationMicros / (responderPackets - 1)) : 0
  out[at + 20] = sizes.length > 0 ? signed(sizes[0]) : 0
  out[at + 21] = sizes.length > 1 ? signed(sizes[1]) : 0

  out[at + 22] = protocol === 6 ? 1 : 0
  out[at + 23] = protocol === 17 ? 1 : 0
  const service = protocol === 6 || protocol === 17 ? portClass(responderPort) : 0
  out[at + 24] = service === 1 ? 1 : 0
  out[at + 25] = service === 2 ? 1 : 0
  out[at + 26] = service === 3 ? 1 : 0
  out[at + 27] = service === 4 ? 1 : 0
  const state = stateBits(connState)
  out[at + 28] = state & 1
  out[at + 29] = state >> 1 & 1
  out[at + 30] = state >> 2
  out[at + 31] = magnitude(flow.handshakeSynMicros + flow.handshakeAckMicros)
  for (let i = 0; i < 8; i++) out[at + 32 + i] = i < context.length ? magnitude(context[i]) : 0
}

/** 1 name service, 2 web, 3 administration, 4 dynamic, 0 any other. */
function portClass(port: number): number {
  switch (port) {
    case 53: case 137: case 853: case 5353: return 1
    case 80: case 443: case 8080: case 8443: return 2
    case 22: case 23: case 135: case 139: case 445: case 3389: case 5900: case 5985: case 5986: return 3
    default: return port >= 32768 ? 4 : 0
  }
}

/** 1 established, 2 unanswered, 4 ended by a reset. */
function stateBits(state: FlowMeasures['connState']): number {
  switch (state) {
    case 'SF': case 'S1': case 'S2': case 'S3': return 1
    case 'RSTO': case 'RSTR': return 5
    case 'S0': case 'SH': return 2
    case 'REJ': case 'RSTOS0': case 'RSTRH': return 4
    default: return 0
  }
}

/** Vectors of many records, row after row. */
export function vectorise(flows: readonly FlowMeasures[]): Float32Array {
  const rows = new Float32Array(flows.length * featureCount)
  flows.forEach((flow, i) => { vectorInto(flow, rows, i * featureCount) })
  return rows
}
