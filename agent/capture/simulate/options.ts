/** What a simulated office may be asked for. */
import { VedetteError } from '../../../proto/error.ts'

export const attackKinds = ['port-scan', 'host-sweep', 'brute-force', 'dns-tunnel', 'beacon', 'exfiltration', 'syn-flood'] as const
export type AttackKind = typeof attackKinds[number]

/** Counts up whenever the same seed gives other bytes; part of the cached capture's name. */
export const generatorVersion = 3

export type SimulateOptions = {
  /** Decides everything: cast, times, payload. A whole number from 0. */
  seed: number
  /** Length of the capture in event time, 0.25 ... 24. Default 2. */
  hours?: number
  /** Hosts of the LAN, 30 ... 200. Default 60. */
  hosts?: number
  /** When the capture begins, microseconds since 1970. Default Monday 2026-01-12 08:00 UTC. */
  startMicros?: number
  /** Which attacks take place, each once. Default all. */
  attacks?: 'all' | 'none' | readonly AttackKind[]
}

/** The same, nothing left open. */
export type FullOptions = {
  seed: number
  hours: number
  hosts: number
  startMicros: number
  endMicros: number
  attacks: readonly AttackKind[]
}

/** Fills in the defaults. Throws E_USAGE for what is out of range. */
export function fullOptions(options: SimulateOptions): FullOptions {
  const { seed, hours = 2, hosts = 60, startMicros = Date.UTC(2026, 0, 12, 8) * 1000, attacks = 'all' } = options
  const refuse = (text: string): never => { throw new VedetteError('E_USAGE', text) }
  if (!Number.isSafeInteger(seed) || seed < 0) refuse(`seed ${seed} is not a whole number from 0`)
  if (!(hours >= 0.25 && hours <= 24)) refuse(`hours ${hours} is not between 0.25 and 24`)
  if (!Number.isInteger(hosts) || hosts < 30 || hosts > 200) refuse(`hosts ${hosts} is not a whole number between 30 and 200`)
  if (!Number.isSafeInteger(startMicros) || startMicros < 0) refuse(`startMicros ${startMicros} is not a time in microseconds since 1970`)
  const chosen = attacks === 'all' ? attackKinds : attacks === 'none' ? [] : attackKinds.filter((kind) => attacks.includes(kind))
  return { seed, hours, hosts, startMicros, endMicros: startMicros + Math.round(hours * 3600e6), attacks: chosen }
}

/** File name for the cache: differs whenever the bytes would. */
export function captureName(options: SimulateOptions): string {
  const { seed, hours, hosts, startMicros, attacks } = fullOptions(options)
  const usual = fullOptions({ seed })
  const differences = [
    hours === usual.hours ? '' : `-${hours}h`, hosts === usual.hosts ? '' : `-${hosts}hosts`,
      startMicros === usual.startMicros ? '' : `-at${startMicros}`,
    attacks.length === attackKinds.length ? '' : attacks.length === 0 ? '-benign' : `-${attacks.join('+')}`,
  ]
  return `office-v${generatorVersion}-seed${seed}${differences.join('')}.pcap`
}
