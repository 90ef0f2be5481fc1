/**
 * What is in the archive's file: the hot table, the position in the log, and the version of both. Readers ask the
 * view `flow`, never the table, so that files of earlier days (sealed to Parquet) can join the view later without a
 * change to any question. Steps are as in the SQLite store: forward, released ones are never edited.
 */
import { columnDefinitions } from './duckdb-columns.ts'

export const archiveSteps: readonly (readonly string[])[] = [
  [
    `CREATE TABLE hot (${columnDefinitions})`,
    'CREATE VIEW flow AS SELECT * FROM hot',
    'CREATE TABLE reader (position BIGINT NOT NULL)',
    'INSERT INTO reader VALUES (0)',
  ],
]
