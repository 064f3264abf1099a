/** How long raw samples are kept: a shorter time than before is put in force only when it is confirmed, since what expires does not come back. */
import type { Store } from './store.ts';

export interface RetentionSetting {
  /** As it is set now; 0: for good. */
  readonly days: number;
  /** `BEFORE:NOW` in days, by which a shorter one is confirmed. */
  readonly shorten: string | undefined;
  readonly nowMs: number;
}

export interface RetentionInForce {
  readonly days: number;
  /** What the operator should hear of it. */
  readonly note?: { readonly level: 'info' | 'warn' | 'error'; readonly message: string };
}

/** Samples are kept this much longer than they are accepted: a late one needs those before it. */
export const GRACE_DAYS = 3;

/** What is in force from now on; a change is recorded. */
export async function settleRetention(store: Store, setting: RetentionSetting): Promise<RetentionInForce> {
  const { days, shorten } = setting;
  const before = await readRetention(store);
  if (before?.days === days) return { days };
  if (before === undefined) {
    await recordRetention(store, setting, 0n, 'the first start');
    return { days };
  }
  const change = `${before.days}:${days}`;
  if (isLonger(days, before.days)) {
    await recordRetention(store, setting, before.seq, `longer than before (${change})`);
    return {
      days,
      note: {
        level: 'info',
        message: `raw samples are kept for ${words(days)} from now on, no longer for ${words(before.days)}`,
      },
    };
  }
  if (shorten === change) {
    await recordRetention(store, setting, before.seq, `UPTALLY_RETENTION_SHORTEN=${change}`);
    const message = `raw samples are kept for ${words(days)} from now on, as UPTALLY_RETENTION_SHORTEN=${change} confirms: what is older expires by and by, two days' worth a day`;
    return { days, note: { level: 'warn', message } };
  }
  return {
    days: before.days,
    note: {
      level: 'error',
      message:
        `UPTALLY_RETENTION_DAYS=${days} would delete evidence that has been kept for ${words(before.days)} so far, and is not in force: nothing is deleted, and ` +
        `${words(before.days)} hold. Set UPTALLY_RETENTION_SHORTEN=${change} to confirm it, or UPTALLY_RETENTION_DAYS=${before.days}`,
    },
  };
}

/** What was put in force last. */
async function readRetention(store: Store): Promise<{ days: number; seq: bigint } | undefined> {
  const [row] = await store.rows<{ days: number; seq: string }>('SELECT days, seq FROM retention ORDER BY seq DESC LIMIT 1');
  return row === undefined ? undefined : { days: row.days, seq: BigInt(row.seq) };
}

async function recordRetention(
  store: Store,
  { days, nowMs }: Pick<RetentionSetting, 'days' | 'nowMs'>,
  after: bigint,
  said: string,
): Promise<void> {
  await store.command(
    `INSERT INTO retention (seq, days, said, recorded_at)
     SELECT ${after + 1n}, ${days}, {said:String}, fromUnixTimestamp64Milli({at:Int64})`,
    { said, at: nowMs },
  );
}

/** Of a database of the version before, which kept samples by a TTL: what that TTL says is what was in force. Without one they were kept for good. */
export async function adoptRetention(store: Store, ttlDays: number | undefined, nowMs: number): Promise<void> {
  if ((await readRetention(store)) !== undefined) return;
  const days = ttlDays === undefined ? 0 : Math.max(1, ttlDays - GRACE_DAYS);
  await recordRetention(store, { days, nowMs }, 0n, 'as the version before kept them');
}

function isLonger(days: number, before: number): boolean {
  return before !== 0 && (days === 0 || days > before);
}

function words(days: number): string {
  return days === 0 ? 'good' : `${days} days`;
}
