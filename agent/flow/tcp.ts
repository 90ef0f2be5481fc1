/**
 * What TCP's flags and numbers say about a flow: each side's state, the connection state, the letters of the history,
 * handshake times. Words, letters and their meaning are Zeek's (docs.zeek.org, base/protocols/conn), so that analysts
 * read what they know. Upper case is the initiator's. The letters t (sent again), w (zero window) and g (gap) appear
 * at the 1st, 10th and 100th time.
 */
import * as packet from '../decode/packets.ts'
import * as layout from './layout.ts'
import type { Slab } from './table.ts'

const {
  extensionI, historyB, historyCountB, historyMax, initiatorSeenB, initiatorStateB, limitB, moreHistoryB,
  moreHistoryMax, responderStateB, retransmittedB, sequenceI, shiftB, shiftI, zeroWindowB,
} = layout
const { closed: limitClosed, idle: limitIdle, syn: limitSyn } = layout.limit

/** States of one side. */
export const side = { inactive: 0, synSent: 1, synAckSent: 2, partial: 3, established: 4, closed: 5, reset: 6 } as const

export const flag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const

const { inactive, synSent, synAckSent, partial, established, closed, reset } = side
const { fin, syn, rst, ack } = flag
const { acknowledgementP, kindP, payloadP, sequenceP, tcpFlagsP, windowP } = packet
const { tcpHeader } = packet.kind

/** Bits of `initiatorSeenB` and `responderSeenB`, one for each letter that comes once; the last counts gaps as seen. */
const seen = { syn: 1, fin: 2, rst: 4, data: 8, ack: 16, multi: 32, finRst: 64, gap: 128 } as const

/** Letters that an initiator has once it has answered a SYN/ACK. */
export const acknowledgedLetters = seen.data | seen.ack

const letter = (text: string): number => text.charCodeAt(0)
const code = {
  syn: letter('S'), synAck: letter('H'), fin: letter('F'), rst: letter('R'), data: letter('D'), ack: letter('A'), multi: letter('Q'), finRst: letter('I'),
  again: letter('T'), window: letter('W'), gap: letter('G'), flipped: letter('^'),
} as const

/** Difference of sequence numbers, as signed 32 bits. */
const delta = (a: number, b: number): number => a - b | 0

/** Difference beyond which a SYN's or RST's number is not believed. */
const implausible = 1048576

export type Tcp = {
  /**
   * The TCP packet at `slot`, of direction `direction` (0 initiator). `own` and `peer` are the units of the two
   * directions, 0 where there is none yet. Gives true when the time-out that applies has changed.
   */
  update(id: number, direction: number, own: number, peer: number, slot: number): boolean
  /** Notes that initiator and responder were exchanged: the first packet seen was an answer. */
  noteFlip(id: number): void
  /** Notes a UDP packet's direction. */
  noteData(id: number, direction: number): void
}

/**
 * TCP's view of records in `slab`, of packets in the slots `P`. Closures over the arrays: V8 then knows them as
 * constants.
 */
export function createTcp({ I, B }: Slab, P: Int32Array): Tcp {
  /** Appends a letter. Beyond the room of record and extension, letters are dropped. */
  function append(id: number, value: number): void {
    const b = id << shiftB
    const n = B[b + historyCountB]
    if (n < historyMax) B[b + historyB + n] = value
    else {
      const extension = I[(id << shiftI) + extensionI]
      if (extension === 0 || n >= historyMax + moreHistoryMax) return
      B[(extension << shiftB) + moreHistoryB + n - historyMax] = value
    }
    B[b + historyCountB] = n + 1
  }

  /** Appends a letter, lower case for the responder, unless the side has it. */
  function once(id: number, direction: number, bit: number, value: number): void {
    const b = (id << shiftB) + initiatorSeenB + direction
    const had = B[b]
    if ((had & bit) !== 0) return
    B[b] = had | bit
    append(id, direction === 0 ? value : value + 32)
  }

  /** Counts to 255; the letter comes at 1, 10, 100. */
  function scaled(id: number, direction: number, counter: number, value: number): void {
    const n = B[counter] + 1
    if (n > 255) return
    B[counter] = n
    if (n === 1 || n === 10 || n === 100) append(id, direction === 0 ? value : value + 32)
  }

  function noteFlip(id: number): void {
    append(id, code.flipped)
  }

  function noteData(id: number, direction: number): void {
    once(id, direction, seen.data, code.data)
  }

  function update(id: number, direction: number, own: number, peer: number, slot: number): boolean {
    const b = id << shiftB
    const flags = P[slot + tcpFlagsP]
    const payload = P[slot + payloadP]
    const ownState = b + initiatorStateB + direction
    const peerState = b + responderStateB - direction
    const before = B[ownState] & 15
    const control = flags & (syn | fin | rst)
    const wanted = payload > 0 ? seen.data : seen.ack
    if (control !== 0 || (B[b + initiatorSeenB + direction] & wanted) === 0) letters(id, direction, flags, payload)
    if ((P[slot + kindP] & tcpHeader) !== 0) numbers(id, direction, own, peer, slot, flags, payload, before, B[peerState] & 15)
    // Between two established sides only a control flag changes anything.
    if (control === 0 && before === established) return false
    const after = nextState(before, B[peerState], direction, flags, payload, peerState)
    if (after === before) return false
    B[ownState] = after | before << 4
    return setLimit(b)
  }

  function letters(id: number, direction: number, flags: number, payload: number): void {
    const control = flags & (syn | fin | rst)
    if (control === 0) {
      if (payload > 0) once(id, direction, seen.data, code.data)
      else if ((flags & ack) !== 0) once(id, direction, seen.ack, code.ack)
    } else if (control === syn) once(id, direction, seen.syn, (flags & ack) !== 0 ? code.synAck : code.syn)
    else if (control === fin) once(id, direction, seen.fin, code.fin)
    else if (control === rst) once(id, direction, seen.rst, code.rst)
    else if ((control & fin) !== 0 && (control & rst) !== 0) once(id, direction, seen.finRst, code.finRst)
    else once(id, direction, seen.multi, code.multi)
  }

  /** Sequence numbers, window: what was sent again, what is missing, who cannot take more. */
  function numbers(
    id: number, direction: number, own: number, peer: number, slot: number, flags: number, payload: number,
    state: number, peerState: number,
  ): void {
    const sequence = P[slot + sequenceP]
    const length = ((flags & rst) === 0 ? payload : 0) + (flags >> 1 & 1) + (flags & 1)
    const next = sequence + length | 0
    const expected = (own << shiftI) + sequenceI
    const isSyn = (flags & syn) !== 0
    if (state === inactive || (isSyn && state !== closed && state !== reset)) I[expected] = isSyn ? next : sequence
    const ahead = delta(next, I[expected])
    const believed = (flags & (syn | rst)) === 0 || (ahead <= implausible && ahead >= -implausible)
    if (believed && state !== reset) {
      if (ahead > 0) I[expected] = next
      else if (payload > 0) scaled(id, direction, (own << shiftB) + retransmittedB, code.again)
    }
    if (P[slot + windowP] === 0 && (flags & rst) === 0 && state !== reset && peerState !== closed) {
      scaled(id, direction, (own << shiftB) + zeroWindowB, code.window)
    }
    if ((flags & (ack | syn | fin | rst)) === ack && peer !== 0 && (peerState === partial || peerState === established)) {
      const missing = delta(P[slot + acknowledgementP], I[(peer << shiftI) + sequenceI])
      if (missing > 0 && missing < implausible) {
        once(id, 1 - direction, seen.gap, code.gap)
        I[(peer << shiftI) + sequenceI] = P[slot + acknowledgementP]
      }
    }
  }

  /** Zeek's state machine of one side, flags only. May change the peer's state too. */
  function nextState(state: number, peerByte: number, direction: number, flags: number, payload: number, peerState: number): number {
    const hasSyn = (flags & syn) !== 0
    const hasFin = (flags & fin) !== 0
    const hasRst = (flags & rst) !== 0
    const peer = peerByte & 15
    switch (state) {
      case inactive: {
        let to: number = inactive
        if (hasSyn) {
          if (direction === 0) to = (flags & ack) !== 0 ? synAckSent : synSent
          else {
            if (peer === synSent) B[peerState] = established | peer << 4
            to = established
          }
        }
        if (hasFin) to = closed
        if (hasRst) to = reset
        if (to !== inactive) return to
        if (direction === 1 && payload === 0 && peer === synSent) return inactive
        return (flags & ack) !== 0 && peer === established ? established : partial
      }
      case synSent: case synAckSent:
        return hasRst ? reset : hasFin ? closed : state
      case partial: case established:
        if (hasRst) return reset
        if (hasFin) {
          if (peer === reset && peerByte >> 4 === closed) B[peerState] = closed | peer << 4
          return closed
        }
        return hasSyn && state === partial && peer === inactive && (flags & ack) === 0 ? synSent : state
      case closed:
        return hasRst && peer !== closed ? reset : state
      default:
        return state
    }
  }

  /** Chooses the time-out from both sides' states; true when it changed. */
  function setLimit(b: number): boolean {
    const initiator = B[b + initiatorStateB] & 15
    const responder = B[b + responderStateB] & 15
    const to = initiator === reset || responder === reset || (initiator === closed && responder === closed) ? limitClosed
      : initiator === synSent && responder === inactive ? limitSyn : limitIdle
    if (to === B[b + limitB]) return false
    B[b + limitB] = to
    return true
  }

  return { update, noteFlip, noteData }
}

/** Index into `connStates` of proto/flow.ts. `payload` says whether either side has sent any. */
export function tcpConnState(initiator: number, responder: number, payload: boolean): number {
  const initiatorQuiet = initiator === inactive || initiator === partial
  const responderQuiet = responder === inactive || responder === partial
  if (responder === reset) {
    if (initiator === synSent || initiator === synAckSent || (initiator === reset && !payload)) return state.REJ
    return initiatorQuiet ? state.RSTRH : state.RSTR
  }
  if (initiator === reset) return responderQuiet ? state.RSTOS0 : state.RSTO
  if (responder === closed && initiator === closed) return state.SF
  if (initiator === closed) return responderQuiet ? state.SH : state.S2
  if (responder === closed) return initiatorQuiet ? state.SHR : state.S3
  if (initiator === synSent && responder === inactive) return state.S0
  return initiator === established && responder === established ? state.S1 : state.OTH
}

/** Places of the words in `connStates`. */
export const state = {
  S0: 1, S1: 2, SF: 3, REJ: 4, S2: 5, S3: 6, RSTO: 7, RSTR: 8, RSTOS0: 9, RSTRH: 10, SH: 11, SHR: 12, OTH: 13,
} as const
