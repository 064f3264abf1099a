import type { FastifyInstance } from 'fastify';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { insertEntries } from '../../src/journal/append.ts';
import { type MeteringStatus, sampleCounts } from '../../src/aggregate/metering-status.ts';
import { ApiClient } from '../../src/client/wire/client.ts';
import { serverOn } from '../support/api.ts';
import { z } from 'zod';
import { Decoder } from '../../src/kernel/decoder.ts';
import { LAYOUT as L } from '../../src/kernel/layout.ts';
import { vmHash } from '../../src/samples/vm-hash.ts';
import { statementsOf } from '../../src/store/migrations.ts';
import type { Store } from '../../src/store/store.ts';
import { type VerifyReport, verifyFleet } from '../../src/verify/fleet.ts';
import { Reader } from '../../src/verify/reader.ts';
import { type Fleet, seededFleet } from '../model/generate.ts';
import type { LoggedSample } from '../../src/verify/model/inforce.ts';
import { runCli } from '../support/fake-cli.ts';
import { emptyStore, logOf, markCatalog, memoryCheckpoints, startAggregator, storeCatalog } from '../support/product.ts';
import { openTestStore, type TestStore } from '../support/store.ts';
import { openCatalogOf } from '../support/records.ts';

const ADMIN = 'an-admin-key-for-the-tests';
const START = Date.parse('2026-03-01T00:00:00Z');
const decoder = new Decoder();
let test: TestStore;
let store: Store;
let app: FastifyInstance | undefined;
let status: MeteringStatus;
let onStatus: () => Promise<void> = () => Promise.resolve();

beforeAll(async () => {
  test = await openTestStore();
  store = test.store;
});
afterEach(async () => {
  await app?.close();
  app = undefined;
  onStatus = () => Promise.resolve();
});
afterAll(() => test.remove());

/** Lets the product take in a fleet, and serves what came of it. Returns the environment of the command. */
async function served(fleet: Fleet, retentionDays = 0, door: Decoder = decoder): Promise<Record<string, string>> {
  await emptyStore(store);
  let seq = await storeCatalog(store, fleet.catalog);
  for (const [id, vm] of fleet.catalog.vms) {
    if (vm.endsAtMs === null) continue;
    const plans = vm.plans.map(({ plan, fromMs }) => ({ plan, from: fromMs }));
    const body = JSON.stringify({ account: 'a', plans, ends_at: vm.endsAtMs });
    await insertEntries(store, [{ kind: 'vm', id, seq: ++seq, recordedAtMs: 0, recordedBy: 'test', body }]);
  }
  const log = logOf(door, fleet.log, [7, 50, 3], fleet.options);
  markCatalog(log, seq);
  const aggregator = await startAggregator({ store, log, checkpoints: memoryCheckpoints(), options: fleet.options });
  while (await aggregator.step());
  const progress = aggregator.progress();
  const appended = BigInt(fleet.log.length);
  status = {
    log: { appended, aggregated: progress.aggregatedSamples, stored: progress.storedSamples },
    watermarkMs: progress.clockMs - fleet.options.latenessMs,
    catalog: { recorded: seq, applied: progress.catalogSeq },
    vms: progress.vms,
    waiting: progress.waiting,
    samples: sampleCounts(progress.counters, progress.quarantined),
  };
  const catalog = await openCatalogOf({ store, now: () => START, randomBytes: (size) => new Uint8Array(size) });
  await catalog.keys.bootstrapAdmin(ADMIN);
  for (const name of new Set(fleet.log.map(({ agent }) => agent)))
    await catalog.keys.create({ role: 'agent', name, vms: ['*'] }, 'test');
  app = await serverOn(store, catalog, {
    watermarkMs: () => status.watermarkMs,
    constants: { ...fleet.options, retentionDays },
    now: Date.now,
    status: async () => {
      await onStatus();
      return status;
    },
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return { UPTALLY_SERVER: `http://127.0.0.1:${port}`, UPTALLY_KEY: ADMIN };
}

interface Report {
  agree: boolean;
  counts_checked: boolean;
  compared: Record<string, number>;
  disagreement: Record<string, string | null> | null;
}

async function verified(env: Record<string, string>, ...args: string[]): Promise<{ code: number; err: string; report: Report }> {
  const { code, out, err } = await runCli(['verify', '--json', ...args], { env });
  expect(out, err).not.toBe('');
  return { code, err, report: JSON.parse(out) as Report };
}

/** Two VMs for three hours, every 20 s: one goes down, falls silent for long, and has an increase that nobody believes. */
function knownFleet(): Fleet {
  const log: LoggedSample[] = [];
  for (let i = 0; i < 540; i += 1) {
    const tsMs = START + 5_000 + i * 20_000;
    const minute = Math.floor((tsMs - START) / 60_000);
    const silent = minute >= 60 && minute < 100;
    const rx = BigInt(i * i * 1000) + (i >= 450 ? 10n ** 15n : 0n);
    const counters = { rx, tx: BigInt(i) * 77n };
    const condition = minute >= 30 && minute < 35 ? 'provider' : 'up';
    if (!silent) log.push({ vm: 'v1', nic: 'eth0', tsMs, counters, epoch: 0, condition, agent: 'h1' });
    log.push({ vm: 'v2', nic: '', tsMs, counters: null, epoch: 0, condition: 'up', agent: 'h1' });
    if (i % 100 === 7) log.push({ vm: 'v2', nic: '', tsMs, counters: null, epoch: 0, condition: 'up', agent: 'h1' });
    if (i === 301) log.push({ vm: 'v2', nic: '', tsMs, counters: { rx: 5n, tx: 5n }, epoch: 0, condition: 'up', agent: 'h1' });
  }
  return {
    log,
    options: { stalenessMs: 90_000, latenessMs: 120_000, clock: 'event', clockMs: null, linkLimitBps: 100_000_000_000n },
    catalog: {
      plans: new Map([
        ['p', { timeZone: 'Asia/Taipei', price: { amountNanos: 300_000_000_000n, per: 'month' }, creditable: ['provider'] }],
      ]),
      vms: new Map([['v1', { endsAtMs: null, plans: [{ plan: 'p', fromMs: START - 60_000 }] }]]),
    },
  };
}

/** A decoder that lets in what versions before did: `Q` comes out as `.`, and `QQ` as `..`. */
class OldDecoder extends Decoder {
  override decode(...given: Parameters<Decoder['decode']>): ReturnType<Decoder['decode']> {
    const answer = super.decode(...given);
    if (answer.outcome !== 'decoded') return answer;
    const view = Buffer.from(answer.frames.buffer, answer.frames.byteOffset, answer.frames.byteLength);
    for (let at = 0; at < view.length; at += view.readUInt16LE(at)) {
      const length = view[at + L.FRAME_VM_LENGTH] ?? 0;
      const name = view.toString('latin1', at + L.FRAME_HEAD, at + L.FRAME_HEAD + length).replaceAll('Q', '.');
      view.write(name, at + L.FRAME_HEAD, 'latin1');
      view.writeUInt32LE(vmHash(name), at + L.FRAME_HASH);
    }
    return answer;
  }
}

/** The known fleet with its VMs called `.` and `..`, as versions before took them. */
async function servedDots(): Promise<Record<string, string>> {
  const { log, options, catalog } = knownFleet();
  const old = log.map((sample) => ({ ...sample, vm: sample.vm === 'v1' ? 'Q' : 'QQ' }));
  const vms = new Map([...catalog.vms.values()].map((vm) => ['.', vm]));
  return served({ log: old, options, catalog: { ...catalog, vms } }, 0, new OldDecoder());
}

describe('of a version before that took samples of . and ..', () => {
  it('all is proved, as of other names', async () => {
    const { code, err, report } = await verified(await servedDots());
    expect(report.disagreement, err).toBeNull();
    expect([code, report.counts_checked, report.compared['samples']]).toEqual([0, true, 540 + 420]);
  });

  it.each(['.', '..'])('%s alone is proved too', async (vm) => {
    const { code, report } = await verified(await servedDots(), '--vm', vm);
    expect([code, report.agree, report.disagreement]).toEqual([0, true, null]);
  });

  it('what is agreed is shown, page by page too, and nothing new may be agreed', async () => {
    const env = await servedDots();
    expect(JSON.parse((await runCli(['catalog', 'show', 'vm', '.'], { env })).out)).toMatchObject({ id: '.', account: 'a' });
    const client = new ApiClient({ server: env['UPTALLY_SERVER'] ?? '', key: ADMIN });
    const signal = new AbortController().signal;
    const reader = new Reader({ client, signal, sleep: () => Promise.resolve(), pageRows: 100 });
    const rows = await reader
      .rows('v1/vms/./samples', { from: START, to: START + 14_400_000 }, z.looseObject({}))
      .takeWhile(() => true);
    expect(rows).toHaveLength(420);
    for (const path of ['v1/vms/..', 'v1/plans/.', 'v1/accounts/..']) {
      const put = client.call('PUT', path, { name: 'A', currency: 'EUR' });
      await expect(put).rejects.toMatchObject({ status: 400, code: 'invalid_parameter' });
    }
    await client.close();
  });
});

describe('what the product stored agrees', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('of random fleet %i, ends of service and all', async (seed) => {
    const fleet = seededFleet(seed);
    const { code, err, report } = await verified(await served(fleet));
    expect(report.disagreement, err).toBeNull();
    expect(code).toBe(0);
    expect(report.counts_checked).toBe(true);
  });

  it('and the summary says what was compared', async () => {
    const env = await served(knownFleet());
    const { code, report } = await verified(env);
    expect(report.disagreement).toBeNull();
    expect(code).toBe(0);
    expect(report.compared).toEqual({ samples: 960, conflicts: 1, minutes: 321, traffic: 179, outages: 2, quarantined: 1 });
    const { out, err } = await runCli(['verify', '--vm', 'v1', '--to', '2026-03-01T00:40:00Z'], { env });
    expect(err).toBe('');
    expect(out).toMatch(/minute rows +40\n/);
    expect(out).toContain('Counts not checked: only a part was asked for.');
  });
});

describe('damage is found and named', () => {
  const minute = (text: string): string => `toDateTime('2026-03-01 ${text}:00', 'UTC')`;
  const remove = (table: string, where: string): string =>
    `ALTER TABLE ${table} DELETE WHERE ${where} SETTINGS mutations_sync = 2`;
  /** Writes a row again with another value, as a newer version or as one of the same. */
  const restate = (table: string, where: string, change: string, by = 1): string =>
    `INSERT INTO ${table} SELECT * REPLACE (${change}, version + ${by} AS version) FROM ${table} WHERE ${where} ORDER BY version DESC LIMIT 1`;
  const v1At = (text: string): string => `vm = 'v1' AND minute = ${minute(text)}`;

  it.each<[string, string[], Record<string, unknown>]>([
    [
      'a deleted minute row',
      [remove('uptime', v1At('00:20'))],
      { table: 'minutes', vm: 'v1', minute: '2026-03-01T00:20:00Z', field: 'row', stored: null, recomputed: 'up_ms=60000' },
    ],
    [
      'a withdrawn minute row',
      [`INSERT INTO uptime (vm, minute, version) SELECT 'v2', ${minute('01:30')}, max(version) + 1 FROM uptime`],
      { table: 'minutes', vm: 'v2', minute: '2026-03-01T01:30:00Z', field: 'row', stored: null },
    ],
    [
      'a doubled minute row with a higher version',
      [restate('uptime', v1At('00:31'), 'up_ms + 1 AS up_ms, provider_ms - 1 AS provider_ms')],
      { table: 'minutes', vm: 'v1', minute: '2026-03-01T00:31:00Z', field: 'up_ms', stored: '1', recomputed: '0' },
    ],
    [
      'a credit that is a nano too much',
      [restate('uptime', v1At('00:32'), 'credit_nanos + 1 AS credit_nanos')],
      { table: 'minutes', vm: 'v1', minute: '2026-03-01T00:32:00Z', field: 'credit_nanos' },
    ],
    [
      'a changed byte count',
      [restate('traffic', v1At('00:10'), 'rx_bytes + 1 AS rx_bytes')],
      { table: 'traffic', vm: 'v1', nic: 'eth0', minute: '2026-03-01T00:10:00Z', field: 'rx_bytes' },
    ],
    [
      'a deleted traffic row',
      [remove('traffic', v1At('01:50'))],
      { table: 'traffic', vm: 'v1', minute: '2026-03-01T01:50:00Z', field: 'row', stored: null },
    ],
    [
      'traffic of an interface that nobody reported',
      [`INSERT INTO traffic SELECT * REPLACE ('eth9' AS nic) FROM traffic WHERE ${v1At('00:10')} LIMIT 1`],
      { table: 'traffic', vm: 'v1', nic: 'eth9', minute: '2026-03-01T00:10:00Z', field: 'row', recomputed: null },
    ],
    [
      'a missing raw sample that rows came of',
      [remove('samples', `vm = 'v1' AND ts = toDateTime64('2026-03-01 00:10:05', 3, 'UTC')`)],
      { table: 'traffic', vm: 'v1', minute: '2026-03-01T00:09:00Z', field: 'rx_bytes' },
    ],
    [
      'a missing raw sample that changes no row',
      [remove('samples', `vm = 'v2' AND ts = toDateTime64('2026-03-01 00:10:25', 3, 'UTC')`)],
      { table: 'samples', vm: null, field: 'applied', stored: '959', recomputed: '960' },
    ],
    [
      'a VM whose raw samples are all gone',
      [remove('samples', `vm = 'v2'`)],
      { table: 'minutes', vm: 'v2', minute: '2026-03-01T00:00:00Z', field: 'row', recomputed: null },
    ],
    [
      'an outage that was moved',
      [
        restate('outages', `vm = 'v1' AND condition = 1`, '1 AS withdrawn'),
        restate('outages', `vm = 'v1' AND condition = 1 AND withdrawn = 0`, 'start_at + toIntervalMillisecond(1) AS start_at'),
      ],
      { table: 'outages', vm: 'v1', minute: '2026-03-01T00:30:05Z', field: 'row', stored: null },
    ],
    [
      'an outage that ends early',
      [restate('outages', `vm = 'v1' AND condition = 8`, 'end_at - toIntervalMillisecond(1) AS end_at', 2)],
      { table: 'outages', vm: 'v1', field: 'end' },
    ],
    [
      'an outage that never was',
      [
        `INSERT INTO outages SELECT 'v2', start_at, end_at, condition, withdrawn, version FROM outages
         WHERE vm = 'v1' AND condition = 1 ORDER BY version DESC LIMIT 1`,
      ],
      { table: 'uptime', vm: 'v2', minute: '2026-03-01T00:30:00Z', field: 'up_ms', recomputed: '60000' },
    ],
    [
      'a quarantine that was lifted',
      [restate('anomalies', `kind = 1`, '1 AS withdrawn')],
      { table: 'anomalies', vm: 'v1', nic: 'eth0', field: 'row', stored: null },
    ],
    [
      'a conflict without its record',
      [remove('anomalies', 'kind = 2')],
      { table: 'anomalies', vm: null, field: 'conflict', stored: '0', recomputed: '1' },
    ],
    [
      'traffic of a VM that nothing else knows',
      [
        `INSERT INTO traffic (vm, nic, minute, rx_bytes, tx_bytes, version) VALUES ('ghost', 'e0', '2026-03-01 01:00:00', 5, 5, 1)`,
      ],
      { table: 'traffic', vm: 'ghost', minute: '2026-03-01T01:00:00Z', field: 'row', recomputed: null },
    ],
    [
      'an outage of a VM that nothing else knows',
      [
        `INSERT INTO outages SELECT 'ghost', start_at, end_at, condition, withdrawn, version FROM outages WHERE vm = 'v1' AND condition = 1 ORDER BY version DESC LIMIT 1`,
      ],
      { table: 'outages', vm: 'ghost', field: 'row', recomputed: null },
    ],
    [
      'traffic of a time that nobody has told anything of',
      [
        `INSERT INTO traffic SELECT * REPLACE (toDateTime('2026-03-09 00:00:00', 'UTC') AS minute) FROM traffic WHERE vm = 'v1' LIMIT 1`,
      ],
      {
        table: 'traffic',
        field: 'row',
        minute: '2026-03-09T00:00:00Z',
        recomputed: 'none: the latest sample is of 2026-03-01T02:59:45Z',
      },
    ],
    [
      'a minute of a time that nobody has told anything of',
      [
        `INSERT INTO uptime SELECT * REPLACE (toDateTime('2026-03-09 00:00:00', 'UTC') AS minute) FROM uptime WHERE vm = 'v1' LIMIT 1`,
      ],
      { table: 'minutes', field: 'row', minute: '2026-03-09T00:00:00Z' },
    ],
    [
      'samples of an agent that never had a key',
      [
        `ALTER TABLE samples UPDATE agent = 'mallory' WHERE vm = 'v2' AND ts = toDateTime64('2026-03-01 00:10:25', 3, 'UTC') SETTINGS mutations_sync = 2`,
      ],
      { table: 'samples', vm: 'v2', field: 'agent', stored: 'mallory' },
    ],
    [
      'an entry of the catalog that is gone',
      [`ALTER TABLE catalog DELETE WHERE seq = 1 SETTINGS mutations_sync = 2`],
      { table: 'catalog', field: 'entries' },
    ],
    [
      'the newest entry of the catalog that is gone, which the log knows of',
      [
        `INSERT INTO progress (partition_id, position, catalog_seq) SELECT 0, max(seq) + 100000, max(seq) FROM catalog`,
        `ALTER TABLE catalog DELETE WHERE seq = (SELECT max(seq) FROM catalog) SETTINGS mutations_sync = 2`,
      ],
      { table: 'catalog', field: 'entries' },
    ],
  ])('%s', async (_, damage, expected) => {
    const env = await served(knownFleet());
    for (const sql of damage) await store.command(sql);
    const { code, err, report } = await verified(env);
    expect(report.disagreement).toMatchObject(expected);
    expect(report.agree).toBe(false);
    expect(code).toBe(1);
    expect(err).toContain(`disagreement at ${String(expected['table'])}`);
  });

  it('samples of an agent whose key may not post for their VM, though it is a key', async () => {
    const env = await served(knownFleet());
    for (const [name, role, vms] of [
      ['h2', 'agent', ['v1', 'w*']],
      ['clerk', 'billing', null],
    ] as const)
      expect(
        (await runCli(['keys', 'create', '--role', role, '--name', name, ...(vms ?? []).flatMap((vm) => ['--vm', vm])], { env }))
          .code,
      ).toBe(0);
    const told = (agent: string): Promise<void> =>
      store.command(
        `ALTER TABLE samples UPDATE agent = '${agent}' WHERE vm = 'v2' AND ts = toDateTime64('2026-03-01 00:10:25', 3, 'UTC') SETTINGS mutations_sync = 2`,
      );
    for (const agent of ['h2', 'clerk']) {
      await told(agent);
      const { report } = await verified(env);
      expect(report.disagreement).toMatchObject({ table: 'samples', vm: 'v2', field: 'agent', stored: agent });
    }
    await told('h1');
    expect((await verified(env)).report.disagreement).toBeNull();
  });

  it('counts that do not add up', async () => {
    const env = await served(knownFleet());
    status = { ...status, samples: { ...status.samples, duplicate: status.samples.duplicate + 1n } };
    const { code, report } = await verified(env);
    expect([code, report.disagreement?.['table'], report.disagreement?.['field']]).toEqual([1, 'status', 'accepted']);
  });
});

describe('who told a sample is in no row', () => {
  /** The known fleet, v2 told of by two keys in turn and v1 by a host that says its name. */
  function twoKeys(): Fleet {
    const fleet = knownFleet();
    const log = fleet.log.map((sample, i) =>
      sample.vm === 'v1' ? { ...sample, host: 'hv1' } : { ...sample, agent: `h${(i % 3) + 1}` },
    );
    return { ...fleet, log };
  }
  const update = (change: string, where: string): string =>
    `ALTER TABLE samples UPDATE ${change} WHERE ${where} SETTINGS mutations_sync = 2`;
  const at = (i: number): string => `ts = fromUnixTimestamp64Milli(${START + 5_000 + i * 20_000})`;
  const again = (agent: string): string => `agent = '${agent}', witness = toUInt32(cityHash64(host, '${agent}'))`;

  it.each<[string, string, Record<string, unknown>, string?]>([
    ['a sample has another key’s name that may post for its VM', update(`agent = if(agent = 'h1', 'h2', 'h1')`, `vm = 'v2' AND ${at(40)}`), { vm: 'v2', minute: '2026-03-01T00:13:25Z' }],
    ['two keys have exchanged their samples of a VM', update(`agent = transform(agent, ['h1', 'h2'], ['h2', 'h1'])`, `vm = 'v2'`), { vm: 'v2', minute: '2026-03-01T00:00:05Z' }],
    ['all samples of a VM are one key’s', update(`agent = 'h3'`, `vm = 'v2'`), { vm: 'v2', stored: 'h3' }],
    ['a host has another’s name', update(`host = 'hv2'`, `vm = 'v1' AND ${at(20)}`), { vm: 'v1', nic: 'eth0', stored: 'h1 on hv2' }],
    ['a version that another has replaced', update(`agent = 'h4'`, `vm = 'v2' AND has_counters = 0 AND ${at(301)}`), { vm: 'v2', minute: '2026-03-01T01:40:25Z' }],
    ['a row that was put in again', `INSERT INTO samples SELECT * REPLACE ('h4' AS agent) FROM samples WHERE vm = 'v2' AND ${at(8)} LIMIT 1`, { vm: 'v2', minute: '2026-03-01T00:02:45Z' }],
    ['what holds where the proof begins', update(`agent = 'h4'`, `vm = 'v2' AND ${at(179)}`), { vm: 'v2' }, '2026-03-01T01:00:00Z'],
    ['with its witness: a name that no key bears', update(again('mallory'), `vm = 'v2' AND ${at(40)}`), { vm: 'v2', stored: 'mallory', recomputed: 'the name of a key' }],
  ])('%s', async (_, damage, expected, from) => {
    const env = await served(twoKeys());
    const args = from === undefined ? [] : ['--from', from];
    expect((await verified(env, ...args)).report.disagreement).toBeNull();
    await store.command(damage);
    const { code, report } = await verified(env, ...args);
    expect(report.disagreement).toMatchObject({ table: 'samples', field: 'agent', ...expected });
    expect(code).toBe(1);
  }); // prettier-ignore

  it('rows of a version before without a witness are taken as they are, and held from when they are merged', async () => {
    const env = await served(twoKeys());
    const migration = await readFile(join(import.meta.dirname, '../../schemas/clickhouse/021_witness.sql'), 'utf8');
    await store.command('ALTER TABLE samples DROP COLUMN witness SETTINGS mutations_sync = 2');
    for (const statement of statementsOf(migration)) await store.command(statement);
    expect((await verified(env)).report.disagreement).toBeNull();
    await store.command('OPTIMIZE TABLE samples FINAL');
    expect((await verified(env)).report.disagreement).toBeNull();
    await store.command(update(`agent = 'h4'`, `vm = 'v2' AND ${at(40)}`));
    expect((await verified(env)).report.disagreement).toMatchObject({ table: 'samples', vm: 'v2', stored: 'h4' });
  });
});

describe('a system that moves', () => {
  it('is no false alarm: a disagreement that the second look does not find again is none', async () => {
    const env = await served(knownFleet());
    await store.command(
      "INSERT INTO uptime (vm, minute, version) SELECT 'v2', toDateTime('2026-03-01 01:30:00', 'UTC'), 1000000000000",
    );
    let asked = 0;
    onStatus = async () => {
      // Behind verify's back the row is restated, after the first look: status is asked at the start, before a look and after it.
      if (++asked === 3)
        await store.command('ALTER TABLE uptime DELETE WHERE version = 1000000000000 SETTINGS mutations_sync = 2');
    };
    const { code, report } = await verified(env);
    expect(report.disagreement).toBeNull();
    expect(code).toBe(0);
    expect(asked).toBeGreaterThan(3);
  });

  it('with a log that halted is a failure, though nothing that can be counted waits', async () => {
    const env = await served(knownFleet());
    status = { ...status, logId: 'log', halted: { state: 'log_mismatch', detail: 'partition 1 does not go on' } };
    const { code, err } = await runCli(['verify', '--json'], { env });
    expect([code, err]).toEqual([1, expect.stringContaining("can't store what was answered: partition 1 does not go on")]);
  });

  it('that never stores what was posted is a failure, not a verdict', async () => {
    const env = await served(knownFleet());
    status = { ...status, log: { ...status.log, appended: status.log.appended + 1n } };
    const { code, err, out } = await runCli(['verify', '--timeout', '2s'], { env });
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err).toContain('has not stored what was posted within 2 s');
  });
});

describe('the oldest raw samples', () => {
  /** A day and half an hour after the start: with the margin, what is older than half past one may have expired. */
  const look = async (env: Record<string, string>): Promise<VerifyReport> => {
    const client = new ApiClient({ server: env['UPTALLY_SERVER'] ?? '', key: ADMIN });
    const nowMs = START + 86_400_000 + 1_800_000;
    const { signal } = new AbortController();
    // Pages of 50 rows, so that every stream has many.
    const reader = new Reader({ client, sleep: () => Promise.resolve(), signal, pageRows: 50 });
    const options = {
      picks: null,
      fromMs: null,
      toMs: null,
      settleMs: 1000,
      now: () => nowMs,
      onVm: () => undefined,
      documents: 'also',
      onDocument: () => undefined,
      onAccount: () => undefined,
    } as const;
    try {
      return await verifyFleet(reader, options);
    } finally {
      await client.close();
    }
  };

  it('may have expired: rows of what is left are compared, counts are not', async () => {
    const env = await served(knownFleet(), 1);
    await store.command(
      `ALTER TABLE samples DELETE WHERE ts < toDateTime64('2026-03-01 00:40:00', 3, 'UTC') SETTINGS mutations_sync = 2`,
    );
    const report = await look(env);
    expect(report.disagreement).toBeNull();
    expect(report).toMatchObject({ counts_checked: false, counts_skipped: 'the oldest raw samples have expired', vms: 2 });
    expect(report.compared).toMatchObject({ minutes: 166, traffic: 78 });
    await store.command(
      `ALTER TABLE uptime DELETE WHERE minute = toDateTime('2026-03-01 01:45:00', 'UTC') SETTINGS mutations_sync = 2`,
    );
    expect((await look(env)).disagreement).toMatchObject({ table: 'minutes', vm: 'v1', minute: '2026-03-01T01:45:00Z' });
  });

  it('are all read, page by page, where they are kept for good', async () => {
    const report = await look(await served(knownFleet()));
    expect(report.disagreement).toBeNull();
    expect(report.compared).toEqual({ samples: 960, conflicts: 1, minutes: 321, traffic: 179, outages: 2, quarantined: 1 });
  });
});

describe('from an instant on', () => {
  const at = (minutes: number): string => new Date(START + minutes * 60_000).toISOString();

  it.each([0, 1, 20, 30, 32, 35, 36, 60, 62, 80, 99, 100, 101, 150, 178])(
    'the rows from minute %i on agree, whatever held there',
    async (minutes) => {
      const env = await served(knownFleet());
      const { report, err } = await verified(env, '--from', at(minutes));
      expect(report.disagreement, err).toBeNull();
      // v2 alone has three samples a minute, and of what was before only the last are read
      expect(report.compared['samples']).toBeLessThanOrEqual(960 - 3 * minutes);
    },
  );

  it.each([11, 12, 13, 14])('and of random fleet %i', async (seed) => {
    const fleet = seededFleet(seed);
    const env = await served(fleet);
    const instants = fleet.log.map(({ tsMs }) => tsMs).sort((a, b) => a - b);
    for (const share of [0.1, 0.3, 0.5, 0.7, 0.9]) {
      const from = new Date(instants[Math.floor(instants.length * share)] ?? 0).toISOString();
      const { report, err } = await verified(env, '--from', from);
      expect(report.disagreement, `${from}: ${err}`).toBeNull();
    }
  });

  it('counters of days before are found where an interface speaks again, and damage of what they reach to is too', async () => {
    const sample = (minutes: number, nic: string, rx: bigint): LoggedSample => ({
      ...{
        vm: 'v1',
        nic,
        tsMs: START + minutes * 60_000 + 5_000,
        counters: { rx, tx: 0n },
        epoch: 0,
        condition: 'up',
        agent: 'h1',
      },
    });
    const day = 1440;
    const log = [sample(0, 'old', 1n), sample(1, 'eth0', 5n), sample(3 * day, 'eth0', 10n), sample(4 * day, 'eth0', 500_000n)];
    log.push(
      sample(4 * day + 1, 'old', 1_000_000n),
      sample(4 * day + 2, 'eth0', 600_000n),
      sample(4 * day + 9, 'eth0', 600_001n),
    );
    const env = await served({ ...knownFleet(), log });
    const from = at(4 * day - 60);
    const { report, err } = await verified(env, '--from', from);
    expect(report.disagreement, err).toBeNull();
    expect(report.compared).toMatchObject({ samples: 4, traffic: 125 });
    await store.command(`ALTER TABLE samples UPDATE rx_bytes = 9 WHERE nic = 'old' AND rx_bytes = 1 SETTINGS mutations_sync = 2`);
    expect((await verified(env, '--from', from)).report.disagreement).toMatchObject({ table: 'traffic', nic: 'old' });
  });

  it('a damaged row is found if it begins there, and not if it begins before', async () => {
    const env = await served(knownFleet());
    await store.command(
      `INSERT INTO uptime SELECT * REPLACE (up_ms - 1 AS up_ms, silent_ms + 1 AS silent_ms, version + 1 AS version) FROM uptime
       WHERE vm = 'v2' AND minute = toDateTime('2026-03-01 00:50:00', 'UTC') LIMIT 1`,
    );
    expect((await verified(env, '--from', at(50))).report.disagreement).toMatchObject({
      table: 'minutes',
      vm: 'v2',
      field: 'up_ms',
    });
    expect((await verified(env, '--from', at(51))).report.disagreement).toBeNull();
  });
});

describe('wrong usage', () => {
  it.each([
    [['verify', '--from', 'tomorrow'], /write an instant such as/],
    [['verify', '--from', '2026-03-02T00:00:00Z', '--to', '2026-03-01T00:00:00Z'], /--to must be after --from/],
  ])('%j ends in 2', async (args, message) => {
    const run = await runCli(args, { env: { UPTALLY_SERVER: 'http://127.0.0.1:1', UPTALLY_KEY: 'k' } });
    expect(run.code).toBe(2);
    expect(run.err).toMatch(message);
  });
});
