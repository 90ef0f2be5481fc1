/** Risk from its parts: a sum, 0 to 100, that always shows what it is made of. */
import type { RiskPart } from '../../proto/alert.ts'

/**
 * Parts of an alert and of a new finding: of each name the part with more points stays, so the risk of an alert never
 * falls by itself.
 */
export function mergeParts(held: readonly RiskPart[], added: readonly RiskPart[]): RiskPart[] {
  const parts = new Map(held.map((part) => [part.name, part]))
  for (const part of added) {
    const known = parts.get(part.name)
    if (known === undefined || part.points >= known.points) parts.set(part.name, part)
  }
  return [...parts.values()]
}

export function riskOf(parts: readonly RiskPart[]): number {
  return Math.max(0, Math.min(100, parts.reduce((sum, { points }) => sum + points, 0)))
}
