/** Starts the real server on a free port over the fakes, with everything a test may want to change. */
import { createServer } from '../../../collector/api/server.ts'
import type { BatchDoor, LedgerReport, Readiness, RunReport, Server, ServerOptions } from '../../../collector/api/options.ts'
import { FakeArchive, FakeStore, StillClock, rememberingLog } from './fake.ts'
import type { LogLine } from './fake.ts'

export type Served = {
  server: Server
  url: string
  port: number
  store: FakeStore
  archive: FakeArchive
  clock: StillClock
  lines: LogLine[]
  intake: BatchDoor & { answer: () => Promise<{ taken: number, duplicate: number }>, bodies: Uint8Array[] }
  readiness: { now: Readiness }
  ledger: { now: LedgerReport }
  runs: RunReport[]
  close(): Promise<void>
}

export async function serve(change: Partial<ServerOptions> = {}, atPort = 0): Promise<Served> {
  const store = new FakeStore()
  const archive = new FakeArchive()
  const clock = new StillClock()
  const log = rememberingLog()
  const bodies: Uint8Array[] = []
  const intake: Served['intake'] = {
    bodies, answer: async () => ({ taken: 1, duplicate: 0 }),
    accept(body) { bodies.push(body); return intake.answer() },
  }
  const readiness: Served['readiness'] = { now: { ready: true, parts: [{ name: 'journal', state: 'ready', sinceMs: clock.ms, reason: '' }] } }
  const ledger: Served['ledger'] = { now: { streams: [], collector: new Map() } }
  const runs: RunReport[] = []
  const server = await createServer({
    store, archive, intake, clock, log, version: '0.1.0', publicUrl: 'http://vedette.example:8420', ledger: () => ledger.now,
    readiness: () => readiness.now, metricsText: async () => '# HELP vedette_up 1 while running\nvedette_up 1\n', runs: () => runs, ...change,
  })
  const url = await server.listen('127.0.0.1', atPort)
  const { lines } = log
  const port = Number(new URL(url).port)
  return { server, url, port, store, archive, clock, lines, intake, readiness, ledger, runs, close: () => server.close() }
}
