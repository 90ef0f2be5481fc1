/**
 * Numbers, times and foreign text as people read them. Text from the network is made inert: nothing in it can act on a
 * terminal or a page.
 */

const dangerous = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu
const longest = 253

/**
 * Control, format (bidirectional, zero-width) and unassigned characters become \u{...}; longer text than a DNS name is
 * cut.
 */
export function inert(text: string): string {
  const cut = text.length > longest ? `${text.slice(0, longest)}…` : text
  return cut.replace(dangerous, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
}

const grouped = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 1 })

/** 1234567 -> '1,234,567'. */
export const number = (value: number): string => grouped.format(value)

/** 4.1234 -> '4.1'. */
export const decimal = (value: number): string => short.format(value)

/** '1 port', '112 ports'. */
export const counted = (value: number, one: string, many = `${one}s`): string => `${number(value)} ${value === 1 ? one : many}`

/** Distinct counts are exact to 256 and estimates above: '112 ports', 'about 991 ports'. */
export const estimated = (value: number, one: string): string => `${value > 256 ? 'about ' : ''}${counted(value, one)}`

/** Octets in decimal units: '1.2 MB'. */
export function octets(value: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  let unit = 0
  let rest = value
  while (rest >= 1000 && unit < units.length - 1) {
    rest /= 1000
    unit++
  }
  return `${unit === 0 ? number(rest) : decimal(rest)} ${units[unit]}`
}

/** Seconds as the largest fitting unit: '45 s', '3 min', '4 h', '12 days'. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${number(seconds)} s`
  if (seconds < 5400) return `${number(seconds / 60)} min`
  return seconds < 172_800 ? `${decimal(seconds / 3600)} h` : `${number(seconds / 86_400)} days`
}
