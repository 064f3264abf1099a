/**
 * A lock for several processes, held in ClickHouse: a term is taken by the one insert under its token, and holds until it is released or its
 * time is up by the server's clock, so it ends by itself when its holder dies. A holder that slept may wake after its time: what is done
 * under the lock must do no harm when it is done twice, also at once. The lock spares waste and confusing errors, no more.
 */
import type { Store } from './store.ts';

export interface LockOptions {
  readonly store: Store;
  /** Tells this process from others: random. */
  readonly holder: string;
  readonly leaseMs: number;
}

export const LOCK_TABLE = 'migration_lock';
export const LOCK_COLUMNS = "(term UInt64, holder String, released UInt8, until DateTime64(3, 'UTC'))";
const ASK_AGAIN_MS = 200;

/** Waits for the lock, does the work, and lets the lock go, also when the work fails. */
export async function underLock<T>(options: LockOptions, work: () => Promise<T>): Promise<T> {
  const { store, holder, leaseMs } = options;
  for (;;) {
    const { last, held, period } = await newest(store, leaseMs);
    if (!held) {
      const term = BigInt(last) + 1n;
      // The period is part of the token: one that the server noted without keeping the row holds nobody up for longer than a lease.
      await store.command(
        `INSERT INTO ${LOCK_TABLE} (term, holder, released, until) SETTINGS insert_deduplication_token = 'lock-${term}-${period}'
         SELECT ${term}, {holder:String}, 0, now64(3) + toIntervalMillisecond(${leaseMs})`,
        { holder },
      );
      if ((await holderOf(store, term)) === holder) {
        try {
          return await work();
        } finally {
          // Where this fails too the lease ends it.
          await release(store, term, holder).catch(() => undefined);
        }
      }
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
}

async function newest(store: Store, leaseMs: number): Promise<{ last: string; held: boolean; period: string }> {
  const [row] = await store.rows<{ last: string; held: number; period: string }>(
    `SELECT max(term) AS last, max(released) = 0 AND max(until) > now64(3) AS held,
            intDiv(toUnixTimestamp64Milli(now64(3)), ${leaseMs}) AS period
     FROM ${LOCK_TABLE} WHERE term = (SELECT max(term) FROM ${LOCK_TABLE})`,
  );
  return { last: row?.last ?? '0', held: row?.held === 1, period: row?.period ?? '0' };
}

async function holderOf(store: Store, term: bigint): Promise<string | undefined> {
  const rows = await store.rows<{ holder: string }>(
    `SELECT holder FROM ${LOCK_TABLE} WHERE term = ${term} AND released = 0 ORDER BY holder LIMIT 1`,
  );
  return rows[0]?.holder;
}

function release(store: Store, term: bigint, holder: string): Promise<void> {
  return store.command(`INSERT INTO ${LOCK_TABLE} (term, holder, released, until) SELECT ${term}, {holder:String}, 1, now64(3)`, {
    holder,
  });
}
