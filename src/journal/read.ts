import type { Store } from '../store/store.ts';
import type { Entry } from './entry.ts';

/**
 * The kinds that a reader wants, each with what of its bodies: all of it, or one member of the JSON object that it is. Of kinds that are not named it learns
 * how far they go.
 */
export type Reading = Readonly<Record<string, 'whole' | { readonly member: string }>>;

/** A name that needs no quoting in SQL. */
const PLAIN = /^[a-z_]+$/;

function sqlOf(reading: Reading): { whole: string; body: string } {
  const kinds = Object.entries(reading);
  if (kinds.length === 0) return { whole: '0', body: "''" };
  const quoted = (name: string): string => {
    if (!PLAIN.test(name)) throw new Error(`${name} is no name of a kind or member`);
    return `'${name}'`;
  };
  const parts = kinds.flatMap(([kind, part]) =>
    part === 'whole' ? [] : [`kind = ${quoted(kind)}, JSONExtractRaw(argMax(body, seq), ${quoted(part.member)})`],
  );
  const whole = 'argMax(body, seq)';
  return {
    whole: `kind IN (${kinds.map(([kind]) => quoted(kind)).join(', ')})`,
    body: parts.length === 0 ? whole : `multiIf(${parts.join(', ')}, ${whole})`,
  };
}

/** How much is read at once: of a big catalog neither the text nor all rows are in memory together. */
const PAGE = 100_000;

/**
 * The entries after `afterSeq`, and not after `upToSeq`, in the order they were recorded, in pages; of several versions in a page only the latest. All that is
 * there of a kind that is not read for is one entry without id and body, which tells the last `seq`.
 */
export async function* readEntries(
  store: Store,
  reading: Reading,
  afterSeq: bigint,
  upToSeq = 2n ** 64n - 1n,
  page = PAGE,
): AsyncGenerator<Entry[]> {
  const { whole, body } = sqlOf(reading);
  let after = afterSeq;
  for (;;) {
    const rows = await store.rows<{
      kind: string;
      name: string;
      last: string;
      at: string;
      by: string;
      latest: string;
      n: string;
    }>(
      `SELECT kind, if(${whole}, id, '') AS name, max(seq) AS last, argMax(toUnixTimestamp64Milli(recorded_at), seq) AS at,
              argMax(recorded_by, seq) AS by, if(name = '', '', ${body}) AS latest, count() AS n
       FROM catalog
       WHERE seq > {after:UInt64} AND seq <= (
         SELECT max(seq) FROM (SELECT seq FROM catalog WHERE seq > {after:UInt64} AND seq <= {upTo:UInt64} ORDER BY seq LIMIT {page:UInt32}))
       GROUP BY kind, name ORDER BY last`,
      { after: after.toString(), upTo: upToSeq.toString(), page },
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows.map((row) => ({
      kind: row.kind,
      id: row.name,
      seq: BigInt(row.last),
      recordedAtMs: Number(row.at),
      recordedBy: row.by,
      body: row.latest,
    }));
    if (rows.reduce((sum, row) => sum + Number(row.n), 0) < page) return;
    after = BigInt(last.last);
  }
}

/** The latest entry of one id, for kinds that are not kept in memory. */
export async function readEntry(store: Store, kind: string, id: string): Promise<Entry | undefined> {
  const [row] = await store.rows<{ last: string; at: string; by: string; latest: string }>(
    `SELECT seq AS last, toUnixTimestamp64Milli(recorded_at) AS at, recorded_by AS by, body AS latest
     FROM catalog WHERE kind = {kind:String} AND id = {id:String} ORDER BY seq DESC LIMIT 1`,
    { kind, id },
  );
  if (row === undefined) return undefined;
  return { kind, id, seq: BigInt(row.last), recordedAtMs: Number(row.at), recordedBy: row.by, body: row.latest };
}

interface Row {
  seq: string;
  at: string;
  by: string;
  body: string;
}

const MEMBERS = 'toString(seq) AS seq, toUnixTimestamp64Milli(recorded_at) AS at, recorded_by AS by, body';

/** The entry of an id that was in force at an instant by the catalog's own clock; undefined before the first. */
export async function entryAt(store: Store, kind: string, id: string, atMs: number): Promise<Entry | undefined> {
  const [row] = await store.rows<Row>(
    `SELECT ${MEMBERS} FROM catalog
     WHERE kind = {kind:String} AND id = {id:String} AND recorded_at <= fromUnixTimestamp64Milli({at:Int64}, 'UTC')
     ORDER BY catalog.seq DESC LIMIT 1`,
    { kind, id, at: atMs },
  );
  return row === undefined ? undefined : entryOf(kind, id, row);
}

/** The entries of an id after a version, in the order they were recorded. */
export async function entriesOf(store: Store, kind: string, id: string, afterSeq: bigint, limit: number): Promise<Entry[]> {
  const rows = await store.rows<Row>(
    `SELECT ${MEMBERS} FROM catalog
     WHERE kind = {kind:String} AND id = {id:String} AND catalog.seq > {after:UInt64} ORDER BY catalog.seq LIMIT {limit:UInt32}`,
    { kind, id, after: afterSeq.toString(), limit },
  );
  return rows.map((row) => entryOf(kind, id, row));
}

function entryOf(kind: string, id: string, { seq, at, by, body }: Row): Entry {
  return { kind, id, seq: BigInt(seq), recordedAtMs: Number(at), recordedBy: by, body };
}

/** The entry of an id that was in force before one; undefined: that one was the first. */
export async function entryBefore(
  store: Store,
  { kind, id, seq }: Pick<Entry, 'kind' | 'id' | 'seq'>,
): Promise<Entry | undefined> {
  const rows = await store.rows<Row>(
    `SELECT ${MEMBERS} FROM catalog
     WHERE kind = {kind:String} AND id = {id:String} AND catalog.seq < {before:UInt64} ORDER BY catalog.seq DESC LIMIT 1`,
    { kind, id, before: seq.toString() },
  );
  return rows[0] === undefined ? undefined : entryOf(kind, id, rows[0]);
}
