/**
 * A topic that is not the log any more: deleted, made again, truncated, swapped, restored from another time, at rest and under a running server.
 * It is refused or halts before the next answer, and no sample that was answered is missing without `verify` saying so.
 */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { emptyClickHouse } from '../support/empty-clickhouse.ts';
import { startKafkaBroker } from '../support/kafka-broker.ts';
import { Deployment } from '../support/kafka-deployment.ts';
import { Topics } from '../support/kafka-topics.ts';
import { startRoles, untilReady } from '../support/roles.ts';
import { ADMIN_KEY, MAIN, postLines, untilStored } from '../support/server.ts';
import { until } from '../support/until.ts';

let topics: Topics;
let deployments: Deployment[] = [];

beforeAll(() => {
  topics = new Topics(inject('kafkaBrokers'));
});
afterEach(async () => {
  await Promise.all(deployments.map((each) => each.remove()));
  deployments = [];
});

function newDeployment(...setup: ConstructorParameters<typeof Deployment>): Deployment {
  const deployment = new Deployment(...setup);
  deployments.push(deployment);
  return deployment;
}

/** Started, with samples answered and stored. */
async function withSamples(deployment: Deployment): Promise<Deployment> {
  await deployment.start();
  await deployment.postMany(20);
  await deployment.untilStored();
  return deployment;
}

/** A supervisor's starts are refused, one like the other, and none makes the topic anew. */
async function expectRefused(deployment: Deployment, reason: RegExp): Promise<void> {
  for (let tries = 0; tries < 2; tries++) await expect(deployment.start()).rejects.toThrow(reason);
}

/** From here on nothing is answered 202; what was is stored, or `verify` is not content. */
async function expectHalted(deployment: Deployment, reason: RegExp): Promise<void> {
  const before = deployment.answered;
  for (let i = 0; i < 5; i++) expect((await deployment.post()).taken).toBe(false);
  expect(deployment.answered).toBe(before);
  await until('the server to say so', async () => {
    const { status, text } = await deployment.running.call('/readyz', { key: null });
    return status === 503 && reason.test(text);
  });
  expect((await deployment.post()).text).toMatch(/not taken/);
  await expectNoneMissingUnsaid(deployment);
}

async function expectNoneMissingUnsaid(deployment: Deployment): Promise<void> {
  const [stored, { code, said }] = [await deployment.stored(), await deployment.verify('5s')];
  if (stored < deployment.answered) expect(code, said).not.toBe(0);
}

describe('at rest', () => {
  it('deleted, made again by hand, filled with what another deployment had, and swapped for that one: refused each time', async () => {
    const own = await withSamples(newDeployment(inject('kafkaBrokers')));
    await own.end('SIGKILL');
    const other = await withSamples(newDeployment(inject('kafkaBrokers')));
    await other.postMany(30);
    await other.end('SIGTERM');

    const swapped = newDeployment(inject('kafkaBrokers'), { topic: other.topic });
    Object.defineProperty(swapped, 'dir', { value: () => own.dir() });
    await expectRefused(swapped, new RegExp(`the rows of this database come from topic ${own.topic}`));

    await topics.delete(own.topic);
    await expectRefused(own, /is not there.*a start does not make it anew/s);
    await topics.make(own.topic, 2);
    await expectRefused(own, /deleted and made again/);
    await topics.write(own.topic, await topics.messages(other.topic));
    await expectRefused(own, /deleted and made again/);
  });

  it('killed with answered samples that are not stored, then truncated: refused, and what is lost is named', async () => {
    const own = newDeployment(inject('kafkaBrokers'));
    const armed = join(await own.dir(), 'armed');
    // a tick may come up before a post was answered: then the next life is armed
    for (let life = 0; life < 20 && own.answered === 0; life++) {
      await rm(armed, { force: true });
      await own.start({ UPTALLY_TEST_CRASH: `before-aggregate:1:${armed}` });
      await writeFile(armed, '');
      for (let i = 0; i < 200 && (await own.post().catch(() => ({ taken: false }))).taken; i++);
      await own.running.exited;
    }
    expect(own.answered).toBeGreaterThan(0);
    await topics.truncate(own.topic);
    await expectRefused(own, /what was answered with messages \d+ to \d+ is lost/);
  });

  it('given more partitions: refused', async () => {
    const own = await withSamples(newDeployment(inject('kafkaBrokers')));
    await own.end('SIGTERM');
    await topics.addPartitions(own.topic, 3);
    await expectRefused(own, /has 3 partitions and was first used with 2/);
  });

  it("a topic of another deployment is not taken for an empty database's", async () => {
    const other = await withSamples(newDeployment(inject('kafkaBrokers')));
    await other.end('SIGTERM');
    const own = newDeployment(inject('kafkaBrokers'), { topic: other.topic });
    await expectRefused(own, /of another deployment, or of a database that was lost/);
  });
});

describe('under a running server', () => {
  it('deleted: nothing is answered, the topic stays away, and what is stored can be asked for', async () => {
    const own = await withSamples(newDeployment(inject('kafkaBrokers')));
    const before = own.answered;
    await topics.delete(own.topic);
    await until('the door to notice', async () => !(await own.post()).taken);
    await expectHalted(own, /gone|do(es)? not|made again/);
    expect(await own.stored()).toBeGreaterThanOrEqual(before);
    await own.end('SIGKILL');
    await expectRefused(own, /is not there/);
  });

  it('deleted and made again: halted before the next answer, and refused after a crash', async () => {
    const own = await withSamples(newDeployment(inject('kafkaBrokers')));
    await topics.makeAgain(own.topic, 2);
    await expectHalted(own, /made again/);
    expect(await own.stored()).toBe(own.answered);
    await own.end('SIGKILL');
    await expectRefused(own, /deleted and made again/);
  });

  it("swapped for another deployment's, which is longer: halted before the next answer", async () => {
    const other = await withSamples(newDeployment(inject('kafkaBrokers')));
    await other.postMany(60);
    const longer = await topics.messages(other.topic);
    await other.end('SIGKILL');
    const own = await withSamples(newDeployment(inject('kafkaBrokers')));
    const heads = await topics.heads(own.topic);
    for (const [partition, values] of longer) while (values.length < 5 * (heads[partition] ?? 0) + 100) values.push(...values);
    await topics.makeAgain(own.topic, 2);
    await topics.write(own.topic, longer);
    await expectHalted(own, /made again/);
    expect(await own.stored()).toBe(own.answered);
  });

  it('truncated before it was taken in: halted, refused again after a kill, and verify is not content', async () => {
    await emptyClickHouse(inject('clickhouseUrl'));
    const roles = await startRoles({
      ...{ brokers: inject('kafkaBrokers'), clickhouseUrl: inject('clickhouseUrl'), partitions: 2, aggregate: 1 },
      env: { UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0' },
    });
    try {
      const [api] = roles.api;
      const [aggregator] = roles.aggregate;
      if (api === undefined || aggregator === undefined) throw new Error('the roles are not there');
      await Promise.all([...roles.ingest, aggregator].map((server) => untilReady(server)));
      const post = async (minute: number): Promise<void> => {
        const lines = ['v1', 'v2', 'v3', 'v4'].map((vm) =>
          JSON.stringify({
            vm,
            ts: Date.parse('2026-03-01T00:00:00Z') + minute * 60_000,
            nic: 'e',
            rx_bytes: minute,
            tx_bytes: 0,
          }),
        );
        expect((await postLines(roles.front, ADMIN_KEY, lines)).status).toBe(202);
      };
      for (let minute = 0; minute < 10; minute++) await post(minute);
      await untilStored(roles.front);
      process.kill(aggregator.pid, 'SIGSTOP');
      for (let minute = 10; minute < 20; minute++) await post(minute);
      await topics.truncate(roles.topic);
      process.kill(aggregator.pid, 'SIGCONT');
      const states = async (): Promise<string[]> =>
        ((await api.status()) as unknown as { partitions: { state: string }[] }).partitions.map(({ state }) => state);
      await until(
        'a partition to halt',
        async () => (await states()).includes('log_mismatch'),
        () => Promise.resolve(roles.front.output()),
      );
      const verified = (): Promise<number> =>
        new Promise((resolve) => {
          const env = { ...process.env, UPTALLY_SERVER: api.url, UPTALLY_KEY: ADMIN_KEY };
          execFile(process.execPath, [MAIN, 'verify', '--timeout', '5s'], { env }, (error) => {
            resolve(error === null ? 0 : Number(error.code));
          });
        });
      expect(await verified()).not.toBe(0);
      await aggregator.end('SIGKILL');
      await expect(roles.start('aggregate')).rejects.toThrow(/is lost unless a backup of the topic has it/);
      expect(await verified()).not.toBe(0);
    } finally {
      await roles.end('SIGKILL');
    }
  });

  it('given more partitions: halted before the next answer', async () => {
    const own = await withSamples(newDeployment(inject('kafkaBrokers')));
    await topics.addPartitions(own.topic, 3);
    await expectHalted(own, /has 3 partitions and was first used with 2/);
    expect(await own.stored()).toBe(own.answered);
  });
});

it('a broker whose disk is put back to an earlier time is found out, running and at rest', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'uptally-snapshot-'));
  const broker = await startKafkaBroker();
  try {
    const own = newDeployment(broker.brokers);
    await withSamples(own);
    await broker.kill();
    await cp(broker.directory, folder, { recursive: true });
    await broker.start();
    await until('samples to be taken again', async () => (await own.post()).taken);
    await own.postMany(20);
    await until('everything to be stored', async () => (await own.stored()) >= own.answered);

    await broker.kill();
    await cp(folder, broker.directory, { recursive: true, force: true });
    await broker.start();
    await until('the door to notice', async () =>
      /made again, or has lost/.test((await own.running.call('/readyz', { key: null })).text),
    );
    await expectHalted(own, /made again, or has lost/);
    await own.end('SIGKILL');
    await expectRefused(own, /has lost what was answered, or is of an earlier time|when \d+ messages were there/);
  } finally {
    await broker.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
