import type { Store } from '../store/store.ts';

export const KINDS = [
  'plan',
  'account',
  'vm',
  'key',
  'event',
  'refund_check',
  'incident',
  'invoice',
  'settlement',
  'debit',
  'balance',
  'forgetting',
] as const;
export type Kind = (typeof KINDS)[number];

/** One version of one thing in the catalog. Entries are only ever added; the one with the highest `seq` is in force. */
export interface Entry {
  kind: Kind;
  id: string;
  seq: bigint;
  recordedAtMs: number;
  /** The name of the key that recorded it. */
  recordedBy: string;
  /** JSON, already checked. */
  body: string;
}

export const STRUCTURE = "kind String, id String, seq UInt64, recorded_at DateTime64(3, 'UTC'), recorded_by String, body String";

/** Writes an entry durably. */
export function insertEntry(store: Store, entry: Entry): Promise<void> {
  return insertEntries(store, [entry]);
}

/** Writes entries durably, in order, in one insert: after a crash all of them are there, or none, or at worst the first few. */
export async function insertEntries(store: Store, entries: readonly Entry[]): Promise<void> {
  await store.insertRowBinary('catalog', STRUCTURE, entries.map(rowOf));
}

/** An entry as a RowBinary row. */
export function rowOf(entry: Entry): Buffer {
  const fixed = (value: bigint): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(value);
    return bytes;
  };
  return Buffer.concat([
    text(entry.kind),
    text(entry.id),
    fixed(entry.seq),
    fixed(BigInt(entry.recordedAtMs)),
    text(entry.recordedBy),
    text(entry.body),
  ]);
}

/** How much is read at once: of a big catalog neither the text nor all rows are in memory together. */
const PAGE = 100_000;

/** What entries are read for: the kinds of which all are wanted, each with what of its body. */
const READINGS = {
  /** Of refund checks, which only grow in number, and of names that were forgotten nothing; of invoices and debits the heads: see `readEntry`. */
  view: {
    whole: '1',
    body: `multiIf(kind IN ('refund_check', 'forgetting'), '', kind IN ('invoice', 'debit'), JSONExtractRaw(argMax(body, seq), 'head'), argMax(body, seq))`,
  },
  /** Plans, and of VMs the dated plans. */
  prices: {
    whole: `kind IN ('plan', 'vm')`,
    body: `if(kind = 'plan', argMax(body, seq), JSONExtractRaw(argMax(body, seq), 'plans'))`,
  },
  keys: { whole: `kind = 'key'`, body: 'argMax(body, seq)' },
} as const;
export type Reading = keyof typeof READINGS;

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
  const { whole, body } = READINGS[reading];
  let after = afterSeq;
  for (;;) {
    const rows = await store.rows<{ kind: Kind; name: string; last: string; at: string; by: string; latest: string; n: string }>(
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
export async function readEntry(store: Store, kind: Kind, id: string): Promise<Entry | undefined> {
  const [row] = await store.rows<{ last: string; at: string; by: string; latest: string }>(
    `SELECT seq AS last, toUnixTimestamp64Milli(recorded_at) AS at, recorded_by AS by, body AS latest
     FROM catalog WHERE kind = {kind:String} AND id = {id:String} ORDER BY seq DESC LIMIT 1`,
    { kind, id },
  );
  if (row === undefined) return undefined;
  return { kind, id, seq: BigInt(row.last), recordedAtMs: Number(row.at), recordedBy: row.by, body: row.latest };
}

/** A RowBinary String: its length in bytes as LEB128, then the bytes. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  const length: number[] = [];
  let rest = bytes.length;
  while (rest > 0x7f) {
    length.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  length.push(rest);
  return Buffer.concat([Buffer.from(length), bytes]);
}
