#!/usr/bin/env node
/**
 * vedette-agent. Reads the command line and the configuration, puts the pipeline together, runs it, says how it went. A parent
 * process that opened an IPC channel gets progress and the final ledger as messages; the agent ends when that parent is gone.
 */
import { lookup } from 'node:dns/promises'
import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { agentEquations, balance } from '../proto/ledger.ts'
import type { AgentLedger } from '../proto/ledger.ts'
import { systemClock } from '../proto/process/clock.ts'
import { showConfig } from '../proto/process/config.ts'
import { runParts } from '../proto/process/lifecycle.ts'
import { createLogger } from '../proto/process/log.ts'
import type { Logger } from '../proto/process/log.ts'
import { runMain } from '../proto/process/main.ts'
import { readOrMakeKey } from '../proto/signature.ts'
import { createSource } from './capture/index.ts'
import type { Source } from './capture/source.ts'
import { readCommand, usage } from './command.ts'
import type { Command } from './command.ts'
import { loadAgentConfig } from './config.ts'
import type { AgentConfig } from './config.ts'
import { randomBoot, replayBoot } from './identity.ts'
import { assemble, effective } from './pipeline.ts'
import { alreadyStored } from './stored.ts'

const version = '0.1.0'
const clock = systemClock
const progressMs = 200

const tell = (message: Record<string, unknown>): void => { process.send?.(message) }

/** Everything a parent needs to show how far the work has come. */
function progress(source: Source, ledger: AgentLedger): Record<string, unknown> {
  const { fraction, name } = source.progress()
  return {
    type: 'progress', fraction, name, packets: source.counters.frames, octets: source.counters.octets, flows: ledger.get('flowsOpened'),
    records: ledger.get('recordsMade'), acknowledged: ledger.get('recordsAcknowledged'),
    kernelDropped: source.counters.kernelDropped, ignored: source.counters.ignored,
  }
}

/** The interfaces of the configuration; what this host itself sends to the collector is left out, and counted. */
async function liveSource({ capture, sink }: AgentConfig): Promise<Source> {
  const { hostname: host, port, protocol } = new URL(sink.url)
  const addresses = sink.kind === 'http' ? await lookup(host.replace(/^\[|\]$/g, ''), { all: true }).catch(() => []) : []
  return createSource({
    kind: 'interface', interfaces: capture.interfaces, filter: capture.filter, promiscuous: capture.promiscuous, snapLength: capture.snapLength,
    ringOctets: capture.ring, own: addresses.map(({ address }) => ({ address, port: Number(port || (protocol === 'https:' ? 443 : 80)) })),
  })
}

async function work(command: Command, config: AgentConfig, log: Logger): Promise<void> {
  const live = command.name === 'capture'
  const source = live ? await liveSource(config) : createSource({ kind: 'file', paths: command.files })
  const delivered = config.sink.kind === 'http' || config.sink.kind === 'file'
  const boot = live || !delivered ? randomBoot() : await replayBoot(command.files, effective(config), config.run)
  const run = live || config.run !== '' ? config.run : `replay-${boot.slice(0, 8)}`
  if (command.skipStored && config.sink.kind === 'http') {
    const stored = await alreadyStored(config.sink.url, run, boot)
    if (stored !== undefined) {
      tell({ type: 'done', stored: true, run, boot, octets: 0, elapsedMs: 0, ledger: stored, warnings: [] })
      return
    }
  }
  const startedMs = clock.monotonicMs()
  let stop = (): void => undefined
  const assembled = await assemble({
    config, sensor: config.sensor ?? hostname(), source, boot, run, live, clock, log, random: Math.random,
    key: delivered ? readOrMakeKey(config.keyFile) : new Uint8Array(32), onReaderGone: () => { stop() },
  })
  const { pipeline, ledger } = assembled
  const { host, port } = config.metrics
  // Loaded only where it is wanted: the metrics library is a fifth of the start-up.
  const serving = port === 0 ? [] : [(await import('./serve-metrics.ts')).metricsPart({ host, port, version, source, assembled })]
  stop = () => { pipeline.stop() }
  const timer = setInterval(() => { tell(progress(source, ledger)) }, progressMs)
  tell({ type: 'started', run, boot })
  try {
    await runParts([
      { name: 'pipeline', start: () => undefined, stop: () => assembled.close() },
      ...serving,
    ], {
      log,
      work: async (signal) => {
        signal.addEventListener('abort', stop)
        await pipeline.run()
      },
    })
  } finally {
    clearInterval(timer)
  }
  tell(progress(source, ledger))
  for (const { code, text } of source.warnings) log.warn(code, text)
  for (const { name, left, right, balanced } of balance(agentEquations, ledger.snapshot())) {
    if (!balanced) log.error('ledger-unbalanced', `the ledger's ${name} equation does not balance: ${String(left)} != ${String(right)}`)
  }
  const elapsedMs = clock.monotonicMs() - startedMs
  log.info('done', `${String(ledger.get('frames'))} packets, ${String(ledger.get('flowsOpened'))} flows, ${(elapsedMs / 1000).toFixed(2)} s`, Object.fromEntries(ledger.snapshot()))
  tell({ type: 'done', stored: false, run, boot, octets: source.counters.octets, elapsedMs, ledger: Object.fromEntries(ledger.snapshot()), warnings: source.warnings })
}

async function simulate({ seed, folder }: Command): Promise<void> {
  // Fifty files that a sensor never needs: read only here.
  const { captureName, writeCapture } = await import('./capture/simulate/index.ts')
  const path = join(folder, captureName({ seed }))
  if (!existsSync(path)) await writeCapture(path, { seed, onProgress: (fraction, packets) => { tell({ type: 'progress', fraction, packets }) } })
  tell({ type: 'made', path })
  if (process.send === undefined) process.stdout.write(`${path}\n`)
}

async function main(): Promise<number> {
  const command = readCommand(process.argv.slice(2))
  if (command.name === 'help') { process.stdout.write(usage); return 0 }
  if (command.name === 'version') { process.stdout.write(`vedette-agent ${version}\n`); return 0 }
  const load = () => loadAgentConfig({ file: command.configFiles, env: process.env, flags: command.flags })
  if (command.name === 'config') return showConfig('vedette-agent', command.topic, load)
  const loaded = load()
  const log = createLogger({ name: 'vedette-agent', level: loaded.config.log.level, format: loaded.config.log.format })
  for (const warning of loaded.warnings) log.warn('config', warning)
  if (command.name === 'simulate') await simulate(command)
  else await work(command, loaded.config, log)
  if (process.connected) process.disconnect()
  return 0
}

runMain('vedette-agent', main)
