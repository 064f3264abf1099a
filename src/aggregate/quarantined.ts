/** Increases that are quarantined now. */
import type { Store } from '../store/store.ts';

/** Counted in the whole store. */
export async function countQuarantined(store: Store): Promise<bigint> {
  const [row] = await store.rows<{ n: string }>(
    'SELECT count() AS n FROM (SELECT argMax(withdrawn, version) AS gone FROM anomalies WHERE kind = 1 GROUP BY vm, nic, host, part, ts) WHERE gone = 0',
  );
  return BigInt(row?.n ?? '0');
}
