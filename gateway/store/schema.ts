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
  `CREATE TABLE breaches (rule TEXT NOT NULL, place TEXT NOT NULL, drill INTEGER NOT NULL, kind TEXT NOT NULL, site_id TEXT NOT NULL,
     seq INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (rule, place, drill)) WITHOUT ROWID;
   CREATE TABLE quota_periods (rule TEXT NOT NULL, site_id TEXT NOT NULL, drill INTEGER NOT NULL, began_at INTEGER NOT NULL,
     cases INTEGER NOT NULL, PRIMARY KEY (rule, site_id, drill)) WITHOUT ROWID;
   CREATE TABLE would_be (
     seq INTEGER PRIMARY KEY, rule TEXT NOT NULL, place TEXT NOT NULL, site_id TEXT NOT NULL, class TEXT NOT NULL, drill INTEGER NOT NULL,
     since INTEGER NOT NULL, at INTEGER NOT NULL, held_by TEXT NOT NULL, why TEXT NOT NULL, outcome TEXT, ended_at INTEGER);
   CREATE INDEX would_be_of ON would_be (rule, site_id);
   CREATE TABLE rule_modes (seq INTEGER PRIMARY KEY, rule TEXT NOT NULL, site_id TEXT NOT NULL, mode TEXT NOT NULL, version INTEGER NOT NULL,
     decided_by TEXT NOT NULL, at INTEGER NOT NULL, reason TEXT NOT NULL);
   CREATE TABLE site_trials (site_id TEXT PRIMARY KEY, first_seen INTEGER NOT NULL, reviewed_at INTEGER, live_at INTEGER, live_by TEXT) WITHOUT ROWID;
   INSERT INTO site_trials SELECT site_id, 0, NULL, 0, 'it spoke before there were trials'
     FROM (SELECT site_id FROM rule_memory UNION SELECT site_id FROM last_readings UNION SELECT site_id FROM cases);
   CREATE TABLE filing (key TEXT PRIMARY KEY, rule TEXT NOT NULL, site_id TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT,
     raised_at INTEGER NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
   CREATE INDEX filing_age ON filing (at);
   UPDATE cases SET standing = '[]' WHERE ended = 1;`,
  `CREATE TABLE commands (
     id TEXT PRIMARY KEY, site_id TEXT NOT NULL, device_id TEXT NOT NULL, part TEXT NOT NULL, command TEXT NOT NULL,
     by_kind TEXT NOT NULL, by_id TEXT NOT NULL, reason TEXT NOT NULL, case_key TEXT, asked_at INTEGER NOT NULL,
     outcome TEXT NOT NULL, detail TEXT NOT NULL, ended_at INTEGER) WITHOUT ROWID;
   CREATE INDEX commands_recent ON commands (asked_at);
   CREATE INDEX commands_under_way ON commands (id) WHERE outcome = 'under-way';
   CREATE TABLE persuasions (
     seq INTEGER PRIMARY KEY, rule TEXT NOT NULL, place TEXT NOT NULL, site_id TEXT NOT NULL, class TEXT NOT NULL,
     began_at INTEGER NOT NULL, body TEXT NOT NULL, outcome TEXT, ended_at INTEGER);
   CREATE INDEX persuasions_open ON persuasions (seq) WHERE outcome IS NULL;`,
  `ALTER TABLE arrivals ADD COLUMN beside TEXT;`,
  `CREATE TABLE credential_lists (site_id TEXT PRIMARY KEY, version INTEGER NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE used_tokens (key TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) WITHOUT ROWID;
   CREATE INDEX used_tokens_age ON used_tokens (expires_at);`,
  `CREATE TABLE drills (
     id TEXT PRIMARY KEY, device_id TEXT NOT NULL, site_id TEXT NOT NULL, began_at INTEGER NOT NULL, until_at INTEGER NOT NULL,
     begun_by TEXT NOT NULL, ended_at INTEGER, hops TEXT) WITHOUT ROWID;
   CREATE INDEX drills_of ON drills (device_id, began_at);
   CREATE TABLE acceptances (
     seq INTEGER PRIMARY KEY, device_id TEXT NOT NULL, site_id TEXT NOT NULL, at INTEGER NOT NULL, accepted_by TEXT NOT NULL, body TEXT NOT NULL);
   CREATE INDEX acceptances_of ON acceptances (device_id);
   CREATE TABLE replacements (
     seq INTEGER PRIMARY KEY, device_id TEXT NOT NULL, site_id TEXT NOT NULL, at INTEGER NOT NULL, replaced_by TEXT NOT NULL, body TEXT NOT NULL);
   CREATE INDEX replacements_of ON replacements (device_id);`,
  `CREATE TABLE rule_changes (
     seq INTEGER PRIMARY KEY, pack TEXT NOT NULL, instead_of TEXT, changed_by TEXT NOT NULL, at INTEGER NOT NULL, state TEXT NOT NULL,
     detail TEXT NOT NULL, ended_at INTEGER, body TEXT NOT NULL);`,
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
  deleteMemory: 'DELETE FROM rule_memory WHERE rule = ? AND place = ?',
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
  putArrival: 'INSERT INTO arrivals VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)',
  // The newest stays: SQLite would begin to number anew in an empty table, and who follows the log goes by number.
  pruneArrivals: 'DELETE FROM arrivals WHERE seq <= ? AND seq < (SELECT max(seq) FROM arrivals)',
  putCursor: 'INSERT INTO cursors VALUES (?, ?) ON CONFLICT DO UPDATE SET cursor = excluded.cursor',
  putMqtt: 'INSERT INTO mqtt VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  deleteMqtt: 'DELETE FROM mqtt WHERE kind = ? AND key = ?',
  putBreach:
    'INSERT INTO breaches VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET kind = excluded.kind, seq = excluded.seq, body = excluded.body',
  deleteBreach: 'DELETE FROM breaches WHERE rule = ? AND place = ? AND drill = ?',
  putQuotaPeriod:
    'INSERT INTO quota_periods VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET began_at = excluded.began_at, cases = excluded.cases',
  putWouldBe: 'INSERT INTO would_be VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)',
  endWouldBe: 'UPDATE would_be SET outcome = ?, ended_at = ? WHERE seq = ?',
  pruneWouldBe: 'DELETE FROM would_be WHERE seq <= ?',
  putRuleMode: 'INSERT INTO rule_modes VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  putSiteTrial:
    'INSERT INTO site_trials VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET reviewed_at = excluded.reviewed_at, live_at = excluded.live_at, live_by = excluded.live_by',
  putFiling:
    'INSERT INTO filing VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET outcome = excluded.outcome, reason = excluded.reason, at = excluded.at',
  pruneFiling: 'DELETE FROM filing WHERE at < ?',
  putCommand: 'INSERT INTO commands VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  endCommand: 'UPDATE commands SET outcome = ?, detail = ?, ended_at = ? WHERE id = ?',
  pruneCommands: 'DELETE FROM commands WHERE asked_at < ?',
  putPersuasion:
    'INSERT INTO persuasions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body, outcome = excluded.outcome, ended_at = excluded.ended_at',
  dropPersuasion: "UPDATE persuasions SET outcome = 'dropped', ended_at = ? WHERE seq = ?",
  prunePersuasions: 'DELETE FROM persuasions WHERE seq <= ? AND outcome IS NOT NULL',
  putRuleChange:
    'INSERT INTO rule_changes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state, detail = excluded.detail, ended_at = excluded.ended_at, body = excluded.body',
  pruneRuleChanges: 'DELETE FROM rule_changes WHERE seq <= ?',
  putCredentialList:
    'INSERT INTO credential_lists VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version, at = excluded.at, body = excluded.body',
  putUsedToken: 'INSERT INTO used_tokens VALUES (?, ?) ON CONFLICT DO NOTHING',
  pruneUsedTokens: 'DELETE FROM used_tokens WHERE expires_at < ?',
  putDrill:
    'INSERT INTO drills VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET ended_at = excluded.ended_at, hops = excluded.hops',
  putAcceptance: 'INSERT INTO acceptances VALUES (NULL, ?, ?, ?, ?, ?)',
  putReplacement: 'INSERT INTO replacements VALUES (NULL, ?, ?, ?, ?, ?)',
} as const

export type StatementName = keyof typeof statements

export const statementNames = Object.keys(statements) as readonly StatementName[] // keys of a const table

/** One write: a statement and its values. */
export type Change = readonly [StatementName, ...(string | number | null | Uint8Array)[]]
