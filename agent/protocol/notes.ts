/**
 * What was read from payloads, for the flows that have any: a server name, DNS transactions, the beginning of a TLS
 * greeting that is not complete yet. Bounded in octets: when full, nothing new is kept until flows end; packets and
 * octets are counted all the same.
 */

export type Transaction = {
  /** DNS message id. */
  id: number
  /** As text in ASCII, lower case, see `dns.ts`. */
  query: Uint8Array
  type: number
  /** -1 while unanswered. */
  rcode: number
  answers: number
  rttMicros: number
  offsetMicros: number
}

export type Note = {
  serverName: Uint8Array | undefined
  transactions: Transaction[]
  /** First transaction of the next part, when this one is full. */
  held: Transaction | undefined
  /** Collected beginning of a stream: bytes, and how many are filled. */
  partial: Uint8Array | undefined
  filled: number
  /** Octets charged to the budget. */
  charged: number
}

/** Octets charged for a note and for a transaction beside their bytes: about what they take on the heap. */
const noteOctets = 160
const transactionOctets = 128

export class Notes {
  private readonly notes = new Map<number, Note>()
  private readonly maximum: number
  private used = 0

  /** `octets`: budget of all notes together. */
  constructor(octets: number) {
    this.maximum = octets
  }

  get(id: number): Note | undefined {
    return this.notes.get(id)
  }

  /** The flow's note, made when there is none; undefined when the budget is spent. */
  take(id: number): Note | undefined {
    let note = this.notes.get(id)
    if (note === undefined && this.used + noteOctets <= this.maximum) {
      note = { serverName: undefined, transactions: [], held: undefined, partial: undefined, filled: 0, charged: noteOctets }
      this.used += noteOctets
      this.notes.set(id, note)
    }
    return note
  }

  /** Charges `octets` to a note; false when the budget does not allow it. */
  charge(note: Note, octets: number): boolean {
    if (this.used + octets > this.maximum) return false
    this.used += octets
    note.charged += octets
    return true
  }

  refund(note: Note, octets: number): void {
    this.used -= octets
    note.charged -= octets
  }

  /** Charge of one transaction. */
  static transactionCharge(transaction: Transaction): number {
    return transactionOctets + transaction.query.length
  }

  forget(id: number): void {
    const note = this.notes.get(id)
    if (note === undefined) return
    this.used -= note.charged
    this.notes.delete(id)
  }
}
