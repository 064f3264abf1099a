/**
 * How entries are added. Those of several processes come one after another: each process writes what follows the last entry it knows, and of those that write the
 * same `seq` one succeeds. Three things see to it. The insert's token is the seq, so ClickHouse drops every insert but the first. A condition
 * refuses a writer that slept for longer than tokens are remembered. And what is there is read back: a writer takes for its own only what it reads.
 */
import { createHash } from 'node:crypto';
import { type Store, StoreError } from '../store/store.ts';
import { type Entry, rowOf, STRUCTURE } from './entry.ts';

/** Writes entries durably, in order, in one insert: after a crash all of them are there, or none, or at worst the first few. For who alone writes. */
export async function insertEntries(store: Store, entries: readonly Entry[]): Promise<void> {
  await store.insertRowBinary('catalog', STRUCTURE, entries.map(rowOf));
}

/** An insert of more could be cut into parts that are not there at once. */
const BYTES_MAX = 64 * 1024 * 1024;
const ENTRIES_MAX = 50_000;
/** Tokens that may be lost to crashes of the server, one after another, before we say that something is wrong. */
const TOKENS_MAX = 5;

/**
 * Writes entries of ascending seq durably, all of them or none. False: another process has written the first one's seq; nothing of
 * ours is there. Throws StoreError; then they may be there or not.
 */
export async function insertUnlessOvertaken(store: Store, entries: readonly Entry[]): Promise<boolean> {
  const [first] = entries;
  if (first === undefined) return true;
  const rows = entries.map(rowOf);
  const bytes = rows.reduce((sum, row) => sum + row.length, 0);
  if (bytes > BYTES_MAX || entries.length > ENTRIES_MAX) throw new Error('too many entries of the catalog at once');
  for (let life = 0; life < TOKENS_MAX; life += 1) {
    await store.claim('catalog', STRUCTURE, rows, {
      token: `catalog-${first.seq}-${life}`,
      condition: `(SELECT max(seq) FROM catalog) < ${first.seq}`,
    });
    const there = await ownerOf(store, first);
    if (there !== 'nobody') return there === 'us';
    // The server noted the token and was killed before it kept the row: for everybody the next token counts.
  }
  throw new StoreError('claim_lost', `ClickHouse does not keep entry ${first.seq} of the catalog`, true);
}

async function ownerOf(store: Store, entry: Entry): Promise<'us' | 'another' | 'nobody'> {
  const rows = await store.rows<{ kind: string; id: string; at: string; by: string; digest: string }>(
    `SELECT kind, id, toUnixTimestamp64Milli(recorded_at) AS at, recorded_by AS by, lower(hex(SHA256(body))) AS digest
     FROM catalog WHERE seq = {seq:UInt64} LIMIT 1`,
    { seq: entry.seq.toString() },
  );
  const [row] = rows;
  if (row === undefined) return (await lastSeq(store)) >= entry.seq ? 'another' : 'nobody';
  const digest = createHash('sha256').update(entry.body).digest('hex');
  const ours =
    row.kind === entry.kind &&
    row.id === entry.id &&
    Number(row.at) === entry.recordedAtMs &&
    row.by === entry.recordedBy &&
    row.digest === digest;
  return ours ? 'us' : 'another';
}

async function lastSeq(store: Store): Promise<bigint> {
  const [row] = await store.rows<{ last: string }>('SELECT max(seq) AS last FROM catalog');
  return BigInt(row?.last ?? '0');
}
