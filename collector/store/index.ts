/** What can hold conclusions (stores) and observations (archives), by name. */
import { DuckdbArchive } from './duckdb.ts'
import { SqliteStore } from './sqlite.ts'
import type { Archive } from './archive.ts'
import type { DuckdbOptions } from './duckdb.ts'
import type { SqliteOptions } from './sqlite.ts'
import type { Store } from './store.ts'

export const stores = {
  sqlite: (options: SqliteOptions): Store => new SqliteStore(options),
} as const

export const archives = {
  duckdb: (options: DuckdbOptions): Archive => new DuckdbArchive(options),
} as const

/** The embedded store; `open` it before use. */
export const createStore = (options: SqliteOptions): Store => stores.sqlite(options)

/** The embedded archive; `open` it before use. */
export const createArchive = (options: DuckdbOptions): Archive => archives.duckdb(options)
