/**
 * A month of a whole fleet as the aggregator leaves it in ClickHouse, made there directly: a sample a minute of 10,000 VMs would take the
 * kernel an hour to take in. Uptime, traffic and outages agree with each other; what nothing here reads is left out (raw samples,
 * anomalies, `credit_nanos`). Rows come in slices of time over all VMs, so parts lie as live ingest and its merges would leave them, and
 * not, too kindly, one VM after the other.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { insertEntries } from '../src/journal/append.ts';
import { highestStoredSeq, writeStoredProgress } from '../src/aggregate/stored-progress.ts';
import type { Entry } from '../src/journal/entry.ts';
import { COUNTER_WORDS } from '../src/kernel/layout.ts';
import { newLogId, NOT_ADOPTED } from '../src/log/identity.ts';
import { finishReplacing, makeNewLog } from '../src/log/replace.ts';
import { openEmbeddedStore } from '../src/store/embedded-engine.ts';
import { migrate } from '../src/store/migrations.ts';
import { nameLog } from '../src/store/named-log.ts';
import type { Store } from '../src/store/store.ts';
import { KEY } from './server-process.ts';

export interface FleetSize {
  readonly accounts: number;
  readonly vmsAnAccount: number;
}

/** The month that is billed; every zone's March lies within the rows. */
export const PERIOD = '2026-03';
const FROM_MINUTE = Date.parse('2026-02-28T15:00:00Z') / 60_000;
const TO_MINUTE = Date.parse('2026-04-01T05:00:00Z') / 60_000;
const SLICE_MINUTES = 720;
/** Outages a VM in the month: one in each third of it, so that none touches another. */
const OUTAGES = 3;
const THIRD_MS = 10 * 86_400_000;

/** Five kinds of account: one for each sheet, with its currency, zone and way of counting traffic. */
const KINDS = [
  { terms: 'ipcats', currency: 'CNY', zone: 'Asia/Shanghai', price: '300.00', traffic: metered('sum', 1e11) },
  { terms: 'cmivps-2019', currency: 'USD', zone: 'America/New_York', price: '12.00', traffic: metered('out', 0) },
  { terms: 'cstserver-2022', currency: 'CNY', zone: 'Asia/Shanghai', price: '99.00', traffic: metered('max', 1e10) },
  {
    terms: 'internet-service',
    currency: 'TWD',
    zone: 'Asia/Taipei',
    price: '900.00',
    traffic: { counting: 'p95', price_per_mbps: '8.00' },
  },
  { terms: 'cloud-server-zh', currency: 'JPY', zone: 'Asia/Tokyo', price: '4500', traffic: metered('in', 0) },
] as const;

function metered(counting: string, included: number): object {
  return { counting, included_bytes: included, tiers: [{ up_to: 500, price: '0.10' }, { up_to: null, price: '0.05' }] }; // prettier-ignore
}

export const accountName = (i: number): string => `acct-${String(i).padStart(5, '0')}`;
export const vmName = (i: number): string => `vm-${String(i).padStart(6, '0')}`;
const VM_SQL = "concat('vm-', leftPad(toString(i), 6, '0'))";

/** Makes the fleet in a data folder, unless it is there already; `say` hears how far it is. */
export async function makeFleet(dataDir: string, size: FleetSize, say: (line: string) => void): Promise<void> {
  // a folder of before rows named their log is made anew
  const done = join(dataDir, `fleet-with-log-${size.accounts}x${size.vmsAnAccount}`);
  if (existsSync(done)) return;
  await rm(dataDir, { recursive: true, force: true });
  await mkdir(dataDir, { recursive: true });
  const store = await openFleetStore(dataDir);
  try {
    await migrate(store, { nowMs: 0 });
    await insertEntries(store, catalogOf(size));
    await insertRows(store, size.accounts * size.vmsAnAccount, say);
    await giveLog(dataDir, store);
  } finally {
    await store.close();
  }
  await writeFile(done, '');
}

/** The log that such rows would come from, as it is once all of them are stored and it has let go of them: it goes on above the last. */
async function giveLog(dataDir: string, store: Store): Promise<void> {
  const path = join(dataDir, 'log');
  const last = await highestStoredSeq(store);
  const logId = newLogId(randomBytes);
  const mark = await makeNewLog(path, last + 1, 0n, { logId, createdMs: 0, adoptedFrom: NOT_ADOPTED });
  const counters = Array.from({ length: COUNTER_WORDS }, () => 0n);
  await writeStoredProgress(store, {
    // the month is over by the samples' own time, or it could not be billed
    ...{ seq: last, clock: BigInt(TO_MINUTE * 60_000), counters, catalogSeq: 0n, logId, mark },
    ...{ reach: last, reachCheck: mark.check },
  });
  await nameLog(store, 1, { logId, kind: 'embedded', name: '', firstPosition: last + 1, recordedMs: 0, recordedBy: 'bench' });
  await finishReplacing(path, logId);
}

/** Where the fleet of the benches is: BENCH_FLEET_DIR keeps it for the next run (making it takes as long as a month of 10,000 VMs does). */
export function fleetFolder(): { dir: string; remove: () => void } {
  const kept = process.env['BENCH_FLEET_DIR'];
  if (kept !== undefined && kept !== '') return { dir: kept, remove: () => undefined };
  const dir = mkdtempSync(join(tmpdir(), 'uptally-fleet-'));
  return { dir, remove: () => { rmSync(dir, { recursive: true, force: true }); } }; // prettier-ignore
}

/** The server on a fleet, as users start it. */
export const FLEET_SERVER = {
  UPTALLY_PORT: '0',
  UPTALLY_ADMIN_KEY: KEY,
  UPTALLY_CLOCK: 'event',
  UPTALLY_RETENTION_DAYS: '0',
  UPTALLY_LOG_LEVEL: 'warn',
  UPTALLY_SCHEDULER: 'off',
  UPTALLY_NOTICES: 'off',
} as const;

/** At its first start a server prices the rows of a catalog that is new to it: nothing is timed before that is over. */
export async function settled(url: string): Promise<void> {
  for (;;) {
    const answer = await fetch(`${url}/v1/status`, { headers: { authorization: `Bearer ${KEY}` } });
    const { catalog } = (await answer.json()) as { catalog: { recorded: number; applied: number } };
    if (catalog.applied >= catalog.recorded) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

export function openFleetStore(dataDir: string): Promise<Store> {
  return openEmbeddedStore({ path: join(dataDir, 'clickhouse'), scratchDir: join(dataDir, 'scratch') });
}

function catalogOf({ accounts, vmsAnAccount }: FleetSize): Entry[] {
  const entries: Entry[] = [];
  const put = (kind: Entry['kind'], id: string, body: object): void => {
    entries.push({ kind, id, seq: BigInt(entries.length + 1), recordedAtMs: 0, recordedBy: 'bench', body: JSON.stringify(body) });
  };
  for (const [k, { terms, currency, zone, price, traffic }] of KINDS.entries())
    put('plan', `plan-${k}`, { currency, time_zone: zone, price: { amount: price, per: 'month' }, terms, traffic });
  for (let a = 0; a < accounts; a++) {
    const kind = KINDS[a % KINDS.length];
    put('account', accountName(a), { name: `Customer ${a}`, currency: kind?.currency ?? '', tax_percent: '6' });
    for (let v = 0; v < vmsAnAccount; v++)
      put('vm', vmName(a * vmsAnAccount + v), {
        account: accountName(a),
        plans: [{ plan: `plan-${a % KINDS.length}`, from: 0 }],
      });
  }
  // A night's maintenance of everything, a broken host, and one that was the carrier's fault and overlaps both.
  const incident = (scope: object, from: string, to: string, cause: string): void => {
    const recorded = { at: Date.parse(to), by: 'bench' };
    const times = { from: Date.parse(from), to: Date.parse(to) };
    put('incident', `incident-${entries.length}`, { scope, ...times, cause, asserts_down: false, note: '', reported: null, recorded, withdrawn: null }); // prettier-ignore
  };
  incident({ all: true }, '2026-03-08T02:00:00Z', '2026-03-08T04:00:00Z', 'maintenance');
  incident({ vms: Array.from({ length: 50 }, (_, i) => vmName(i)) }, '2026-03-12T00:00:00Z', '2026-03-12T06:00:00Z', 'provider');
  incident({ account: accountName(1) }, '2026-03-12T03:00:00Z', '2026-03-13T00:00:00Z', 'third_party');
  return entries;
}

/** The k-th outage of VM `i`: its start in ms, spread by a hash, and its length: 30 s, 1 min, 5 min or 2 h. */
const startSql = (k: number): string =>
  `(${FROM_MINUTE * 60_000 + k * THIRD_MS} + intHash64(i * ${OUTAGES} + ${k}) % ${THIRD_MS - 3 * 3_600_000})`;
const lengthSql = (k: number): string => `[30000, 60000, 300000, 7200000][1 + intHash64(i * 7 + ${k}) % 4]`;
const endSql = (k: number): string => `(${startSql(k)} + ${lengthSql(k)})`;

async function insertRows(store: Store, vms: number, say: (line: string) => void): Promise<void> {
  const settings =
    'SETTINGS max_insert_threads = 1, max_threads = 2, min_insert_block_size_rows = 8000000, min_insert_block_size_bytes = 1500000000';
  const overlap = Array.from({ length: OUTAGES }, (_, k) => `greatest(0, toInt64(least(${endSql(k)}, ms + 60000)) - toInt64(greatest(${startSql(k)}, ms)))`).join(' + '); // prettier-ignore
  for (let from = FROM_MINUTE; from < TO_MINUTE; from += SLICE_MINUTES) {
    const n = Math.min(SLICE_MINUTES, TO_MINUTE - from);
    const source = `(SELECT intDiv(number, ${n}) AS i, ${from} + number % ${n} AS m, m * 60000 AS ms, ${overlap} AS down FROM numbers(${vms * n}))`;
    await store.command(
      `INSERT INTO uptime (vm, minute, up_ms, provider_ms, unavailable, version)
       SELECT ${VM_SQL}, toDateTime(m * 60, 'UTC'), 60000 - down, down, down > 0, m * 65536 FROM ${source} ${settings}`,
    );
    // Nothing moves while a VM is down the whole minute.
    await store.command(
      `INSERT INTO traffic (vm, nic, minute, rx_bytes, tx_bytes, version)
       SELECT ${VM_SQL}, 'eth0', toDateTime(m * 60, 'UTC'), intHash64(i * 1000003 + m) % 6000000, intHash64(i * 1000033 + m) % 9000000, m * 65536
       FROM ${source} WHERE down < 60000 ${settings}`,
    );
    say(`fleet: ${Math.round((100 * (from + n - FROM_MINUTE)) / (TO_MINUTE - FROM_MINUTE))} %`);
  }
  for (let k = 0; k < OUTAGES; k++)
    await store.command(
      `INSERT INTO outages (vm, start_at, end_at, condition, withdrawn, version)
       SELECT ${VM_SQL}, fromUnixTimestamp64Milli(toInt64(${startSql(k)}), 'UTC'), fromUnixTimestamp64Milli(toInt64(${endSql(k)}), 'UTC'), 1, 0, 1
       FROM (SELECT number AS i FROM numbers(${vms}))`,
    );
}
