import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Store, StoreError } from './store.ts';

/** An insert answered is on disk, and the same insert again under its token is dropped. */
const DURABLE = 'fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 1000';

export interface MigrationOptions {
  /** How long raw samples are kept; 0 keeps them for good. */
  retentionDays: number;
  nowMs: number;
  /** Where the `NNN_*.sql` files are; the product's own by default. */
  directory?: string;
}

/**
 * Brings the tables to the product's version: each `NNN_*.sql` runs once, in order, and is recorded with its checksum.
 * Afterwards the samples' TTL is set to the retention now configured. Throws StoreError `migration_changed` when a file
 * that has already run is no longer what it was, `migration_unknown` when the database is of a newer version.
 */
export async function migrate(store: Store, options: MigrationOptions): Promise<{ applied: string[] }> {
  await store.command(
    `CREATE TABLE IF NOT EXISTS migrations (name String, checksum String, applied_at DateTime64(3, 'UTC'))
     ENGINE = MergeTree ORDER BY name SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`,
  );
  const rows = await store.rows<{ name: string; checksum: string }>(
    'SELECT name, any(checksum) AS checksum FROM migrations GROUP BY name',
  );
  const recorded = new Map(rows.map((row) => [row.name, row.checksum]));

  const directory = options.directory ?? schemasDirectory();
  const names = (await readdir(directory)).filter((name) => /^\d{3}_.*\.sql$/.test(name)).sort();
  const unknown = [...recorded.keys()].find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new StoreError('migration_unknown', `the database has migration ${unknown}, which this version does not know`, false);
  }

  const applied: string[] = [];
  for (const name of names) {
    const text = await readFile(join(directory, name), 'utf8');
    const checksum = createHash('sha256').update(text).digest('hex');
    const before = recorded.get(name);
    if (before === checksum) continue;
    if (before !== undefined) {
      throw new StoreError('migration_changed', `${name} has already run here with other content; add a new file instead`, false);
    }
    for (const statement of statementsOf(substitute(text, options.retentionDays))) await store.command(statement);
    await store.command(
      'INSERT INTO migrations (name, checksum, applied_at) SELECT {name:String}, {checksum:String}, fromUnixTimestamp64Milli({at:Int64})',
      { name, checksum, at: options.nowMs },
    );
    applied.push(name);
  }
  await setSamplesTtl(store, options.retentionDays);
  return { applied };
}

/** The statements of a file: each ends with a semicolon at the end of a line; what holds only comments is none. */
export function statementsOf(text: string): string[] {
  return text
    .split(/;[ \t]*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement.replace(/--.*$/gm, '').trim() !== '');
}

function substitute(text: string, retentionDays: number): string {
  const ttl = retentionDays === 0 ? '' : `TTL ${ttlExpression(retentionDays)}`;
  return text.replaceAll('{{samples_ttl}}', ttl).replaceAll('{{durable}}', DURABLE);
}

function ttlExpression(retentionDays: number): string {
  return `toDateTime(ts) + INTERVAL ${retentionDays} DAY`;
}

/** A changed retention reaches an existing table here; without a change nothing is rewritten. */
async function setSamplesTtl(store: Store, retentionDays: number): Promise<void> {
  const [table] = await store.rows<{ engine_full: string }>(
    "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = 'samples'",
  );
  if (table === undefined) return;
  const days = /toIntervalDay\((\d+)\)/.exec(table.engine_full)?.[1];
  if (Number(days ?? 0) === retentionDays) return;
  await store.command(
    retentionDays === 0 ? 'ALTER TABLE samples REMOVE TTL' : `ALTER TABLE samples MODIFY TTL ${ttlExpression(retentionDays)}`,
  );
}

/** `schemas/clickhouse` of this installation: beside `src` in the sources, one level further up in `dist`. */
function schemasDirectory(): string {
  for (let directory = dirname(fileURLToPath(import.meta.url)); ; directory = dirname(directory)) {
    const candidate = join(directory, 'schemas', 'clickhouse');
    if (existsSync(candidate)) return candidate;
    if (directory === dirname(directory)) throw new Error('schemas/clickhouse is missing from this installation');
  }
}
