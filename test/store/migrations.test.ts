import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOCK_TABLE, underLock } from '../../src/store/lock.ts';
import { migrate } from '../../src/store/migrations.ts';
import { openServerStore } from '../../src/store/server.ts';
import type { Store } from '../../src/store/store.ts';
import { type ClickHouseServer, serverMissing, startClickHouseServer } from '../support/clickhouse-server.ts';
import { compileProgram, type Program } from '../support/program.ts';

const missing = serverMissing();
const PROCESSES = 8;

describe.skipIf(missing !== undefined)('migrations by several processes that start at once', () => {
  let server: ClickHouseServer;
  let program: Program;
  const stores: Store[] = [];
  const open = async (): Promise<Store> => {
    const store = await openServerStore({ url: server.url });
    stores.push(store);
    return store;
  };
  beforeAll(async () => {
    program = compileProgram('store/programs/migrator.ts');
    server = await startClickHouseServer();
  });
  afterAll(async () => {
    for (const store of stores) await store.close();
    await server.stop();
    program.remove();
  });
  const forget = async (): Promise<void> => {
    for (const body of ['DROP DATABASE uptally SYNC', 'CREATE DATABASE uptally'])
      expect((await fetch(server.url, { method: 'POST', body })).status).toBe(200);
  };

  it('are carried out once, by one of eight processes, on a fresh server', async () => {
    const children = Array.from({ length: PROCESSES }, () => program.start([server.url]));
    const ends = await Promise.all(
      children.map(async (child) => {
        const told = child.stdout === null ? '' : text(child.stdout);
        const [code] = (await once(child, 'close')) as [number];
        return { code, told: (await told).trim() };
      }),
    );
    expect(ends.map(({ code }) => code)).toEqual(Array.from({ length: PROCESSES }, () => 0));
    const store = await open();
    const rows = await store.rows<{ name: string; n: string }>(
      'SELECT name, count() AS n FROM migrations GROUP BY name ORDER BY name',
    );
    expect(rows.map(({ n }) => n)).toEqual(rows.map(() => '1'));
    expect(ends.map(({ told }) => told).filter((told) => told !== '')).toEqual([rows.map(({ name }) => name).join(' ')]);
  });

  it('are carried out once, over and over, by clients of one process', async () => {
    const clients = await Promise.all(Array.from({ length: PROCESSES }, open));
    for (let round = 0; round < 3; round += 1) {
      await forget();
      const all = await Promise.all(clients.map((store) => migrate(store, { nowMs: round })));
      expect(all.filter(({ applied }) => applied.length > 0)).toHaveLength(1);
    }
  });

  it('go on when the process that held the lock is gone', async () => {
    const store = await open();
    await store.command(
      `INSERT INTO ${LOCK_TABLE} SELECT (SELECT max(term) + 1 FROM ${LOCK_TABLE}), 'gone', 0, now64(3) + toIntervalMillisecond(300)`,
    );
    expect(await underLock({ store, holder: 'next', leaseMs: 1000 }, () => Promise.resolve('mine'))).toBe('mine');
    expect(await store.rows(`SELECT holder FROM ${LOCK_TABLE} ORDER BY term DESC, released DESC LIMIT 1`)).toEqual([
      { holder: 'next' },
    ]);
  });

  it('never run while another holds the lock', async () => {
    const clients = await Promise.all(Array.from({ length: 6 }, open));
    let inside = 0;
    let most = 0;
    await Promise.all(
      clients.map((store, i) =>
        underLock({ store, holder: `h${i}`, leaseMs: 60_000 }, async () => {
          most = Math.max(most, (inside += 1));
          await store.rows('SELECT sleep(0.05)');
          inside -= 1;
        }),
      ),
    );
    expect(most).toBe(1);
  });
});
