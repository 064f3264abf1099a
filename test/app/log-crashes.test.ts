/** What `uptally log` decides, killed at each of its steps and decided again: the same end as without, and nothing on record twice. */
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, runCommand } from '../support/command.ts';
import { ADMIN_KEY, startServer, type TestServer, untilStored, within } from '../support/server.ts';

const ENV = {
  ...{ UPTALLY_PORT: '0', UPTALLY_ADMIN_KEY: ADMIN_KEY, UPTALLY_MAX_VMS: '5000', UPTALLY_INGEST_WORKERS: '0' },
  ...{ UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0', UPTALLY_STALENESS_MS: '86400000' },
};
const T0 = Date.parse('2026-03-01T00:00:00Z');
const BATCH = 20;
const DECIDED = ['--by', 'ann', '--why', 'the disk died'];

let dir: string;
/** Folders of deployments that are stopped. */
let own: string;
let other: string;
const running: TestServer[] = [];

async function serve(data: string, env: Record<string, string> = {}): Promise<TestServer> {
  const server = await startServer({ dir: data, env: { ...ENV, ...env } });
  running.push(server);
  return server;
}

async function post(server: TestServer, batch: number, vm = 'a'): Promise<void> {
  const lines = Array.from({ length: BATCH }, (_, i) =>
    JSON.stringify({ vm, ts: T0 + (batch * BATCH + i) * 60_000, nic: 'e', rx_bytes: batch * BATCH + i, tx_bytes: 0 }),
  );
  const headers = { 'content-type': 'application/x-ndjson' };
  expect((await server.call('/v1/samples', { body: lines.join('\n'), headers })).status).toBe(202);
}

const log = (data: string, args: readonly string[], crash = ''): Promise<Ended> =>
  runCommand(['log', ...args], { ...ENV, UPTALLY_DATA_DIR: data, ...(crash === '' ? {} : { UPTALLY_TEST_CRASH: crash }) });

/** The decision, typed as the command wants it; killed at a point when one is given. */
async function decide(data: string, what: readonly string[], crash = ''): Promise<Ended> {
  const asked = await log(data, [...what, ...DECIDED]);
  const givesUp = /--give-up '([^']+)'/.exec(asked.said)?.[1];
  return givesUp === undefined ? asked : log(data, [...what, ...DECIDED, '--give-up', givesUp], crash);
}

interface Shown {
  readonly log: { readonly logId: string; readonly first: number; readonly head: number; readonly samples: string };
  readonly named: { readonly logId: string; readonly seq: number };
  readonly gaps: readonly { readonly recordedMs: number }[];
  readonly refused: string | null;
}

/** What a folder has come to, without what is another each time. */
async function endOf(data: string): Promise<object> {
  const shown = await log(data, ['show', '--json']);
  expect(shown).toMatchObject({ code: 0, signal: null });
  const { log: found, named, gaps, refused } = JSON.parse(shown.said) as Shown;
  expect(found.logId).toBe(named.logId);
  const files = readdirSync(data).filter((name) => name.startsWith('log'));
  return {
    ...{ first: found.first, head: found.head, samples: found.samples, seq: named.seq, refused },
    gaps: gaps.map((gap) => ({ ...gap, recordedMs: 0 })),
    files: files.map((name) => name.replace(/[0-9a-f]{32}/, 'ID')),
  };
}

async function copyOf(from: string, name: string): Promise<string> {
  const data = join(dir, name);
  await rm(data, { recursive: true, force: true });
  await cp(from, data, { recursive: true });
  return data;
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-log-crashes-'));
  [own, other] = [join(dir, 'own'), join(dir, 'other')];
  for (const [data, vm] of [
    [own, 'a'],
    [other, 'b'],
  ] as const) {
    const server = await serve(data);
    for (let batch = 0; batch < 3; batch++) await post(server, batch, vm);
    await untilStored(server);
    await server.end('SIGTERM');
  }
});
afterEach(async () => {
  for (const server of running.splice(0)) await server.end('SIGKILL');
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

describe('uptally log accept, of a log that is another’s', () => {
  let uninterrupted: object;
  const strange = async (name: string): Promise<string> => {
    const data = await copyOf(own, name);
    copyFileSync(join(other, 'log'), join(data, 'log'));
    rmSync(join(data, 'log-lock'), { force: true });
    return data;
  };
  beforeAll(async () => {
    const data = await strange('uninterrupted');
    expect(await decide(data, ['accept'])).toMatchObject({ code: 0 });
    uninterrupted = await endOf(data);
    expect(uninterrupted).toMatchObject({ refused: null, gaps: [{ kind: 'log', who: 'ann' }] });
  });

  it.each(['after-log-made', 'after-gap', 'after-log-progress', 'after-log-named', 'after-log-aside', 'after-log-moved'])(
    'killed %s and decided again',
    async (point) => {
      const data = await strange(point);
      expect(await decide(data, ['accept'], point)).toMatchObject({ signal: 'SIGKILL' });
      const again = await decide(data, ['accept']);
      // named is decided: what was left is done by whoever comes next
      if (again.code !== 0) expect(again.said).toContain('there is nothing to accept');
      expect(await endOf(data)).toEqual(uninterrupted);
      const server = await serve(data);
      await post(server, 3);
      await untilStored(server);
    },
  );
});

it('uptally log skip, killed when the gap is on record, and decided again', async () => {
  const data = await copyOf(own, 'skip');
  const server = await serve(data, { UPTALLY_TEST_CRASH: 'before-insert-samples' });
  await post(server, 3, 'new-vm').catch(() => undefined);
  await within('its death', server.exited);
  const file = readFileSync(join(data, 'log'));
  // wherever the pages have it: which of them counts is LMDB's to know
  for (let at = file.indexOf('new-vm'); at >= 0; at = file.indexOf('new-vm', at)) file.write('######', at);
  writeFileSync(join(data, 'log'), file);
  const record = /uptally log skip --record (\d+)/.exec((await log(data, ['show'])).said)?.[1] ?? '';
  expect(await decide(data, ['skip', '--record', record], 'after-gap')).toMatchObject({ signal: 'SIGKILL' });
  const again = await decide(data, ['skip', '--record', record]);
  expect(again).toMatchObject({ code: 1, said: expect.stringContaining('none is let pass') as string });
  expect(await endOf(data)).toMatchObject({ refused: null, gaps: [{ kind: 'record', from: Number(record), samples: '20' }] });
  const after = await serve(data);
  await post(after, 4);
});
