/** What `npm start` prints: plain lines, and on a terminal one line that is rewritten while a replay runs. */

export type Screen = { line(text?: string): void, progress(text: string): void }

/** Writes to `out`; progress is rewritten in place on a terminal, elsewhere printed at most every 2 s. */
export function createScreen(out: NodeJS.WriteStream, nowMs: () => number): Screen {
  let shown = false
  let last = -Infinity
  const clear = (): void => { if (shown) { out.write('\r\u001b[2K'); shown = false } }
  return {
    line: (text = '') => { clear(); out.write(`${text}\n`) },
    progress: (text) => {
      if (out.isTTY) { clear(); out.write(text.slice(0, Math.max(20, out.columns - 1))); shown = true }
      else if (nowMs() - last >= 2000) { last = nowMs(); out.write(`${text}\n`) }
    },
  }
}

const grouped = new Intl.NumberFormat('en-GB')

/** 1234567 -> '1,234,567'. */
export const count = (value: number): string => grouped.format(value)

/** Octets for people: kB = 1000. */
export function octets(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let at = 0
  while (value >= 1000 && at < units.length - 1) { value /= 1000; at++ }
  return `${at === 0 ? String(value) : value.toFixed(1)} ${units[at]}`
}

/** Milliseconds for people: '3.4 s', '2 min 5 s'. */
export function duration(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  const hours = Math.floor(seconds / 3600)
  return hours > 0 ? `${String(hours)} h ${String(Math.floor(seconds % 3600 / 60))} min` : `${String(Math.floor(seconds / 60))} min ${String(seconds % 60)} s`
}

/** A bar of `width` cells. */
export function bar(fraction: number, width = 28): string {
  const cells = Math.round(Math.min(1, Math.max(0, fraction)) * width)
  return `${'█'.repeat(cells)}${'░'.repeat(width - cells)}`
}
