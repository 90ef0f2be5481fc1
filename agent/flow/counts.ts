/**
 * The engine's side of the loss ledger: plain numbers while packets pass, added to the ledger when a chunk is cut.
 * Outcomes of decoding come first, so that an outcome is its own index. Stocks are what is inside now.
 */
import type { AgentCounter, AgentLedger } from '../../proto/ledger.ts'

const names: readonly AgentCounter[] = [
  'framesInFlows', 'notIpArp', 'notIpOther', 'undecodableLink', 'undecodableTruncated', 'undecodableHeader', 'undecodableNesting',
  'frames', 'flowsOpened', 'flowsClosed', 'flowsEvicted', 'packetsReported', 'recordsMade', 'flowsOpen', 'packetsOpen',
]
const stocks = 13

/** Index of each counter. The first seven are the outcomes of decoding. */
export const tally = {
  framesInFlows: 0, frames: 7, flowsOpened: 8, flowsClosed: 9, flowsEvicted: 10, packetsReported: 11, recordsMade: 12,
  flowsOpen: 13, packetsOpen: 14,
} as const

export class Counts {
  readonly values = new Float64Array(names.length)
  private readonly added = new Float64Array(names.length)
  private readonly ledger: AgentLedger

  constructor(ledger: AgentLedger) {
    this.ledger = ledger
  }

  /** Brings the ledger up to date; others add to it as well, so counters are added, not set. */
  flush(): void {
    const { values, added, ledger } = this
    for (let i = 0; i < names.length; i++) {
      if (i >= stocks) ledger.set(names[i], values[i])
      else if (values[i] !== added[i]) {
        ledger.add(names[i], values[i] - added[i])
        added[i] = values[i]
      }
    }
  }

  snapshot(): Map<string, number> {
    this.flush()
    return this.ledger.snapshot()
  }
}
