/** The tree keeps the rules of the house, and each rule catches what it is for. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkFile, steps } from './architecture.ts'
import type { Violation } from './architecture.ts'

const root = join(import.meta.dirname, '..')
const files = globSync(['{proto,models,agent,collector,packaging,test}/**/*.{ts,tsx}', '*.ts'], { cwd: root })
  .filter((path) => !/(^|\/)(node_modules|dist)\//.test(path)).toSorted()

const shown = ({ path, line, rule, text }: Violation): string => `${path}:${String(line)} ${rule}: ${text}`

describe('the tree', () => {
  it('keeps every rule', () => {
    expect(files.length).toBeGreaterThan(50)
    expect(files.flatMap((path) => checkFile(path, readFileSync(join(root, path), 'utf8'))).map(shown)).toEqual([])
  })

  it('has no folder under agent or collector that is not a step', () => {
    for (const [process, known] of Object.entries(steps)) {
      const folders = new Set(files.filter((path) => path.startsWith(`${process}/`) && path.split('/').length > 2).map((path) => path.split('/')[1]))
      for (const folder of folders) expect(known).toContain(folder)
    }
  })

  it('has source files of which most are short', () => {
    const lengths = files.filter((path) => !path.startsWith('test/'))
      .map((path) => readFileSync(join(root, path), 'utf8').split('\n').length).toSorted((a, b) => a - b)
    expect(lengths[Math.floor(lengths.length / 2)]).toBeLessThanOrEqual(150)
  })
})

const header = '/** What it is. */\n'
/** Rules broken by a file with a header and this text. */
const broken = (path: string, text: string): string[] => checkFile(path, header + text).map(({ rule }) => rule)

describe('a planted violation is caught', () => {
  it.each([
    ['a value from another step', 'agent/sink/http.ts', "import { Table } from '../flow/table.ts'", 'import'],
    ['the decoder inside the flow engine', 'agent/flow/engine.ts', "import { Decoder } from '../decode/decoder.ts'", 'import'],
    ['a value smuggled in by a dynamic import', 'agent/sink/http.ts', "const { Table } = await import('../flow/table.ts')", 'import'],
    ['a value re-exported', 'agent/sink/http.ts', "export { Table } from '../flow/table.ts'", 'import'],
    ['an inline type beside a value import', 'agent/sink/http.ts', "import { type Table } from '../flow/table.ts'", 'import'],
    ['an import for its side effect', 'agent/sink/http.ts', "import '../flow/table.ts'", 'import'],
    ['a type from a step on the right', 'agent/capture/file.ts', "import type { Http } from '../sink/http.ts'", 'import'],
    ['a type from the right by an import type', 'agent/capture/file.ts', "let x: import('../sink/http.ts').Http", 'import'],
    ['the configuration inside a step', 'agent/flow/table.ts', "import { agentDefaults } from '../config.ts'", 'import'],
    ['the collector in the agent', 'agent/pipeline.ts', "import type { Store } from '../collector/store/store.ts'", 'import'],
    ['the agent in the collector', 'collector/main.ts', "import { FlowEngine } from '../agent/flow/engine.ts'", 'import'],
    ['anything in proto', 'proto/flow.ts', "import { score } from '../models/session.ts'", 'import'],
    ['process in the contract', 'proto/flow.ts', "import { systemClock } from './process/clock.ts'", 'import'],
    ['a stage in models', 'models/vector.ts', "import type { Chunk } from '../agent/flow/chunk.ts'", 'import'],
    ['a stage in packaging', 'packaging/start/main.ts', "import { FlowEngine } from '../../agent/flow/engine.ts'", 'import'],
    ['an import whose path is computed', 'agent/sink/http.ts', 'await import(name)', 'import'],
    ['a seal that reaches into a step', 'agent/seal.ts', "import { FlowEngine } from './flow/engine.ts'", 'import'],
    ['fastify outside the API', 'collector/store/sqlite.ts', "import fastify from 'fastify'", 'package'],
    ['a type of fastify outside the API', 'collector/pipeline.ts', "import type { FastifyInstance } from 'fastify'", 'package'],
    ['a scoped package away from home', 'collector/store/sqlite.ts', "import { DuckDBInstance } from '@duckdb/node-api'", 'package'],
    ['koffi in the file source', 'agent/capture/file.ts', "import koffi from 'koffi'", 'package'],
    ['pino in a stage', 'agent/sink/http.ts', "import { pino } from 'pino'", 'package'],
    ['a package nobody knows', 'agent/sink/http.ts', "import got from 'got'", 'package'],
    ['a module of Node without its prefix', 'agent/sink/http.ts', "import { readFile } from 'fs/promises'", 'package'],
    ['an import without its extension', 'agent/sink/http.ts', "import { Sink } from './sink'", 'extension'],
    ['an enum', 'proto/flow.ts', 'enum A { B }', 'form'],
    ['a const enum', 'proto/flow.ts', 'const enum A { B }', 'form'],
    ['a namespace', 'proto/flow.ts', 'namespace A { export const b = 1 }', 'form'],
    ['a default export', 'proto/flow.ts', 'export default 1', 'form'],
    ['a default function', 'proto/flow.ts', 'export default function a() {}', 'form'],
    ['a parameter property', 'proto/flow.ts', 'class A { constructor(private readonly b: string) {} }', 'form'],
    ['a decorator', 'proto/flow.ts', '@sealed class A {}', 'form'],
    ['the environment in a stage', 'agent/sink/http.ts', 'const a = process.env.URL', 'world'],
    ['the wall clock in a stage', 'collector/detect/port-scan.ts', 'const now = Date.now()', 'world'],
    ['the wall clock by another door', 'collector/detect/port-scan.ts', 'const now = new Date()', 'world'],
    ['chance in a stage', 'agent/sink/deliver.ts', 'const r = Math.random()', 'world'],
    ['a stop-watch in a stage', 'agent/flow/engine.ts', 'const t = performance.now()', 'world'],
    ['a folder named utils', 'agent/utils/time.ts', '', 'name'],
    ['a file named helpers', 'collector/api/route-helpers.ts', '', 'name'],
    ['a manager', 'collector/alert/alert-manager.ts', '', 'name'],
    ['a file in camel case', 'collector/alert/alertGroup.ts', '', 'name'],
    ['a folder in snake case', 'collector/alert_group/a.ts', '', 'name'],
    ['a source file that is too long', 'agent/flow/engine.ts', 'x\n'.repeat(400), 'length'],
    ['a test that is too long', 'test/agent/flow/engine.test.ts', 'x\n'.repeat(600), 'length'],
  ])('%s', (_name, path, text, rule) => {
    expect(broken(path, text)).toContain(rule)
  })

  it('a file without a header', () => {
    expect(checkFile('agent/flow/engine.ts', 'export const a = 1\n').map(({ rule }) => rule)).toEqual(['header'])
  })

  it('with its line', () => {
    expect(checkFile('proto/flow.ts', `${header}\nenum A { B }\n`)).toMatchObject([{ line: 3 }])
  })
})

describe('what is allowed passes', () => {
  it.each([
    ['agent/flow/engine.ts', "import type { Packets } from '../decode/packets.ts'\nimport type { Frames } from '../capture/source.ts'"],
    ['agent/engine.ts', "import { Decoder } from './decode/decoder.ts'"],
    ['agent/flow/table.ts', "import { packetStride } from '../decode/packets.ts'"],
    ['collector/detect/port-scan.ts', "import { DistinctWindows } from '../aggregate/distinct-windows.ts'"],
    ['collector/aggregate/panes.ts', "import type { SeenFlow } from '../detect/detector.ts'"],
    ['collector/alert/group.ts', "import type { Store } from '../store/store.ts'\nimport { VedetteError } from '../../proto/error.ts'"],
    ['agent/pipeline.ts', "import { createSink } from './sink/index.ts'\nimport { FlowEngine } from './flow/engine.ts'"],
    ['agent/seal.ts', "import type { Chunk } from './flow/chunk.ts'\nimport { agentDefaults } from './config.ts'"],
    ['models/session.ts', "import { InferenceSession } from 'onnxruntime-node'\nimport { flowFields } from '../proto/flow.ts'"],
    ['proto/process/lock.ts', "import { VedetteError } from '../error.ts'\nconst now = Date.now()"],
    ['collector/store/sqlite-alerts.ts', "import Database from 'better-sqlite3'"],
    ['test/agent/flow/engine.test.ts', "import { FlowEngine } from '../../../agent/flow/engine.ts'\nprocess.env.X = '1'"],
    ['collector/web/page.tsx', "import { signal } from '@preact/signals'\nexport const a = <p>{Date.now()}</p>"],
    ['agent/flow/engine.ts', 'const at = new Date(0)\ndeclare global { var x: number }'],
    ['vitest.config.ts', "import { defineConfig } from 'vitest/config'\nexport default defineConfig({})"],
    ['models/session.ts', "process.env['ORT_DISABLE_TELEMETRY'] = '1'"],
    ['agent/main.ts', ''],
  ])('%s', (path, text) => {
    expect(checkFile(path, header + text)).toEqual([])
  })

  it('a program with a first line for the shell', () => {
    expect(checkFile('agent/main.ts', '#!/usr/bin/env node\n/** The command. */\n')).toEqual([])
  })
})
