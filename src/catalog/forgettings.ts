/** What an admin had forgotten: names of VMs that no account has. The entry is durable before its mark is in the log, which says from where on it holds. */
import { z } from 'zod';
import type { Store } from '../store/store.ts';

/** Names in one entry; more are several entries. */
export const FORGOTTEN_NAMES_MAX = 10_000;

/** A forgetting as it is kept. */
export const forgettingBody = z.strictObject({ vms: z.array(z.string()).min(1).max(FORGOTTEN_NAMES_MAX) });
export type ForgettingBody = z.infer<typeof forgettingBody>;

export interface Forgetting {
  readonly seq: bigint;
  readonly vms: readonly string[];
}

/** The forgettings after an entry of the catalog and up to another, one after the other. */
export async function* readForgettings(store: Store, afterSeq: bigint, upToSeq: bigint): AsyncGenerator<Forgetting> {
  for (let after = afterSeq; ;) {
    const [row] = await store.rows<{ seq: string; body: string }>(
      `SELECT toString(catalog.seq) AS seq, body FROM catalog
       WHERE kind = 'forgetting' AND catalog.seq > {after:UInt64} AND catalog.seq <= {upTo:UInt64} ORDER BY catalog.seq LIMIT 1`,
      { after: after.toString(), upTo: upToSeq.toString() },
    );
    if (row === undefined) return;
    after = BigInt(row.seq);
    yield { seq: after, vms: forgettingBody.parse(JSON.parse(row.body)).vms };
  }
}
