/** Protocols that speak in lines: SMTP (RFC 5321) up to STARTTLS, SIP (RFC 3261) keep-alives. */
import type { Talk, Turn } from '../conversation.ts'
import type { Random } from '../random.ts'
import { octetsOf } from './bytes.ts'

const line = (from: 0 | 1, text: string, afterMicros: number): Turn => {
  const head = octetsOf(text)
  return { from, octets: head.length, head, afterMicros }
}

/** Greeting, EHLO, STARTTLS; TLS follows. */
export function* smtpStart(random: Random, client: string, server: string): Talk {
  const quick = (): number => random.between(300, 4000)
  yield line(1, `220 ${server} ESMTP ready\r\n`, random.between(2000, 30000))
  yield line(0, `EHLO ${client}\r\n`, quick())
  yield line(1, `250-${server}\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-8BITMIME\r\n250 STARTTLS\r\n`, quick())
  yield line(0, 'STARTTLS\r\n', quick())
  yield line(1, '220 2.0.0 Ready to start TLS\r\n', quick())
}

/** A keep-alive of a phone at its exchange, and the answer. */
export function sipOptions(phone: string, phoneAddress: string, exchange: string, sequence: number): [Uint8Array, Uint8Array] {
  const headers = `Via: SIP/2.0/UDP ${phoneAddress}:5060;branch=z9hG4bK${sequence}\r\nFrom: <sip:${phone}@${exchange}>;tag=${phone}\r\nTo: <sip:${exchange}>`
    + `\r\nCall-ID: ${sequence}@${phoneAddress}\r\nCSeq: ${sequence} OPTIONS\r\n`
  return [octetsOf(`OPTIONS sip:${exchange} SIP/2.0\r\n${headers}Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n`),
    octetsOf(`SIP/2.0 200 OK\r\n${headers}Content-Length: 0\r\n\r\n`)]
}
