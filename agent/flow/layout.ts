/**
 * Where everything about a flow lies: the one table of offsets. A flow is a record of 256 octets in one large
 * ArrayBuffer, four cache lines; once it has a second direction or a second part it also has an extension of 128
 * octets in the same buffer. So a flood of unanswered packets costs 256 octets a flow, and a packet touches three
 * lines. Ids are units of 128 octets: a record is two units, an extension is one. Id 0 is nobody.
 *
 *   record      0 key and links | 64 the flow | 128 initiator's direction | 192 first sizes, history, context
 *   extension   0 responder's direction | 64 what came before this part, handshake, more history
 *
 * Names end in the view they index: I (int32), F (float64), B (octet), H (uint16). Index = (id << shift) + offset.
 */

/** Octets of a unit. */
export const unit = 128
/** id << shift is the index of the unit in a view of 4, 8, 1, 2 octets. */
export const shiftI = 5
export const shiftF = 4
export const shiftB = 7
export const shiftH = 6

// Line 0: the key, in network byte order as read from the packet, and links.
export const initiatorI = 0
export const responderI = 4
/** Initiator's port << 16 | responder's port. */
export const portsI = 8
/** Protocol and the key bits of `kind`. */
export const kindI = 9
/** VLAN id | inner VLAN id << 12. */
export const scopeI = 10
/** Which entry of the wheel counts for the flow, 0 when none does. */
export const ticketI = 11
/** Hash under which the flow stands in the index. */
export const hashI = 12
/** Id of the extension, 0 while there is none. */
export const extensionI = 13
/** Number within the boot. */
export const numberF = 7

// Line 1: the flow as a whole. Times are microseconds since 1970.
export const startF = 8
export const lastF = 9
/** When the part being collected ends. */
export const deadlineF = 10
/** First packet of the part being collected. */
export const partStartF = 11
export const interarrivalSquaresF = 12
export const interarrivalMinI = 26
export const interarrivalMaxI = 27
/** TCP state of each side: state | state before << 4. */
export const initiatorStateB = 112
export const responderStateB = 113
/** Which time-out applies (`limit` below). */
export const limitB = 114
export const sizesCountB = 115
export const historyCountB = 116
export const applicationB = 118
/** `mark` bits of proto/flow.ts. */
export const marksB = 119
/** Which letters of the history a side has. */
export const initiatorSeenB = 120
export const responderSeenB = 121
/** How many more payloads the protocol stage wants to see. */
export const inspectB = 122
/** How direction was told (index of `directionMethods`). */
export const methodB = 123
export const partH = 62
/** Bit i: size i is the responder's. */
export const sizeDirectionsH = 63

// Line 2 of the record, line 0 of the extension: one direction.
export const directionI = 32
export const directionF = 16
export const directionB = 128
export const directionH = 64
export const seenLastF = 0
/** Octets since the part before. */
export const octetsF = 1
export const lengthSquaresF = 2
export const gapSquaresF = 3
/** Payload octets since the flow began. */
export const payloadF = 4
/** Packets since the part before. */
export const packetsI = 10
export const lengthMinH = 22
export const lengthMaxH = 23
export const gapMinI = 12
export const gapMaxI = 13
/** Sequence number expected next. */
export const sequenceI = 14
export const ttlB = 60
export const flagsB = 61
/** Segments sent again, and zero windows announced, to 255. */
export const retransmittedB = 62
export const zeroWindowB = 63

// Line 3.
export const sizesH = 96
export const sizesMax = 16
export const historyB = 224
export const historyMax = 16
export const contextH = 120

// Line 1 of the extension. Offsets from the extension's id.
/** Packets and octets before this part; initiator, responder. */
export const basePacketsF = 8
export const baseOctetsF = 10
/** First packet of the side that did not begin. */
export const otherFirstF = 12
export const handshakeSynI = 26
export const handshakeAckI = 27
export const moreHistoryB = 112
export const moreHistoryMax = 16

/** Values of `limitB`. */
export const limit = { idle: 0, syn: 1, closed: 2 } as const
