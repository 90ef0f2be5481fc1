/**
 * Tables of the SQLite store, as forward steps. A step is never edited once it was released: change comes as a
 * further step. `user_version` is the number of steps a file has seen; a file from a newer Vedette is refused rather
 * than guessed at.
 *
 * Alerts and findings are kept whole as JSON beside the columns that are asked for, so a new field needs no step. The
 * two order indexes hold the columns of the usual filters too: a page of the queue touches the rows it shows and no
 * others.
 */

export type Migration = { name: string, sql: string }

export const migrations: readonly Migration[] = [
  {
    name: 'first tables',
    sql: `
      CREATE TABLE migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;

      CREATE TABLE reader (name TEXT PRIMARY KEY, done INTEGER NOT NULL, resume INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE memory (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
      CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
      CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

      CREATE TABLE alert (
        id TEXT PRIMARY KEY, version INTEGER NOT NULL, fingerprint TEXT NOT NULL, run TEXT NOT NULL, detector TEXT NOT NULL, entity TEXT NOT NULL,
        state TEXT NOT NULL, severity INTEGER NOT NULL, risk REAL NOT NULL, last_micros INTEGER NOT NULL, body TEXT NOT NULL
      ) STRICT;
      CREATE UNIQUE INDEX alert_by_version ON alert (version);
      CREATE INDEX alert_by_fingerprint ON alert (fingerprint, last_micros);
      CREATE INDEX alert_by_entity ON alert (entity, last_micros);
      CREATE INDEX alert_by_newest ON alert (last_micros, id, run, state, severity, detector);
      CREATE INDEX alert_by_risk ON alert (risk, last_micros, id, run, state, severity, detector);

      CREATE TABLE finding (id TEXT PRIMARY KEY, alert_id TEXT NOT NULL, last_micros INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
      CREATE INDEX finding_by_alert ON finding (alert_id, last_micros);

      CREATE TABLE outbox (
        position INTEGER PRIMARY KEY, id TEXT NOT NULL, channel TEXT NOT NULL, alert_id TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL,
        state TEXT NOT NULL, due_ms INTEGER NOT NULL, attempt INTEGER NOT NULL, detail TEXT NOT NULL
      ) STRICT;
      CREATE UNIQUE INDEX outbox_by_id ON outbox (id, channel);
      CREATE INDEX outbox_due ON outbox (due_ms, position) WHERE state = 'waiting';
    `,
  },
]
