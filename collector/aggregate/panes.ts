/** Event time is cut into panes of 30 s; a window is the 20 panes that end with the newest one. */
export const paneMicros = 30e6
/** Panes of a window: 10 minutes. */
export const windowPanes = 20
/** Panes kept: a record up to 15 minutes late still lands where it belongs. */
export const keptPanes = 30
export const windowMicros = paneMicros * windowPanes
/** Pane of an event time; absurd times are clamped, so that panes fit 31 bits. */
export const paneOf = (micros: number): number => Math.max(0, Math.min(Math.floor(micros / paneMicros), 0x7fffff00))

/** Entries a window structure may hold. */
export type Capacity = {
  /** Keys with their own window. */
  keys: number
  /** Slots for keys with at most three members; a power of two. */
  slots: number
  /** Keys with more than 256 members: up to 30 kB each. */
  wide: number
}

/** Entries held and entries given up because a cap was reached. */
export type Held = { entries: number, evicted: number }
