/**
 * The embedded archive: one DuckDB file, every record a row, the position in the log in the same transaction. What
 * `append` has returned survives kill -9; what it has not is read again from the log by position, so nothing is
 * stored twice.
 *
 * Blocks the thread while a group is handed to the appender (about 13 us a record); commits, checkpoints and questions
 * run on DuckDB's own threads. Limits: memory, threads, temporary files inside the folder; a question ends after
 * `deadlineMs` with E_STORE; at most `readers` questions run at once, the others wait. One process per file: DuckDB
 * locks it, even against readers. No extension is ever fetched, no other file is reachable by SQL.
 *
 * After some failures (a full disk among them) DuckDB refuses all further work until the file is opened anew: the
 * next call does that.
 */
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { BIGINT, DuckDBDataChunk, DuckDBInstance } from '@duckdb/node-api'
import { errnoName, VedetteError } from '../../proto/error.ts'
import { archiveRow, columnTypes, fillChunk, readRow } from './duckdb-columns.ts'
import { byIdStatements, countsStatement, flowsCursor, flowsStatement, maxFlows } from './duckdb-query.ts'
import { archiveSteps } from './duckdb-schema.ts'
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api'
import type { FlowBatch, FlowId } from '../../proto/flow.ts'
import type { Archive, ArchivedFlow, FlowQuery } from './archive.ts'
import type { ArchiveRow } from './duckdb-columns.ts'
import type { Bound } from './duckdb-query.ts'

export type DuckdbOptions = {
  /** The file; its folder is made when missing. */
  path: string
  /** Octets DuckDB may use. Default 512 MiB. */
  memoryLimit?: number
  /** Threads of DuckDB, this one included. Default 2. */
  threads?: number
  /** How long a question may take. Default 5000. */
  deadlineMs?: number
  /** Questions that may run at once. Default 2. */
  readers?: number
}

/** DuckDB's vector size: rows in a chunk. */
const chunkRows = 2048
const interruptMs = 10

type Open = { instance: DuckDBInstance, writer: DuckDBConnection, idle: DuckDBConnection[] }

export class DuckdbArchive implements Archive {
  readonly name = 'duckdb'
  readonly #options: Required<DuckdbOptions>
  #opened: Open | undefined
  #position = 0
  #row = 0
  #wanted = false
  /** Appends, opening and closing, one after the other. */
  #turn: Promise<unknown> = Promise.resolve()
  readonly #queue: (() => void)[] = []
  #asking = 0

  constructor(options: DuckdbOptions) {
    this.#options = { memoryLimit: 512 * 1024 * 1024, threads: 2, deadlineMs: 5000, readers: 2, ...options }
  }

  async open(): Promise<void> {
    this.#wanted = true
    await this.#inTurn(() => this.#connect())
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => undefined)
    return result
  }

  async #connect(): Promise<Open> {
    if (this.#opened !== undefined) return this.#opened
    if (!this.#wanted) throw new VedetteError('E_STORE', 'the archive is not open')
    const { path, memoryLimit, threads, readers } = this.#options
    let instance: DuckDBInstance | undefined
    try {
      mkdirSync(dirname(path), { recursive: true })
      instance = await DuckDBInstance.create(path, {
        memory_limit: `${String(Math.ceil(memoryLimit / 1024))}KiB`, threads: String(threads), temp_directory: join(dirname(path), 'archive-temporary'),
        max_temp_directory_size: '2GiB', autoinstall_known_extensions: 'false', autoload_known_extensions: 'false', checkpoint_threshold: '64MiB',
        // A page is found by its narrow columns first; only its rows are then read whole: three times as fast.
        late_materialization_max_rows: String(maxFlows + 1),
      })
      const writer = await instance.connect()
      await migrate(writer, path)
      await writer.run('SET enable_external_access = false')
      await writer.run('SET lock_configuration = true')
      const [[position, row]] = (await writer.runAndReadAll('SELECT (SELECT position FROM reader), (SELECT coalesce(max(id), 0) FROM hot)')).getRows()
      this.#position = Number(position)
      this.#row = Number(row)
      const idle: DuckDBConnection[] = []
      for (let i = 0; i < readers; i++) idle.push(await instance.connect())
      this.#opened = { instance, writer, idle }
      return this.#opened
    } catch (error) {
      instance?.closeSync()
      throw duckdbError(error, path)
    }
  }

  /** Writes what is only in DuckDB's own log into the file, and gives it free. */
  async close(): Promise<void> {
    this.#wanted = false
    await this.#inTurn(async () => {
      const open = this.#opened
      if (open === undefined) return
      await open.writer.run('CHECKPOINT').catch(() => undefined)
      this.#drop()
    })
  }

  #drop(): void {
    const open = this.#opened
    this.#opened = undefined
    if (open === undefined) return
    for (const connection of open.idle) connection.closeSync()
    open.writer.closeSync()
    open.instance.closeSync()
  }

  async position(): Promise<number> {
    await this.#inTurn(() => this.#connect())
    return this.#position
  }

  append(batches: readonly FlowBatch[], position: number): Promise<{ stored: number, duplicate: number }> {
    return this.#inTurn(async () => {
      const { writer } = await this.#connect()
      const rows: ArchiveRow[] = []
      for (const batch of batches) {
        for (const flow of batch.flows) rows.push(archiveRow(this.#row + rows.length + 1, batch, flow))
      }
      // Read before: its rows are in the file already, together with a position at least as far.
      if (position <= this.#position) return { stored: 0, duplicate: rows.length }
      try {
        await writer.run('BEGIN TRANSACTION')
        if (rows.length > 0) await insert(writer, rows)
        await writer.run('UPDATE reader SET position = $1', [BigInt(position)], [BIGINT])
        await writer.run('COMMIT')
      } catch (error) {
        await this.#recover(writer, error)
        throw duckdbError(error, this.#options.path)
      }
      this.#position = position
      this.#row += rows.length
      return { stored: rows.length, duplicate: 0 }
    })
  }

  /** Ends the failed transaction; where even that fails the file is opened anew by the next call. */
  async #recover(writer: DuckDBConnection, error: unknown): Promise<void> {
    try {
      await writer.run('ROLLBACK')
      if (isFatal(error)) this.#drop()
    } catch (second) {
      // A failed COMMIT has ended the transaction itself.
      if (isFatal(error) || !/no transaction is active/i.test(String(second))) this.#drop()
    }
  }

  async flows(query: FlowQuery): Promise<{ items: ArchivedFlow[], next?: string }> {
    const statement = flowsStatement(query)
    const rows = await this.#ask(statement)
    const items = rows.slice(0, statement.limit).map(readRow)
    const last = items.at(-1)
    return rows.length > statement.limit && last !== undefined
      ? { items, next: flowsCursor(last.endMicros, Number(rows[statement.limit - 1][0])) }
      : { items }
  }

  async byId(ids: readonly FlowId[]): Promise<ArchivedFlow[]> {
    const found: ArchivedFlow[] = []
    for (const statement of byIdStatements(ids)) found.push(...(await this.#ask(statement)).map(readRow))
    return found
  }

  async counts(run?: string): Promise<{ records: number, flows: number }> {
    const [[records, flows]] = await this.#ask(countsStatement(run))
    return { records: Number(records), flows: Number(flows) }
  }

  /** Runs a question on a connection of its own: interrupting one leaves the others alone. */
  async #ask({ sql, values, types }: Bound): Promise<DuckDBValue[][]> {
    if (this.#opened === undefined) await this.#inTurn(() => this.#connect())
    while (this.#asking >= this.#options.readers) await new Promise<void>((resolve) => { this.#queue.push(resolve) })
    const open = this.#opened ?? await this.#inTurn(() => this.#connect())
    this.#asking++
    const connection = open.idle.pop() ?? await open.instance.connect()
    let late = false
    // Again and again, because an interruption before the question has begun is forgotten.
    let deadline = setTimeout(() => {
      late = true
      connection.interrupt()
      deadline = setInterval(() => { connection.interrupt() }, interruptMs)
    }, this.#options.deadlineMs)
    try {
      return (await connection.runAndReadAll(sql, values, types)).getRows()
    } catch (error) {
      if (late) throw new VedetteError('E_STORE', `the question took longer than ${String(this.#options.deadlineMs)} ms`, 'Ask for a shorter time or add a filter', { cause: error })
      if (isFatal(error)) await this.#inTurn(() => { this.#drop(); return Promise.resolve() })
      throw duckdbError(error, this.#options.path)
    } finally {
      clearTimeout(deadline)
      if (this.#opened === open) open.idle.push(connection)
      this.#asking--
      this.#queue.shift()?.()
    }
  }
}

async function insert(writer: DuckDBConnection, rows: readonly ArchiveRow[]): Promise<void> {
  const appender = await writer.createAppender('hot')
  for (let from = 0; from < rows.length; from += chunkRows) {
    const to = Math.min(rows.length, from + chunkRows)
    const chunk = DuckDBDataChunk.create(columnTypes, to - from)
    fillChunk(chunk, rows, from, to)
    appender.appendDataChunk(chunk)
  }
  appender.closeSync()
}

async function migrate(writer: DuckDBConnection, path: string): Promise<void> {
  await writer.run('CREATE TABLE IF NOT EXISTS version (step INTEGER NOT NULL)')
  const known = (await writer.runAndReadAll('SELECT max(step) FROM version')).getRows()[0][0]
  const version = known === null ? 0 : Number(known)
  if (version > archiveSteps.length) {
    throw new VedetteError('E_STORE', `${path} was written by a newer version of Vedette (step ${String(version)}, this one knows ${String(archiveSteps.length)})`, 'Start the newer version')
  }
  for (const [i, statements] of archiveSteps.entries()) {
    if (i < version) continue
    await writer.run('BEGIN TRANSACTION')
    for (const statement of statements) await writer.run(statement)
    await writer.run('INSERT INTO version VALUES ($1)', [i + 1])
    await writer.run('COMMIT')
  }
}

const isFatal = (error: unknown): boolean => /FATAL|invalidated/i.test(String(error))

function duckdbError(error: unknown, path: string): VedetteError {
  if (error instanceof VedetteError) return error
  const why = (error instanceof Error ? error.message : String(error)).split('\n')[0]
  if (/No space left|ENOSPC|disk quota/i.test(why)) return new VedetteError('E_DATA_FULL', `no space left for ${path}`, 'Free some space; the log keeps what is not archived yet', { cause: error })
  if (/Could not set lock/i.test(why)) return new VedetteError('E_DATA_IN_USE', `${path} is in use by another process`, 'Stop that process, or choose another folder with --data', { cause: error })
  if (/permission denied|read-only/i.test(why) || ['EACCES', 'ENOTDIR', 'EEXIST', 'EROFS'].includes(errnoName(error))) {
    return new VedetteError('E_DATA_UNWRITABLE', `cannot write to ${path} (${why})`, 'Check the rights of the folder, or choose another one with --data', { cause: error })
  }
  return new VedetteError('E_STORE', `the archive failed (${why})`, '', { cause: error })
}
