import type { Store } from '../store/store.ts';
import type { Entry, Kind } from './entry.ts';

/** What was in force when: read from the entries themselves, which are only ever added. */

interface Row {
  seq: string;
  at: string;
  by: string;
  body: string;
}

const MEMBERS = 'toString(seq) AS seq, toUnixTimestamp64Milli(recorded_at) AS at, recorded_by AS by, body';

/** The entry of an id that was in force at an instant by the catalog's own clock; undefined before the first. */
export async function entryAt(store: Store, kind: Kind, id: string, atMs: number): Promise<Entry | undefined> {
  const [row] = await store.rows<Row>(
    `SELECT ${MEMBERS} FROM catalog
     WHERE kind = {kind:String} AND id = {id:String} AND recorded_at <= fromUnixTimestamp64Milli({at:Int64}, 'UTC')
     ORDER BY catalog.seq DESC LIMIT 1`,
    { kind, id, at: atMs },
  );
  return row === undefined ? undefined : entryOf(kind, id, row);
}

/** The entries of an id after a version, in the order they were recorded. */
export async function entriesOf(store: Store, kind: Kind, id: string, afterSeq: bigint, limit: number): Promise<Entry[]> {
  const rows = await store.rows<Row>(
    `SELECT ${MEMBERS} FROM catalog
     WHERE kind = {kind:String} AND id = {id:String} AND catalog.seq > {after:UInt64} ORDER BY catalog.seq LIMIT {limit:UInt32}`,
    { kind, id, after: afterSeq.toString(), limit },
  );
  return rows.map((row) => entryOf(kind, id, row));
}

function entryOf(kind: Kind, id: string, { seq, at, by, body }: Row): Entry {
  return { kind, id, seq: BigInt(seq), recordedAtMs: Number(at), recordedBy: by, body };
}
