/** Names on the log, with their version. A break of the format is a new topic, never a new meaning. */
export const topics = {
  flows: 'vedette.flows.v1',
  panes: 'vedette.panes.v1',
  events: 'vedette.events.v1',
  alerts: 'vedette.alerts.v1',
  deadLetter: 'vedette.deadletter.v1',
} as const

/** Partition key of a flow batch: order per stream makes dedupe, gaps, clock and ledger cheap. */
export const partitionKey = (batch: { stream: string }): string => batch.stream

/** HTTP media type of a sealed FlowBatch. */
export const batchMediaType = 'application/vnd.vedette.flows.v1+protobuf'
