import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { Client, LOAD_ENV } from '../crash/load.ts';
import { emptyClickHouse } from '../support/empty-clickhouse.ts';
import { type KafkaBroker, startKafkaBroker } from '../support/kafka-broker.ts';
import { newTopic, type Roles, startRoles, untilReady } from '../support/roles.ts';
import { agentKey, postLines, startServer, untilStatus, untilStored } from '../support/server.ts';
import { Kafka, logLevel } from 'kafkajs';

let broker: KafkaBroker;
beforeAll(async () => {
  broker = await startKafkaBroker();
});
afterAll(() => broker.stop());

/** Starts the roles, does something with them, ends them. */
async function withRoles(setup: Partial<Parameters<typeof startRoles>[0]>, use: (roles: Roles) => Promise<void>): Promise<void> {
  await emptyClickHouse(inject('clickhouseUrl'));
  const roles = await startRoles({
    brokers: broker.brokers,
    clickhouseUrl: inject('clickhouseUrl'),
    partitions: 2,
    aggregate: 1,
    ...setup,
  });
  try {
    await Promise.all([...roles.ingest, ...roles.aggregate, ...roles.api].map((server) => untilReady(server)));
    await use(roles);
  } finally {
    await roles.end('SIGKILL');
  }
}

it('without brokers the door says 503 and when to come again, /readyz says why; it takes samples again by itself, and nothing is lost', async () => {
  await withRoles({ env: LOAD_ENV }, async ({ front, ingest, api }) => {
    const client = new Client();
    await client.makeKeys(front);
    expect(await client.send(front, client.newLoad(801, 3))).toBe(true);
    const { key } = await agentKey(front, 'impatient');
    const line = [JSON.stringify({ vm: 'outage', ts: Date.parse('2026-03-28T20:00:00Z') })];
    await broker.kill();
    const first = await postLines(front, key, line);
    expect(first.status).toBe(503);
    expect(first.headers['retry-after']).toBeDefined();
    expect((await postLines(front, key, line)).status).toBe(503);
    const [door] = ingest;
    expect(await door?.call('/readyz', { key: null })).toMatchObject({ status: 503 });
    // questions go on
    expect((await front.call('/v1/plans/none')).status).toBe(404);
    expect((await api[0]?.call('/readyz', { key: null }))?.status).toBe(200);
    await broker.start();
    if (door !== undefined) await untilReady(door);
    expect(await client.send(front, client.newLoad(802, 3))).toBe(true);
    const clockMs = Math.max(...client.loads.map((load) => load.sentUntilMs));
    await untilStatus(front, 'the clock', ({ watermark }) => watermark !== null && Date.parse(watermark) >= clockMs - 120_000);
    expect(await client.faults(front)).toEqual([]);
  });
});

it('a door whose clock is an hour off judges and ticks by the brokers', async () => {
  await withRoles({ ingest: 1 }, async (roles) => {
    const { front } = roles;
    const wrong = await roles.start('ingest', { UPTALLY_TEST_CLOCK_OFFSET_MS: String(3_600_000) });
    await untilReady(wrong);
    const { key } = await agentKey(front, 'agent');
    const nowMs = Date.now();
    const lines = [nowMs - 1_000, nowMs + 30 * 60_000].map((ts) => JSON.stringify({ vm: 'v', ts }));
    // the new key is known to the other process by its own question to the catalog
    const answer = await postLines(wrong, key, lines);
    expect(answer.status).toBe(202);
    expect(answer.json()).toMatchObject({ accepted: 1, rejected: 1, errors: [{ code: 'ts_in_future' }] });
    await untilStored(front);
    // a tick of the wrong clock would be an hour from here for good; one of the right clock may come late
    await untilStatus(
      front,
      'the clock of the brokers',
      ({ watermark }) => Math.abs(Date.parse(watermark ?? '') - (Date.now() - 120_000)) < 60_000,
    );
  });
});

it('with the clock of the samples, two doors whose own clocks are an hour apart from each other and from the aggregators change no row', async () => {
  const hourMs = 3_600_000;
  const clockOff = (ms: number): Record<string, string> => ({ UPTALLY_TEST_CLOCK_OFFSET_MS: String(ms) });
  await withRoles({ partitions: 3, ingest: 0, aggregate: 0, env: LOAD_ENV }, async (roles) => {
    const { front } = roles;
    await Promise.all([
      roles.start('ingest', clockOff(hourMs)),
      roles.start('ingest'),
      roles.start('aggregate', clockOff(-hourMs)),
    ]);
    await Promise.all([...roles.ingest, ...roles.aggregate].map((server) => untilReady(server)));
    const client = new Client();
    await client.makeKeys(front);
    expect(await client.send(front, client.newLoad(804, 6))).toBe(true);
    const clockMs = Math.max(...client.loads.map((load) => load.sentUntilMs));
    await untilStatus(front, 'the clock', ({ watermark }) => watermark !== null && Date.parse(watermark) >= clockMs - 120_000);
    expect(await client.faults(front)).toEqual([]);
  });
});

it('a partition whose VMs do not fit waits, says so, and goes on when the limit is raised', async () => {
  await withRoles({ partitions: 1, ingest: 0, env: { UPTALLY_MAX_VMS: '5' } }, async (roles) => {
    const { front } = roles;
    // a door that takes the aggregators for larger than they are
    await untilReady(await roles.start('ingest', { UPTALLY_MAX_VMS: '10' }));
    const { key } = await agentKey(front, 'agent');
    const ts = Date.now() - 10_000;
    const post = (vms: number[]): Promise<{ status: number }> =>
      postLines(
        front,
        key,
        vms.map((vm) => JSON.stringify({ vm: `v${vm}`, ts })),
      );
    expect((await post([1, 2, 3])).status).toBe(202);
    await untilStored(front);
    expect((await post([4, 5, 6, 7])).status).toBe(202);
    const halted = (status: object): boolean =>
      (status as { partitions: { state: string }[] }).partitions.some(({ state }) => state === 'capacity_full');
    const status = await untilStatus(front, 'the partition to say that it is full', halted);
    expect(status.log.appended).toBe(7);
    expect(status.log.stored).toBe(3);
    const [small] = roles.aggregate;
    expect(await small?.call('/readyz', { key: null })).toMatchObject({ status: 503 });
    expect(await small?.end('SIGTERM')).toMatchObject({ code: 0 });
    await untilReady(await roles.start('aggregate', { UPTALLY_MAX_VMS: '10' }));
    expect((await untilStored(front)).vms).toBe(7);
  });
});

it('a topic that has got more partitions is refused with what to do about it', async () => {
  await emptyClickHouse(inject('clickhouseUrl'));
  const topic = newTopic();
  const roles = await startRoles({
    brokers: broker.brokers,
    clickhouseUrl: inject('clickhouseUrl'),
    topic,
    partitions: 2,
    aggregate: 0,
    ingest: 0,
  });
  await roles.end();
  const admin = new Kafka({ brokers: [broker.brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
  await admin.disconnect();
  const started = startServer({
    dir: '/nonexistent',
    env: {
      UPTALLY_LOG: 'kafka',
      UPTALLY_ROLES: 'api',
      UPTALLY_KAFKA_BROKERS: broker.brokers,
      UPTALLY_KAFKA_TOPIC: topic,
      UPTALLY_CLICKHOUSE_URL: inject('clickhouseUrl'),
    },
  });
  await expect(started).rejects.toThrow(/has 3 partitions and was first used with 2/);
});

it('one process with all roles and ClickHouse inside it takes a Kafka log too', async () => {
  const { mkdtemp, rm } = await import('node:fs/promises');
  const dir = await mkdtemp('/tmp/uptally-all-');
  const server = await startServer({
    dir,
    env: {
      ...LOAD_ENV,
      UPTALLY_LOG: 'kafka',
      UPTALLY_KAFKA_BROKERS: broker.brokers,
      UPTALLY_KAFKA_TOPIC: newTopic(),
      UPTALLY_KAFKA_PARTITIONS: '3',
    },
  });
  try {
    await untilReady(server);
    const client = new Client();
    await client.makeKeys(server);
    expect(await client.send(server, client.newLoad(803, 4))).toBe(true);
    const clockMs = Math.max(...client.loads.map((load) => load.sentUntilMs));
    await untilStatus(server, 'the clock', ({ watermark }) => watermark !== null && Date.parse(watermark) >= clockMs - 120_000);
    expect(await client.faults(server)).toEqual([]);
    expect(await server.end('SIGTERM')).toMatchObject({ code: 0 });
  } finally {
    await server.end('SIGKILL').catch(() => undefined);
    await rm(dir, { recursive: true, force: true });
  }
});
