/** What stands in the topic that the log did not put there, what the brokers do not take, and the ways past what is lost. */
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { kafkaLogTool } from '../../src/log-tool/kafka.ts';
import { openEmbeddedStore } from '../../src/store/embedded-engine.ts';
import type { Store } from '../../src/store/store.ts';
import { Deployment } from '../support/kafka-deployment.ts';
import { withoutId } from '../support/kafka-messages.ts';
import { Topics } from '../support/kafka-topics.ts';
import { until } from '../support/until.ts';
import { ADMIN_KEY, postLines } from '../support/server.ts';
import { newTopic } from '../support/roles.ts';

const DECISION = { who: 'ann', why: 'lost with the disk' };
let topics: Topics;
let deployments: Deployment[] = [];

beforeAll(() => {
  topics = new Topics(inject('kafkaBrokers'));
});
afterEach(async () => {
  await Promise.all(deployments.map((each) => each.remove()));
  deployments = [];
});

function newDeployment(topic = newTopic(), partitions = 2): Deployment {
  const deployment = new Deployment(inject('kafkaBrokers'), { topic, partitions });
  deployments.push(deployment);
  return deployment;
}

/** Uses the database of a deployment that is stopped. */
async function offline<T>(deployment: Deployment, use: (store: Store) => Promise<T>): Promise<T> {
  const dir = await deployment.dir();
  const store = await openEmbeddedStore({ path: join(dir, 'clickhouse'), scratchDir: join(dir, 'clickhouse-scratch') });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

function toolFor(deployment: Deployment, store: Store): ReturnType<typeof kafkaLogTool> {
  const brokers = [inject('kafkaBrokers')];
  return kafkaLogTool({
    kafka: new Kafka({ brokers, logLevel: logLevel.NOTHING }),
    settings: { brokers, topic: deployment.topic, partitions: 2, tls: false, sasl: undefined, sessionTimeoutMs: 6_000 },
    store,
    now: Date.now,
    randomBytes: (size) => crypto.getRandomValues(new Uint8Array(size)),
  });
}

interface PartitionJson {
  readonly partition: number;
  readonly state: string;
  readonly messages: { readonly appended: number; readonly stored: number };
}

async function partitions(deployment: Deployment): Promise<readonly PartitionJson[]> {
  return ((await deployment.running.status()) as unknown as { partitions: PartitionJson[] }).partitions;
}

describe('a message that is not one of ours', () => {
  it.each<[string, string, (own: Deployment) => Promise<Buffer>]>([
    ['written by hand', 'log_corrupt', () => Promise.resolve(Buffer.from('{"hello":"world"}'))],
    [
      'damaged',
      'log_corrupt',
      async ({ topic }) => {
        const own = Buffer.from((await topics.messages(topic)).get(0)?.at(-1) ?? []);
        own.writeUInt8(own.readUInt8(own.length - 1) ^ 1, own.length - 1);
        return own;
      },
    ],
    [
      'of another partition',
      'log_mismatch',
      async ({ topic }) => Buffer.from((await topics.messages(topic)).get(1)?.at(-1) ?? []),
    ],
  ])('%s halts its partition, the others go on, and an operator lets it pass', async (_, state, message) => {
    const own = newDeployment();
    await own.start();
    await own.postMany(10);
    await own.untilStored();
    await topics.write(own.topic, new Map([[0, [await message(own)]]]));
    await own.postMany(5);
    await until('the partition to halt', async () => (await partitions(own))[0]?.state === state);
    const other = (await partitions(own))[1];
    await until(
      'the other to go on',
      async () => ((await partitions(own))[1]?.messages.stored ?? 0) > (other?.messages.appended ?? 0),
    );
    expect((await partitions(own))[1]?.state).toBe('running');
    const ready = await own.running.call('/readyz', { key: null });
    expect(ready.status).toBe(503);
    const position = Number(/message (\d+) of the log's topic/.exec(ready.text)?.[1]);
    // what stands behind it was answered
    expect((await own.verify('5s')).code).not.toBe(0);
    await own.end('SIGTERM');

    await offline(own, async (store) => {
      const tool = toolFor(own, store);
      const skip = (from: number) => tool.skip({ partition: 0, from, until: from + 1 }, DECISION);
      await expect(skip(position + 1)).rejects.toThrow(/can be read: it is not let pass/);
      expect(await skip(position)).toMatchObject({ partition: 0, from: position, kind: 'message', who: 'ann' });
      await expect(skip(position)).rejects.toThrow(/let pass already/);
    });
    await own.start();
    await own.postMany(5);
    await own.untilStored();
    expect((await partitions(own)).map((each) => each.state)).toEqual(['running', 'running']);
  });
});

describe('what was lost', () => {
  it('with the topic: another log follows on what is stored, and what is given up stays on record', async () => {
    const own = newDeployment();
    await own.start();
    await own.postMany(10);
    await own.untilStored();
    const stored = own.answered;
    await own.end('SIGKILL');
    await topics.delete(own.topic);
    await expect(own.start()).rejects.toThrow(/uptally log accept/);
    const base = await offline(own, async (store) => {
      // a process that was killed is at work for the brokers until its session ends
      await until('nobody to be at work', () =>
        toolFor(own, store)
          .accept()
          .then(
            () => true,
            () => false,
          ),
      );
      const acceptance = await toolFor(own, store).accept();
      await acceptance.confirm(DECISION);
      return acceptance.base;
    });
    expect(base).toBeGreaterThan(0);
    await own.start();
    await own.postMany(10);
    await own.untilStored();
    expect(own.answered).toBeGreaterThan(stored);
    for (const { messages } of await partitions(own)) expect(messages.stored).toBeGreaterThan(base);
    const { code, said } = await own.verify();
    expect(code, said).toBe(0);
    expect(said).toMatch(/Given up: 0 answered samples .*lost with the disk/);

    // once more, and from a state that was saved in the log before
    await own.end('SIGTERM');
    await topics.makeAgain(own.topic, 2);
    await offline(own, async (store) => {
      await (await toolFor(own, store).accept()).confirm(DECISION);
      expect((await toolFor(own, store).show()).gaps.length).toBeGreaterThan(0);
    });
    await own.start();
    await own.postMany(3);
    await own.untilStored();
  });

  it('with messages that were deleted before they were taken in: the range is let pass, and no other', async () => {
    const own = newDeployment();
    const { writeFile } = await import('node:fs/promises');
    const armed = join(await own.dir(), 'armed');
    await own.start({ UPTALLY_TEST_CRASH: `before-aggregate:1:${armed}` });
    await writeFile(armed, '');
    for (let i = 0; i < 200 && (await own.post().catch(() => ({ taken: false }))).taken; i++);
    await own.running.exited;
    const lost = own.answered;
    await topics.truncate(own.topic);
    const refused = await own.start().then(
      () => '',
      (error: unknown) => String(error),
    );
    expect(refused).toMatch(/uptally log skip --partition \d --from \d+ --until \d+/);
    await offline(own, async (store) => {
      const tool = toolFor(own, store);
      for (const { partition, storedNext, topic } of (await tool.show()).partitions) {
        const low = topic?.low ?? 0;
        if (low <= storedNext) continue;
        await expect(tool.skip({ partition, from: storedNext, until: low + 1 }, DECISION)).rejects.toThrow(/one at a time/);
        await expect(tool.skip({ partition, from: storedNext + 1, until: low }, DECISION)).rejects.toThrow(
          /first position that is missing/,
        );
        await tool.skip({ partition, from: storedNext, until: low }, DECISION);
      }
    });
    await own.start();
    await own.postMany(5);
    await until('what came later to be stored', async () => (await own.stored()) >= own.answered - lost);
    expect((await own.verify()).said).toMatch(/Given up: .* answered samples .*positions.*by ann/);
  });
});

it('samples that a door had acknowledged and nobody stores keep verify from being content', async () => {
  const own = newDeployment();
  await own.start();
  await own.postMany(10);
  await own.untilStored();
  expect((await own.verify()).code).toBe(0);
  await own.end('SIGTERM');
  await offline(own, (store) =>
    store.command(
      "INSERT INTO log_writers (log_id, partition_id, instance, next_position, samples, recorded_at) SELECT log_id, 1, 'lost', 1, 7, now64(3) FROM log_identity",
    ),
  );
  await own.start();
  const { code, said } = await own.verify('5s');
  expect(code, said).not.toBe(0);
  expect(said).toMatch(/has not stored what was posted/);
});

it('a topic of the version before, whose messages have no id, is adopted once and goes on', async () => {
  const own = newDeployment();
  await own.start();
  await own.postMany(10);
  await own.untilStored();
  await own.end('SIGTERM');
  const older = new Map([...(await topics.messages(own.topic))].map(([p, values]) => [p, values.map(withoutId)]));
  await topics.makeAgain(own.topic, 2);
  await topics.write(own.topic, older);
  await offline(own, async (store) => {
    for (const table of ['log_identity', 'log_topics', 'log_writers']) await store.command(`TRUNCATE TABLE ${table}`);
    for (const table of ['progress', 'checkpoints'])
      await store.command(`ALTER TABLE ${table} UPDATE log_id = '' WHERE 1 SETTINGS mutations_sync = 2`);
    await store.command(`INSERT INTO log_partitions (topic, partitions, recorded_at) SELECT '${own.topic}', 2, now64(3)`);
  });
  await own.start();
  await own.postMany(10);
  await own.untilStored();
  expect((await own.verify()).code).toBe(0);
  await own.end('SIGKILL');
  await own.start();
  await own.postMany(2);
  await own.untilStored();
  await own.end('SIGKILL');
  // adopted once: another topic of the version before is another log
  await topics.makeAgain(own.topic, 2);
  await topics.write(own.topic, older);
  await expect(own.start()).rejects.toThrow(/deleted and made again/);
});

it('messages are as small as the topic takes, also when that changes under way; where not one sample fits, that is said', async () => {
  const own = newDeployment(newTopic(), 1);
  await topics.make(own.topic, 1, { 'max.message.bytes': '20000' });
  await own.start();
  const post = (count: number) =>
    postLines(
      own.running,
      ADMIN_KEY,
      Array.from(
        { length: count },
        (_, i) =>
          `{"vm":"big${i % 50}","ts":${Date.parse('2026-03-02T00:00:00Z') + i * 1000},"nic":"e${Math.random()}","rx_bytes":${i},"tx_bytes":0}`,
      ),
    );
  expect((await post(5_000)).status).toBe(202);
  const taken = async (): Promise<number> => (await own.running.status()).samples.accepted;
  await until('all to be stored', async () => (await taken()) === 5_000);

  await topics.configure(own.topic, 'max.message.bytes', '3000');
  await until('smaller ones to be made', async () => (await post(2_000)).status === 202);
  await until('all to be stored', async () => (await taken()) >= 7_000);

  await topics.configure(own.topic, 'max.message.bytes', '150');
  await until('the reason to be said', async () => /raise max.message.bytes/.test((await post(1)).text));
  await until('not to be ready', async () => (await own.running.call('/readyz', { key: null })).status === 503);
  await topics.configure(own.topic, 'max.message.bytes', '100000');
  await until('samples to be taken again', async () => (await post(500)).status === 202);
});
