import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { insertUnlessOvertaken } from '../../src/journal/append.ts';
import { accountBody } from '../../src/catalog/bodies.ts';
import type { Entry } from '../../src/journal/entry.ts';
import { migrate } from '../../src/store/migrations.ts';
import { openServerStore } from '../../src/store/server.ts';
import type { Store } from '../../src/store/store.ts';
import { type ClickHouseServer, serverMissing, startClickHouseServer } from '../support/clickhouse-server.ts';
import { compileProgram, type Program } from '../support/program.ts';
import { follow } from '../support/follow.ts';
import { booksOf, openCatalogOf, recordsOf } from '../support/records.ts';

const ROUNDS = 8;
const missing = serverMissing();

interface Told {
  account?: string;
  seq?: string;
  invoice?: string;
}

describe.skipIf(missing !== undefined)('the catalog of several processes', () => {
  let server: ClickHouseServer;
  let store: Store;
  let program: Program;
  const open = () => openCatalogOf({ store, now: Date.now, randomBytes, shared: true });
  const account = (name: string) => accountBody.parse({ name, currency: 'CNY' });
  const entry = (seq: bigint, id: string): Entry => ({
    kind: 'account',
    id,
    seq,
    recordedAtMs: 1,
    recordedBy: id,
    body: JSON.stringify(account(id)),
  });
  const last = async (): Promise<bigint> =>
    BigInt((await store.rows<{ n: string }>('SELECT max(seq) AS n FROM catalog'))[0]?.n ?? '0');

  beforeAll(async () => {
    program = compileProgram('journal/programs/writer.ts');
    server = await startClickHouseServer();
    store = await openServerStore({ url: server.url });
    await migrate(store, { nowMs: 0 });
  });
  afterAll(async () => {
    await store.close();
    await server.stop();
    program.remove();
  });

  it('has no seq twice, loses nothing that was acknowledged, and gives invoice numbers without a gap, one writer stopped in the midst', async () => {
    const told: Told[] = [];
    const start = (name: string): ChildProcess => {
      const child = program.start([server.url, name, String(ROUNDS)]);
      if (child.stdout !== null)
        createInterface(child.stdout).on('line', (line) => {
          told.push(JSON.parse(line) as Told);
          // stopped wherever it happens to be, while the others go on; continued when they are done
          if (line.includes('sleeper-2') && others.some((other) => other.exitCode === null)) child.kill('SIGSTOP');
        });
      return child;
    };
    const others: ChildProcess[] = [];
    const sleeper = start('sleeper');
    for (const name of ['p1', 'p2', 'p3']) others.push(start(name));
    const ends = await Promise.all(others.map(async (child) => (await once(child, 'close')) as [number]));
    const asleep = told.filter((each) => each.account?.startsWith('sleeper')).length;
    const end = sleeper.exitCode === null ? once(sleeper, 'close') : [sleeper.exitCode];
    sleeper.kill('SIGCONT');
    expect([...ends, (await end) as [number]].map(([code]) => code)).toEqual([0, 0, 0, 0]);
    expect(asleep).toBeLessThan(ROUNDS);

    const [sums] = await store.rows<{ n: string; seqs: string; top: string }>(
      'SELECT count() AS n, uniqExact(seq) AS seqs, max(seq) AS top FROM catalog',
    );
    const writes = 4 * ROUNDS * 3;
    expect(sums).toEqual({ n: String(writes), seqs: String(writes), top: String(writes) });
    const catalog = await open();
    const accounts = told.filter((each) => each.account !== undefined);
    expect(new Set(accounts.map((each) => each.seq)).size).toBe(4 * ROUNDS);
    for (const each of accounts) expect(catalog.account(each.account ?? '')?.seq.toString()).toBe(each.seq);
    const numbers = booksOf(catalog)
      .statesOf(undefined)
      .map(({ head }) => head.number ?? 0);
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 4 * ROUNDS }, (_, i) => i + 1));
    expect(told.filter((each) => each.invoice !== undefined)).toHaveLength(4 * ROUNDS);
  });

  it('gives followers every entry of every process, in order and once where none of them dies, also two under one name', async () => {
    const told: Record<string, bigint[]> = { here: [], there: [] };
    const following = await Promise.all(
      Object.keys(told).map(async (where) =>
        follow(recordsOf(await open()).journal, {
          ...{ name: 'both', pollMs: 5, keepWithinMs: 0 },
          deliver: (entries) => {
            told[where]?.push(...entries.map(({ seq }) => seq));
            return Promise.resolve();
          },
        }),
      ),
    );
    const writers = ['w1', 'w2'].map((name) => program.start([server.url, name, '4']));
    for (const child of writers) child.stdout?.resume();
    await Promise.all(writers.map((child) => once(child, 'close')));
    const end = await last();
    for (const each of following) await each.reached(end);
    for (const each of following) await each.close();
    const all = Array.from({ length: Number(end) }, (_, i) => BigInt(i + 1));
    // the second may have begun where the first had come to
    for (const seqs of Object.values(told)) expect(seqs).toEqual(all.slice(all.length - seqs.length));
    expect(Math.max(...Object.values(told).map((seqs) => seqs.length))).toBe(all.length);
    for (const seqs of Object.values(told)) expect(seqs.length).toBeGreaterThanOrEqual(2 * 4 * 3);
    const later = await follow(recordsOf(await open()).journal, { name: 'both', deliver: () => Promise.resolve() });
    expect(later.follower.position).toBe(end);
    await later.close();
  });

  it('lets one of many that claim a seq at once have it, and each of them knows whether it was', async () => {
    const before = await last();
    for (let i = 1n; i <= 10n; i += 1n) {
      const won = await Promise.all(
        Array.from({ length: 6 }, (_, who) => insertUnlessOvertaken(store, [entry(before + i, `claim-${who}`)])),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      const rows = await store.rows<{ id: string }>(`SELECT id FROM catalog WHERE seq = ${before + i}`);
      expect(rows).toEqual([{ id: `claim-${won.indexOf(true)}` }]);
    }
  });

  it('refuses a writer that slept for longer than tokens are remembered', async () => {
    await store.command('ALTER TABLE catalog MODIFY SETTING non_replicated_deduplication_window = 2');
    const before = await last();
    for (let i = 1n; i <= 5n; i += 1n) expect(await insertUnlessOvertaken(store, [entry(before + i, 'awake')])).toBe(true);
    expect(await insertUnlessOvertaken(store, [entry(before + 1n, 'asleep')])).toBe(false);
    expect(await store.rows("SELECT id FROM catalog WHERE id = 'asleep'")).toEqual([]);
    await store.command('ALTER TABLE catalog MODIFY SETTING non_replicated_deduplication_window = 10000');
  });

  it('goes on when the server noted a token and was killed before it kept the row', async () => {
    // The row has a part to itself, which can be lost alone: a merge would put it with others.
    await store.command('SYSTEM STOP MERGES catalog');
    const seq = (await last()) + 1n;
    // what the crash leaves behind: the token on record, the row gone
    expect(await insertUnlessOvertaken(store, [entry(seq, 'lost')])).toBe(true);
    const [part] = await store.rows<{ path: string; n: string }>(
      `SELECT path, rows AS n FROM system.parts WHERE database = 'uptally' AND table = 'catalog' AND active
       AND name = (SELECT _part FROM catalog WHERE seq = ${seq})`,
    );
    expect(part?.n).toBe('1');
    await server.kill();
    await rm(part?.path ?? '', { recursive: true });
    await server.start();
    expect(await last()).toBe(seq - 1n);
    expect(await insertUnlessOvertaken(store, [entry(seq, 'after the crash')])).toBe(true);
  });

  it('shows a process what another wrote, and asks once for all who wait', async () => {
    const writer = await open();
    let reads = 0;
    const counting: Store = {
      ...store,
      rows: (sql, params) => {
        reads += 1;
        return store.rows(sql, params);
      },
    };
    const reader = await openCatalogOf({ store: counting, now: Date.now, randomBytes, shared: true });
    reads = 0;
    const early = recordsOf(reader).journal.refresh();
    await Promise.resolve().then(() => Promise.resolve());
    await writer.putAccount('seen', account('Seen'), 't');
    await Promise.all([early, ...Array.from({ length: 50 }, () => recordsOf(reader).journal.refresh())]);
    expect(reader.account('seen')?.body.name).toBe('Seen');
    expect(reads).toBe(2);
  });

  it('decides a write again when another process came first', async () => {
    const [a, b] = [await open(), await open()];
    const key = await a.keys.bootstrapAdmin(undefined);
    // b does not know of it yet: had it written what it decided first, there would be two
    expect(await b.keys.bootstrapAdmin(undefined)).toBeUndefined();
    expect(b.keys.findKey(key ?? '')?.role).toBe('admin');
  });
});
