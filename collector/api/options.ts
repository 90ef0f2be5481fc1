/** What the API needs from the rest of the collector, as interfaces only: the pipeline hands the implementations in. */
import type { Clock } from '../../proto/process/clock.ts'
import type { Logger } from '../../proto/process/log.ts'
import type { Archive } from '../store/archive.ts'
import type { Store } from '../store/store.ts'
import type { LiveCounts, LiveLimits } from './live.ts'
import type { Alert } from '../../proto/alert.ts'

/** Where sealed batches go. Throws E_BATCH_*, E_SINK_BUSY, E_DATA_FULL; returns once they are in the log. */
export interface BatchDoor {
  accept(body: Uint8Array): Promise<{ taken: number, duplicate: number }>
}

/** The counters one agent last reported, as read from its newest batch. */
export type StreamReport = {
  stream: string
  sensor: string
  boot: string
  /** '' for live traffic. */
  run: string
  vantage: string
  simulated: boolean
  /** Packet clock of the newest batch, microseconds. */
  clockMicros: number
  /** Collector's wall clock when that batch arrived, milliseconds. */
  receivedMs: number
  /** The boot has said its last. */
  last: boolean
  counters: ReadonlyMap<string, number>
  /** Batches that are missing in between and not explained by the sensor. */
  gaps?: number
}

export type LedgerReport = { streams: readonly StreamReport[], collector: ReadonlyMap<string, number> }

export type PartState = 'starting' | 'ready' | 'degraded' | 'failed' | 'stopped'
/** A collector is ready when every part is 'ready' or 'degraded'; `ready` says so. */
export type Readiness = { ready: boolean, parts: readonly { name: string, state: PartState, sinceMs: number, reason: string }[] }

/** One body of event time: live traffic (name '') or a replay. */
export type RunReport = {
  name: string
  /** 'demo' runs are simulated and say so on the page. */
  kind: 'live' | 'demo' | 'replay'
  state: 'running' | 'done'
  /** Collector's wall clock, milliseconds. */
  startedMs: number
  /** First and newest event time, microseconds; 0 while nothing has arrived. */
  fromMicros: number
  clockMicros: number
  records: number
  flows: number
  /** What is replayed: file names, for people. */
  detail: string
}

export type ServerOptions = {
  store: Store
  archive: Archive
  intake: BatchDoor
  ledger: () => LedgerReport
  readiness: () => Readiness
  /** Prometheus text format. */
  metricsText: () => Promise<string>
  /** Runs that the page can show, newest first. */
  runs?: () => readonly RunReport[]
  version: string
  log: Logger
  clock: Clock
  /** How people reach the page, for the Host check and links: 'http://localhost:8420'. */
  publicUrl: string
  /** Folder with the bundled page; without it only the API is served. */
  webRoot?: string
  /** Largest POST /v1/flows body, octets. Default 8 MiB. */
  bodyOctets?: number
  live?: Partial<LiveLimits>
}

export interface LivePublisher {
  /** Sends changed alerts to every open page. Never waits. */
  publish(alerts: readonly Alert[]): void
  counts(): LiveCounts
}

export interface Server {
  /** Gives the address it listens on, 'http://127.0.0.1:8420'; port 0 takes any. Throws E_PORT_IN_USE, E_CONFIG. */
  listen(host: string, port: number): Promise<string>
  readonly live: LivePublisher
  /** Ends open requests and pages, then the listener. */
  close(): Promise<void>
}
