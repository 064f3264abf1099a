import { afterEach, expect, inject, it } from 'vitest';
import { openServerStore } from '../../src/store/server.ts';
import { Client, LOAD_ENV } from '../crash/load.ts';
import { emptyClickHouse } from '../support/empty-clickhouse.ts';
import { type Roles, startRoles, untilReady } from '../support/roles.ts';
import { untilStatus } from '../support/server.ts';

let roles: Roles | undefined;
afterEach(async () => {
  await roles?.end('SIGKILL');
  roles = undefined;
});

/** Rows of other partitions close their silences when the clock has come round with the ticks. */
async function untilClock(client: Client, front: Roles['front']): Promise<void> {
  const clockMs = Math.max(...client.loads.map((load) => load.sentUntilMs));
  await untilStatus(
    front,
    'the clock to reach every partition',
    ({ watermark }) => watermark !== null && Date.parse(watermark) >= clockMs - 120_000,
  );
}

it.each([
  { partitions: 1, aggregate: 1, ingest: 1, api: 1 },
  { partitions: 3, aggregate: 2, ingest: 2, api: 1 },
  { partitions: 8, aggregate: 3, ingest: 2, api: 2 },
])(
  'a random fleet through $partitions partitions, $ingest doors and $aggregate aggregators is what the model says, row by row',
  async (shape) => {
    await emptyClickHouse(inject('clickhouseUrl'));
    roles = await startRoles({
      ...shape,
      brokers: inject('kafkaBrokers'),
      clickhouseUrl: inject('clickhouseUrl'),
      env: LOAD_ENV,
    });
    const { front } = roles;
    await Promise.all([...roles.ingest, ...roles.aggregate, ...roles.api].map((server) => untilReady(server)));
    const client = new Client();
    await client.makeKeys(front);
    const load = client.newLoad(700 + shape.partitions, 12);
    expect(await client.send(front, load)).toBe(true);
    await untilClock(client, front);
    expect(await client.faults(front)).toEqual([]);
    const store = await openServerStore({ url: inject('clickhouseUrl') });
    const [found] = await store.rows<{ n: string }>('SELECT uniqExact(partition_id) AS n FROM progress');
    await store.close();
    expect(Number(found?.n)).toBe(shape.partitions);
  },
);
