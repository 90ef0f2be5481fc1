/**
 * Made-up flows for tests of the models: web, name and file traffic from a seed, and two kinds of oddity. Not traffic,
 * just numbers that hang together the way a flow's do.
 */
import { makeFlow } from '../../proto/codec.ts'
import type { Flow } from '../../proto/flow.ts'
import { Random } from '../../models/random.ts'

const day = Date.UTC(2026, 0, 5) * 1000

/** `count` usual flows. */
export function usualFlows(count: number, seed = 1): Flow[] {
  const random = new Random(seed)
  return Array.from({ length: count }, (_, i) => {
    const startMicros = day + i * 50_000
    const host = `10.1.${String(random.below(4))}.${String(1 + random.below(60))}`
    const context = [
      1 + random.below(4), 0, 1 + random.below(3), 1 + random.below(2),
      20 + random.below(40), random.below(2), 5 + random.below(10), 2 + random.below(3),
    ]
    return random.next() < 0.4 ? nameFlow(random, i, startMicros, host, context) : webFlow(random, i, startMicros, host, context)
  })
}

function nameFlow(random: Random, i: number, startMicros: number, host: string, context: number[]): Flow {
  const query = 60 + random.below(30)
  const answer = query + 16 + random.below(120)
  const rtt = 800 + random.below(20_000)
  return makeFlow({
    number: i + 1, final: true, initiatorAddress: host, responderAddress: '10.1.0.2',
    initiatorPort: 40_000 + random.below(20_000), responderPort: 53, protocol: 17, startMicros, endMicros: startMicros + rtt,
    initiatorPackets: 1, responderPackets: 1, initiatorOctets: query, responderOctets: answer,
    initiatorPayloadOctets: query - 28, responderPayloadOctets: answer - 28, connState: 'SF', history: 'Dd', endReason: 'idle',
    initiatorLengthMin: query, initiatorLengthMax: query, initiatorLengthSquares: query ** 2,
    responderLengthMin: answer, responderLengthMax: answer, responderLengthSquares: answer ** 2,
    interarrivalMin: rtt, interarrivalMax: rtt, interarrivalSquares: rtt ** 2, sizes: [query, -answer], application: 'dns', context,
    dns: [{ query: 'www.example.com', type: 1, rcode: 0, answers: 1, rttMicros: rtt, offsetMicros: 0 }],
  })
}

function webFlow(random: Random, i: number, startMicros: number, host: string, context: number[]): Flow {
  const out = 8 + random.below(20)
  const back = out + random.below(40)
  const sent = out * 52 + 500 + random.below(2000)
  const got = back * (300 + random.below(900))
  const duration = 100_000 + random.below(4_000_000)
  const gap = duration / (out + back)
  return makeFlow({
    number: i + 1, final: true, initiatorAddress: host, responderAddress: `192.0.2.${String(random.below(250))}`,
    initiatorPort: 32_768 + random.below(28_000), responderPort: random.next() < 0.9 ? 443 : 80, protocol: 6,
    startMicros, endMicros: startMicros + duration, initiatorPackets: out, responderPackets: back,
    initiatorOctets: sent, responderOctets: got, initiatorPayloadOctets: sent - out * 52,
    responderPayloadOctets: Math.max(0, got - back * 52), initiatorTcpFlags: 27, responderTcpFlags: 27,
    connState: 'SF', history: 'ShADadFf', endReason: 'end',
    handshakeSynMicros: 9000 + random.below(20_000), handshakeAckMicros: 100 + random.below(400),
    initiatorLengthMin: 52, initiatorLengthMax: 600 + random.below(900),
    initiatorLengthSquares: Math.round((sent / out) ** 2 * out * (1.5 + random.next())),
    responderLengthMin: 52, responderLengthMax: 1500, responderLengthSquares: Math.round((got / back) ** 2 * back * (1.2 + random.next())),
    interarrivalSquares: gap ** 2 * (out + back) * (2 + random.next()),
    initiatorInterarrivalSquares: (duration / out) ** 2 * out * (2 + random.next()),
    initiatorDurationMicros: duration, responderDurationMicros: duration - 20_000, interarrivalMax: duration >> 2,
    sizes: [60, -60, 52, 569, -1500], application: 'tls', serverName: 'www.example.com', context,
  })
}

/** `count` flows of a scan: one packet, refused or unanswered, a busy initiator. */
export function scanFlows(count: number, seed = 2): Flow[] {
  const random = new Random(seed)
  return Array.from({ length: count }, (_, i) => {
    const refused = random.next() < 0.7
    const startMicros = day + i * 10_000
    return makeFlow({
      number: i + 1, final: true, initiatorAddress: '10.1.0.66', responderAddress: '10.1.0.9',
      initiatorPort: 50_000, responderPort: 1 + random.below(2000), protocol: 6,
      startMicros, endMicros: startMicros + (refused ? 300 : 0), initiatorPackets: 1, responderPackets: refused ? 1 : 0,
      initiatorOctets: 60, responderOctets: refused ? 40 : 0, initiatorTcpFlags: 2, responderTcpFlags: refused ? 20 : 0,
      connState: refused ? 'REJ' : 'S0', endReason: 'idle', initiatorLengthMin: 60, initiatorLengthMax: 60, initiatorLengthSquares: 3600,
      sizes: refused ? [60, -40] : [60], context: [100, 98, 1, 100, 400 + i, 390 + i, 1, 400 + i],
    })
  })
}

/** Records that no sensor should write and every reader must survive. */
export function hostileFlows(): Flow[] {
  const huge = 2 ** 53
  const all = (value: number): Flow => {
    const context = Array.from({ length: 12 }, () => value)
    const flow = makeFlow({ final: true, initiatorAddress: '::', responderAddress: '::', sizes: [value, -value], context })
    for (const key of Object.keys(flow) as (keyof Flow)[]) if (typeof flow[key] === 'number') Object.assign(flow, { [key]: value })
    return flow
  }
  return [
    all(0), all(1), all(huge), all(-1), all(NaN), all(Infinity), all(-Infinity), all(Number.MIN_VALUE), all(1.8e308),
    makeFlow({
      startMicros: huge, endMicros: 0, initiatorPackets: 2, interarrivalSquares: NaN, initiatorLengthSquares: 1, initiatorOctets: huge,
    }),
    makeFlow({ initiatorPackets: huge, responderPackets: huge, initiatorOctets: 1, endMicros: 1, context: [NaN] }),
  ]
}
