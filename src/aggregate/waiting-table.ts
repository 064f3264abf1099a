/**
 * The table `repairs`: which VMs wait for repair, and from when on their rows are not yet right. Billing and other processes ask it; an aggregator
 * reads it only when it has neither checkpoint nor log to bring its state back from.
 */
import { MINUTE_MS } from '../domain/zone.ts';
import { leb128 } from '../store/rowbinary.ts';
import type { Store } from '../store/store.ts';
import type { Waiting } from './backlog.ts';

const STRUCTURE =
  'partition_id UInt32, vm String, from_ms Int64, newest_ms Int64, agent String, nics Array(String), samples UInt64, done UInt8, version UInt64';

/** A VM as the table has it. */
export interface WaitingVm {
  readonly vm: string;
  /** Rows from here on are not as they should be. */
  readonly fromMs: number;
  readonly newestMs: number;
}

function minuteOf(ms: number): number {
  return Math.floor(ms / MINUTE_MS) * MINUTE_MS;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8').subarray(0, 127);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}

function rowOf(partition: number, waiting: Omit<Waiting, 'slot' | 'readMs'>, done: boolean, version: bigint): Buffer {
  const id = Buffer.alloc(4);
  id.writeUInt32LE(partition);
  const times = Buffer.alloc(16);
  times.writeBigInt64LE(BigInt(waiting.fromMs));
  times.writeBigInt64LE(BigInt(waiting.newestMs), 8);
  const nics = [...waiting.nics].map(text);
  const end = Buffer.alloc(17);
  end.writeBigUInt64LE(BigInt(waiting.samples));
  end.writeUInt8(done ? 1 : 0, 8);
  end.writeBigUInt64LE(version, 9);
  return Buffer.concat([id, text(waiting.vm), times, text(waiting.agent), leb128(nics.length), ...nics, end]);
}

/** Writes which VMs wait. @param beginningOf from where on a VM that has not been looked at may have to be repaired */
export async function writeWaiting(
  store: Store,
  partition: number,
  some: readonly Waiting[],
  version: bigint,
  beginningOf: (waiting: Waiting) => number,
): Promise<void> {
  const rows = some.map((each) => {
    const fromMs = each.lateMs === Infinity ? each.fromMs : Math.min(each.fromMs, minuteOf(beginningOf(each)));
    return rowOf(partition, { ...each, fromMs }, false, version);
  });
  await store.insertRowBinary('repairs', STRUCTURE, rows);
}

/** Writes which VMs wait no longer. */
export async function writeDone(store: Store, partition: number, vms: readonly string[], version: bigint): Promise<void> {
  const rows = vms.map((vm) =>
    rowOf(
      partition,
      { vm, agent: '', lateMs: 0, latePos: undefined, fromMs: 0, newestMs: 0, nics: new Set(), samples: 0 },
      true,
      version,
    ),
  );
  await store.insertRowBinary('repairs', STRUCTURE, rows);
}

interface LatestRow {
  vm: string;
  latest: [string, string, string, string[], string, number];
}

/** Everything that waits, of all partitions. */
export async function readWaiting(store: Store): Promise<Omit<Waiting, 'slot'>[]> {
  const rows = await store.rows<LatestRow>(
    `SELECT vm, argMax((from_ms, newest_ms, agent, nics, samples, done), version) AS latest FROM repairs
     GROUP BY vm HAVING latest.6 = 0 ORDER BY vm`,
  );
  return rows.map(({ vm, latest: [fromMs, newestMs, agent, nics, samples] }) => ({
    vm,
    agent,
    lateMs: Infinity,
    latePos: undefined,
    fromMs: Number(fromMs),
    readMs: undefined,
    newestMs: Number(newestMs),
    nics: new Set(nics),
    samples: Number(samples),
  }));
}

/** Which VMs the table names as waiting, and the step of the newest word on any of them; undefined when there are none. */
export async function toldBefore(
  store: Store,
  owns: (vm: string) => boolean = () => true,
): Promise<{ vms: string[]; untilSeq: number } | undefined> {
  const rows = await store.rows<{ vm: string; latest: string }>(
    'SELECT vm, max(version) AS latest FROM repairs GROUP BY vm HAVING argMax(done, version) = 0',
  );
  const own = rows.filter(({ vm }) => owns(vm));
  if (own.length === 0) return undefined;
  const untilSeq = own.reduce((newest, { latest }) => Math.max(newest, Number(BigInt(latest) >> 16n)), 0);
  return { vms: own.map(({ vm }) => vm), untilSeq };
}

/** Which of these VMs wait. */
export async function waitingAmong(store: Store, vms: readonly string[]): Promise<Map<string, WaitingVm>> {
  if (vms.length === 0) return new Map();
  const rows = await store.rows<{ vm: string; latest: [string, string, number] }>(
    `SELECT vm, argMax((from_ms, newest_ms, done), version) AS latest FROM repairs WHERE vm IN {vms:Array(String)}
     GROUP BY vm HAVING latest.3 = 0`,
    { vms },
  );
  return new Map(
    rows.map(({ vm, latest: [fromMs, newestMs] }) => [vm, { vm, fromMs: Number(fromMs), newestMs: Number(newestMs) }]),
  );
}
