/**
 * What was observed: every record, for hunting, roll-ups and explanation. The archive is a reader of the log with its
 * position in its own file, written in the same transaction as the rows.
 */
import type { Flow, FlowBatch, FlowId } from '../../proto/flow.ts'

export type ArchivedFlow = Flow & { stream: string, sensor: string, boot: string, run: string, communityId: string }

export type FlowQuery = {
  run?: string
  /** Either side. */
  host?: string
  initiator?: string
  responder?: string
  port?: number
  protocol?: number
  application?: string
  /** Community ID v1, as text: finds both directions, whichever sensor saw them. */
  communityId?: string
  /** Overlapping [fromMicros, toMicros). */
  fromMicros?: number
  toMicros?: number
  /** True: whole flows only (the final row of each); otherwise every part of a long flow is a row. */
  final?: boolean
  /** 1 to 1,000. */
  limit: number
  cursor?: string
}

export interface Archive {
  readonly name: string
  open(): Promise<void>
  close(): Promise<void>
  position(): Promise<number>
  /**
   * Stores batches and the new position in one transaction. Throws E_STORE, E_DATA_FULL; then nothing was stored.
   * Gives the records stored (duplicates are left out).
   */
  append(batches: readonly FlowBatch[], position: number): Promise<{ stored: number, duplicate: number }>
  /** Last seen first. Throws E_REQUEST (cursor), E_STORE (deadline). */
  flows(query: FlowQuery): Promise<{ items: ArchivedFlow[], next?: string }>
  /** The newest part of each flow that is stored, in no particular order. */
  byId(ids: readonly FlowId[]): Promise<ArchivedFlow[]>
  /** Number of records and of whole flows (final rows) of a run; all runs when undefined. */
  counts(run?: string): Promise<{ records: number, flows: number }>
}
