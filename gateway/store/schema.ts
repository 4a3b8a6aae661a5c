/** The database's tables, and every statement the writer thread knows. */

/** Forward migrations: entry n brings `user_version` n to n + 1. Never change one that has shipped. */
export const migrations: readonly string[] = [
  `CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE accounts (id TEXT PRIMARY KEY, kind TEXT NOT NULL, secret_sha256 TEXT NOT NULL, created_at INTEGER NOT NULL) WITHOUT ROWID;
   CREATE TABLE cases (
     key TEXT PRIMARY KEY, site_id TEXT NOT NULL, class TEXT NOT NULL, place TEXT NOT NULL, drill INTEGER NOT NULL,
     stage TEXT NOT NULL, ended INTEGER NOT NULL, raised_at INTEGER NOT NULL,
     standing TEXT NOT NULL, body TEXT NOT NULL);
   CREATE INDEX cases_open ON cases (key) WHERE ended = 0 OR standing <> '[]';
   CREATE INDEX cases_recent ON cases (raised_at);
   CREATE TABLE rule_memory (rule TEXT NOT NULL, place TEXT NOT NULL, kind TEXT NOT NULL, site_id TEXT NOT NULL, state TEXT NOT NULL,
     PRIMARY KEY (rule, place)) WITHOUT ROWID;
   CREATE TABLE outbox (
     seq INTEGER PRIMARY KEY, connector TEXT NOT NULL, site_id TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL,
     first_class INTEGER NOT NULL, held INTEGER NOT NULL, refused TEXT, body TEXT NOT NULL);
   CREATE TABLE uploads (connector TEXT NOT NULL, sha256 TEXT NOT NULL, site_id TEXT NOT NULL, key TEXT NOT NULL, refused TEXT,
     PRIMARY KEY (connector, sha256)) WITHOUT ROWID;
   CREATE TABLE evidence (sha256 TEXT PRIMARY KEY, site_id TEXT NOT NULL, key TEXT NOT NULL, size INTEGER NOT NULL,
     media_type TEXT NOT NULL, keep TEXT NOT NULL, taken_at INTEGER NOT NULL) WITHOUT ROWID;
   CREATE TABLE last_readings (device_id TEXT PRIMARY KEY, site_id TEXT NOT NULL, at INTEGER NOT NULL, points TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE source_keys (key BLOB PRIMARY KEY, site_id TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
   CREATE INDEX source_keys_age ON source_keys (at);
   CREATE TABLE arrivals (
     seq INTEGER PRIMARY KEY, site_id TEXT NOT NULL, device_id TEXT NOT NULL, at INTEGER NOT NULL, readings TEXT NOT NULL,
     account TEXT, packet_id INTEGER, hash TEXT);
   CREATE TABLE cursors (connector TEXT PRIMARY KEY, cursor TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE mqtt (kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;`,
]

/** What can be written, by name. The number of `?` is the number of values a change carries. */
export const statements = {
  putMeta: 'INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  putAccount:
    'INSERT INTO accounts VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET kind = excluded.kind, secret_sha256 = excluded.secret_sha256, created_at = excluded.created_at',
  putCase: `INSERT INTO cases VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
     stage = excluded.stage, standing = excluded.standing, body = excluded.body`,
  endCase: 'UPDATE cases SET ended = ? WHERE key = ?',
  putMemory:
    'INSERT INTO rule_memory VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET kind = excluded.kind, state = excluded.state',
  putOutbox: 'INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?)',
  releaseOutbox: 'UPDATE outbox SET held = 0, body = ? WHERE seq = ?',
  refuseOutbox: 'UPDATE outbox SET refused = ? WHERE seq = ?',
  settleOutbox: 'DELETE FROM outbox WHERE seq = ?',
  putUpload: 'INSERT INTO uploads VALUES (?, ?, ?, ?, NULL) ON CONFLICT DO NOTHING',
  refuseUpload: 'UPDATE uploads SET refused = ? WHERE connector = ? AND sha256 = ?',
  settleUpload: 'DELETE FROM uploads WHERE connector = ? AND sha256 = ?',
  putEvidence: 'INSERT INTO evidence VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  putLastReadings:
    'INSERT INTO last_readings VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET site_id = excluded.site_id, at = excluded.at, points = excluded.points',
  putSourceKey: 'INSERT INTO source_keys VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  pruneSourceKeys: 'DELETE FROM source_keys WHERE at < ?',
  putArrival: 'INSERT INTO arrivals VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)',
  pruneArrivals: 'DELETE FROM arrivals WHERE seq <= ?',
  putCursor: 'INSERT INTO cursors VALUES (?, ?) ON CONFLICT DO UPDATE SET cursor = excluded.cursor',
  putMqtt: 'INSERT INTO mqtt VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  deleteMqtt: 'DELETE FROM mqtt WHERE kind = ? AND key = ?',
} as const

export type StatementName = keyof typeof statements

export const statementNames = Object.keys(statements) as readonly StatementName[] // keys of a const table

/** One write: a statement and its values. */
export type Change = readonly [StatementName, ...(string | number | null | Uint8Array)[]]
