/**
 * What the first byte of a payload tells `failing-worker.ts` to do.
 */
export const order = { echo: 0, exit: 1, throw: 2, hang: 3, refuse: 4, hold: 5, release: 6 } as const
