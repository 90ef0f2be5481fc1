/** Numbers, times and network text as the page writes them. Pure; nothing here ever makes markup. */

const grouped = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 })
const trimmed = (digits: number): Intl.NumberFormat => new Intl.NumberFormat('en-GB', { maximumFractionDigits: digits })
const [whole, one, two, three] = [trimmed(0), trimmed(1), trimmed(2), trimmed(3)]

/** 1154954 -> '1,154,954'. */
export const count = (value: number): string => grouped.format(value)

/** A measured number with as many digits as mean something: 0.964, 41.2, 4,100. */
export function measured(value: number): string {
  const size = Math.abs(value)
  if (size > 0 && size < 0.1) return String(Number(value.toPrecision(2)))
  return (size >= 100 || Number.isInteger(value) ? whole : size >= 10 ? one : size >= 1 ? two : three).format(value)
}

const scaled = (value: number, step: number, units: readonly string[]): string => {
  let rest = value
  let unit = 0
  while (Math.abs(rest) >= step && unit < units.length - 1) { rest /= step; unit += 1 }
  return `${unit === 0 ? whole.format(rest) : rest >= 100 ? whole.format(rest) : one.format(rest)} ${units[unit] ?? ''}`
}

/** 4100000 -> '4.1 MB'; decimal units. */
export const octets = (value: number): string => scaled(value, 1000, ['B', 'kB', 'MB', 'GB', 'TB', 'PB'])

/** 1154954 -> '1.15 M'; short form for narrow places. */
export function short(value: number): string {
  if (value < 10_000) return count(value)
  return value < 1e6 ? `${one.format(value / 1e3)} k` : value < 1e9 ? `${two.format(value / 1e6)} M` : `${two.format(value / 1e9)} G`
}

const scales: Readonly<Record<string, (value: number) => string>> = {
  B: octets, octets, bytes: octets, 'IP octets': octets,
  s: (value) => duration(value * 1e6), seconds: (value) => duration(value * 1e6),
  ms: (value) => duration(value * 1e3), us: (value) => duration(value),
}

/** A number of a unit, units of size and time written out; other units only when `named`. */
export function quantity(value: number, unit: string, named = true): string {
  const scale = Object.hasOwn(scales, unit) ? scales[unit] : undefined
  if (scale !== undefined) return scale(value)
  return named && unit !== '' ? `${measured(value)} ${unit}` : measured(value)
}

/** Microseconds -> '420 ms', '6 min 12 s', '3 h 5 min', '2 d 4 h'. */
export function duration(micros: number): string {
  if (micros === 0) return '0 s'
  if (micros < 1000) return `${whole.format(micros)} µs`
  if (micros < 1e6) return `${(micros < 1e4 ? one : whole).format(micros / 1e3)} ms`
  const seconds = micros / 1e6
  if (seconds < 60) return `${(seconds < 10 ? one : whole).format(seconds)} s`
  const pair = (big: number, bigUnit: string, small: number, smallUnit: string): string =>
    small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`
  const total = Math.round(seconds)
  if (total < 3600) return pair(Math.floor(total / 60), 'min', total % 60, 's')
  if (total < 86_400) return pair(Math.floor(total / 3600), 'h', Math.floor(total % 3600 / 60), 'min')
  return pair(Math.floor(total / 86_400), 'd', Math.floor(total % 86_400 / 3600), 'h')
}

/** How long before `nowMicros`: 'now', '40 s', '2 min', '3 h', '5 d'. */
export function age(micros: number, nowMicros: number): string {
  const seconds = Math.floor((nowMicros - micros) / 1e6)
  if (seconds < 5) return 'now'
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`
}

/** 'now', '2 min ago'. */
export function ago(micros: number, nowMicros: number): string {
  const text = age(micros, nowMicros)
  return text === 'now' ? text : `${text} ago`
}

const pad = (value: number, width = 2): string => String(value).padStart(width, '0')

/** '2026-11-20 09:31:12' in UTC or in the reader's zone. */
export function dateTime(micros: number, utc: boolean): string {
  const date = new Date(micros / 1000)
  if (Number.isNaN(date.getTime())) return '?'
  return utc
    ? date.toISOString().slice(0, 19).replace('T', ' ')
    : `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`
}

/** '09:31:12.345'. */
export function timeOfDay(micros: number, utc: boolean): string {
  return `${dateTime(micros, utc).slice(11)}.${pad(Math.floor(micros / 1000) % 1000, 3)}`
}

/** A share in per cent, with enough digits that a small loss is not shown as none. */
export function percent(share: number): string {
  const value = share * 100
  if (value === 0) return '0 %'
  if (value < 0.001) return '< 0.001 %'
  return `${(value < 0.1 ? three : value < 10 ? two : one).format(value)} %`
}

/**
 * Characters that would change how the text around them is read: controls, zero-width ones, bidirectional marks and overrides (Unicode
 * TR 36), tags, and lone surrogates. A host may call itself anything.
 */
const unseen = /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]|[\u{e0000}-\u{e0fff}]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/gu

/** Network text with everything invisible written out as '\u{202E}', so that it can be read and cannot mislead. */
export const visible = (text: string): string => text.replace(unseen, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}}`)

const protocols = new Map([[1, 'ICMP'], [2, 'IGMP'], [6, 'TCP'], [17, 'UDP'], [41, 'IPv6'], [47, 'GRE'], [50, 'ESP'], [58, 'ICMPv6'], [89, 'OSPF'], [132, 'SCTP']])
export const protocolName = (number: number): string => protocols.get(number) ?? `IP ${number}`

/** 'address:port', IPv6 in brackets; ICMP has no ports. */
export function endpoint(address: string, port: number, protocol: number): string {
  if (protocol === 1 || protocol === 58) return address
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
