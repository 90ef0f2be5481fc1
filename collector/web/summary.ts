/** The ledger in one line, for the strip above every page. Pure. */
import type { Ledger } from '../api/schema.ts'

export type Coverage = {
  packets: number
  flows: number
  /** Packets that arrived but are in no flow although they should be, and what the kernel or the card dropped (estimates). */
  lost: number
  /** Share of all packets that came near the sensor; 0 ... 1. */
  lostShare: number
  /** Part of `lost` that only the kernel or the card knows roughly. */
  estimated: number
  recordsDropped: number
  sensors: number
  balanced: boolean
}

const undecodable = ['undecodableLink', 'undecodableTruncated', 'undecodableHeader', 'undecodableNesting', 'undecodableRecord'] as const

/** Adds up the streams of `run` (all when undefined). `balanced` includes the collector's own equations. */
export function coverage(ledger: Ledger, run: string | undefined): Coverage {
  const streams = ledger.streams.filter((stream) => run === undefined || stream.run === run)
  const sum = (...names: string[]): number =>
    streams.reduce((total, { counters }) => names.reduce((all, name) => all + (counters[name] ?? 0), total), 0)
  const estimated = sum('kernelDropped', 'interfaceDropped')
  const lost = sum(...undecodable) + estimated
  const near = sum('frames') + estimated
  return {
    packets: sum('frames'), flows: sum('flowsOpened'), lost, lostShare: near === 0 ? 0 : lost / near, estimated,
    recordsDropped: sum('recordsDropped'), sensors: new Set(streams.map(({ sensor }) => sensor)).size,
    balanced: ledger.collector.balanced && streams.every(({ balanced }) => balanced),
  }
}

/** Names of the stages that the equations of the ledger stand between. */
export const stageNames: Readonly<Record<string, string>> = {
  frames: 'Capture and decode', flows: 'Flow table', packets: 'Packets in records', records: 'Score and seal', delivery: 'Delivery',
  batches: 'Ingest', detection: 'Detection', archive: 'Archive', findings: 'Findings', notifications: 'Notifications',
}
