/**
 * Server name of a TLS ClientHello (RFC 8446, 4.1.2; RFC 6066, 3). Every length is checked against the end; whatever
 * does not fit means "no name". Records may split the message; fragments after the first are read over their headers.
 */

/**
 * First octets of a TLS record with a handshake message in it: type 22, version 3.x, a length that a record may have.
 */
export function looksLikeTls(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from < 6 || bytes[from] !== 22 || bytes[from + 1] !== 3 || bytes[from + 2] > 4) return false
  const length = bytes[from + 3] << 8 | bytes[from + 4]
  return length >= 4 && length <= 16640 && (bytes[from + 5] === 1 || bytes[from + 5] === 2)
}

export const isClientHello = (bytes: Uint8Array, from: number): boolean => bytes[from + 5] === 1

/** Octets from `from` on that hold the whole first record. */
export const helloOctets = (bytes: Uint8Array, from: number): number => 5 + (bytes[from + 3] << 8 | bytes[from + 4])

/** Where the name lies in `bytes`; `length` is 0 when there is none in what was captured. */
export type Found = { at: number, length: number }

/**
 * Finds the first host name of the server_name extension in the ClientHello whose record begins at `from`. Fills
 * `found`.
 */
export function findServerName(bytes: Uint8Array, from: number, to: number, found: Found): void {
  found.length = 0
  // Record 5, handshake 4, version 2, random 32.
  let at = from + 43
  if (at >= to) return
  at += 1 + bytes[at]
  if (at + 2 > to) return
  at += 2 + (bytes[at] << 8 | bytes[at + 1])
  if (at >= to) return
  at += 1 + bytes[at]
  if (at + 2 > to) return
  const stop = Math.min(to, at + 2 + (bytes[at] << 8 | bytes[at + 1]))
  at += 2
  for (let n = 0; n < 128 && at + 4 <= stop; n++) {
    const type = bytes[at] << 8 | bytes[at + 1]
    const length = bytes[at + 2] << 8 | bytes[at + 3]
    at += 4
    if (type === 0) {
      // List length 2, name type 1 (0 = host name), name length 2.
      if (at + 5 > stop || bytes[at + 2] !== 0) return
      const size = bytes[at + 3] << 8 | bytes[at + 4]
      if (size === 0 || size > 255 || size + 5 > length || at + 5 + size > stop) return
      found.at = at + 5
      found.length = size
      return
    }
    at += length
  }
}
