/**
 * DNS messages (RFC 1035; mDNS RFC 6762; LLMNR RFC 4795; over TCP RFC 1035, 4.2.2): the first question, and from the
 * answer its code and number of records. A message that does not hold together is not DNS. Names are bounded (255
 * octets on the wire); a compression pointer in a question is refused.
 */
import { Notes } from './notes.ts'
import { application } from './applications.ts'
import type { Note, Transaction } from './notes.ts'
import type { Payload } from '../flow/stages.ts'

/** Transactions of one part of a flow. */
export const maxTransactions = 16

const headerOctets = 12
const maxName = 255
/** Worst case: every octet as \DDD. */
const scratch = new Uint8Array(4 * maxName + 4)
let scratchLength = 0

/** Whether these ports carry DNS, and which kind. 0 if not. */
export function dnsKind(protocol: number, a: number, b: number): number {
  if (a === 53 || b === 53) return application.dns
  if (protocol !== 17) return application.none
  if (a === 5353 || b === 5353) return application.mdns
  return a === 5355 || b === 5355 ? application.llmnr : application.none
}

/** Whether there is a plausible DNS message at [from, to): counts and codes that the length allows. */
export function looksLikeDns(view: DataView, from: number, to: number): boolean {
  if (to - from < headerOctets) return false
  const flags = view.getUint16(from + 2)
  const opcode = flags >> 11 & 15
  const questions = view.getUint16(from + 4)
  const records = view.getUint16(from + 6) + view.getUint16(from + 8) + view.getUint16(from + 10)
  if (opcode > 6 || (flags & 0x40) !== 0 || questions > 32 || records > 4096) return false
  return (flags & 0x8000) !== 0 || questions > 0 || records > 0
}

/**
 * Reads a name at `at` into the scratch text; gives the position after it, -1 when it does not fit or is no plain
 * name.
 */
function readName(bytes: Uint8Array, at: number, to: number): number {
  const start = at
  scratchLength = 0
  for (;;) {
    if (at >= to) return -1
    const length = bytes[at++]
    if (length === 0) return at
    if (length > 63 || at + length > to || at + length - start > maxName) return -1
    if (scratchLength > 0) scratch[scratchLength++] = 46
    for (let i = 0; i < length; i++) {
      const c = bytes[at + i]
      if (c > 64 && c < 91) scratch[scratchLength++] = c + 32
      else if (c > 32 && c < 127 && c !== 46 && c !== 92) scratch[scratchLength++] = c
      else {
        scratch[scratchLength++] = 92
        scratch[scratchLength++] = 48 + Math.floor(c / 100)
        scratch[scratchLength++] = 48 + Math.floor(c / 10) % 10
        scratch[scratchLength++] = 48 + c % 10
      }
    }
    at += length
  }
}

/**
 * Takes one message of flow `payload.id`. Gives 0 when it is no DNS, 1 when it was taken, 2 when the part is full:
 * the transaction is kept for the next one. Messages without a question are taken and leave nothing.
 */
export function takeDns(notes: Notes, payload: Payload, from: number, to: number): number {
  const { view, bytes, offsetMicros } = payload
  if (!looksLikeDns(view, from, to)) return 0
  const flags = view.getUint16(from + 2)
  const answer = (flags & 0x8000) !== 0
  if (view.getUint16(from + 4) === 0) return 1
  const after = readName(bytes, from + headerOctets, to)
  if (after < 0 || after + 4 > to) return 0
  const note = notes.take(payload.id)
  if (note === undefined) return 1
  const id = view.getUint16(from)
  const type = view.getUint16(after)
  if (answer) {
    const open = unanswered(note, id, type)
    if (open !== undefined) {
      open.rcode = flags & 15
      open.answers = view.getUint16(from + 6)
      open.rttMicros = Math.max(0, offsetMicros - open.offsetMicros)
      return 1
    }
  }
  const transaction: Transaction = {
    id, query: scratch.slice(0, scratchLength), type, rcode: answer ? flags & 15 : -1, answers: answer ? view.getUint16(from + 6) : 0,
    rttMicros: 0, offsetMicros,
  }
  if (note.held !== undefined || !notes.charge(note, Notes.transactionCharge(transaction))) return 1
  if (note.transactions.length < maxTransactions) {
    note.transactions.push(transaction)
    return 1
  }
  note.held = transaction
  return 2
}

/** The oldest question with this id and type that has no answer yet. */
function unanswered(note: Note, id: number, type: number): Transaction | undefined {
  return note.transactions.find((transaction) => transaction.id === id && transaction.type === type && transaction.rcode < 0)
}
