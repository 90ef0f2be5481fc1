/** Where things stand on a range chart: pure geometry in per cent of the width. */
import type { Evidence } from '../../proto/alert.ts'

/** Beyond this ratio a linear axis would hide the usual range altogether. */
const linearRatio = 24

export type RangeChart = {
  kind: 'linear' | 'log'
  /** 0 ... 100. */
  value: number
  band?: { from: number, to: number }
  maximum?: number
  threshold?: number
}

/** Places value, usual range, learnt maximum and threshold on one axis that begins at 0. */
export function rangeChart({ value, threshold, usual }: Evidence): RangeChart {
  const marks = [threshold ?? 0, usual?.high ?? 0, usual?.maximum ?? 0]
  const top = Math.max(value, ...marks, 0)
  const reference = Math.max(...marks, 0)
  const log = reference > 0 && value / reference > linearRatio
  // No more than nine decades: whatever is smaller stands at the left end.
  const smallest = log ? Math.max(top / 1e9, Math.min(...[...marks, value].filter((mark) => mark > 0))) : 1
  const weigh = (mark: number): number => log ? Math.log1p(Math.max(0, mark) / smallest) : Math.max(0, mark)
  // Head room, so that the end of the bar is seen to be its end.
  const span = weigh(top) * 1.06
  const at = (mark: number): number => span === 0 ? 0 : Math.round(weigh(mark) / span * 10_000) / 100
  return {
    kind: log ? 'log' : 'linear', value: at(value),
    ...(usual === undefined ? {} : { band: { from: at(usual.low), to: at(usual.high) }, maximum: at(usual.maximum) }),
    ...(threshold === undefined ? {} : { threshold: at(threshold) }),
  }
}

/** What the chart shows, in words. */
export function comparison({ value, threshold, usual }: Evidence): string {
  const times = (base: number): string => {
    const ratio = value / base
    return ratio >= 10 ? `${Math.round(ratio)} times` : `${Math.round(ratio * 10) / 10} times`
  }
  if (usual !== undefined && !usual.learning) {
    if (value >= usual.low && value <= usual.high) return 'within its usual range'
    if (value < usual.low) return 'below its usual range'
    if (usual.maximum > 0) return value > usual.maximum ? `${times(usual.maximum)} its highest so far` : 'above its usual range'
    return 'none of it seen before'
  }
  return threshold !== undefined && threshold > 0 && value >= threshold ? `${times(threshold)} the threshold` : ''
}
