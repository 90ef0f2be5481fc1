/** SMB 3.1.1 as it looks from outside (MS-SMB2): negotiation in plain text, all the rest in encrypted transform frames. */
import type { Talk, Turn } from '../conversation.ts'
import type { Random } from '../random.ts'
import { Octets } from './bytes.ts'

function header(command: number, message: number, answer: boolean): Octets {
  const out = new Octets().u32(0xfe534d42).u8(64, 0).u16(0, 0, 0).u8(command & 255, 0, 1, 0, answer ? 1 : 0, 0, 0, 0, 0, 0, 0, 0)
  return out.u8(message & 255, 0, 0, 0, 0, 0, 0, 0).padTo(64)
}

/** NetBIOS session message around it. */
const session = (message: Uint8Array): Uint8Array => new Octets().u8(0).u24(message.length).raw(message).done()

/** Dialects 2.0.2 to 3.0.2 offered, 3.0.2 taken. */
export function* smbNegotiate(random: Random): Talk {
  const ask = session(header(0, 0, false).u8(36, 0, 4, 0, 1, 0, 0, 0, 0x7f, 0, 0, 0).raw(random.bytes(16)).u32(0, 0).u8(2, 2,
    0x10, 2, 0, 3, 2, 3).done())
  yield { from: 0, octets: ask.length, head: ask, afterMicros: random.between(100, 900) }
  const fields = header(0, 0, true).u8(65, 0, 1, 0, 2, 3, 0, 0).raw(random.bytes(16)).u8(0x7f, 0, 0, 0, 0, 0, 0x80, 0, 0, 0,
    0x80, 0, 0, 0, 0x80, 0)
  const answer = session(fields.raw(new Uint8Array(16)).u8(128, 0, 0, 0, 0, 0, 0, 0).done())
  yield { from: 1, octets: answer.length, head: answer, afterMicros: random.between(200, 1500) }
}

/** One encrypted message with `plain` octets inside. */
export function smbTurn(random: Random, from: Turn['from'], plain: number, afterMicros: number, sessionId: number): Turn {
  const octets = 52 + 64 + Math.round(plain)
  const head = new Octets().u8(0).u24(octets).u32(0xfd534d42).raw(random.bytes(16)).raw(random.bytes(11)).padTo(40)
  const inside = octets - 52
  head.u8(inside & 255, inside >>> 8 & 255, inside >>> 16 & 255, 0, 0, 0, 1, 0).u32(sessionId, 0)
  // Encrypted octets may happen to begin like a compressed or plain message, which readers would then try to read.
  head.u8(random.bits() & 0x7f)
  return { from, octets: octets + 4, head: head.done(), afterMicros }
}
