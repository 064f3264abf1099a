import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../src/store/migrations.ts';
import { openEmbeddedStore } from '../../src/store/embedded-engine.ts';
import type { Outage } from '../../src/store/retry.ts';
import { StoreError } from '../../src/store/store.ts';
import { tableOf } from '../../src/store/rowbinary.ts';
import { trafficRow, TRAFFIC_STRUCTURE } from '../support/rowbinary.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

describe('the embedded store', () => {
  let test: TestStore;
  let onOutage: (outage: Outage | undefined) => void = () => undefined;
  beforeAll(async () => {
    test = await openTestStore({
      migrated: false,
      onOutage: (outage) => {
        onOutage(outage);
      },
    });
  });
  afterAll(() => test.remove());

  const samplesEngine = async (): Promise<string> => {
    const [row] = await test.store.rows<{ e: string }>(
      "SELECT engine_full AS e FROM system.tables WHERE database = 'uptally' AND name = 'samples'",
    );
    return row?.e ?? '';
  };

  it('makes every table once, with durable settings, and runs nothing the second time', async () => {
    expect(await migrate(test.store, { nowMs: 1 })).toEqual({
      applied: (await readdir('schemas/clickhouse')).filter((name) => name.endsWith('.sql')).sort(),
    });
    expect(await migrate(test.store, { nowMs: 2 })).toEqual({ applied: [] });
    const engine = await samplesEngine();
    // who expires, and by which clock, is the server's to say
    expect(engine).not.toContain('TTL');
    expect(engine).toContain(
      'fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1',
    );
  });

  it('refuses a migration whose text has changed since it ran', async () => {
    const directory = join(test.directory, 'schemas');
    await mkdir(directory);
    const own = join(import.meta.dirname, '../../schemas/clickhouse');
    for (const name of await readdir(own))
      await writeFile(join(directory, name), name.startsWith('001') ? 'SELECT 1;\n' : await readFile(join(own, name)));
    await expect(migrate(test.store, { nowMs: 4, directory })).rejects.toMatchObject({
      code: 'migration_changed',
    });
  });

  it('stores RowBinary bytes as they are: 64 bits, bytes that are no UTF-8, rows of 200 partitions in one insert', async () => {
    const max = 2n ** 64n - 1n;
    await test.store.insertRowBinary('traffic', TRAFFIC_STRUCTURE, [
      trafficRow('v1', 60, max, 128n),
      trafficRow('v2', 120, 0xffn, 0x80ffn),
    ]);
    const months = Array.from({ length: 200 }, (_, i) => trafficRow('many', i * 32 * 86_400, 1n, 1n));
    await test.store.insertRowBinary('traffic', TRAFFIC_STRUCTURE, months);
    expect(
      await test.store.rows(
        "SELECT vm, toUInt32(minute) AS s, rx_bytes, tx_bytes, version FROM traffic WHERE vm != 'many' ORDER BY vm",
      ),
    ).toEqual([
      { vm: 'v1', s: 60, rx_bytes: '18446744073709551615', tx_bytes: '255', version: '128' },
      { vm: 'v2', s: 120, rx_bytes: '255', tx_bytes: '255', version: '33023' },
    ]);
    expect(await test.store.rows("SELECT count() AS n FROM traffic WHERE vm = 'many'")).toEqual([{ n: '200' }]);
  });

  it("waits with the aggregator's inserts while merges lag behind, and goes on by itself", async () => {
    const { store } = test;
    const insert = async (at: number): Promise<void> => {
      const row = trafficRow('lag', at * 60, 1n, 1n);
      if (store.files === undefined) return store.insertRowBinary('traffic', TRAFFIC_STRUCTURE, [row]);
      const path = join(store.files.directory, `lag-${at}`);
      await writeFile(path, row);
      await store.files.insert('traffic', TRAFFIC_STRUCTURE, path);
      await rm(path);
    };
    await store.command('SYSTEM STOP MERGES traffic');
    await store.command('ALTER TABLE traffic MODIFY SETTING parts_to_delay_insert = 1, parts_to_throw_insert = 2');
    const told = new Promise<Outage | undefined>((resolve) => (onOutage = resolve));
    const inserts = Promise.all([1, 2, 3].map(insert));
    expect((await told)?.error).toMatchObject({ code: 'TOO_MANY_PARTS', retryable: true });
    await store.command('ALTER TABLE traffic RESET SETTING parts_to_delay_insert, parts_to_throw_insert');
    await store.command('SYSTEM START MERGES traffic');
    await inserts;
    expect(await store.rows("SELECT count() AS n FROM traffic WHERE vm = 'lag'")).toEqual([{ n: '3' }]);
  });

  it('reads rows that stand in a statement, of every name there may be, and no others', async () => {
    const rows: [string, string, number][] = [
      ['AZaz09._:-', '', 0],
      ['NULL', 'N', 1_800_000_000_123],
      ['-', '_', -1],
    ];
    const table = tableOf('vm String, nic String, ts Int64', rows);
    const found = await test.store.rows<{ vm: string; nic: string; ts: string }>(`SELECT vm, nic, ts FROM ${table}`);
    expect(found.map(({ vm, nic, ts }) => [vm, nic, Number(ts)])).toEqual(rows);
    for (const name of ["a'b", 'a\\N', 'a b', 'ä'])
      expect(() => tableOf('vm String', [[name]])).toThrow('only names and numbers');
  });

  it('drops an insert repeated under its token, and takes the same rows under another', async () => {
    const rows = [trafficRow('token', 60, 1n, 1n)];
    const count = async () => test.store.rows("SELECT count() AS n FROM traffic WHERE vm = 'token'");
    await test.store.insertRowBinary('traffic', TRAFFIC_STRUCTURE, rows, "step'1");
    await test.store.insertRowBinary('traffic', TRAFFIC_STRUCTURE, rows, "step'1");
    expect(await count()).toEqual([{ n: '1' }]);
    await test.store.insertRowBinary('traffic', TRAFFIC_STRUCTURE, rows, 'step 2');
    expect(await count()).toEqual([{ n: '2' }]);
  });

  it('leaves no scratch file behind, whether the insert worked or not', async () => {
    await expect(test.store.insertRowBinary('nowhere', TRAFFIC_STRUCTURE, [trafficRow('v', 60, 1n, 1n)])).rejects.toBeInstanceOf(
      StoreError,
    );
    await test.store.insertRowBinary('traffic', TRAFFIC_STRUCTURE, []);
    expect(await readdir(join(test.directory, 'scratch'))).toEqual([]);
  });

  it('removes at open what a killed process left in the scratch directory, and nothing else', async () => {
    const scratchDir = join(test.directory, 'scratch');
    await writeFile(join(scratchDir, 'left.rowbinary'), 'x');
    await writeFile(join(scratchDir, 'keep.txt'), 'x');
    const again = await openEmbeddedStore({ path: join(test.directory, 'clickhouse'), scratchDir });
    expect(await readdir(scratchDir)).toEqual(['keep.txt']);
    await again.close();
  });

  it('binds parameters with quotes, backslashes and line breaks, and answers NDJSON bytes', async () => {
    const a = 'it\'s \\ a "line"\nbreak';
    expect(await test.store.rows('SELECT {a:String} AS a, {l:Array(String)} AS l', { a, l: ['x', "y'"] })).toEqual([
      { a, l: ['x', "y'"] },
    ]);
    expect(Buffer.from(await test.store.ndjson('SELECT number AS n FROM numbers(2)')).toString()).toBe('{"n":"0"}\n{"n":"1"}\n');
    expect(await test.store.rows('SELECT 1 WHERE 0')).toEqual([]);
  });

  it('says what went wrong as an operating error with a code', async () => {
    await expect(test.store.rows('SELECT nothing')).rejects.toMatchObject({ code: 'UNKNOWN_IDENTIFIER', retryable: false });
  });
});
