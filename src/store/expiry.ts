/**
 * Raw samples expire here and nowhere else: by the log's clock, in whole days, so many a day at most, and never what is held. What goes is counted, told and
 * recorded first.
 */
import { type Cluster, onCluster } from './cluster.ts';
import { literal } from './rowbinary.ts';
import type { Store } from './store.ts';
import { DAY_MS } from '../domain/zone.ts';

/** What one day may delete, whatever the clock or the setting says: a mistake costs two days' evidence, and is told in time. */
export const EXPIRY_DAYS_MAX = 2;
/** Expiry runs once a day: not again before so much of it has gone by. */
const AGAIN_MS = 20 * 3_600_000;
/** Names in one condition; who holds more VMs than this keeps everything. */
const HELD_VMS_MAX = 50_000;

/** A VM whose raw samples are kept beyond their time, from an instant on. */
export interface Hold {
  readonly vm: string;
  readonly fromMs: number;
}

export interface ExpiryOptions {
  readonly store: Store;
  readonly cluster?: Cluster | undefined;
  /** How long raw samples are kept; 0: for good. */
  readonly keptDays: number;
  /** The log's clock; null before its first tick. */
  readonly clockMs: number | null;
  readonly nowMs: number;
  readonly holds: readonly Hold[];
  /** This process itself has run for a day since it last looked: what a record of the future says does not count. */
  readonly hasRunADay?: boolean;
}

export interface Expiry {
  readonly untilMs: number;
  readonly samples: number;
  readonly vms: number;
  /** Samples from before `untilMs` that are held. */
  readonly held: number;
  /** Days that would have expired, too, and wait for their turn. */
  readonly daysLeft: number;
}

/** Lets expire what is due today; undefined when nothing is. Again on the same day does nothing, and after a crash in between the same. */
export async function expireSamples(options: ExpiryOptions): Promise<Expiry | undefined> {
  const { store, keptDays, clockMs, nowMs, holds } = options;
  if (keptDays === 0 || clockMs === null || holds.length > HELD_VMS_MAX) return undefined;
  const last = await lastExpiry(store);
  if (last !== undefined && !isDue(last.atMs, options)) return undefined;
  const targetMs = startOfDay(clockMs - keptDays * DAY_MS);
  const fromMs = last?.untilMs ?? (await oldestDay(store));
  if (fromMs === undefined) return undefined;
  const untilMs = Math.min(targetMs, fromMs + EXPIRY_DAYS_MAX * DAY_MS);
  if (untilMs <= fromMs) return undefined;
  const before = `ts < fromUnixTimestamp64Milli(toInt64(${untilMs}))`;
  const isHeld = heldCondition(holds);
  const [counted] = await store.rows<{ samples: string; vms: string; held: string }>(
    `SELECT countIf(NOT is_held) AS samples, uniqExactIf(vm, NOT is_held) AS vms, countIf(is_held) AS held
     FROM (SELECT vm, ${isHeld} AS is_held FROM samples WHERE ${before}) SETTINGS ${LARGE}`,
  );
  const samples = Number(counted?.samples ?? 0);
  if (samples > 0) await deleteSamples(options, `${before} AND NOT (${isHeld})`);
  const expiry = { untilMs, samples, vms: Number(counted?.vms ?? 0), held: Number(counted?.held ?? 0) };
  await store.command(
    `INSERT INTO expiries (until, samples, vms, held, recorded_at)
     SELECT fromUnixTimestamp64Milli(toInt64(${untilMs})), ${samples}, ${expiry.vms}, ${expiry.held}, fromUnixTimestamp64Milli({at:Int64})`,
    { at: nowMs },
  );
  return { ...expiry, daysLeft: Math.round((targetMs - untilMs) / DAY_MS) };
}

const LARGE = 'max_query_size = 67108864, max_ast_elements = 10000000, max_expanded_ast_elements = 10000000';

function isDue(lastMs: number, { nowMs, hasRunADay }: ExpiryOptions): boolean {
  // recorded by a clock that was ahead: it must not put expiry off until then, nor let it run twice a day
  if (lastMs > nowMs) return hasRunADay === true;
  return nowMs - lastMs >= AGAIN_MS;
}

async function lastExpiry(store: Store): Promise<{ untilMs: number; atMs: number } | undefined> {
  const [row] = await store.rows<{ until: string; at: string; n: string }>(
    'SELECT toUnixTimestamp64Milli(max(until)) AS until, toUnixTimestamp64Milli(max(recorded_at)) AS at, count() AS n FROM expiries',
  );
  return row === undefined || row.n === '0' ? undefined : { untilMs: Number(row.until), atMs: Number(row.at) };
}

async function oldestDay(store: Store): Promise<number | undefined> {
  const [row] = await store.rows<{ oldest: string; n: string }>(
    'SELECT toUnixTimestamp64Milli(min(ts)) AS oldest, count() AS n FROM samples',
  );
  return row === undefined || row.n === '0' ? undefined : startOfDay(Number(row.oldest));
}

/** The mutation goes on in the background, and after a restart. */
async function deleteSamples({ store, cluster }: ExpiryOptions, condition: string): Promise<void> {
  const statement = `ALTER TABLE samples DELETE WHERE ${condition} SETTINGS ${LARGE}`;
  for (const each of cluster === undefined ? [statement] : onCluster(statement, cluster)) await store.command(each);
}

function heldCondition(holds: readonly Hold[]): string {
  const fromMs = new Map<string, number>();
  for (const { vm, fromMs: from } of holds) fromMs.set(vm, Math.min(from, fromMs.get(vm) ?? Infinity));
  if (fromMs.size === 0) return 'false';
  const vms = [...fromMs.keys()].map(literal).join(', ');
  const froms = `CAST([${[...fromMs.values()].join(', ')}], 'Array(Int64)')`;
  return `(vm IN (${vms}) AND toUnixTimestamp64Milli(ts) >= transform(vm, [${vms}], ${froms}, toInt64(0)))`;
}

function startOfDay(ms: number): number {
  return Math.floor(ms / DAY_MS) * DAY_MS;
}
