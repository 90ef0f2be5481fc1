/**
 * IP addresses as text and bytes. IPv6 text is RFC 5952's (lower case, longest run of zeros shortened). Parsing is strict:
 * four decimal numbers without leading zeros, or RFC 4291 section 2.2 text; anything else gives undefined.
 */

const decimal = Array.from({ length: 256 }, (_, i) => String(i))

/** 4 or 16 bytes at `offset` as text. */
export function formatAddress(bytes: Uint8Array, offset = 0, length = bytes.length - offset): string {
  if (length === 4) return `${decimal[bytes[offset]]}.${decimal[bytes[offset + 1]]}.${decimal[bytes[offset + 2]]}.${decimal[bytes[offset + 3]]}`
  return length === 16 ? formatIPv6(bytes, offset) : ''
}

function formatIPv6(bytes: Uint8Array, offset: number): string {
  const words: number[] = []
  for (let i = 0; i < 8; i++) words.push(bytes[offset + 2 * i] << 8 | bytes[offset + 2 * i + 1])
  let best = -1
  let bestLength = 1
  for (let i = 0; i < 8; i++) {
    let n = 0
    while (i + n < 8 && words[i + n] === 0) n++
    if (n > bestLength) { best = i; bestLength = n }
    if (n > 0) i += n
  }
  const hex = (from: number, to: number): string => words.slice(from, to).map((w) => w.toString(16)).join(':')
  return best < 0 ? hex(0, 8) : `${hex(0, best)}::${hex(best + bestLength, 8)}`
}

/** Text to 4 or 16 bytes; undefined when it is not an address. */
export function parseAddress(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIPv6(text) : parseIPv4(text)
}

function parseIPv4(text: string): Uint8Array | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  const bytes = new Uint8Array(4)
  for (let i = 0; i < 4; i++) {
    if (!/^(0|[1-9]\d{0,2})$/.test(parts[i]) || Number(parts[i]) > 255) return undefined
    bytes[i] = Number(parts[i])
  }
  return bytes
}

function parseIPv6(text: string): Uint8Array | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const words = (half: string, isEnd: boolean): number[] | undefined => {
    if (half === '') return []
    const out: number[] = []
    const parts = half.split(':')
    for (const [i, part] of parts.entries()) {
      const v4 = isEnd && i === parts.length - 1 && part.includes('.') ? parseIPv4(part) : undefined
      if (v4 !== undefined) out.push(v4[0] << 8 | v4[1], v4[2] << 8 | v4[3])
      else if (/^[0-9a-f]{1,4}$/i.test(part)) out.push(Number.parseInt(part, 16))
      else return undefined
    }
    return out
  }
  const head = words(halves[0], halves.length === 1)
  const tail = halves.length === 2 ? words(halves[1], true) : []
  if (head === undefined || tail === undefined) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const all = [...head, ...Array.from({ length: missing }, () => 0), ...tail]
  return Uint8Array.from(all.flatMap((w) => [w >> 8, w & 255]))
}

export type Network = { bytes: Uint8Array, prefix: number }

/** '10.0.0.0/8' or a bare address to a network; undefined when it is neither. */
export function parseNetwork(text: string): Network | undefined {
  const [address, length, ...rest] = text.split('/')
  const bytes = parseAddress(address)
  if (bytes === undefined || rest.length > 0) return undefined
  const prefix = length === undefined ? bytes.length * 8 : /^\d{1,3}$/.test(length) ? Number(length) : -1
  return prefix < 0 || prefix > bytes.length * 8 ? undefined : { bytes, prefix }
}

/** Whether an address (text) lies in any of the networks. */
export function inNetworks(address: string, networks: readonly Network[]): boolean {
  const bytes = parseAddress(address)
  return bytes !== undefined && networks.some((network) => inNetwork(bytes, network))
}

function inNetwork(bytes: Uint8Array, { bytes: base, prefix }: Network): boolean {
  if (bytes.length !== base.length) return false
  const whole = prefix >> 3
  for (let i = 0; i < whole; i++) if (bytes[i] !== base[i]) return false
  const rest = prefix & 7
  return rest === 0 || (bytes[whole] ^ base[whole]) >> 8 - rest === 0
}

/** Private, link-local, loopback and unique-local networks (RFC 1918, 3927, 4193, 4291, 6598): the default meaning of "internal". */
export const privateNetworks: readonly string[] =
  ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16', '127.0.0.0/8', 'fc00::/7', 'fe80::/10', '::1/128']
