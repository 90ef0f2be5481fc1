/** Plays UDP and ICMP conversations, and single frames that are not IP. The times are the script's own. */
import type { IcmpConversation, OtherFrame, UdpConversation } from './conversation.ts'
import type { Lane } from './lane.ts'
import type { Playing } from './tcp.ts'
import type { Wire } from './wire.ts'

/** Datagrams in the order of their offsets. */
export function* playDatagrams(lane: Lane, c: UdpConversation | IcmpConversation): Playing {
  const icmp = c.kind === 'icmp'
  for (const { from, offsetMicros, payload } of icmp ? c.messages : c.datagrams) {
    yield c.startMicros + offsetMicros
    if (icmp) lane.icmp(c.startMicros + offsetMicros, from, payload)
    else lane.udp(c.startMicros + offsetMicros, from, payload)
  }
}

export function* playFrame(wire: Wire, { startMicros, bytes, tally }: OtherFrame): Playing {
  yield startMicros
  const at = wire.reserve(startMicros, bytes.length)
  if (at < 0) return
  wire.bytes.set(bytes, at)
  tally.packets++
  tally.firstMicros = Math.min(tally.firstMicros, Math.floor(startMicros))
  tally.lastMicros = Math.max(tally.lastMicros, Math.floor(startMicros))
}
