/** A network that breaks connections by a seed, between our processes and the broker, and between them and ClickHouse; and one that delivers twice. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Client, type Load } from '../crash/load.ts';
import { type ClickHouseServer, startClickHouseServer } from '../support/clickhouse-server.ts';
import { type DoublingProxy, startDoublingProxy } from '../support/doubling-proxy.ts';
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts';
import { type KafkaBroker, startKafkaBroker } from '../support/kafka-broker.ts';
import { type Roles, startRoles, untilReady } from '../support/roles.ts';
import { allIsWell, LOAD_ENV, underLoad } from './under-load.ts';

const SEED = Number(process.env['UPTALLY_TEST_SEED'] ?? 1);
/** How long a storm lasts at least, and at most if it has not shown everything it has by then. */
const STORM_MS = 10_000;
const STORM_MS_MAX = 180_000;
/** What a connection may meet. A whole exchange that is sent again much later is for HTTP, see test/store: to a log it would be another thing. */
const KINDS = ['latency', 'reset', 'blackhole', 'truncate'] as const;

const proxies: FaultyProxy[] = [];
let doubling: DoublingProxy;
let broker: KafkaBroker;
let clickhouse: ClickHouseServer;
let roles: Roles;
let client: Client;
let lastSeed = SEED * 20_000;
const nextSeed = (): number => ++lastSeed;

async function calmProxy(port: number, bytesMax: number): Promise<FaultyProxy> {
  const target = { host: '127.0.0.1', port };
  const proxy = await startFaultyProxy({ target, seed: SEED + proxies.length, rate: 0.8, bytesMax, kinds: KINDS });
  proxy.calm();
  proxies.push(proxy);
  return proxy;
}

beforeAll(async () => {
  broker = await startKafkaBroker({
    // what clients are told to connect to is the outer one
    async proxied(port) {
      doubling = await startDoublingProxy({ host: '127.0.0.1', port: (await calmProxy(port, 4_000)).port });
      return doubling.port;
    },
  });
  clickhouse = await startClickHouseServer({ supervised: true });
  const before = await calmProxy(Number(new URL(clickhouse.url).port), 20_000);
  roles = await startRoles({
    brokers: broker.proxiedBrokers,
    clickhouseUrl: `http://127.0.0.1:${before.port}`,
    partitions: 3,
    aggregate: 2,
    env: LOAD_ENV,
  });
  await Promise.all([...roles.ingest, ...roles.aggregate, ...roles.api].map((server) => untilReady(server)));
  client = new Client();
  await client.makeKeys(roles.front);
});
afterAll(async () => {
  await roles.end('SIGKILL');
  await Promise.all([doubling.close(), ...proxies.map((proxy) => proxy.close()), broker.stop(), clickhouse.stop()]);
});

it.each([
  ['the broker', 0],
  ['ClickHouse', 1],
] as const)('connections to %s that stall, end and are reset: nothing is lost or counted twice', async (_, index) => {
  const proxy = proxies[index];
  if (proxy === undefined) throw new Error('there is no proxy');
  const struck = (): string[] => [...new Set(proxy.log.map((line) => line.split(' ')[2] ?? ''))].sort();
  const loads = await underLoad(client, roles.front, nextSeed, async () => {
    proxy.storm();
    const beganMs = performance.now();
    const lasts = (ms: number): boolean => ms < STORM_MS || (struck().length < KINDS.length && ms < STORM_MS_MAX);
    while (lasts(performance.now() - beganMs)) await new Promise((resolve) => setTimeout(resolve, 200));
    proxy.calm();
  });
  await allIsWell(client, roles.front, loads);
  process.stderr.write(`${proxy.log.length} faults: ${struck().join(', ')}; ${client.answered} samples answered 202\n`);
  expect(struck()).toEqual([...KINDS].sort());
});

it('produce requests that are delivered twice change no row', async () => {
  doubling.doubles = true;
  const loads: Load[] = [];
  // a busy machine puts more into one request
  while (doubling.doubled <= 10) {
    const load = client.newLoad(nextSeed(), 8);
    loads.push(load);
    expect(await client.send(roles.front, load)).toBe(true);
  }
  await allIsWell(client, roles.front, loads);
});
