/**
 * The database under a running server is dropped, emptied, set back, or another deployment's: nothing that was answered is lost without a word. The log
 * has it, and what the log does not have any more a start refuses to go on without.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ClickHouseServer, serverMissing, startClickHouseServer } from '../support/clickhouse-server.ts';
import { Databases } from '../support/database-swap.ts';
import { startServer, type TestServer, untilStored, within } from '../support/server.ts';
import { until } from '../support/until.ts';

const T0 = Date.parse('2026-03-01T00:00:00Z');
const BATCH = 20;
const OTHER = 'of_another_deployment';
const BACKUP = 'of_an_earlier_time';

const missing = serverMissing();
describe.skipIf(missing !== undefined)(
  `the database of a running server${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    let clickhouse: ClickHouseServer;
    let databases: Databases;
    let dir: string;
    let answered = 0;
    let batch = 0;
    const running: TestServer[] = [];

    beforeAll(async () => {
      clickhouse = await startClickHouseServer();
      databases = new Databases(clickhouse.url);
    });
    beforeEach(async () => {
      dir = await mkdtemp(join(tmpdir(), 'uptally-replaced-'));
      await databases.drop();
      [answered, batch] = [0, 0];
    });
    afterEach(async () => {
      for (const server of running.splice(0)) await server.end('SIGKILL');
      await rm(dir, { recursive: true, force: true });
    });
    afterAll(async () => {
      await databases.close();
      await clickhouse.stop();
    });

    async function serve(name = 'own'): Promise<TestServer> {
      const env = { UPTALLY_CLICKHOUSE_URL: clickhouse.url, UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0' };
      const server = await startServer({ dir: join(dir, name), env });
      running.push(server);
      return server;
    }

    async function post(server: TestServer, vm = 'a'): Promise<boolean> {
      const lines = Array.from({ length: BATCH }, (_, i) =>
        JSON.stringify({ vm, ts: T0 + (batch * BATCH + i) * 10_000, nic: 'e' }),
      );
      batch++;
      const headers = { 'content-type': 'application/x-ndjson' };
      const answer = await server.call('/v1/samples', { body: lines.join('\n'), headers }).catch(() => undefined);
      if (answer?.status !== 202) return false;
      answered += BATCH;
      return true;
    }

    async function postMany(server: TestServer, batches: number): Promise<void> {
      for (let i = 0; i < batches; i++) expect(await post(server)).toBe(true);
      await untilStored(server);
    }

    /** Goes on posting until the server has ended; answers its last words. */
    async function wordsOf(server: TestServer): Promise<string> {
      let over = false;
      const ended = server.exited.then(() => (over = true));
      const isOver = (): boolean => over;
      while (!isOver()) {
        await post(server);
        await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 100))]);
      }
      await within('its end', server.exited);
      return server.output();
    }

    const samplesOf = async (server: TestServer): Promise<number> => {
      const { samples, log } = await untilStored(server);
      expect(samples.accepted).toBe(log.appended);
      return samples.applied;
    };

    it.each<[string, () => Promise<unknown>, RegExp]>([
      ['emptied', () => databases.empty(), /emptied or restored from an earlier time/],
      ['dropped', () => databases.drop(), /./],
      ['set back to an earlier time', () => databases.restore(BACKUP), /emptied or restored from an earlier time/],
    ])('%s: the server ends with the reason, and the next one stores again what was answered', async (_, change, reason) => {
      const server = await serve();
      await postMany(server, 2);
      await databases.backUp(BACKUP);
      await postMany(server, 3);
      await change();
      expect(await wordsOf(server)).toMatch(reason);
      const next = await serve();
      expect(await samplesOf(next)).toBeGreaterThanOrEqual(answered);
      await postMany(next, 1);
    });

    it('another deployment’s: the server ends, and no start goes on with it until its own is back', async () => {
      const other = await serve('other');
      for (let i = 0; i < 5; i++) await post(other, 'stranger');
      await untilStored(other);
      await other.end('SIGTERM');
      await databases.setAside(OTHER);
      answered = 0;
      const server = await serve();
      await postMany(server, 2);
      await databases.setAside(BACKUP);
      await databases.restore(OTHER);
      expect(await wordsOf(server)).toMatch(/emptied or restored from an earlier time/);
      for (let tries = 0; tries < 2; tries++)
        await expect(serve()).rejects.toThrow(/one of the two belongs to another deployment/);
      await databases.restore(BACKUP);
      const next = await serve();
      await until('everything answered to be stored', async () => (await samplesOf(next)) >= answered);
    });
  },
);
