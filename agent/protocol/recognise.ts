/**
 * Which protocol a payload begins, from its first octets and, where those are not enough, the port. Cheap by design:
 * one switch on the first octet turns most payloads away. Wrong guesses are worse than none: every rule needs several
 * octets to agree.
 */
import { application } from './applications.ts'
import { isHttp2, isHttpAnswer, isHttpRequest, startsWith } from './http.ts'
import { looksLikeTls } from './tls.ts'
import type { Payload } from '../flow/stages.ts'

const text = (value: string): Uint8Array => Buffer.from(value)
const ssh = text('SSH-')
const ehlo = text('EHLO ')
const helo = text('HELO ')
const imapOk = text('* OK')
const popOk = text('+OK')
const greeting = text('220')
const user = text('USER ')
/** Magic cookie before a DHCP message's options (RFC 2131, 3). */
const dhcpCookie = Uint8Array.of(99, 130, 83, 99)

/** Application of a TCP payload, 0 when it cannot be told. */
export function recogniseTcp(payload: Payload): number {
  const { bytes, from, to, responderPort } = payload
  switch (bytes[from]) {
    case 0x16:
      return looksLikeTls(bytes, from, to) ? application.tls : application.none
    case 0x53: // S
      return startsWith(bytes, from, to, ssh) ? application.ssh : application.none
    case 0x50: // P
      if (isHttp2(bytes, from, to)) return application.http2
      return isHttpRequest(bytes, from, to) ? application.http : application.none
    case 0x48: // H
      if (startsWith(bytes, from, to, helo)) return application.smtp
      return isHttpAnswer(bytes, from, to) || isHttpRequest(bytes, from, to) ? application.http : application.none
    case 0x43: case 0x44: case 0x47: case 0x4f: case 0x54: // C D G O T
      return isHttpRequest(bytes, from, to) ? application.http : application.none
    case 0x45: // E
      return startsWith(bytes, from, to, ehlo) ? application.smtp : application.none
    case 0x32: // 2
      return startsWith(bytes, from, to, greeting) ? welcome(responderPort) : application.none
    case 0x55: // U
      return startsWith(bytes, from, to, user) ? (responderPort === 110 ? application.pop3 : application.ftp) : application.none
    case 0x2a: // *
      return startsWith(bytes, from, to, imapOk) ? application.imap : application.none
    case 0x2b: // +
      return startsWith(bytes, from, to, popOk) ? application.pop3 : application.none
    case 0x00:
      return isSmb(bytes, from, to) ? application.smb : application.none
    case 0x03:
      return isRdp(bytes, from, to) ? application.rdp : application.none
    default:
      return application.none
  }
}

/** Mail and file servers greet alike: the port tells. */
function welcome(port: number): number {
  return port === 21 ? application.ftp : port === 25 || port === 587 || port === 2525 ? application.smtp : application.none
}

/** NetBIOS session message, then the SMB magic of version 1, 2 or encrypted 3 (MS-SMB2, 2.2). */
function isSmb(bytes: Uint8Array, from: number, to: number): boolean {
  return to - from >= 8 && bytes[from + 4] >= 0xfc && bytes[from + 5] === 0x53 && bytes[from + 6] === 0x4d && bytes[from + 7] === 0x42
}

/** TPKT with an X.224 connection request or confirmation whose lengths agree (RFC 1006, MS-RDPBCGR 2.2.1.1). */
function isRdp(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from < 11 || bytes[from + 1] !== 0) return false
  const length = bytes[from + 2] << 8 | bytes[from + 3]
  return length === to - from && bytes[from + 4] === length - 5 && (bytes[from + 5] === 0xe0 || bytes[from + 5] === 0xd0)
}

/** Application of a UDP payload, 0 when it cannot be told. DNS is told by its ports, elsewhere. */
export function recogniseUdp(payload: Payload): number {
  const { bytes, from, to, initiatorPort: a, responderPort: b } = payload
  const length = to - from
  if ((bytes[from] & 0xc0) === 0xc0 && length >= 1200 && isQuicVersion(bytes, from)) return application.quic
  if ((a === 123 || b === 123) && length >= 48 && (bytes[from] >> 3 & 7) >= 1 && (bytes[from] >> 3 & 7) <= 4) return application.ntp
  if ((b === 67 || b === 68) && length >= 240 && startsWith(bytes, from + 236, to, dhcpCookie)) return application.dhcp
  if ((a === 161 || b === 161 || b === 162) && length > 8 && bytes[from] === 0x30) return application.snmp
  return application.none
}

/** Version 1 (RFC 9000), 2 (RFC 9369) or an IETF draft. */
function isQuicVersion(bytes: Uint8Array, from: number): boolean {
  const high = bytes[from + 1] << 8 | bytes[from + 2]
  const low = bytes[from + 3] << 8 | bytes[from + 4]
  return (high === 0 && low === 1) || (high === 0x6b33 && low === 0x43cf) || (high === 0xff00 && low > 0 && low < 64)
}
