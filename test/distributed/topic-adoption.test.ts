/**
 * Kills in the midst of taking a topic over: a start that adopts one of the version before, and `uptally log accept` of another deployment's topic, of
 * a whole one for an empty database, and of one that was truncated. Done again it comes to the same, and no sample that was answered is missing unsaid.
 */
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { LOG_FAULT_POINTS } from '../../src/process/faults.ts';
import { openEmbeddedStore } from '../../src/store/embedded-engine.ts';
import type { Store } from '../../src/store/store.ts';
import { Deployment } from '../support/kafka-deployment.ts';
import { withoutId } from '../support/kafka-messages.ts';
import { Topics } from '../support/kafka-topics.ts';
import type { StatusJson } from '../support/server.ts';

const DECIDED = ['--by', 'ann', '--why', 'lost with the disk'];
/** Those of LOG_FAULT_POINTS that a Kafka log passes; the others are the embedded log's. */
const START_POINTS = ['after-log-topic', 'after-log-acknowledged', 'after-log-named'] as const;
const ACCEPT_POINTS = ['after-log-topic', 'after-log-named', 'after-gap'] as const;

let topics: Topics;
let deployments: Deployment[] = [];

beforeAll(() => {
  topics = new Topics(inject('kafkaBrokers'));
});
afterEach(async () => {
  await Promise.all(deployments.map((each) => each.remove()));
  deployments = [];
});

function newDeployment(topic?: string): Deployment {
  const deployment = new Deployment(inject('kafkaBrokers'), topic === undefined ? {} : { topic });
  deployments.push(deployment);
  return deployment;
}

/** Stopped, with samples answered and stored. */
async function stopped(rounds: number): Promise<Deployment> {
  const own = newDeployment();
  await own.start();
  await own.postMany(rounds);
  await own.untilStored();
  await own.end('SIGTERM');
  return own;
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

interface Status extends StatusJson {
  readonly log_id: string;
  readonly log_state: string;
  readonly gaps: readonly { readonly kind: string; readonly partition: number; readonly samples: number | null }[];
}
const status = async (own: Deployment): Promise<Status> => (await own.running.status()) as Status;

/** A start that is killed at a point, so that nothing is answered. */
async function startKilledAt(own: Deployment, point: string): Promise<void> {
  await expect(own.start({ UPTALLY_TEST_CRASH: point })).rejects.toThrow();
  await own.end();
}

/** What `accept` wants typed. */
async function givesUpOf(own: Deployment): Promise<string> {
  const { code, said } = await own.cli(['log', 'accept', ...DECIDED]);
  expect(code, said).toBe(1);
  return /--give-up '([^']+)'/.exec(said)?.[1] ?? said;
}

/** Typed until it is done, killed at each of the points before. */
async function acceptedAtLast(own: Deployment): Promise<void> {
  for (const point of ACCEPT_POINTS) {
    const killed = await own.cli(['log', 'accept', ...DECIDED, '--give-up', await givesUpOf(own)], { UPTALLY_TEST_CRASH: point });
    expect(killed.said, point).not.toContain('Done');
  }
  expect(await own.cli(['log', 'accept', ...DECIDED, '--give-up', await givesUpOf(own)])).toMatchObject({ code: 0 });
}

/** Goes on from here: what is posted is stored, what was stored is there, once. */
async function goesOn(own: Deployment, before: number): Promise<Status> {
  await own.start();
  own.answered = before;
  await own.postMany(5);
  await own.untilStored();
  await own.end('SIGKILL');
  await own.start();
  await own.postMany(5);
  await own.untilStored();
  const seen = await status(own);
  expect(seen.log_state).toBe('running');
  expect((await own.verify()).code).toBe(0);
  return seen;
}

it('every point at which a log is named or replaced is tried here or is the embedded log’s', () => {
  const embedded = ['after-log-made', 'after-log-progress', 'after-log-id', 'after-log-aside', 'after-log-moved'];
  const tried = [...START_POINTS, ...ACCEPT_POINTS];
  expect([...new Set([...tried, ...embedded])].sort()).toEqual([...LOG_FAULT_POINTS].sort());
});

describe('a topic of the version before', () => {
  /** As that version left it: no ids anywhere, or a part of the topic is not there. */
  async function older(change: (messages: Map<number, Buffer[]>) => void = () => undefined): Promise<Deployment> {
    const own = await stopped(10);
    const messages = new Map([...(await topics.messages(own.topic))].map(([p, values]) => [p, values.map(withoutId)]));
    change(messages);
    await topics.makeAgain(own.topic, 2);
    await topics.write(own.topic, messages);
    await offline(own, async (store) => {
      for (const table of ['log_identity', 'log_topics', 'log_writers']) await store.command(`TRUNCATE TABLE ${table}`);
      for (const table of ['progress', 'checkpoints'])
        await store.command(`ALTER TABLE ${table} UPDATE log_id = '' WHERE 1 SETTINGS mutations_sync = 2`);
      await store.command(`INSERT INTO log_partitions (topic, partitions, recorded_at) SELECT '${own.topic}', 2, now64(3)`);
    });
    return own;
  }

  it('is adopted once by starts that are killed at each step, and its samples are counted once', async () => {
    const own = await older();
    const before = own.answered;
    for (const point of START_POINTS) await startKilledAt(own, point);
    const { log_id: id, log, samples } = await goesOn(own, before);
    expect(log.appended).toBe(samples.accepted);
    await own.end('SIGTERM');
    const named = await offline(own, (store) => store.rows<{ log_id: string }>('SELECT DISTINCT log_id FROM log_identity'));
    expect(named).toEqual([{ log_id: id }]);
  });

  it('is not adopted where it ends before what is stored, however often a start is killed', async () => {
    const own = await older((messages) => {
      messages.get(0)?.splice(-3);
    });
    for (const point of START_POINTS.slice(0, 2)) await startKilledAt(own, point);
    for (let i = 0; i < 2; i++) await expect(own.start()).rejects.toThrow(/has lost what was answered, or is of an earlier time/);
    await acceptedAtLast(own);
    const before = own.answered;
    expect((await goesOn(own, before)).gaps.map(({ kind }) => kind)).toEqual(['log', 'log']);
  });
});

describe('uptally log accept, killed after each of its steps and typed again,', () => {
  it('takes over what stands in the place of the own topic: none of its samples is taken in, and the gaps say what is given up', async () => {
    const other = await stopped(30);
    const own = await stopped(10);
    const before = own.answered;
    await topics.makeAgain(own.topic, 2);
    await topics.write(own.topic, await topics.messages(other.topic));
    await expect(own.start()).rejects.toThrow(/deleted and made again/);
    await acceptedAtLast(own);
    const { gaps, samples } = await goesOn(own, before);
    expect(gaps.map(({ kind, partition, samples: lost }) => [kind, partition, lost])).toEqual([
      ['log', 0, 0],
      ['log', 1, 0],
    ]);
    expect(samples.accepted).toBe(own.answered);
  });

  it('makes the rows of an empty database from a whole topic, each once', async () => {
    const lost = await stopped(10);
    const own = newDeployment(lost.topic);
    await expect(own.start()).rejects.toThrow(/of another deployment, or of a database that was lost/);
    for (const point of ['after-log-topic', 'after-log-named']) {
      const killed = await own.cli(['log', 'accept', ...DECIDED, '--give-up', await givesUpOf(own)], {
        UPTALLY_TEST_CRASH: point,
      });
      expect(killed.said, point).not.toContain('Done');
    }
    await own.start();
    own.answered = lost.answered;
    await own.untilStored();
    expect(await own.verify()).toMatchObject({ code: 0 });
    const { gaps, samples } = await status(own);
    expect([gaps, samples.accepted]).toEqual([[], lost.answered]);
  });

  it('goes on with a truncated topic: what was stored is there, what was not is a gap', async () => {
    const own = await stopped(10);
    const before = own.answered;
    await topics.truncate(own.topic);
    await topics.write(own.topic, new Map([[1, [Buffer.from('{"hello":"world"}')]]]));
    await topics.truncate(own.topic);
    await expect(own.start()).rejects.toThrow(/begins at message \d+/);
    await acceptedAtLast(own);
    expect((await goesOn(own, before)).gaps.map(({ kind, partition }) => [kind, partition])).toEqual([
      ['log', 0],
      ['log', 1],
    ]);
  });
});
