import type { Store } from '../../store/store.ts';

/** A refund check that was recorded, as far as it can be made again. */
export interface RecordedCheck {
  id: string;
  vm: string;
  atMs: number;
  recordedAtMs: number;
  decision: string;
  ground: string | null;
  amount: string | null;
}

/** Refund checks listed of one page at most, oldest first. */
const LISTED_MAX = 10_000;

/**
 * The checks of some VMs under a terms sheet recorded in [fromMs, toMs), in the order they were recorded; not those that asked
 * what would be under other terms.
 */
export async function recordedChecks(
  store: Store,
  vms: readonly string[],
  terms: string,
  fromMs: number,
  toMs: number,
): Promise<RecordedCheck[]> {
  if (vms.length === 0) return [];
  const rows = await store.rows<{
    id: string;
    vm: string;
    at: string;
    recorded: string;
    decision: string;
    ground: string | null;
    amount: string | null;
  }>(
    `SELECT id, JSONExtractString(body, 'vm') AS vm, JSONExtractString(body, 'at') AS at, toUnixTimestamp64Milli(recorded_at) AS recorded,
            JSONExtractString(body, 'decision') AS decision, JSONExtract(body, 'ground', 'Nullable(String)') AS ground,
            JSONExtract(body, 'amount', 'Nullable(String)') AS amount
     FROM catalog
     WHERE kind = 'refund_check' AND recorded_at >= fromUnixTimestamp64Milli({from:Int64}) AND recorded_at < fromUnixTimestamp64Milli({to:Int64})
       AND vm IN {vms:Array(String)} AND JSONExtractString(body, 'terms') = {terms:String} AND NOT JSONExtractBool(body, 'what_if')
     ORDER BY seq LIMIT 1 BY id LIMIT {max:UInt32}`,
    { from: fromMs.toString(), to: toMs.toString(), vms, terms, max: LISTED_MAX },
  );
  return rows.map(({ at, recorded, ...row }) => ({ ...row, atMs: Date.parse(at), recordedAtMs: Number(recorded) }));
}
