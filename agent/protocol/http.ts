/**
 * HTTP/1 requests and answers (RFC 9112) by their first line, and the host a request names. Bounded: headers are
 * looked at for 2,048 octets.
 */
import type { Found } from './tls.ts'

const scan = 2048
const methods = ['GET ', 'POST ', 'HEAD ', 'PUT ', 'OPTIONS ', 'DELETE ', 'CONNECT ', 'PATCH ', 'TRACE ', 'PROPFIND '].map((text) => Buffer.from(text))
const hostField = Buffer.from('host')
const answer = Buffer.from('HTTP/1.')
const version2 = Buffer.from('PRI * HTTP/2.0')

/** Whether `text` stands at `from`. */
export function startsWith(bytes: Uint8Array, from: number, to: number, text: Uint8Array): boolean {
  if (to - from < text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text[i]) return false
  return true
}

export const isHttpRequest = (bytes: Uint8Array, from: number, to: number): boolean =>
  methods.some((method) => startsWith(bytes, from, to, method))
export const isHttpAnswer = (bytes: Uint8Array, from: number, to: number): boolean => startsWith(bytes, from, to, answer)
export const isHttp2 = (bytes: Uint8Array, from: number, to: number): boolean => startsWith(bytes, from, to, version2)

/** Whether the field name at `at` is Host; names have no case (RFC 9110, 5.1). */
function isHost(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < hostField.length; i++) if ((bytes[at + i] | 32) !== hostField[i]) return false
  return bytes[at + 4] === 58
}

/** Finds the value of the Host field. Fills `found`; length 0 when there is none within reach. */
export function findHost(bytes: Uint8Array, from: number, to: number, found: Found): void {
  found.length = 0
  const stop = Math.min(to, from + scan)
  for (let at = from; at + 7 < stop; at++) {
    if (bytes[at] !== 10) continue
    // An empty line ends the header.
    if (bytes[at + 1] === 13 || bytes[at + 1] === 10) return
    if (!isHost(bytes, at + 1)) continue
    let first = at + 6
    while (first < stop && (bytes[first] === 32 || bytes[first] === 9)) first++
    let end = first
    while (end < stop && bytes[end] > 32 && bytes[end] < 127) end++
    if (end < stop && end - first <= 255) {
      found.at = first
      found.length = end - first
    }
    return
  }
}
