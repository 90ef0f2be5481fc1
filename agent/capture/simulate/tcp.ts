/**
 * Plays a TCP conversation as frames: handshake, data in rounds of a growing window, acknowledgements of every second segment, closing.
 * Nothing is lost or reordered on this LAN. It is a generator that names the time of its next frames, so that thousands of
 * conversations run side by side in little memory; whatever it writes after a resumption is not earlier than the time it named.
 */
import { tcpFlag } from './lane.ts'
import type { Side, TcpConversation, Turn } from './conversation.ts'
import type { Lane } from './lane.ts'
import type { Random } from './random.ts'

export type Playing = Generator<number, void, void>

const { fin, syn, rst, psh, ack } = tcpFlag
const startSegments = 10
const mostSegments = 80
/** A receiver waits this long for something to send an acknowledgement with (RFC 1122, 4.2.3.2 allows 500 ms). */
const delayedAckMicros = 40_000
const defaultSpeed = 40e6

export function* playTcp(lane: Lane, c: TcpConversation, random: Random): Playing {
  const trip = [2 * c.initiator.delayMicros, 2 * c.responder.delayMicros] as const
  const window = [c.initiator.windows ? 1026 : 2003, c.responder.windows ? 1026 : 2003] as const
  const next: [number, number] = [random.bits(), random.bits()]
  let now = c.startMicros
  if (c.opening === 'midstream') {
    yield now
  } else {
    const established = yield* open()
    if (!established) return
  }
  const sent: [number, number] = [startSegments, startSegments]
  let last: Side = 0
  /** Time at which an acknowledgement still owed by `1 - last` goes out by itself; Infinity when none is owed. */
  let owed = Infinity
  for (const turn of c.turns) {
    const { from } = turn
    const ready = now + (from === last ? 0 : trip[from]) + turn.afterMicros + random.between(20, 120)
    // Who goes on speaking waits for the acknowledgement (Nagle, RFC 896); who answers takes it along.
    const at = from === last && owed < Infinity ? Math.max(ready, owed + 10) : ready
    if (owed < at) settle(owed)
    owed = Infinity
    now = at
    yield now
    yield* say(turn)
    last = from
  }
  if (c.lingerMicros !== undefined) {
    now += c.lingerMicros
    if (owed < Infinity) {
      settle(owed)
      now = Math.max(now, owed)
    }
    owed = Infinity
    yield now
  }
  yield* close()

  function settle(at: number): void {
    const side = (1 - last) as Side
    lane.tcp(at, side, ack, next[side], next[last], window[side])
  }

  function* open(): Generator<number, boolean, void> {
    const options = [synOptions(c.initiator.windows), synOptions(c.responder.windows)] as const
    yield now
    for (let retry = 0; ; retry++) {
      lane.tcp(now, 0, syn, next[0], 0, 64240, options[0])
      if (c.opening !== 'unanswered' || retry >= (c.retries ?? 0)) break
      now += 2 ** retry * 1e6 + random.between(0, 4000)
      yield now
    }
    if (c.opening === 'unanswered') return false
    now += trip[1] + random.between(15, 90)
    if (c.opening === 'refused') {
      lane.tcp(now, 1, rst | ack, 0, next[0] + 1, 0)
      return false
    }
    lane.tcp(now, 1, syn | ack, next[1], next[0] + 1, c.responder.windows ? 65535 : 64240, options[1])
    next[0]++
    next[1]++
    if (c.opening === 'half') return false
    now += trip[0] + random.between(10, 60)
    if (c.opening === 'probe') {
      lane.tcp(now, 0, rst, next[0], 0, 0)
      return false
    }
    lane.tcp(now, 0, ack, next[0], next[1], window[0])
    return true
  }

  /** Sends a turn from `now` on; leaves `now` at its last segment and `owed` at the acknowledgement that may still be due. */
  function* say(turn: Turn): Playing {
    const { from } = turn
    const to = (1 - from) as Side
    const size = lane.segmentOctets
    const gap = Math.max(12, size / (c.octetsPerSecond ?? defaultSpeed) * 1e6)
    let position = 0
    let unacknowledged = 0
    while (position < turn.octets) {
      const begun = now
      let firstAck = Infinity
      for (let k = 0; k < sent[from] && position < turn.octets; k++) {
        if (k > 0) now += gap * random.between(0.85, 1.2)
        const count = Math.min(size, turn.octets - position)
        const push = position + count === turn.octets ? psh | ack : ack
        lane.tcp(now, from, push, next[from], next[to], window[from], undefined, turn, position, count)
        next[from] += count
        position += count
        if (++unacknowledged === 2) {
          unacknowledged = 0
          const at = now + trip[to] + 15
          if (firstAck === Infinity) firstAck = at
          // The last one may travel with the answer.
          if (position < turn.octets) lane.tcp(at, to, ack, next[to], next[from], window[to])
          else owed = at + 200
        }
      }
      if (position === turn.octets) {
        if (unacknowledged === 1) owed = now + trip[to] + delayedAckMicros
        return
      }
      sent[from] = Math.min(mostSegments, sent[from] * 2)
      now = Math.max(now + gap, firstAck === Infinity ? begun + trip[0] + trip[1] : firstAck + trip[from])
      yield now
    }
  }

  function* close(): Playing {
    if (c.ending === 'open') {
      if (owed < Infinity) settle(owed)
      return
    }
    const side: Side = c.ending === 'fin0' || c.ending === 'rst0' ? 0 : 1
    const peer = (1 - side) as Side
    const at = now + (side === last ? 0 : trip[side]) + random.between(60, 400)
    if (owed < at) settle(owed)
    now = at
    yield now
    if (c.ending === 'rst0' || c.ending === 'rst1') {
      lane.tcp(now, side, rst | ack, next[side], next[peer], 0)
      return
    }
    lane.tcp(now, side, fin | ack, next[side]++, next[peer], window[side])
    now += trip[peer] + random.between(20, 200)
    yield now
    lane.tcp(now, peer, fin | ack, next[peer]++, next[side], window[peer])
    now += trip[side] + random.between(10, 60)
    yield now
    lane.tcp(now, side, ack, next[side], next[peer], window[side])
  }
}

/** Maximum segment size 1460, window scale, selective acknowledgements (RFC 9293, 7323, 2018). */
function synOptions(windows: boolean): Uint8Array {
  return windows ? new Uint8Array([2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2]) : new Uint8Array([2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 7, 1, 1])
}
