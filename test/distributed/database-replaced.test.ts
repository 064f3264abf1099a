/** The database under running roles is emptied, set back, or another deployment's: they end with the reason, and nothing that was answered is lost. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { Databases } from '../support/database-swap.ts';
import { newTopic, untilReady } from '../support/roles.ts';
import { ADMIN_KEY, postLines, startServer, type TestServer, untilStored, within } from '../support/server.ts';

const START_MS = Date.parse('2026-03-01T00:00:00Z');
const VMS = ['v1', 'v2', 'v3', 'v4', 'v5', 'v6'];
const OTHER = 'of_another_deployment';
const BACKUP = 'of_an_earlier_time';

let databases: Databases;
let dir: string;
let topic: string;
let answered = 0;
let round = 0;
const running: TestServer[] = [];

beforeAll(() => {
  databases = new Databases(inject('clickhouseUrl'));
});
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-replaced-'));
  topic = newTopic();
  [answered, round] = [0, 0];
  await databases.drop();
});
afterEach(async () => {
  for (const server of running.splice(0)) await server.end('SIGKILL');
  await rm(dir, { recursive: true, force: true });
});
afterAll(() => databases.close());

/** All roles in one process, with ClickHouse as a server. */
async function serve(on = topic): Promise<TestServer> {
  const server = await startServer({
    dir,
    env: {
      ...{ UPTALLY_LOG: 'kafka', UPTALLY_KAFKA_BROKERS: inject('kafkaBrokers'), UPTALLY_KAFKA_TOPIC: on },
      ...{ UPTALLY_KAFKA_PARTITIONS: '2', UPTALLY_KAFKA_SESSION_TIMEOUT_MS: '6000' },
      ...{ UPTALLY_CLICKHOUSE_URL: inject('clickhouseUrl'), UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0' },
    },
  });
  running.push(server);
  await untilReady(server);
  return server;
}

async function post(server: TestServer): Promise<boolean> {
  const lines = VMS.map((vm) => JSON.stringify({ vm, ts: START_MS + round * 10_000, nic: 'e', rx_bytes: round, tx_bytes: 0 }));
  round++;
  const answer = await postLines(server, ADMIN_KEY, lines).catch(() => undefined);
  if (answer?.status !== 202) return false;
  answered += lines.length;
  return true;
}

async function postMany(server: TestServer, rounds: number): Promise<void> {
  for (let i = 0; i < rounds; i++) expect(await post(server)).toBe(true);
  await untilStored(server);
}

/** Goes on posting until the server has ended; answers its last words. */
async function wordsOf(server: TestServer): Promise<string> {
  let over = false;
  const ended = server.exited.then(() => (over = true));
  const isOver = (): boolean => over;
  while (!isOver()) {
    await post(server);
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 200))]);
  }
  await within('its end', server.exited);
  return server.output();
}

describe('the database of running roles', () => {
  it('set back to an earlier time: they end with the reason, and the next ones store again what was answered', async () => {
    const server = await serve();
    await postMany(server, 3);
    await databases.backUp(BACKUP);
    await postMany(server, 5);
    await databases.restore(BACKUP);
    expect(await wordsOf(server)).toMatch(/emptied or restored from an earlier time/);
    const { samples, log } = await untilStored(await serve());
    expect(samples.applied).toBeGreaterThanOrEqual(answered);
    expect(samples.accepted).toBe(log.appended);
  });

  it('emptied: they end, and no start goes on with a topic that an empty database knows nothing of', async () => {
    const server = await serve();
    await postMany(server, 3);
    await databases.empty();
    expect(await wordsOf(server)).toMatch(/names no log any more|emptied or restored/);
    for (let tries = 0; tries < 2; tries++)
      await expect(serve()).rejects.toThrow(/of another deployment, or of a database that was lost/);
  });

  it('another deployment’s: they end, and no start goes on with it until their own is back', async () => {
    const other = await serve(newTopic());
    await postMany(other, 6);
    await other.end('SIGTERM');
    await databases.setAside(OTHER);
    [answered, round] = [0, 0];
    const server = await serve();
    await postMany(server, 3);
    await databases.setAside(BACKUP);
    await databases.restore(OTHER);
    expect(await wordsOf(server)).toMatch(/the database names log [0-9a-f]{32} now|emptied or restored/);
    await expect(serve()).rejects.toThrow(/the rows of this database come from topic/);
    await databases.restore(BACKUP);
    expect((await untilStored(await serve())).samples.applied).toBeGreaterThanOrEqual(answered);
  });
});
