/**
 * Faults of processes and servers under load; after each the rows are the model's, and everything answered 202 is counted once.
 * Aggregators that come, go and sleep are in members.test.ts. `npm run soak -- --kills 200` kills more often, `--seed 7` at other moments.
 */
import { afterAll, beforeAll, it } from 'vitest';
import { Client } from '../crash/load.ts';
import { type ClickHouseServer, startClickHouseServer } from '../support/clickhouse-server.ts';
import { type KafkaBroker, startKafkaBroker } from '../support/kafka-broker.ts';
import { below, randomOf } from '../support/random.ts';
import { type RoleName, type Roles, startRoles, untilReady } from '../support/roles.ts';
import { allIsWell, LOAD_ENV, underLoad } from './under-load.ts';

const KILLS = Number(process.env['UPTALLY_TEST_KILLS'] ?? 20);
const SEED = Number(process.env['UPTALLY_TEST_SEED'] ?? 1);
const ROLES: readonly RoleName[] = ['ingest', 'aggregate', 'api'];
/** The longest between two kills; a rebalance takes about as long. */
const BETWEEN_MS = 1500;

const random = randomOf(SEED);
let broker: KafkaBroker;
let clickhouse: ClickHouseServer;
let roles: Roles;
let client: Client;
let lastSeed = SEED * 10_000;
const nextSeed = (): number => ++lastSeed;
const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

beforeAll(async () => {
  [broker, clickhouse] = await Promise.all([startKafkaBroker(), startClickHouseServer()]);
  roles = await startRoles({
    brokers: broker.brokers,
    clickhouseUrl: clickhouse.url,
    partitions: 4,
    ingest: 2,
    aggregate: 2,
    api: 2,
    env: LOAD_ENV,
  });
  await Promise.all(ROLES.flatMap((role) => roles[role]).map((server) => untilReady(server)));
  client = new Client();
  await client.makeKeys(roles.front);
});
afterAll(async () => {
  await roles.end('SIGKILL');
  await Promise.all([broker.stop(), clickhouse.stop()]);
});

it(
  `${KILLS} SIGKILLs of any role at random moments`,
  async () => {
    const kills: Record<RoleName, number> = { ingest: 0, aggregate: 0, api: 0 };
    const loads = await underLoad(client, roles.front, nextSeed, async () => {
      for (let i = 0; i < KILLS; i++) {
        const role = ROLES[i % ROLES.length] ?? 'ingest';
        const victim = roles[role][below(random, roles[role].length)];
        if (victim === undefined) throw new Error(`no process has the role ${role}`);
        await later(random() * BETWEEN_MS);
        await victim.end('SIGKILL');
        kills[role]++;
        await roles.start(role);
        if ((i + 1) % 10 === 0) process.stderr.write(`${i + 1} kills, ${client.answered} samples answered 202\n`);
      }
    });
    await allIsWell(client, roles.front, loads);
    process.stderr.write(`${JSON.stringify(kills)} killed, ${client.answered} samples answered 202, rows equal the model's\n`);
  },
  180_000 + KILLS * 30_000,
);

it('the broker killed and started again, also in the middle of producing', async () => {
  const loads = await underLoad(client, roles.front, nextSeed, async () => {
    for (let i = 0; i < 2; i++) {
      await later(random() * BETWEEN_MS);
      await broker.kill();
      await later(random() * BETWEEN_MS);
      await broker.start();
      await later(2 * BETWEEN_MS);
    }
  });
  await allIsWell(client, roles.front, loads);
});

it('ClickHouse killed and started again, also in the middle of inserts', async () => {
  const loads = await underLoad(client, roles.front, nextSeed, async () => {
    for (let i = 0; i < 3; i++) {
      await later(random() * BETWEEN_MS);
      await clickhouse.kill();
      await later(random() * BETWEEN_MS);
      await clickhouse.start();
      await later(BETWEEN_MS);
    }
  });
  await allIsWell(client, roles.front, loads);
});
