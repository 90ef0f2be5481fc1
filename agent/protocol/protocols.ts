/**
 * What the first payload octets say. Looks at the first few payloads of a flow, and at every DNS message; keeps names
 * for the flows that have some (`notes.ts`, bounded) and writes them into the record. Hostile payload is the normal
 * case: every read is bounded, nothing throws. When the budget of names is spent, flows go without; a flow's packets
 * and octets never depend on this stage.
 */
import { writeVarint } from '../../proto/wire.ts'
import { application, applications } from './applications.ts'
import { dnsKind, maxTransactions, takeDns } from './dns.ts'
import { findHost, isHttpRequest } from './http.ts'
import { Notes } from './notes.ts'
import { recogniseTcp, recogniseUdp } from './recognise.ts'
import { findServerName, helloOctets, isClientHello, looksLikeTls } from './tls.ts'
import type { Note, Transaction } from './notes.ts'
import type { Found } from './tls.ts'
import type { Payload } from '../flow/stages.ts'

/** Payloads of a flow that are looked at. */
const payloads = 4
/** Every payload. */
const all = 255
/** Octets of a greeting collected over several segments. */
const maxPartial = 8192

/** A full part of names that take four octets for each of theirs, and a server name. */
const largestNote = (maxTransactions + 1) * 1100

const applicationNames = applications.map((name) => Buffer.from(name))

export class Protocols {
  readonly wanted = payloads
  readonly largest = largestNote
  private readonly notes: Notes
  private readonly found: Found = { at: 0, length: 0 }

  /** `octets`: budget for names of all flows together. */
  constructor(octets: number) {
    this.notes = new Notes(octets)
  }

  /** Looks at a payload; true when the part is full of transactions and should be closed. */
  inspect(payload: Payload): boolean {
    const { protocol, application: known } = payload
    if (payload.wanted !== all) payload.wanted--
    switch (known) {
      case application.none:
        return protocol === 17 ? this.firstUdp(payload) : protocol === 6 ? this.firstTcp(payload) : this.ignore(payload)
      case application.dns: case application.mdns: case application.llmnr:
        return this.dns(payload)
      case application.tls:
        this.moreTls(payload)
        return false
      default:
        payload.wanted = 0
        return false
    }
  }

  private ignore(payload: Payload): boolean {
    payload.wanted = 0
    return false
  }

  private firstUdp(payload: Payload): boolean {
    const kind = dnsKind(17, payload.initiatorPort, payload.responderPort)
    if (kind !== application.none) {
      const taken = takeDns(this.notes, payload, payload.from, payload.to)
      if (taken === 0) return false
      payload.application = kind
      payload.wanted = all
      return taken === 2
    }
    payload.application = recogniseUdp(payload)
    if (payload.application !== application.none) payload.wanted = 0
    return false
  }

  private firstTcp(payload: Payload): boolean {
    if (dnsKind(6, payload.initiatorPort, payload.responderPort) !== application.none && this.dnsOverTcp(payload)) return false
    const { bytes, from, to } = payload
    const what = recogniseTcp(payload)
    if (what === application.none) return false
    payload.application = what
    payload.wanted = 0
    if (what === application.tls && isClientHello(bytes, from)) this.hello(payload)
    else if (what === application.http && isHttpRequest(bytes, from, to)) {
      findHost(bytes, from, to, this.found)
      this.name(payload.id, bytes)
    }
    return false
  }

  /** A message that one segment holds whole, after its length. */
  private dnsOverTcp(payload: Payload): boolean {
    const { view, from, to } = payload
    if (to - from < 14) return false
    const end = from + 2 + view.getUint16(from)
    if (end > to || takeDns(this.notes, payload, from + 2, end) === 0) return false
    payload.application = application.dns
    payload.wanted = all
    return true
  }

  private dns(payload: Payload): boolean {
    const { view, from, to, protocol } = payload
    if (protocol === 17) return takeDns(this.notes, payload, from, to) === 2
    // Over TCP a segment may hold several messages.
    let full = false
    for (let at = from, n = 0; at + 14 <= to && n < 64; n++) {
      const length = view.getUint16(at)
      if (length < 12 || at + 2 + length > to) break
      full = takeDns(this.notes, payload, at + 2, at + 2 + length) === 2 || full
      at += 2 + length
    }
    return full
  }

  /** A ClientHello begins: its name, or what is there of it until the next segment. */
  private hello(payload: Payload): void {
    const { bytes, from, to, id } = payload
    findServerName(bytes, from, to, this.found)
    if (this.found.length > 0) {
      this.name(id, bytes)
      return
    }
    const whole = Math.min(helloOctets(bytes, from), maxPartial)
    if (to - from >= whole) return
    const note = this.notes.take(id)
    if (note === undefined || !this.notes.charge(note, whole)) return
    note.partial = new Uint8Array(whole)
    note.partial.set(bytes.subarray(from, to))
    note.filled = to - from
    payload.wanted = payloads
  }

  private moreTls(payload: Payload): void {
    const { bytes, from, to, id, direction } = payload
    const note = this.notes.get(id)
    if (note?.partial === undefined) {
      payload.wanted = 0
      return
    }
    if (direction !== 0 || looksLikeTls(bytes, from, to)) return
    const room = Math.min(to - from, note.partial.length - note.filled)
    note.partial.set(bytes.subarray(from, from + room), note.filled)
    note.filled += room
    findServerName(note.partial, 0, note.filled, this.found)
    if (this.found.length > 0) this.name(id, note.partial)
    if (this.found.length > 0 || note.filled === note.partial.length || payload.wanted === 0) {
      this.notes.refund(note, note.partial.length)
      note.partial = undefined
      payload.wanted = 0
    }
  }

  /** Keeps the name found in `bytes`: printable ASCII, lower case. Anything else is no name. */
  private name(id: number, bytes: Uint8Array): void {
    const { at, length } = this.found
    if (length === 0) return
    for (let i = at; i < at + length; i++) if (bytes[i] < 33 || bytes[i] > 126) return
    const note = this.notes.take(id)
    if (note === undefined || note.serverName !== undefined || !this.notes.charge(note, length)) return
    const copy = bytes.slice(at, at + length)
    for (let i = 0; i < length; i++) if (copy[i] > 64 && copy[i] < 91) copy[i] += 32
    note.serverName = copy
  }

  /** Upper bound of the octets that `write` takes for this flow. */
  size(id: number, known: number): number {
    const note = this.notes.get(id)
    let octets = applicationNames[known].length + 8
    if (note === undefined) return octets
    octets += (note.serverName?.length ?? 0) + 8
    for (const transaction of note.transactions) octets += transaction.query.length + 64
    return octets
  }

  /** Appends fields 51, 52 and 53 of message Flow; gives the position after. */
  write(id: number, known: number, out: Uint8Array, at: number): number {
    if (known === application.none) return at
    at = writeBytes(out, at, 51 << 3 | 2, applicationNames[known])
    const note = this.notes.get(id)
    if (note === undefined) return at
    if (note.serverName !== undefined) at = writeBytes(out, at, 52 << 3 | 2, note.serverName)
    for (const transaction of note.transactions) at = writeTransaction(out, at, transaction)
    return at
  }

  /** The part was reported: its transactions are forgotten. */
  reported(id: number): void {
    const note = this.notes.get(id)
    if (note === undefined) return
    for (const transaction of note.transactions) this.notes.refund(note, Notes.transactionCharge(transaction))
    note.transactions = note.held === undefined ? [] : [note.held]
    note.held = undefined
  }

  forget(id: number): void {
    this.notes.forget(id)
  }
}

function writeBytes(out: Uint8Array, at: number, tag: number, bytes: Uint8Array): number {
  at = writeVarint(out, at, tag)
  at = writeVarint(out, at, bytes.length)
  out.set(bytes, at)
  return at + bytes.length
}

function writeField(out: Uint8Array, at: number, field: number, value: number): number {
  if (value === 0) return at
  out[at++] = field << 3
  return writeVarint(out, at, value)
}

function writeTransaction(out: Uint8Array, at: number, { query, type, rcode, answers, rttMicros, offsetMicros }: Transaction): number {
  at = writeVarint(out, at, 53 << 3 | 2)
  // The length comes first: written after the body into two octets kept free, which holds up to 16,383.
  const body = at + 2
  let end = body
  if (query.length > 0) end = writeBytes(out, end, 1 << 3 | 2, query)
  end = writeField(out, end, 2, type)
  if (rcode >= 0) {
    out[end++] = 3 << 3
    out[end++] = rcode
  }
  end = writeField(out, end, 4, answers)
  end = writeField(out, end, 5, rttMicros)
  end = writeField(out, end, 6, offsetMicros)
  const length = end - body
  if (length < 128) {
    out[at] = length
    out.copyWithin(at + 1, body, end)
    return end - 1
  }
  out[at] = length & 127 | 128
  out[at + 1] = length >> 7
  return end
}

export type { Note }
