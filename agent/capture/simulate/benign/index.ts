/** Everything that happens in the office by itself, by name. */
import type { Lan } from '../lan.ts'
import { startWeb } from './web.ts'

/** Starts the behaviour's scripts; its frames are counted under `name`. */
export type Behaviour = (lan: Lan, name: string) => void

export const benignScripts: Readonly<Record<string, Behaviour>> = {
  web: startWeb,
}
