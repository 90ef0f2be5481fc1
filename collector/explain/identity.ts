/**
 * Ids of findings and alerts. A fingerprint has no version in it: an edited rule continues its alerts. All are functions
 * of what was seen, so whoever computes them again gets the same.
 */
import { createHash } from 'node:crypto'

export const tenant = 'default'

/** 32 hexadecimal digits of SHA-256 over the parts, written as JSON so that none can run into the next. */
export function identify(...parts: (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}

/** hash(tenant, run, detector, entity, peer). */
export const fingerprintOf = (of: { run: string, detector: string, entity: string, peer: string }): string =>
  identify(tenant, of.run, of.detector, of.entity, of.peer)
