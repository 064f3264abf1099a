/** The same samples through the embedded log and through partitions: the same rows, byte by byte, and the fleets' are the model's. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, inject, it } from 'vitest';
import { openEmbeddedStore } from '../../src/store/embedded-engine.ts';
import { openServerStore } from '../../src/store/server.ts';
import { Client, LOAD_ENV } from '../crash/load.ts';
import { readBitbrains, traceLine } from '../real/bitbrains.ts';
import { readTrace, saySkipped } from '../real/data-folder.ts';
import { type Dump, dumpRows } from '../support/dump.ts';
import { emptyClickHouse } from '../support/empty-clickhouse.ts';
import { type Roles, startRoles, untilReady } from '../support/roles.ts';
import { agentKey, postLines, startServer, type TestServer, untilStatus, untilStored } from '../support/server.ts';

const LATENESS_MS = 120_000;
const LINES_A_REQUEST = 1_000;
/** Two days of five VMs, two of which their trace holds several times over and contradicts. */
const VMS = ['20', '82', '1', '10', '37'].map((number) => `bitbrains-${number}`);
const DAYS_MS = 2 * 86_400_000;
/** The first checks of sites, all long before the fleets' time. */
const CHECKS_MAX = 2_000;
const CHECKS_END = '2026';
const TRACES = tracesAsLines();

let roles: Roles | undefined;
let embedded: Dump;

beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), 'uptally-modes-'));
  try {
    const server = await startServer({ dir, env: LOAD_ENV });
    try {
      await feed(server);
    } finally {
      await server.end('SIGTERM');
    }
    const store = await openEmbeddedStore({ path: join(dir, 'clickhouse'), scratchDir: join(dir, 'clickhouse-scratch') });
    embedded = await dumpRows(store);
    await store.close();
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
afterEach(async () => {
  await roles?.end('SIGKILL');
  roles = undefined;
});

/** Real traces as they were recorded: traffic of a data centre by time, and checks of sites in the order in which they were noted down. */
function tracesAsLines(): string[] {
  const bitbrains = readBitbrains();
  const checks = readTrace('upptime-checks-3repos.csv.xz');
  for (const read of [bitbrains, checks]) if ('missing' in read) saySkipped('real traces in both modes', read.missing);
  const samples = 'missing' in bitbrains ? [] : bitbrains.samples.filter(({ vm }) => VMS.includes(vm));
  const endMs = samples.reduce((first, { tsMs }) => Math.min(first, tsMs), Infinity) + DAYS_MS;
  const sites = new Map<string, number>();
  const rows = 'missing' in checks ? [] : checks.rows.filter(([, , at = '']) => at < CHECKS_END).slice(0, CHECKS_MAX);
  return [
    ...samples
      .filter(({ tsMs }) => tsMs < endMs)
      .sort((a, b) => a.tsMs - b.tsMs)
      .map(traceLine),
    ...rows.map(([repo = '', , at = '', site = '', status = '']) => {
      const name = `${repo} ${site}`;
      sites.set(name, sites.get(name) ?? sites.size);
      return `{"vm":"site-${sites.get(name)}","ts":"${at}","state":"${status === 'up' ? 'up' : 'down'}"}`;
    }),
  ];
}

/** Posts the traces, then random fleets with disorder, and waits until the clock has come round to every partition. */
async function feed(front: TestServer): Promise<void> {
  const { key } = await agentKey(front, 'traces');
  for (let at = 0; at < TRACES.length; at += LINES_A_REQUEST) {
    const batch = TRACES.slice(at, at + LINES_A_REQUEST);
    const answer = await postLines(front, key, batch);
    expect(answer.json()).toMatchObject({ accepted: batch.length, rejected: 0 });
  }
  const client = new Client(undefined, await untilStored(front));
  await client.makeKeys(front);
  expect(await client.send(front, client.newLoad(700, 8))).toBe(true);
  const clockMs = Math.max(...client.loads.map((load) => load.sentUntilMs));
  await untilStatus(
    front,
    'the clock to reach every partition',
    ({ watermark }) => watermark !== null && Date.parse(watermark) >= clockMs - LATENESS_MS,
  );
  expect(await client.faults(front)).toEqual([]);
}

it.each([
  { partitions: 1, aggregate: 1, ingest: 1, api: 1 },
  { partitions: 3, aggregate: 2, ingest: 2, api: 1 },
  { partitions: 8, aggregate: 3, ingest: 2, api: 2 },
])(
  'random fleets and real traces through $partitions partitions, $ingest doors and $aggregate aggregators: the rows of one process, byte by byte',
  async (shape) => {
    await emptyClickHouse(inject('clickhouseUrl'));
    roles = await startRoles({
      ...shape,
      brokers: inject('kafkaBrokers'),
      clickhouseUrl: inject('clickhouseUrl'),
      env: LOAD_ENV,
    });
    await Promise.all([...roles.ingest, ...roles.aggregate, ...roles.api].map((server) => untilReady(server)));
    await feed(roles.front);
    const store = await openServerStore({ url: inject('clickhouseUrl') });
    try {
      const rows = await dumpRows(store);
      for (const table of Object.keys(embedded) as (keyof Dump)[]) {
        expect(embedded[table].length, table).toBeGreaterThan(0);
        // line by line only where they differ: the texts are long
        if (rows[table] !== embedded[table]) expect(rows[table].split('\n'), table).toEqual(embedded[table].split('\n'));
      }
      const [found] = await store.rows<{ n: string }>('SELECT uniqExact(partition_id) AS n FROM progress');
      expect(Number(found?.n)).toBe(shape.partitions);
    } finally {
      await store.close();
    }
  },
);
