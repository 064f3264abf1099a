import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { installedFolder } from '../process/installation.ts';
import { type Cluster, localName, onCluster } from './cluster.ts';
import { LOCK_COLUMNS, LOCK_TABLE, underLock } from './lock.ts';
import { adoptRetention } from './retention.ts';
import { type Store, StoreError } from './store.ts';

/**
 * What an answered insert brought is on disk, also after it was merged: by default a merge is not flushed, and the parts it replaces are
 * removed some minutes later, so that a power cut may take rows along that were flushed long before. The same insert again under its
 * token is dropped.
 */
const DURABLE =
  'fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, ' +
  'non_replicated_deduplication_window = 1000';

/** Makes the table that says how long samples are kept. */
const RETENTION_FILE = '008_retention.sql';

/** How long a process may take before another one steps in. */
const LEASE_MS = 60_000;

export interface MigrationOptions {
  nowMs: number;
  /** Where the `NNN_*.sql` files are; the product's own by default. */
  directory?: string;
  /** Makes the tables those of a cluster. */
  cluster?: Cluster | undefined;
}

/**
 * Brings the tables to the product's version: each `NNN_*.sql` runs once, in order, and is recorded with its checksum.
 * A TTL of samples, which the version before had, is taken away: what it said is put on record first. Any number of processes may do so at once: one works, the others
 * wait for it. Throws StoreError `migration_changed` when a file that has already run is no longer what it was,
 * `migration_unknown` when the database is of a newer version.
 */
export async function migrate(store: Store, options: MigrationOptions): Promise<{ applied: string[] }> {
  const run = async (statement: string): Promise<void> => {
    const { cluster } = options;
    for (const each of cluster === undefined ? [statement] : onCluster(statement, cluster)) await store.command(each);
  };
  await run(
    `CREATE TABLE IF NOT EXISTS migrations (name String, checksum String, applied_at DateTime64(3, 'UTC'))
     ENGINE = MergeTree ORDER BY name SETTINGS ${DURABLE}`,
  );
  const files = await filesIn(options.directory ?? installedFolder('schemas/clickhouse'));
  if ((await pendingOf(store, files)).length === 0 && (await samplesTtl(store, options)) === undefined) return { applied: [] };

  await run(`CREATE TABLE IF NOT EXISTS ${LOCK_TABLE} ${LOCK_COLUMNS} ENGINE = MergeTree ORDER BY term SETTINGS ${DURABLE}`);
  return underLock({ store, holder: randomUUID(), leaseMs: LEASE_MS }, async () => {
    const applied: string[] = [];
    const isOld = (await samplesTable(store, options)) !== undefined;
    // what another process has done meanwhile is recorded now
    for (const { name, text, checksum } of await pendingOf(store, files)) {
      for (const statement of statementsOf(substitute(text))) await run(statement);
      await store.command(
        'INSERT INTO migrations (name, checksum, applied_at) SELECT {name:String}, {checksum:String}, fromUnixTimestamp64Milli({at:Int64})',
        { name, checksum, at: options.nowMs },
      );
      applied.push(name);
    }
    const ttlDays = await samplesTtl(store, options);
    // The record comes first: after a crash in between the TTL is still there to be read.
    if (isOld && (ttlDays !== undefined || applied.includes(RETENTION_FILE))) await adoptRetention(store, ttlDays, options.nowMs);
    if (ttlDays !== undefined) await run('ALTER TABLE samples REMOVE TTL');
    return { applied };
  });
}

interface MigrationFile {
  readonly name: string;
  readonly text: string;
  readonly checksum: string;
}

async function filesIn(directory: string): Promise<MigrationFile[]> {
  const names = (await readdir(directory)).filter((name) => /^\d{3}_.*\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(directory, name), 'utf8');
      return { name, text, checksum: createHash('sha256').update(text).digest('hex') };
    }),
  );
}

/** The files that have not run yet. */
async function pendingOf(store: Store, files: readonly MigrationFile[]): Promise<MigrationFile[]> {
  const rows = await store.rows<{ name: string; checksum: string }>(
    'SELECT name, any(checksum) AS checksum FROM migrations GROUP BY name',
  );
  const recorded = new Map(rows.map((row) => [row.name, row.checksum]));
  const unknown = [...recorded.keys()].find((name) => !files.some((file) => file.name === name));
  if (unknown !== undefined) {
    throw new StoreError('migration_unknown', `the database has migration ${unknown}, which this version does not know`, false);
  }
  return files.filter(({ name, checksum }) => {
    const before = recorded.get(name);
    if (before !== undefined && before !== checksum) {
      throw new StoreError('migration_changed', `${name} has already run here with other content; add a new file instead`, false);
    }
    return before === undefined;
  });
}

/** The statements of a file: each ends with a semicolon at the end of a line; what holds only comments is none. */
export function statementsOf(text: string): string[] {
  return text
    .split(/;[ \t]*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement.replace(/--.*$/gm, '').trim() !== '');
}

function substitute(text: string): string {
  return text.replaceAll('{{samples_ttl}}', '').replaceAll('{{durable}}', DURABLE);
}

/** How the table of raw samples was made; undefined where there is none. */
async function samplesTable(store: Store, { cluster }: MigrationOptions): Promise<string | undefined> {
  const [table] = await store.rows<{ engine_full: string }>(
    'SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = {name:String}',
    { name: cluster === undefined ? 'samples' : localName('samples') },
  );
  return table?.engine_full;
}

/** The days of the TTL that samples have, if they have one. */
async function samplesTtl(store: Store, options: MigrationOptions): Promise<number | undefined> {
  const days = /toIntervalDay\((\d+)\)/.exec((await samplesTable(store, options)) ?? '')?.[1];
  return days === undefined ? undefined : Number(days);
}
