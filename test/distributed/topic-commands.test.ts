/** `uptally log` by the command itself against a topic: it shows, lets pass, lets another log follow, also when it is killed in between. */
import { execFile } from 'node:child_process';
import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { emptyClickHouse } from '../support/empty-clickhouse.ts';
import { Deployment } from '../support/kafka-deployment.ts';
import { Topics } from '../support/kafka-topics.ts';
import { newTopic, startRoles, untilReady } from '../support/roles.ts';
import { ADMIN_KEY, MAIN, postLines, type StatusJson, untilStored } from '../support/server.ts';
import { until } from '../support/until.ts';

const DECIDED = ['--by', 'ann', '--why', 'lost with the disk'];
const FOREIGN = new Map([[0, [Buffer.from('{"hello":"world"}')]]]);

interface Status extends StatusJson {
  readonly log_id: string;
  readonly log_state: string;
  readonly gaps: readonly { readonly kind: string; readonly partition: number; readonly who: string; readonly log_id: string }[];
  readonly partitions: readonly { readonly state: string }[];
}

let topics: Topics;
let deployments: Deployment[] = [];

beforeAll(() => {
  topics = new Topics(inject('kafkaBrokers'));
});
afterEach(async () => {
  await Promise.all(deployments.map((each) => each.remove()));
  deployments = [];
});

/** Stopped, with samples answered and stored. */
async function stopped(): Promise<Deployment> {
  const own = new Deployment(inject('kafkaBrokers'), { partitions: 2 });
  deployments.push(own);
  await own.start();
  await own.postMany(10);
  await own.untilStored();
  await own.end('SIGTERM');
  return own;
}

const status = async (own: Deployment): Promise<Status> => (await own.running.status()) as Status;

/** What has to be typed, as the command says it. */
async function givesUpOf(own: Deployment, what: readonly string[]): Promise<string> {
  const { code, said } = await own.cli(['log', ...what, ...DECIDED]);
  expect(code, said).toBe(1);
  return /--give-up '([^']+)'/.exec(said)?.[1] ?? said;
}

describe('show', () => {
  it('says what the database names and how far both go, as lines and as JSON, and changes nothing', async () => {
    const own = await stopped();
    for (let round = 0; round < 2; round++) {
      const { code, said } = await own.cli(['log', 'show']);
      expect(code, said).toBe(0);
      expect(said).toMatch(new RegExp(`database   names log [0-9a-f]{32}, topic ${own.topic}`));
      for (const partition of [0, 1])
        expect(said).toMatch(new RegExp(`partition ${partition} of ${own.topic}: has positions 0 to \\d+; stored up to \\d+`));
    }
    const json = await own.cli(['log', 'show', '--json']);
    expect(JSON.parse(json.said)).toMatchObject({
      ...{ named: { kind: 'kafka', name: own.topic }, topic: own.topic, gaps: [] },
      partitions: [{ missing: '0' }, { missing: '0' }],
    });
    await topics.delete(own.topic);
    expect((await own.cli(['log', 'show'])).said).toMatch(/partition 1 of \S+: no such topic; stored up to \d+/);
    expect((await own.cli(['log', 'show'], { UPTALLY_KAFKA_BROKERS: '127.0.0.1:1' })).code).toBe(1);
  });

  it('is refused while a server has the database open', async () => {
    const own = await stopped();
    await own.start();
    const { code, said } = await own.cli(['log', 'show']);
    expect(code, said).toBe(1);
    expect(said).toMatch(/is held by process \d+/);
    expect(await own.post()).toMatchObject({ taken: true });
  });
});

it('skip wants the words typed, lets the message pass once, and refuses what can be read', async () => {
  const own = await stopped();
  await topics.write(own.topic, FOREIGN);
  await own.start().catch(() => undefined);
  await own.end();
  const position = (await topics.heads(own.topic))[0] ?? 0;
  // what was written by hand is not the last message where a server was at work for a moment
  const at = [...((await topics.messages(own.topic)).get(0) ?? [])].findIndex((each) => each.toString().startsWith('{"hello"'));
  expect(at).toBeLessThan(position);
  const skip = (from: number): string[] => ['skip', '--partition', '0', '--from', String(from)];
  expect((await own.cli(['log', 'skip', ...DECIDED])).code).toBe(2);
  const givesUp = await givesUpOf(own, skip(at));
  expect(givesUp).toBe(`partition 0 from ${at} until ${at + 1}`);
  expect((await own.cli(['log', ...skip(at), ...DECIDED, '--give-up', 'something'])).code).toBe(1);
  const readable = await own.cli(['log', ...skip(at - 1), ...DECIDED, '--give-up', `partition 0 from ${at - 1} until ${at}`]);
  expect(readable).toMatchObject({ code: 1, said: expect.stringMatching(/is stored|can be read/) as string });
  const typed = ['log', ...skip(at), ...DECIDED, '--give-up', givesUp];
  await own.cli(typed, { UPTALLY_TEST_CRASH: 'after-gap' });
  expect(await own.cli(typed)).toMatchObject({ code: 1, said: expect.stringContaining('is let pass already') as string });
  await own.start();
  await own.postMany(5);
  await own.untilStored();
  expect(await status(own)).toMatchObject({ log_state: 'running', gaps: [{ kind: 'message', partition: 0, who: 'ann' }] });
  expect((await own.verify()).code).toBe(0);
});

it('accept, killed after each of its steps and typed again, comes to one log that follows and one gap a partition', async () => {
  const own = await stopped();
  await topics.delete(own.topic);
  for (const point of ['after-log-topic', 'after-log-named', 'after-gap']) {
    const givesUp = await givesUpOf(own, ['accept']);
    const killed = await own.cli(['log', 'accept', ...DECIDED, '--give-up', givesUp], { UPTALLY_TEST_CRASH: point });
    expect(killed.said).not.toContain('Done');
    if (point !== 'after-log-topic') await expect(own.start()).rejects.toThrow(/uptally log/);
  }
  const givesUp = await givesUpOf(own, ['accept']);
  expect(await own.cli(['log', 'accept', ...DECIDED, '--give-up', givesUp])).toMatchObject({ code: 0 });
  const shown = JSON.parse((await own.cli(['log', 'show', '--json'])).said) as { named: { seq: number; logId: string } };
  expect(shown.named.seq).toBe(2);
  await own.start();
  await own.postMany(10);
  await own.untilStored();
  const { log_id: id, gaps } = await status(own);
  expect(id).toBe(shown.named.logId);
  expect(gaps.map(({ kind, partition, who }) => `${kind} ${partition} ${who}`).sort()).toEqual(['log 0 ann', 'log 1 ann']);
  expect(gaps.every((gap) => gap.log_id !== id)).toBe(true);
  const { code, said } = await own.verify();
  expect(code, said).toBe(0);
  expect(said).toMatch(/Given up: 0 answered samples .*lost with the disk/);
});

it('the API role tells which log there is and what was let pass, also while the roles run', async () => {
  await emptyClickHouse(inject('clickhouseUrl'));
  const topic = newTopic();
  const addresses = { brokers: inject('kafkaBrokers'), clickhouseUrl: inject('clickhouseUrl') };
  const roles = await startRoles({ ...addresses, topic, partitions: 2, aggregate: 1 });
  try {
    await Promise.all([...roles.ingest, ...roles.aggregate, ...roles.api].map((server) => untilReady(server)));
    const post = async (): Promise<void> => {
      const lines = ['a', 'b', 'c', 'd'].map((vm) => JSON.stringify({ vm, ts: Date.now() }));
      expect((await postLines(roles.front, ADMIN_KEY, lines)).status).toBe(202);
    };
    const now = async (): Promise<Status> => (await roles.front.status()) as Status;
    await post();
    await untilStored(roles.front);
    expect(await now()).toMatchObject({
      log_id: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      log_state: 'running',
      gaps: [],
    });
    await topics.write(topic, FOREIGN);
    await until('the partition to halt', async () => (await now()).partitions[0]?.state === 'log_corrupt');
    expect(await now()).toMatchObject({ log_state: 'log_corrupt' });
    const said = (await roles.aggregate[0]?.call('/readyz', { key: null }))?.text ?? '';
    const from = Number(/message (\d+) of the log's topic/.exec(said)?.[1]);
    const env = {
      ...{ UPTALLY_LOG: 'kafka', UPTALLY_KAFKA_BROKERS: addresses.brokers, UPTALLY_KAFKA_TOPIC: topic },
      ...{ UPTALLY_KAFKA_PARTITIONS: '2', UPTALLY_CLICKHOUSE_URL: addresses.clickhouseUrl },
    };
    const words = `partition 0 from ${from} until ${from + 1}`;
    const args = ['log', 'skip', '--partition', '0', '--from', String(from), ...DECIDED, '--give-up', words];
    const code = await new Promise<number>((resolve) => {
      execFile(process.execPath, [MAIN, ...args], { env: { ...process.env, ...env } }, (error) => {
        resolve(error === null ? 0 : Number(error.code));
      });
    });
    expect(code).toBe(0);
    await until('the partition to go on', async () => (await now()).log_state === 'running');
    await post();
    await untilStored(roles.front);
    expect((await now()).gaps).toMatchObject([{ kind: 'message', partition: 0, who: 'ann' }]);
  } finally {
    await roles.end('SIGKILL');
  }
});
