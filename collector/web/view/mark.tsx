/** Drawn signs. Severity is told by colour, shape and word at once, so that none of them is needed alone. */
import type { Severity } from '../../../proto/alert.ts'

const shapes: Record<Severity, string> = {
  // Octagon, triangle, diamond, ring: told apart at 10 px and without colour.
  critical: 'M5.2 1h5.6L15 5.200v5.600L10.800 15H5.200L1 10.800V5.200z',
  high: 'M8 1.200 15.400 14.500H.6z',
  medium: 'M8 .8 15.200 8 8 15.200.8 8z',
  low: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zm0 2.200a3.800 3.800 0 1 1 0 7.600 3.800 3.800 0 0 1 0-7.600z',
}

export function SeverityShape({ severity }: { severity: Severity }): preact.JSX.Element {
  return <svg class="shape" viewBox="0 0 16 16" aria-hidden="true"><path d={shapes[severity]} fill-rule="evenodd" /></svg>
}

export function Badge({ severity, risk }: { severity: Severity, risk: number }): preact.JSX.Element {
  return (
    <span class={`badge ${severity}`}>
      <SeverityShape severity={severity} />
      <b>{Math.round(risk)}</b>
      <span class="word">{severity}</span>
    </span>
  )
}

const icons = {
  queue: 'M3.500 5.500h2m3 0h8M3.500 10h2m3 0h8M3.500 14.500h2m3 0h8',
  sensors: 'M10 11.500a1.500 1.500 0 1 0 0-3 1.500 1.500 0 0 0 0 3M6.200 13.800a5.400 5.400 0 0 1 0-7.600m7.600 0a5.400 5.400 0 0 1 0 7.600M3.600 16.400a9 9 0 0 1 0-12.800m12.800 0a9 9 0 0 1 0 12.800',
  help: 'M7.500 7.600A2.500 2.500 0 1 1 10.600 10c-.4.200-.6.500-.6 1v.6m0 2.400v.2M10 17.500a7.500 7.500 0 1 0 0-15 7.500 7.500 0 0 0 0 15',
  back: 'M12 4.500 6.500 10l5.500 5.500',
  open: 'M8 4.500H4.500v11h11V12M11 4.500h4.500V9m0-4.500L9.500 10.500',
  auto: 'M10 3a7 7 0 1 0 0 14zM10 3a7 7 0 0 1 0 14',
  light: 'M10 13.200a3.200 3.200 0 1 0 0-6.400 3.200 3.200 0 0 0 0 6.400M10 2.500v1.600m0 11.800v1.600M2.500 10h1.600m11.800 0h1.600M4.700 4.700l1.100 1.100m8.400 8.400 1.100 1.100m0-10.600-1.100 1.100m-8.400 8.400-1.100 1.100',
  dark: 'M16.500 12A7 7 0 0 1 8 3.500 7 7 0 1 0 16.500 12z',
  close: 'M5.500 5.500l9 9m0-9-9 9',
  equal: 'M4.500 10.500l3.700 3.700L15.800 6',
  unequal: 'M4.500 8h11M4.500 12h11M13 4 7 16',
} as const
export type IconName = keyof typeof icons

export function Icon({ name }: { name: IconName }): preact.JSX.Element {
  return <svg class={name === 'auto' ? 'icon half' : 'icon'} viewBox="0 0 20 20" aria-hidden="true"><path d={icons[name]} /></svg>
}

/** A lance with its pennon: what a vedette carries. */
export function Pennon(): preact.JSX.Element {
  return <svg class="pennon" viewBox="0 0 32 32" aria-hidden="true"><path class="staff" d="M9 5v22" /><path class="flag" d="M11 6.500 26 9l-5.500 3.600L26 16.500 11 18z" /></svg>
}
