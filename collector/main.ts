#!/usr/bin/env node
/**
 * vedette-collector. Opens the stores, the journal and the models, starts the two readers of the journal, and serves the API and the
 * page until it is told to stop. Stops in reverse order within 5 s: no request is taken, the readers finish the group in hand, the
 * checkpoint is written. A parent process with an IPC channel is told when it is ready; the collector ends when that parent is gone.
 */
import { join } from 'node:path'
import { makeFolder } from '../proto/folder.ts'
import { newCollectorLedger } from '../proto/ledger.ts'
import { systemClock } from '../proto/process/clock.ts'
import { loadConfig, showConfig } from '../proto/process/config.ts'
import { runParts } from '../proto/process/lifecycle.ts'
import { lockFolder } from '../proto/process/lock.ts'
import type { Part } from '../proto/process/lifecycle.ts'
import { createLogger } from '../proto/process/log.ts'
import type { Logger } from '../proto/process/log.ts'
import { runMain } from '../proto/process/main.ts'
import { readOrMakeKey } from '../proto/signature.ts'
import { Dispatcher } from './alert/dispatch.ts'
import { Grouper } from './alert/grouper.ts'
import { createServer } from './api/server.ts'
import type { Server } from './api/options.ts'
import type { Channel } from './channel/channel.ts'
import { createChannel } from './channel/index.ts'
import { readCommand, usage } from './command.ts'
import { loadCollectorConfig } from './config.ts'
import type { ChannelConfig, CollectorConfig } from './config.ts'
import { detectorSchema, readDetectorSettings } from './detect/index.ts'
import { createEnricher } from './enrich/enricher.ts'
import { createExplainer } from './explain/explain.ts'
import { Intake } from './ingest/intake.ts'
import { Journal } from './ingest/journal.ts'
import { LogReader } from './ingest/reader.ts'
import { createCollectorMetrics } from './metrics.ts'
import type { CollectorMetricName } from './metrics.ts'
import { archiving, Detection, detectionReader } from './pipeline.ts'
import { createRescorer } from './rescore/rescorer.ts'
import { Standing } from './standing.ts'
import { createArchive, createStore } from './store/index.ts'

const version = '0.1.0'
const clock = systemClock
const shippedBundle = join(import.meta.dirname, '../models/flow-anomaly/1')
const shippedThresholds = join(import.meta.dirname, '../packaging/config/detectors.yaml')
const webRoot = join(import.meta.dirname, 'web/dist')
const retainEveryMs = 60_000
/** A commit costs a disk flush whatever it holds: the readers wait this long for batches to share one. */
const lingerMs = { detection: 50, archive: 250 }
const GiB = 2 ** 30
const archiveGroupOctets = 4 * 2 ** 20

const makeChannel = ({ name, kind, url, secret }: ChannelConfig, log: Logger): Channel =>
  createChannel(name, { kind, ...(url === undefined ? {} : { url }), ...(secret === undefined ? {} : { secret }) }, { clock, log })

/** Opens everything, in the order in which it depends on each other; gives the parts to start and stop. */
async function assemble(config: CollectorConfig, log: Logger, stopping: AbortController): Promise<{ parts: Part[], url: () => string }> {
  makeFolder(config.data, 0o700)
  const lock = lockFolder(config.data)
  const ledger = newCollectorLedger()
  const store = createStore({ path: join(config.data, 'state.sqlite') })
  store.open()
  const { memory: memoryLimit, threads } = config.archive
  const archive = createArchive({ path: join(config.data, 'flows.duckdb'), memoryLimit, threads })
  await archive.open()
  // A journal that was removed must not begin again below what the readers have stored: its records would be passed over.
  const floor = Math.max(store.position(detectionReader).done, await archive.position())
  const journal = await Journal.open({ dir: join(config.data, 'journal'), segmentOctets: config.journal.segment, floor, clock, log })
  const intake = await Intake.open({
    journal, ledger, clock, log, keys: config.keyFiles.map((path) => readOrMakeKey(path)), maxOctets: config.batchLimit,
    checkpoint: { read: () => store.setting('intake'), write: (text) => { store.setSetting('intake', text) } },
  })
  const bundle = config.detection.rescore ? config.detection.bundle ?? shippedBundle : undefined
  const rescorer = await createRescorer({ bundle, log, clock })
  const publicUrl = config.publicUrl ?? `http://localhost:${String(config.port)}`
  const dispatcher = new Dispatcher({
    store, clock, log, random: Math.random, publicUrl,
    channels: new Map(config.channels.map((channel) => [channel.name, makeChannel(channel, log)])),
  })
  const { config: thresholds } = loadConfig({
    schema: detectorSchema, defaults: shippedThresholds, file: config.detection.thresholds ?? [], env: process.env, prefix: '',
  })
  const settings = readDetectorSettings(thresholds)
  const page: { server?: Server } = {}
  const detection = new Detection({
    store, ledger, clock, settings,
    enrich: createEnricher({ internal: config.internal }), rescorer, explain: createExplainer(),
    grouper: new Grouper({ channels: config.channels.map(({ name }) => name), notifies: (run) => run === '' || run.startsWith('demo') }),
    onCommit: (alerts, notifications) => {
      if (alerts.length > 0) page.server?.live.publish(alerts)
      if (notifications > 0) dispatcher.poke()
    },
  })
  const timed = async <Result>(name: CollectorMetricName, work: () => Promise<Result>): Promise<Result> => {
    const begunMs = clock.monotonicMs()
    const result = await work()
    metrics.observe(name, (clock.monotonicMs() - begunMs) / 1000)
    return result
  }
  const { done, resume } = store.position(detectionReader)
  const metrics = createCollectorMetrics(ledger)
  const detecting = new LogReader({
    name: detectionReader, journal, from: resume, done, log, lingerMs: lingerMs.detection, signal: stopping.signal,
    apply: (batches, next) => timed('vedette_collector_commit_seconds', () => detection.apply(batches, next)),
  })
  const archived = new LogReader({
    name: 'archive', journal, from: await archive.position(), log, lingerMs: lingerMs.archive, groupOctets: archiveGroupOctets, signal: stopping.signal,
    apply: archiving(archive, ledger),
  })
  ledger.set('recordsArchived', (await archive.counts()).records)
  await Promise.all([detecting.open(), archived.open()])
  const standing = new Standing({ clock, ledger, store, journal, intake, detecting, archived, dispatcher, detection })
  metrics.set('vedette_collector_build_info', 1, { version, node: process.version, model: rescorer.modelHash })
  metrics.beforeScrape(() => { standing.measure(metrics, page.server?.live.counts().clients ?? 0) })
  const opened = await createServer({
    store, archive, intake: { accept: (body) => timed('vedette_collector_batch_seconds', () => intake.accept(body)) },
    ledger: () => standing.ledger(), readiness: () => standing.readiness(), metricsText: () => metrics.text(),
    runs: () => detection.runs.list(), version, log, clock, publicUrl, webRoot, bodyOctets: config.batchLimit,
  })
  page.server = opened
  const running: Promise<void>[] = []
  let timer: NodeJS.Timeout | undefined
  let url = ''
  const parts: Part[] = [
    { name: 'store', start: () => undefined, stop: async () => {
      intake.checkpoint()
      await rescorer.close()
      await archive.close()
      store.close()
      await journal.close()
      lock.release()
    } },
    { name: 'readers', start: () => {
      for (const reader of [detecting, archived]) {
        running.push(reader.run().catch((error: unknown) => { standing.failed(reader.name, error, log) }))
      }
      timer = setInterval(() => {
        const positions = [store.position(detectionReader).resume, archived.progress().position, intake.position()]
        journal.retain({ positions, keepMs: config.journal.retention, keepOctets: 1024 * GiB })
          .catch((error: unknown) => { log.warn('E_STORE', 'old journal files could not be removed', { error }) })
      }, retainEveryMs)
    }, stop: async () => {
      clearInterval(timer)
      // Also when a later part could not start, and no signal told the readers.
      stopping.abort()
      await Promise.all(running)
    } },
    { name: 'dispatcher', start: () => { dispatcher.start() }, stop: () => dispatcher.stop(1000) },
    { name: 'server', start: async () => { url = await opened.listen(config.host, config.port) }, stop: () => opened.close() },
  ]
  return { parts, url: () => url }
}

async function main(): Promise<number> {
  const command = readCommand(process.argv.slice(2))
  if (command.name === 'help') { process.stdout.write(usage); return 0 }
  if (command.name === 'version') { process.stdout.write(`vedette-collector ${version}\n`); return 0 }
  const load = () => loadCollectorConfig({ file: command.configFiles, env: process.env, flags: command.flags })
  if (command.name === 'config') return showConfig('vedette-collector', command.topic, load)
  const loaded = load()
  const { config } = loaded
  const log = createLogger({ name: 'vedette-collector', level: config.log.level, format: config.log.format })
  for (const warning of loaded.warnings) log.warn('config', warning)
  const stopping = new AbortController()
  const { parts, url } = await assemble(config, log, stopping)
  await runParts(parts, {
    log,
    work: (signal) => new Promise((resolve) => {
      log.info('ready', `listening on ${url()}`, { data: config.data })
      process.send?.({ type: 'ready', url: url().replace('127.0.0.1', 'localhost') })
      signal.addEventListener('abort', () => { stopping.abort(); resolve() }, { once: true })
    }),
  })
  if (process.connected) process.disconnect()
  return 0
}

runMain('vedette-collector', main)
