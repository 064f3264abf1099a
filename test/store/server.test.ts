import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../src/store/migrations.ts';
import { openServerStore } from '../../src/store/server.ts';
import type { Store } from '../../src/store/store.ts';
import { type ClickHouseServer, serverMissing, startClickHouseServer } from '../support/clickhouse-server.ts';
import { trafficRow, TRAFFIC_STRUCTURE } from '../support/rowbinary.ts';

const missing = serverMissing();

describe.skipIf(missing !== undefined)(`the store on a server${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let server: ClickHouseServer;
  let store: Store;
  beforeAll(async () => {
    server = await startClickHouseServer();
    store = await openServerStore({ url: server.url });
  });
  afterAll(async () => {
    await store.close();
    await server.stop();
  });

  it('is migrated as the embedded one is', async () => {
    expect(await migrate(store, { nowMs: 1 })).toEqual({
      applied: (await readdir('schemas/clickhouse')).filter((name) => name.endsWith('.sql')).sort(),
    });
    const [table] = await store.rows<{ e: string }>(
      "SELECT engine_full AS e FROM system.tables WHERE database = 'uptally' AND name = 'samples'",
    );
    expect(table?.e).not.toContain('TTL');
  });

  it('streams RowBinary as it is, many chunks and many partitions in one insert', async () => {
    const chunks = Array.from({ length: 3000 }, (_, i) =>
      trafficRow(`v${i % 7}`, (i % 200) * 32 * 86_400 + i * 60, 2n ** 64n - 1n, 255n),
    );
    await store.insertRowBinary('traffic', TRAFFIC_STRUCTURE, chunks);
    expect(await store.rows('SELECT count() AS n, min(rx_bytes) AS rx, max(version) AS version FROM traffic')).toEqual([
      { n: '3000', rx: '18446744073709551615', version: '255' },
    ]);
  });

  it('drops an insert repeated under its token', async () => {
    const insert = () => store.insertRowBinary('traffic', TRAFFIC_STRUCTURE, [trafficRow('token', 60, 1n, 1n)], "step'1");
    await insert();
    await insert();
    expect(await store.rows("SELECT count() AS n FROM traffic WHERE vm = 'token'")).toEqual([{ n: '1' }]);
  });

  it('reads parameters as they are, and answers NDJSON', async () => {
    const a = 'it\'s \\ a "line"\nbreak';
    expect(await store.rows('SELECT {a:String} AS a, {l:Array(String)} AS l, toUInt128(5) AS u', { a, l: ['x', "y'"] })).toEqual([
      { a, l: ['x', "y'"], u: '5' },
    ]);
    expect(Buffer.from(await store.ndjson('SELECT number AS n FROM numbers(2)')).toString()).toBe('{"n":"0"}\n{"n":"1"}\n');
  });

  it('has its rows after kill -9 and a start on the same data', async () => {
    const before = await store.rows('SELECT count() AS n, sum(rx_bytes) AS rx FROM traffic');
    await server.kill();
    // asked while it is away, answered when it is back
    const after = store.rows('SELECT count() AS n, sum(rx_bytes) AS rx FROM traffic');
    await server.start();
    expect(await after).toEqual(before);
  });

  it('says whether trying again makes sense', async () => {
    await expect(store.rows('SELECT nothing')).rejects.toMatchObject({ code: 'UNKNOWN_IDENTIFIER', retryable: false });
    await expect(store.insertRowBinary('nowhere', TRAFFIC_STRUCTURE, [trafficRow('v', 60, 1n, 1n)])).rejects.toMatchObject({
      retryable: false,
    });
    await expect(openServerStore({ url: 'http://127.0.0.1:1', patienceMs: 50 })).rejects.toMatchObject({
      code: 'ECONNREFUSED',
      retryable: true,
    });
  });
});
