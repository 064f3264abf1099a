import type { Store } from '../store/store.ts';
import type { Entry } from './entry.ts';

/** Names that need no quoting in SQL. */
const PLAIN = /^[a-z_]+$/;

/**
 * Entries as they are stored, every version of them, in the order in which they were recorded: for who compares what is known in memory with them. Of kinds
 * in `headed` the body is its member `head`. One that an insert has written twice may come twice.
 */
export async function storedEntries(
  store: Store,
  kinds: readonly string[],
  headed: readonly string[],
  afterSeq: bigint,
  limit: number,
): Promise<Entry[]> {
  const quoted = (names: readonly string[]): string => {
    if (!names.every((name) => PLAIN.test(name))) throw new Error('a name of a kind is not plain');
    return names.map((name) => `'${name}'`).join(', ');
  };
  const among = `kind IN (${quoted(kinds)}) AND seq > {after:UInt64}`;
  const rows = await store.rows<{ kind: string; id: string; n: string; at: string; by: string; said: string }>(
    `SELECT kind, id, toString(seq) AS n, toUnixTimestamp64Milli(recorded_at) AS at, recorded_by AS by,
            if(kind IN (${quoted(headed)}) AND JSONHas(body, 'head'), JSONExtractRaw(body, 'head'), body) AS said
     FROM catalog
     WHERE ${among} AND seq <= (SELECT max(seq) FROM (SELECT seq FROM catalog WHERE ${among} ORDER BY seq LIMIT {limit:UInt32}))
     ORDER BY catalog.seq, kind, id`,
    { after: afterSeq.toString(), limit },
  );
  return rows.map(({ kind, id, n, at, by, said }) => ({
    ...{ kind, id, seq: BigInt(n), recordedAtMs: Number(at), recordedBy: by, body: said },
  }));
}
