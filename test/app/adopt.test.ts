/**
 * A data folder of the version before logs had ids (`fixtures/`: 5 batches of 20 samples, made by that version and stopped) is taken over once, by
 * the positions of its log and its database, and from then on is what any other is.
 */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startOrDie, startServer, type TestServer, untilStored } from '../support/server.ts';

const FIXTURE = fileURLToPath(new URL('fixtures/data-folder-before-ids.tar.gz', import.meta.url));
const ENV = {
  UPTALLY_CLOCK: 'event',
  UPTALLY_RETENTION_DAYS: '0',
  UPTALLY_STALENESS_MS: '86400000',
  UPTALLY_MAX_VMS: '100',
};
const T0 = Date.parse('2026-03-01T00:00:00Z');

let dir: string;
let data: string;
const running: TestServer[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-adopt-'));
  execFileSync('tar', ['-xzf', FIXTURE, '-C', dir]);
  data = join(dir, 'data-before-ids');
});
afterEach(async () => {
  for (const server of running.splice(0)) await server.end('SIGKILL');
  await rm(dir, { recursive: true, force: true });
});

async function serve(): Promise<TestServer> {
  const server = await startServer({ dir: data, env: ENV });
  running.push(server);
  return server;
}

async function bytesOf(server: TestServer): Promise<number> {
  const query = 'from=2026-03-01T00:00:00Z&to=2026-03-01T01:00:00Z&step=hour';
  const { rows } = await server.ask<{ rows: { rx_bytes: number }[] }>(`/v1/vms/a/traffic?${query}`);
  return rows.reduce((sum, row) => sum + row.rx_bytes, 0);
}

it('it is given an id once, keeps what it held and goes on, also when it is killed right after', async () => {
  const first = await serve();
  expect(first.output()).toMatch(/the log of the version before is given the id [0-9a-f]{32}/);
  const { log_id: id } = await first.ask<{ log_id: string }>('/v1/status');
  await first.end('SIGKILL');
  const server = await serve();
  expect(server.output()).not.toContain('is given the id');
  expect(await server.ask('/v1/status')).toMatchObject({ log_id: id, gaps: [] });
  const sample = { vm: 'a', ts: T0 + 600_000, nic: 'e', rx_bytes: 6000, tx_bytes: 0 };
  const headers = { 'content-type': 'application/x-ndjson' };
  expect((await server.call('/v1/samples', { body: JSON.stringify(sample), headers })).status).toBe(202);
  await untilStored(server);
  expect(await bytesOf(server)).toBe(6000);
  expect(await server.status()).toMatchObject({ log: { appended: 101, stored: 101 }, samples: { accepted: 101, applied: 101 } });
});

it.each(['after-log-id', 'after-log-named'])(
  'killed %s while it is taken over, it is taken over by the next start',
  async (point) => {
    expect(await startOrDie({ dir: data, env: { ...ENV, UPTALLY_TEST_CRASH: point } })).toBeUndefined();
    const server = await serve();
    expect(await server.ask('/v1/status')).toMatchObject({ log_id: expect.stringMatching(/^[0-9a-f]{32}$/) as string, gaps: [] });
    expect(await server.status()).toMatchObject({
      log: { appended: 100, stored: 100 },
      samples: { accepted: 100, applied: 100 },
    });
  },
);

it('it is refused without its log: nothing begins anew on top of what is stored', async () => {
  rmSync(join(data, 'log'));
  await expect(serve()).rejects.toThrow(
    /the log is empty: its file was deleted, emptied or made again; rows up to record \d+ are stored/,
  );
});

it('its log is not taken back once it has an id', async () => {
  const before = join(dir, 'log-before');
  execFileSync('cp', [join(data, 'log'), before]);
  const server = await serve();
  await server.end('SIGTERM');
  execFileSync('cp', [before, join(data, 'log')]);
  rmSync(join(data, 'log-lock'), { force: true });
  await expect(serve()).rejects.toThrow(/the log is a copy of before it had an id/);
});
