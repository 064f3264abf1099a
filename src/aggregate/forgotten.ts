/** What is on record of names that were forgotten: the tables `names_forgotten` and `forgettings`. Counts of a step that was done again are lower, never higher. */
import { MINUTE_MS } from '../domain/zone.ts';
import { literal } from '../store/rowbinary.ts';
import type { Store } from '../store/store.ts';

/** Names in one question. */
const NAMES_ASKED = 1000;
/** Agents that are named of a VM. */
const AGENTS_MAX = 16;

export interface Where {
  /** The entry of the catalog. */
  readonly seq: bigint;
  readonly partition: number;
  /** The last record before which the names were others'. */
  readonly position: number;
}

/** What goes with a name. */
export interface GoneName {
  readonly vm: string;
  /** Versions of raw samples. */
  readonly samples: number;
  /** Those of them that a later one had replaced. */
  readonly conflicts: number;
  /** Some of its samples had expired before: the count is not of all that were accepted. */
  readonly expired: boolean;
  /** null without samples */
  readonly firstMs: number | null;
  readonly lastMs: number | null;
  readonly agents: readonly string[];
}

/** All that was ever forgotten, in one sum. */
export interface ForgottenSum {
  readonly vms: number;
  readonly samples: bigint;
  readonly conflicts: bigint;
  readonly expired: boolean;
}

export const NOTHING_FORGOTTEN: ForgottenSum = { vms: 0, samples: 0n, conflicts: 0n, expired: false };

/** Counts what is stored of some VMs. @param upTo the highest position or version that goes */
export async function namesThatGo(store: Store, vms: readonly string[], upTo: bigint): Promise<GoneName[]> {
  const gone: GoneName[] = [];
  for (let at = 0; at < vms.length; at += NAMES_ASKED) {
    const asked = vms.slice(at, at + NAMES_ASKED);
    const list = asked.map(literal).join(', ');
    const samples = await store.rows<{ vm: string; versions: string; firstMs: string; lastMs: string; agents: string[] }>(
      `SELECT vm, uniqExact(pos) AS versions, toUnixTimestamp64Milli(min(ts)) AS firstMs,
              toUnixTimestamp64Milli(max(ts)) AS lastMs, arraySort(groupUniqArray(${AGENTS_MAX})(agent)) AS agents
       FROM samples WHERE vm IN (${list}) AND pos <= ${upTo} GROUP BY vm`,
    );
    const minutes = await store.rows<{ vm: string; firstSecond: number }>(
      `SELECT vm, toUnixTimestamp(min(minute)) AS firstSecond FROM uptime WHERE vm IN (${list}) AND version <= ${upTo} GROUP BY vm`,
    );
    const conflicts = await store.rows<{ vm: string; n: string }>(
      `SELECT vm, uniqExact(pos) AS n FROM anomalies WHERE kind = 2 AND vm IN (${list}) AND version <= ${upTo} GROUP BY vm`,
    );
    const conflictsOf = new Map(conflicts.map((row) => [row.vm, Number(row.n)]));
    const byVm = new Map(samples.map((row) => [row.vm, row]));
    const firstMinutes = new Map(minutes.map((row) => [row.vm, row.firstSecond * 1000]));
    for (const vm of asked) {
      const row = byVm.get(vm);
      const firstMs = row === undefined ? null : Number(row.firstMs);
      const minuteMs = firstMinutes.get(vm);
      gone.push({
        vm,
        samples: Number(row?.versions ?? 0),
        conflicts: conflictsOf.get(vm) ?? 0,
        expired: minuteMs !== undefined && (firstMs === null || minuteMs < firstMs - MINUTE_MS),
        firstMs,
        lastMs: row === undefined ? null : Number(row.lastMs),
        agents: row?.agents ?? [],
      });
    }
  }
  return gone;
}

const NAMES_STRUCTURE =
  'seq UInt64, partition_id UInt32, vm String, position UInt64, samples UInt64, conflicts UInt64, expired UInt8, first_ts Int64, last_ts Int64, agents Array(String)';

export async function writeNames(store: Store, where: Where, names: readonly GoneName[]): Promise<void> {
  const rows = names.map((name) =>
    Buffer.concat([
      u64(where.seq),
      u32(where.partition),
      text(name.vm),
      u64(where.position, name.samples, name.conflicts),
      Buffer.of(name.expired ? 1 : 0),
      u64(name.firstMs ?? 0, name.lastMs ?? 0),
      Buffer.of(name.agents.length),
      ...name.agents.map(text),
    ]),
  );
  await store.insertRowBinary('names_forgotten', NAMES_STRUCTURE, rows);
}

const HEAD_STRUCTURE = 'seq UInt64, partition_id UInt32, position UInt64, duplicate UInt64, conflict UInt64';

/** What had been counted when a forgetting took place: its names are on record. */
export async function writeHead(store: Store, where: Where, duplicate: bigint, conflict: bigint): Promise<void> {
  const row = Buffer.concat([u64(where.seq), u32(where.partition), u64(where.position, duplicate, conflict)]);
  await store.insertRowBinary('forgettings', HEAD_STRUCTURE, [row]);
}

export async function readHead(
  store: Store,
  seq: bigint,
  partition: number,
): Promise<{ duplicate: bigint; conflict: bigint } | undefined> {
  const [row] = await store.rows<{ n: string; duplicate: string; conflict: string }>(
    `SELECT count() AS n, max(duplicate) AS duplicate, max(conflict) AS conflict
     FROM forgettings WHERE seq = ${seq} AND partition_id = ${partition}`,
  );
  if (row === undefined || row.n === '0') return undefined;
  return { duplicate: BigInt(row.duplicate), conflict: BigInt(row.conflict) };
}

/** The last forgetting that took place in a partition up to a record; 0 without any. */
export async function lastForgetting(store: Store, partition: number, upToPosition: number): Promise<bigint> {
  const [row] = await store.rows<{ last: string }>(
    `SELECT max(seq) AS last FROM forgettings WHERE partition_id = ${partition} AND position <= ${upToPosition}`,
  );
  return BigInt(row?.last ?? '0');
}

/** A VM's row in a subquery: of several counts the highest. */
const COUNTED = `SELECT seq, vm, max(samples) AS n, argMax(conflicts, samples) AS replaced, max(expired) AS gone_before
  FROM names_forgotten GROUP BY seq, vm`;

export async function readForgotten(store: Store): Promise<ForgottenSum> {
  const [row] = await store.rows<{ vms: string; samples: string; conflicts: string; expired: number }>(
    `SELECT count() AS vms, sum(n) AS samples, sum(replaced) AS conflicts, max(gone_before) AS expired FROM (${COUNTED})`,
  );
  if (row === undefined) return NOTHING_FORGOTTEN;
  return {
    vms: Number(row.vms),
    samples: BigInt(row.samples),
    conflicts: BigInt(row.conflicts),
    expired: row.expired === 1,
  };
}

function u64(...values: (number | bigint)[]): Buffer {
  return Buffer.from(BigUint64Array.from(values, (value) => BigInt.asUintN(64, BigInt(value))).buffer);
}

function u32(value: number): Buffer {
  return Buffer.from(Uint32Array.of(value).buffer);
}

/** At most 127 bytes: names of VMs and keys have 64. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8').subarray(0, 127);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}
