import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Decoder } from '../../src/kernel/decoder.ts';
import { sampleColumns, samplesBefore } from '../../src/query/columns.ts';
import type { QueryContext } from '../../src/query/context.ts';
import { namePage } from '../../src/query/names.ts';
import { onCluster } from '../../src/store/cluster.ts';
import { settleRetention } from '../../src/store/retention.ts';
import { migrate, statementsOf } from '../../src/store/migrations.ts';
import { openServerStore } from '../../src/store/server.ts';
import type { Store } from '../../src/store/store.ts';
import { type ClickHouseServer, serverMissing, startClickHouseServer } from '../support/clickhouse-server.ts';
import { comparable, differences, expectedRows } from '../support/expected.ts';
import { fleetGroup, groupLog } from '../support/fleets.ts';
import { freePort } from '../support/free-port.ts';
import { markCatalog, memoryCheckpoints, readStored, startAggregator, storeCatalog } from '../support/product.ts';
import { randomOf } from '../support/random.ts';

const missing = serverMissing();
const SHARDED = ['samples', 'uptime', 'traffic', 'outages', 'anomalies'];
const LAST_MS = Date.UTC(2100, 0);
const schemas = join(import.meta.dirname, '../../schemas/clickhouse');

/** Every statement of every migration, as it would run. */
function statements(): string[] {
  const files = readdirSync(schemas).filter((name) => name.endsWith('.sql'));
  return files.sort().flatMap((name) => {
    const text = readFileSync(join(schemas, name), 'utf8');
    return statementsOf(
      text.replaceAll('{{samples_ttl}}', '').replaceAll('{{durable}}', 'non_replicated_deduplication_window = 1000'),
    );
  });
}

describe('the statements of a cluster', () => {
  const replicated = statements().flatMap((statement) => onCluster(statement, { name: 'c', replicated: true }));

  it('shard what belongs to a VM by its name, and copy the rest to every node', () => {
    const distributed = replicated.filter((statement) => statement.includes('ENGINE = Distributed'));
    expect(distributed).toEqual(
      SHARDED.map(
        (name) =>
          `CREATE TABLE IF NOT EXISTS ${name} ON CLUSTER 'c' AS ${name}_local ENGINE = Distributed('c', 'uptally', '${name}_local', cityHash64(vm))`,
      ),
    );
    const engines = replicated.flatMap((statement) => /ENGINE = (Replicated.*)/.exec(statement)?.[1] ?? []);
    expect(engines).toContain(
      "ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/uptally/uptime_local', '{replica}', version)",
    );
    expect(engines).toContain("ReplicatedMergeTree('/clickhouse/tables/all/uptally/catalog', '{shard}-{replica}')");
    for (const statement of replicated) {
      expect(statement).toMatch(/ ON CLUSTER 'c'/);
      expect(statement).not.toContain('non_replicated');
    }
  });

  it('change both tables where a column is added, and the one with the rows otherwise', () => {
    const changed = (statement: string): string[] => onCluster(statement, { name: 'c', replicated: true });
    expect(changed('ALTER TABLE uptime ADD COLUMN x UInt8')).toEqual([
      "ALTER TABLE uptime_local ON CLUSTER 'c' ADD COLUMN x UInt8",
      "ALTER TABLE uptime ON CLUSTER 'c' ADD COLUMN x UInt8",
    ]);
    expect(changed('ALTER TABLE samples REMOVE TTL')).toEqual(["ALTER TABLE samples_local ON CLUSTER 'c' REMOVE TTL"]);
    expect(changed('ALTER TABLE samples DELETE WHERE ts < 5')).toEqual([
      "ALTER TABLE samples_local ON CLUSTER 'c' DELETE WHERE ts < 5",
    ]);
    expect(changed('ALTER TABLE catalog ADD COLUMN x UInt8')).toEqual(["ALTER TABLE catalog ON CLUSTER 'c' ADD COLUMN x UInt8"]);
  });

  it('are refused where a migration holds something else', () => {
    expect(() => onCluster('RENAME TABLE a TO b', { name: 'c', replicated: true })).toThrow('not a statement for a cluster');
  });
});

/**
 * In place of the servers' own DDL queue, which the engine under test has not got: a statement ON CLUSTER goes to every node, anything
 * else to the first one, as it came.
 */
async function startDdlFront(nodes: readonly string[]): Promise<{ url: string; server: Server }> {
  const ON = / ON CLUSTER 'c'/;
  const server = createServer((incoming, answer) => {
    void buffer(incoming).then(async (body) => {
      const text = body.toString('latin1');
      const everywhere = ON.test(text);
      const sent = everywhere ? Buffer.from(text.replace(ON, ''), 'latin1') : body;
      for (const [i, node] of (everywhere ? nodes : nodes.slice(0, 1)).entries()) {
        const headers = { ...incoming.headers, 'content-length': sent.length };
        delete (headers as Record<string, unknown>)['transfer-encoding'];
        const onward = request(new URL(incoming.url ?? '/', node), { method: incoming.method ?? 'POST', headers });
        onward.end(sent);
        const [came] = (await once(onward, 'response')) as [IncomingMessage];
        const told = await buffer(came);
        const last = i === (everywhere ? nodes.length - 1 : 0) || came.statusCode !== 200;
        if (!last) continue;
        delete came.headers['transfer-encoding'];
        answer.writeHead(came.statusCode ?? 500, { ...came.headers, 'content-length': told.length }).end(told);
        return;
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

describe.skipIf(missing !== undefined)('two real servers as two shards', () => {
  const nodes: ClickHouseServer[] = [];
  let front: { url: string; server: Server };
  let store: Store;
  beforeAll(async () => {
    const ports = [await freePort(), await freePort()];
    const shards = ports.map((port) => `<shard><replica><host>127.0.0.1</host><port>${port}</port></replica></shard>`).join('');
    const config = `<remote_servers><c>${shards}</c></remote_servers>`;
    for (const tcpPort of ports) nodes.push(await startClickHouseServer({ config, tcpPort }));
    front = await startDdlFront(nodes.map(({ url }) => url));
    store = await openServerStore({ url: front.url, cluster: 'c' });
  });
  afterAll(async () => {
    await store.close();
    front.server.close();
    for (const node of nodes) await node.stop();
  });

  it('understand every statement of a replicated cluster', async () => {
    for (const statement of statements().flatMap((each) => onCluster(each, { name: 'c', replicated: true }))) {
      // asked of the parser of a real server; its DDL queue is not there to carry it out
      const answer = await fetch(nodes[0]?.url ?? '', { method: 'POST', body: `EXPLAIN AST ${statement}` });
      expect([answer.status, statement], await answer.text()).toEqual([200, statement]);
    }
  });

  it('are migrated twice with the same end, and lose the TTL that an earlier version gave them', async () => {
    const cluster = { name: 'c', replicated: false };
    expect((await migrate(store, { nowMs: 1, cluster })).applied).not.toEqual([]);
    expect((await migrate(store, { nowMs: 2, cluster })).applied).toEqual([]);
    for (const { url } of nodes)
      await fetch(url, { method: 'POST', body: 'ALTER TABLE uptally.samples_local MODIFY TTL toDateTime(ts) + INTERVAL 93 DAY' });
    await migrate(store, { nowMs: 3, cluster });
    expect(await settleRetention(store, { days: 90, shorten: undefined, nowMs: 4 })).toEqual({ days: 90 });
    for (const { url } of nodes) {
      const answer = await fetch(url, {
        method: 'POST',
        body: "SELECT name, engine, position(engine_full, 'TTL') > 0 FROM system.tables WHERE database = 'uptally' AND name LIKE 'samples%' ORDER BY name",
      });
      expect(await answer.text()).toBe('samples\tDistributed\t0\nsamples_local\tReplacingMergeTree\t0\n');
    }
  });

  it('hold between them what the model says of random fleets, a VM on one shard only', async () => {
    const fleet = fleetGroup(1, 40);
    const seq = await storeCatalog(store, fleet.catalog);
    const log = groupLog(new Decoder(), fleet, randomOf(1), 50);
    markCatalog(log, seq);
    const aggregator = await startAggregator({ store, log, checkpoints: memoryCheckpoints(), options: fleet.options });
    while (await aggregator.step());
    const { counts, ...rows } = expectedRows(fleet);
    expect(counts.accepted).toBeGreaterThan(0);
    expect(differences(comparable(await readStored(store)), rows)).toEqual([]);
    const held = await Promise.all(
      nodes.map(async ({ url }) => {
        const answer = await fetch(url, {
          method: 'POST',
          body: 'SELECT DISTINCT vm FROM uptally.uptime_local ORDER BY vm FORMAT TSV',
        });
        return (await answer.text()).trim().split('\n');
      }),
    );
    expect(held.map((vms) => vms.length > 3)).toEqual([true, true]);
    expect(held[0]?.filter((vm) => held[1]?.includes(vm))).toEqual([]);
  });

  it('are asked for names that the catalog has not, which one node alone has', async () => {
    const read = async (table: string, column: string): Promise<string[]> => {
      const rows = await store.rows<{ name: string }>(`SELECT DISTINCT ${column} AS name FROM ${table} ORDER BY name`);
      return rows.map(({ name }) => name);
    };
    const known = await read("(SELECT id FROM catalog WHERE kind = 'vm')", 'id');
    const metered = [...new Set([...(await read('samples', 'vm')), ...(await read('uptime', 'vm'))])].sort();
    expect(known.filter((vm) => metered.includes(vm)).length).toBeGreaterThan(3);
    const { rows } = await namePage(store, { after: '', limit: 1000, pattern: undefined, beforeMs: undefined });
    expect(rows.map(({ vm }) => vm)).toEqual(metered.filter((vm) => !known.includes(vm)));
  });

  describe('answer what asks of one table within another', () => {
    const everything = async (): Promise<{ vm: string; as_told: number[] }[]> => {
      const names = (await store.rows<{ vm: string }>('SELECT DISTINCT vm FROM samples')).map(({ vm }) => vm);
      const lines = await sampleColumns({ store } as QueryContext, { vms: names, fromMs: 0, toMs: LAST_MS, limit: 100_000 });
      const text = Buffer.from(lines).toString().trim();
      return text.split('\n').map((line) => JSON.parse(line) as { vm: string; as_told: number[] });
    };

    it('the samples before an instant', async () => {
      const vms = [...new Set((await everything()).map(({ vm }) => vm))];
      const lines = await samplesBefore({ store } as QueryContext, { vms, fromMs: 0, toMs: LAST_MS, limit: 100_000 });
      expect(new Set(Buffer.from(lines).toString().trim().split('\n').map((line) => (JSON.parse(line) as { vm: string }).vm)).size).toBe(vms.length); // prettier-ignore
    });

    it('whose name a sample had when it was stored, on the shard that has it', async () => {
      const before = await everything();
      expect(before.every(({ as_told }) => as_told.join() === '1')).toBe(true);
      const vm = before[0]?.vm ?? '';
      for (const { url } of nodes)
        await fetch(url, { method: 'POST', body: `ALTER TABLE uptally.samples_local UPDATE agent = 'x' WHERE vm = '${vm}' SETTINGS mutations_sync = 2` }); // prettier-ignore
      expect(new Set((await everything()).filter(({ as_told }) => as_told.join() !== '1').map((line) => line.vm))).toEqual(
        new Set([vm]),
      );
    });
  });
});
