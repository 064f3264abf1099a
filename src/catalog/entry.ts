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

/**
 * The latest version of everything recorded after `seq`, and not after `upToSeq`, in the order it was recorded. Refund checks, which only grow in
 * number, come without their bodies, invoices and debits with their heads only: see `readEntry`.
 */
export async function readEntries(store: Store, afterSeq: bigint, upToSeq = 2n ** 64n - 1n): Promise<Entry[]> {
  const rows = await store.rows<{ kind: Kind; id: string; last: string; at: string; by: string; latest: string }>(
    `SELECT kind, id, max(seq) AS last, argMax(toUnixTimestamp64Milli(recorded_at), seq) AS at,
            argMax(recorded_by, seq) AS by, multiIf(kind = 'refund_check', '', kind IN ('invoice', 'debit'), JSONExtractRaw(argMax(body, seq), 'head'), argMax(body, seq)) AS latest
     FROM catalog WHERE seq > {after:UInt64} AND seq <= {upTo:UInt64} GROUP BY kind, id ORDER BY last`,
    { after: afterSeq.toString(), upTo: upToSeq.toString() },
  );
  return rows.map((row) => ({
    kind: row.kind,
    id: row.id,
    seq: BigInt(row.last),
    recordedAtMs: Number(row.at),
    recordedBy: row.by,
    body: row.latest,
  }));
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
