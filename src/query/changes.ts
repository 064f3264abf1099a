import type { Store } from '../store/store.ts';

/** What somebody recorded: one entry of the journal, without what it says. */
export interface Change {
  readonly seq: bigint;
  readonly atMs: number;
  /** A key's name and id, as `name#id`, or who else it was. */
  readonly who: string;
  readonly what: string;
  readonly id: string;
}

export interface ChangesAsked {
  readonly fromMs: number;
  readonly toMs: number;
  readonly afterSeq: bigint;
  readonly limit: number;
  /** A key's name, its id, or both. */
  readonly who?: string | undefined;
  readonly what?: string | undefined;
  readonly id?: string | undefined;
}

/** What processes record for themselves. */
const OWN_KINDS = ['once', 'lease'] as const;

/** Entries that somebody recorded, in the order in which they were. */
export async function changesIn(store: Store, asked: ChangesAsked): Promise<Change[]> {
  const { fromMs, toMs, afterSeq, limit, who = '', what = '', id = '' } = asked;
  const rows = await store.rows<{ n: string; at: string; who: string; what: string; name: string }>(
    `SELECT toString(seq) AS n, toUnixTimestamp64Milli(recorded_at) AS at, recorded_by AS who, kind AS what, id AS name
     FROM catalog
     WHERE seq > {after:UInt64} AND recorded_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
       AND recorded_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
       AND kind NOT IN (${OWN_KINDS.map((kind) => `'${kind}'`).join(', ')})
       AND ({who:String} = '' OR recorded_by = {who:String} OR startsWith(recorded_by, concat({who:String}, '#'))
            OR endsWith(recorded_by, concat('#', {who:String})))
       AND ({what:String} = '' OR kind = {what:String}) AND ({id:String} = '' OR catalog.id = {id:String})
     ORDER BY catalog.seq LIMIT {limit:UInt32}`,
    { after: afterSeq.toString(), from: fromMs, to: toMs, who, what, id, limit },
  );
  return rows.map((row) => ({ seq: BigInt(row.n), atMs: Number(row.at), who: row.who, what: row.what, id: row.name }));
}
