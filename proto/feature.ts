/**
 * The features of the flow model, in order: index = position in the vector. Every number is derived in
 * `models/vector.ts` and nowhere else, from the sums a record carries. Agent and collector name the list by its hash: a
 * batch whose hash a model was not made for goes on unscored. Changing a feature, its order or its formula means a new
 * `featureVersion` and a new model.
 *
 * Magnitudes are log1p of the unit named (flow sizes are heavy-tailed); the rest are shares, signs and yes (1) or no
 * (0).
 */
import { createHash } from 'node:crypto'
import { contextNames } from './flow.ts'

export type FeatureSpec = {
  name: string
  /** How the number comes about, for explanations and the model card. */
  text: string
  /** 'log': log1p of a magnitude, 'share': -1 ... 1, 'flag': 0 or 1, 'size': log1p with the direction's sign. */
  kind: 'log' | 'share' | 'flag' | 'size'
}

const contextTexts: Record<typeof contextNames[number], string> = {
  flows10s: 'flows the initiator began in the last 10 s',
  failed10s: 'of them failed',
  responders10s: 'distinct responders in the last 10 s',
  ports10s: 'distinct responder ports in the last 10 s',
  flows600s: 'flows the initiator began in the last 10 min',
  failed600s: 'of them failed',
  responders600s: 'distinct responders in the last 10 min',
  ports600s: 'distinct responder ports in the last 10 min',
}

const f = (name: string, kind: FeatureSpec['kind'], text: string): FeatureSpec => ({ name, kind, text })

/** Counted up whenever a formula in `models/vector.ts` changes. */
export const featureVersion = 1

export const features: readonly FeatureSpec[] = [
  f('duration', 'log', 'first to last packet, microseconds'),
  f('initiatorPackets', 'log', 'packets of the initiator'),
  f('responderPackets', 'log', 'packets of the responder'),
  f('initiatorOctets', 'log', 'IP octets of the initiator'),
  f('responderOctets', 'log', 'IP octets of the responder'),
  f('initiatorPayload', 'log', 'octets of the initiator after the transport header'),
  f('responderPayload', 'log', 'octets of the responder after the transport header'),
  f('octetBalance', 'share', '(initiator - responder) / both, IP octets'),
  f('packetRate', 'log', 'packets per second, over at least 1 ms'),
  f('octetRate', 'log', 'IP octets per second, over at least 1 ms'),
  f('initiatorLengthMean', 'log', 'mean packet length of the initiator, IP octets'),
  f('initiatorLengthDeviation', 'log', 'standard deviation of the initiator\'s packet lengths, IP octets'),
  f('initiatorLengthMax', 'log', 'longest packet of the initiator, IP octets'),
  f('responderLengthMean', 'log', 'mean packet length of the responder, IP octets'),
  f('responderLengthDeviation', 'log', 'standard deviation of the responder\'s packet lengths, IP octets'),
  f('interarrivalMean', 'log', 'mean time between packets, microseconds'),
  f('interarrivalDeviation', 'log', 'standard deviation of the time between packets, microseconds'),
  f('initiatorInterarrivalMean', 'log', 'mean time between packets of the initiator, microseconds'),
  f('initiatorInterarrivalDeviation', 'log', 'standard deviation of the time between packets of the initiator, microseconds'),
  f('responderInterarrivalMean', 'log', 'mean time between packets of the responder, microseconds'),
  f('firstSize', 'size', 'IP length of the first packet, negative from the responder'),
  f('secondSize', 'size', 'IP length of the second packet, negative from the responder'),
  f('tcp', 'flag', 'protocol 6'),
  f('udp', 'flag', 'protocol 17'),
  f('portName', 'flag', 'responder port of a name service: 53, 137, 853, 5353'),
  f('portWeb', 'flag', 'responder port of the web: 80, 443, 8080, 8443'),
  f('portAdmin', 'flag', 'responder port of administration or file sharing: 22, 23, 135, 139, 445, 3389, 5900, 5985, 5986'),
  f('portDynamic', 'flag', 'responder port 32768 or above'),
  f('established', 'flag', 'the connection came about: SF, S1, S2, S3, RSTO, RSTR'),
  f('unanswered', 'flag', 'the responder did not answer: S0, SH'),
  f('refused', 'flag', 'ended by a reset: REJ, RSTO, RSTR, RSTOS0, RSTRH'),
  f('handshake', 'log', 'from SYN to the initiator\'s ACK, microseconds; 0 where there was none'),
  ...contextNames.map((name) => f(name, 'log', contextTexts[name])),
]

/** Numbers in one vector. */
export const featureCount = features.length

/** Hash of a feature list: SHA-256 over version and ordered names, 16 hexadecimal digits. */
export const hashFeatures = (names: readonly string[], version: number): string =>
  createHash('sha256').update(JSON.stringify([version, ...names])).digest('hex').slice(0, 16)

/** Hash of the list above: what batches and bundles carry. */
export const featureHash: string = hashFeatures(features.map(({ name }) => name), featureVersion)
