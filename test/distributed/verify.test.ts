/** `uptally verify` over the network, against roles in processes of their own: while samples come in, and with damage planted in ClickHouse. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { openServerStore } from '../../src/store/server.ts';
import type { Store } from '../../src/store/store.ts';
import { emptyClickHouse } from '../support/empty-clickhouse.ts';
import { type Roles, startRoles, untilReady } from '../support/roles.ts';
import { ADMIN_KEY, postLines, untilStatus, untilStored } from '../support/server.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const START_MS = Date.parse('2026-03-01T00:00:00Z');
const VMS = ['v1', 'v2', 'v3', 'v4'];
const SAMPLES = 90;
let roles: Roles;
let store: Store;

beforeAll(async () => {
  await emptyClickHouse(inject('clickhouseUrl'));
  roles = await startRoles({
    brokers: inject('kafkaBrokers'),
    clickhouseUrl: inject('clickhouseUrl'),
    partitions: 3,
    aggregate: 2,
    env: { UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0' },
  });
  await Promise.all([...roles.ingest, ...roles.aggregate, ...roles.api].map((server) => untilReady(server)));
  for (let i = 0; i < SAMPLES; i += 10) {
    const lines = VMS.flatMap((vm) => Array.from({ length: 10 }, (_, j) => lineAt(vm, i + j)));
    expect((await postLines(roles.front, ADMIN_KEY, lines)).status).toBe(202);
  }
  const clockMs = START_MS + (SAMPLES - 1) * 20_000;
  await untilStored(roles.front);
  await untilStatus(roles.front, 'the clock to come round', ({ watermark }) => Date.parse(watermark ?? '') >= clockMs - 120_000);
  store = await openServerStore({ url: inject('clickhouseUrl') });
});
afterAll(async () => {
  await store.close();
  await roles.end('SIGKILL');
});

/** Every 20 s: traffic that grows, and a provider's outage of one minute. */
function lineAt(vm: string, i: number): string {
  const state = i >= 30 && i < 33 ? ',"state":"down","cause":"provider"' : '';
  return `{"vm":"${vm}","ts":${START_MS + i * 20_000},"nic":"eth0","rx_bytes":${i * i * 1000},"tx_bytes":${i * 77}${state}}`;
}

interface Verified {
  readonly code: number | null;
  readonly err: string;
  readonly report: { readonly agree: boolean; readonly compared: Record<string, number>; readonly disagreement: object | null };
}

function verified(): Promise<Verified> {
  const env = { ...process.env, UPTALLY_SERVER: roles.api[0]?.url ?? '', UPTALLY_KEY: ADMIN_KEY };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [MAIN, 'verify', '--json'], { env }, (error, out, err) => {
      if (out === '') reject(new Error(`verify said nothing: ${err}`));
      else resolve({ code: error === null ? 0 : Number(error.code), err, report: JSON.parse(out) as Verified['report'] });
    });
  });
}

it('agrees with what the roles stored', async () => {
  const { code, err, report } = await verified();
  expect(report.disagreement, err).toBeNull();
  expect(code).toBe(0);
  expect(report.compared['samples']).toBe(VMS.length * SAMPLES);
});

it('agrees while samples come in', async () => {
  let over = false;
  let at = SAMPLES;
  const isOver = (): boolean => over;
  const sending = (async () => {
    while (!isOver()) {
      const lines = VMS.map((vm) => lineAt(vm, at));
      if ((await postLines(roles.front, ADMIN_KEY, lines)).status === 202) at++;
    }
  })();
  const { code, err, report } = await verified().finally(() => {
    over = true;
  });
  await sending;
  expect(at).toBeGreaterThan(SAMPLES);
  expect(report.disagreement, err).toBeNull();
  expect(code).toBe(0);
  await untilStored(roles.front);
});

const MINUTE = `toDateTime('2026-03-01 00:05:00', 'UTC')`;
const SAMPLE = `vm = 'v4' AND ts = toDateTime64('2026-03-01 00:05:00', 3, 'UTC')`;
const row = (vm: string): string => `vm = '${vm}' AND minute = ${MINUTE}`;
/** A copy of the newest row of a minute, newer still, with a change. */
const copy = (table: string, vm: string, change: string): string =>
  `INSERT INTO ${table} SELECT * REPLACE (${change}version + 1 AS version) FROM ${table} WHERE ${row(vm)} ORDER BY version DESC LIMIT 1`;
const remove = (table: string, where: string): string => `ALTER TABLE ${table} DELETE WHERE ${where} SETTINGS mutations_sync = 2`;

// from the last VM to the first: verify names the first disagreement, so each finds its own before those that were planted earlier
it.each<[string, string, Record<string, unknown>]>([
  ['a missing raw sample', remove('samples', SAMPLE), { table: 'traffic', vm: 'v4' }],
  [
    'a changed byte count',
    copy('traffic', 'v3', 'rx_bytes + 1 AS rx_bytes, '),
    { table: 'traffic', vm: 'v3', field: 'rx_bytes' },
  ],
  [
    'a doubled minute row that says something else',
    copy('uptime', 'v2', 'up_ms - 1 AS up_ms, silent_ms + 1 AS silent_ms, '),
    { table: 'minutes', vm: 'v2', field: 'up_ms', stored: '59999', recomputed: '60000' },
  ],
  ['a deleted minute row', remove('uptime', row('v1')), { table: 'minutes', vm: 'v1', field: 'row', stored: null }],
])('finds and names %s', async (_, damage, expected) => {
  await store.command(damage);
  const { code, report } = await verified();
  expect(report.disagreement).toMatchObject(expected);
  expect(code).toBe(1);
});
