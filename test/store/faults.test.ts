import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { migrate } from '../../src/store/migrations.ts';
import { openServerStore } from '../../src/store/server.ts';
import type { Outage } from '../../src/store/retry.ts';
import type { Store } from '../../src/store/store.ts';
import { type ClickHouseServer, serverMissing, startClickHouseServer } from '../support/clickhouse-server.ts';
import { startFaultyProxy } from '../support/faulty-proxy.ts';
import { randomOf } from '../support/random.ts';
import { trafficRow, TRAFFIC_STRUCTURE } from '../support/rowbinary.ts';
import { seeds } from '../support/seeds.ts';

const missing = serverMissing();
const VMS = 40;
const MINUTES = 25;

/** Every key once under each version, its value a function of both: what is missing, mixed up or there twice shows. */
function rowsOf(version: number): Uint8Array[] {
  const rows = Array.from({ length: VMS * MINUTES }, (_, i) =>
    trafficRow(`v${i % VMS}`, 60 * Math.floor(i / VMS), BigInt(version * 1_000_000 + i), BigInt(version)),
  );
  return [Buffer.concat(rows)];
}

async function expectExactly(store: Store, version: number): Promise<void> {
  const [sums] = await store.rows(
    `SELECT count() AS n, sum(value) AS total, min(latest) AS low, max(latest) AS high FROM (
       SELECT vm, minute, argMax(rx_bytes, version) AS value, max(version) AS latest FROM traffic GROUP BY vm, minute)`,
  );
  const n = VMS * MINUTES;
  const total = BigInt(n) * BigInt(version) * 1_000_000n + BigInt((n * (n - 1)) / 2);
  expect(sums).toEqual({ n: String(n), total: String(total), low: String(version), high: String(version) });
}

describe.skipIf(missing !== undefined)('a server that is hard to reach', () => {
  let server: ClickHouseServer;
  let direct: Store;
  beforeAll(async () => {
    server = await startClickHouseServer({ supervised: true });
    direct = await openServerStore({ url: server.url, attemptMs: 5000 });
    await migrate(direct, { nowMs: 0 });
  });
  afterAll(async () => {
    await direct.close();
    await server.stop();
  });

  // whatever the test before has left behind
  beforeEach(() => server.ready());

  it.each(seeds(1))(
    'has every row exactly once after 50 faults on the way, and no call hangs (seed %i)',
    async (seed) => {
      await direct.command('TRUNCATE TABLE traffic');
      const { port } = new URL(server.url);
      const proxy = await startFaultyProxy({
        target: { host: '127.0.0.1', port: Number(port) },
        seed,
        rate: 0.9,
        bytesMax: 25_000,
        latencyMsMax: 50,
      });
      onTestFinished(() => proxy.close());
      proxy.calm();
      const outages: (Outage | undefined)[] = [];
      const store = await openServerStore({
        url: `http://127.0.0.1:${proxy.port}`,
        attemptMs: 400,
        attemptMsMax: 5000,
        backoffMs: 5,
        random: randomOf(seed),
        now: () => 1,
        onOutage: (outage) => outages.push(outage),
      });
      // one that fails must not go on trying
      onTestFinished(() => store.close());
      proxy.storm();
      let version = 0;
      while (proxy.faults() < 50) {
        version += 1;
        await store.insertRowBinary(
          'traffic',
          TRAFFIC_STRUCTURE,
          rowsOf(version),
          version % 4 === 0 ? undefined : `0-${version}-traffic`,
        );
        // what is read through the faults is whole
        const rows = await store.rows<{ rx: string }>(
          `SELECT argMax(rx_bytes, version) AS rx FROM traffic GROUP BY vm, minute ORDER BY minute, toUInt32(substring(vm, 2))`,
        );
        expect(rows.map(({ rx }) => Number(rx))).toEqual(
          Array.from({ length: VMS * MINUTES }, (_, i) => version * 1_000_000 + i),
        );
      }
      await expectExactly(direct, version);
      expect(outages.filter((outage) => outage !== undefined).length).toBeGreaterThan(5);
      expect(outages.at(-1)).toBeUndefined();
      const struck = new Set(proxy.log.map((line) => line.split(' ')[2]));
      expect([...struck].sort()).toEqual(['blackhole', 'duplicate', 'latency', 'reset', 'truncate']);
    },
    300_000,
  );

  it('takes every insert exactly once when it is killed and started again in the midst of it', async () => {
    await direct.command('TRUNCATE TABLE traffic');
    const random = randomOf(7);
    let ended = 0;
    for (let version = 1; version <= 4; version += 1) {
      const insert = direct.insertRowBinary('traffic', TRAFFIC_STRUCTURE, rowsOf(version), `0-${version}-traffic`).then(() => {
        ended += 1;
      });
      // where in the insert it is hit is drawn: from before the request to after the answer
      await new Promise((resolve) => setTimeout(resolve, random() * 40));
      await server.kill();
      await server.start();
      await insert;
      expect(ended).toBe(version);
      await expectExactly(direct, version);
    }
  }, 240_000);

  it('does not drop the repeat of an insert whose token it noted and whose rows it lost', async () => {
    await direct.command('TRUNCATE TABLE traffic');
    const insert = (): Promise<void> => direct.insertRowBinary('traffic', TRAFFIC_STRUCTURE, rowsOf(1), 'noted');
    await insert();
    await insert();
    expect(await direct.rows('SELECT count() AS n FROM traffic')).toEqual([{ n: String(VMS * MINUTES) }]);
    await server.kill();
    await server.start();
    // another life: the token counts no more, and the rows replace themselves
    await insert();
    expect(await direct.rows('SELECT count() AS n FROM traffic')).toEqual([{ n: String(2 * VMS * MINUTES) }]);
    await expectExactly(direct, 1);
  });

  it('is given up on after a few seconds where somebody waits for an answer', async () => {
    const store = await openServerStore({ url: server.url, patienceMs: 200, backoffMs: 10 });
    await server.kill();
    await expect(store.rows('SELECT 1')).rejects.toMatchObject({ retryable: true });
    await server.start();
    expect(await store.rows('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await store.close();
  });

  it.each([
    ['a statement that is wrong', 'SELEC 1', 'SYNTAX_ERROR'],
    ['a column that is not there', 'SELECT nothing FROM traffic', 'UNKNOWN_IDENTIFIER'],
    ['a table that is not there', 'SELECT 1 FROM nowhere', 'UNKNOWN_TABLE'],
  ])('says at once that %s will not do', async (_, sql, code) => {
    await expect(direct.rows(sql)).rejects.toMatchObject({ code, retryable: false });
  });

  it('says at once that a password is wrong', async () => {
    const url = server.url.replace('http://', 'http://nobody:wrong@');
    await expect(openServerStore({ url })).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED', retryable: false });
  });
});
