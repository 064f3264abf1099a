/**
 * A log that is not the one that the database's rows come from, or a database that is not the log's: at rest, after a crash and under a running
 * server. Nothing may be answered on top of it, and what was given up by an operator is shown for ever.
 */
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, type StatusJson, startServer, type TestServer, untilStatus, within } from '../support/server.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const ENV = { UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0', UPTALLY_STALENESS_MS: '86400000' };
const T0 = Date.parse('2026-03-01T00:00:00Z');
const BATCH = 20;
/** Bytes from one sample to the next. */
const STEP = 10;

let dir: string;
let seq = 0;
const running: TestServer[] = [];

const at = (name: string): string => join(dir, name);
const logOf = (name: string): string => join(dir, name, 'log');

async function serve(name: string, env: Record<string, string> = {}): Promise<TestServer> {
  const server = await startServer({ dir: at(name), env: { ...ENV, ...env } });
  running.push(server);
  return server;
}

/** Samples of one batch, the counter of which goes on from the batch before: one a minute, so that what the last one brings is published. */
function body(batch: number, vm = 'a'): string {
  return Array.from({ length: BATCH }, (_, i) => {
    const n = batch * BATCH + i;
    return JSON.stringify({ vm, ts: T0 + n * 60_000, nic: 'e', rx_bytes: n * STEP, tx_bytes: 0 });
  }).join('\n');
}

async function post(server: TestServer, batch: number, vm?: string): Promise<number> {
  const headers = { 'content-type': 'application/x-ndjson' };
  return (await server.call('/v1/samples', { body: body(batch, vm), headers }).catch(() => undefined))?.status ?? 0;
}

async function posts(server: TestServer, from: number, until: number, vm?: string): Promise<void> {
  for (let batch = from; batch < until; batch++) expect(await post(server, batch, vm)).toBe(202);
  await stored(server);
}

/** Everything in the log is stored; what was given up is in the log's count and not among the accepted. */
function stored(server: TestServer): Promise<StatusJson> {
  return untilStatus(
    server,
    'everything to be stored',
    ({ log }) => log.appended === log.aggregated && log.aggregated === log.stored,
  );
}

async function bytesOf(server: TestServer): Promise<number> {
  const query = `from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z&step=hour`;
  const { rows } = await server.ask<{ rows: { rx_bytes: number }[] }>(`/v1/vms/a/traffic?${query}`);
  return rows.reduce((sum, row) => sum + row.rx_bytes, 0);
}

/** What so many batches come to. */
const bytes = (batches: number): number => (batches * BATCH - 1) * STEP;

async function copy(from: string, to: string): Promise<void> {
  await rm(at(to), { recursive: true, force: true });
  await cp(at(from), at(to), { recursive: true, verbatimSymlinks: true });
}

/** Takes a part of a data folder out of another's; an absent one is removed. */
async function put(part: string, from: string | null, to: string): Promise<void> {
  await rm(join(at(to), part), { recursive: true, force: true });
  if (part === 'log') rmSync(join(at(to), 'log-lock'), { force: true });
  if (from !== null) await cp(join(at(from), part), join(at(to), part), { recursive: true, verbatimSymlinks: true });
}

interface Run {
  readonly code: number;
  readonly text: string;
}

function cli(name: string, args: readonly string[], env: Record<string, string> = {}): Promise<Run> {
  const others = Object.entries(process.env).filter(([key]) => !key.startsWith('UPTALLY_'));
  const options = { env: { ...Object.fromEntries(others), UPTALLY_DATA_DIR: at(name), ...ENV, ...env }, timeout: 60_000 };
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), text: stdout + stderr });
    });
  });
}

function verify(server: TestServer): Promise<Run> {
  return cli('none', ['verify', '--server', server.url, '--key', ADMIN_KEY]);
}

/** A folder of its own for a case, made of another. */
async function caseOf(from: string): Promise<string> {
  const name = `case-${++seq}`;
  await copy(from, name);
  return name;
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-log-identity-'));
  // one deployment at three times, the last of them also killed instead of stopped
  let server = await serve('live');
  await posts(server, 0, 5);
  await server.end('SIGTERM');
  await copy('live', 'first');
  server = await serve('live');
  await posts(server, 5, 10);
  await server.end('SIGKILL');
  await copy('live', 'killed');
  server = await serve('live');
  await server.end('SIGTERM');
  await copy('live', 'second');
  for (let round = 0; round < 2; round++) {
    server = await serve('live');
    await posts(server, 10 + round, 11 + round);
    await server.end('SIGTERM');
  }
  await copy('live', 'third');
  // what a copy of the first time became elsewhere
  await copy('first', 'fork');
  server = await serve('fork');
  await posts(server, 5, 20, 'elsewhere');
  await server.end('SIGTERM');
  server = await serve('other');
  await posts(server, 0, 3, 'stranger');
  await server.end('SIGTERM');
});
afterEach(async () => {
  for (const server of running.splice(0)) await server.end('SIGKILL');
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

describe.each(['second', 'killed'])('at rest (%s)', (base) => {
  it.each<[string, (name: string) => void | Promise<void>, RegExp]>([
    ['a log that was deleted', (name) => put('log', null, name), /the log is empty: its file was deleted, emptied or made again/],
    [
      'a log that was emptied',
      (name) => {
        truncateSync(logOf(name), 0);
      },
      /the log is empty: its file was deleted/,
    ],
    [
      'a log that was cut in half',
      (name) => {
        truncateSync(logOf(name), Math.floor(statSync(logOf(name)).size / 2));
      },
      /was cut: it has \d+ bytes of \d+/,
    ],
    ["another deployment's log", (name) => put('log', 'other', name), /one of the two belongs to another deployment/],
    ['an older copy of the log', (name) => put('log', 'first', name), /restored from an earlier time, or cut/],
    ['an older copy that went on elsewhere', (name) => put('log', 'fork', name), /holds another record \d+ than the one/],
    ["another deployment's database", (name) => put('clickhouse', 'other', name), /belongs to another deployment/],
    [
      'the database alone',
      async (name) => {
        await put('log', null, name);
        await put('checkpoints', null, name);
      },
      /the log is empty/,
    ],
    [
      'log and database of an earlier time beside checkpoints of a later one',
      async (name) => {
        await put('log', 'first', name);
        await put('clickhouse', 'first', name);
        await put('checkpoints', 'third', name);
      },
      /of which a checkpoint was saved/,
    ],
    [
      'a file that is no log',
      (name) => {
        writeFileSync(logOf(name), 'x'.repeat(100_000));
      },
      /can't be opened|log/,
    ],
  ])('%s is refused, and refused again', async (_, change, message) => {
    const name = await caseOf(base);
    await change(name);
    for (let start = 0; start < 2; start++) await expect(serve(name)).rejects.toThrow(message);
  });

  it('a database of an earlier time is filled from the log as long as that has it', async () => {
    const name = await caseOf(base);
    await put('clickhouse', 'first', name);
    const server = await serve(name);
    await stored(server);
    expect(await bytesOf(server)).toBe(bytes(10));
    expect((await verify(server)).code).toBe(0);
  });

  it("another deployment's checkpoints are told and not used", async () => {
    const name = await caseOf(base);
    await put('checkpoints', 'other', name);
    const server = await serve(name);
    await stored(server);
    expect(server.output()).toMatch(/checkpoint \d+ can't be used: it is of log [0-9a-f]{32}/);
    expect(await bytesOf(server)).toBe(bytes(10));
    expect((await verify(server)).code).toBe(0);
  });
});

it('a database of before what the log still holds is refused, until an operator gives up the difference, which is counted', async () => {
  const name = await caseOf('third');
  await put('clickhouse', 'first', name);
  await expect(serve(name)).rejects.toThrow(
    /the log keeps its records from \d+ on, and the database holds rows up to record \d+/,
  );
  const asked = await cli(name, ['log', 'accept', '--by', 'ann', '--why', 'the backup is old']);
  const givesUp = /--give-up '([^']+)'/.exec(asked.text)?.[1] ?? '';
  expect(asked).toMatchObject({ code: 1, text: expect.stringMatching(/with \d+ answered samples/) as string });
  expect(await cli(name, ['log', 'accept', '--by', 'ann', '--why', 'the backup is old', '--give-up', givesUp])).toMatchObject({
    code: 0,
  });
  const server = await serve(name);
  const seen = await verify(server);
  expect(seen.text).toMatch(/Given up: \d+ answered samples \(positions, .*by ann .*the backup is old/);
  expect(seen.code).toBe(0);
});

it('a new log that an operator accepts begins above what is stored, and what was lost is shown for ever', async () => {
  const name = await caseOf('second');
  await put('log', null, name);
  const shown = await cli(name, ['log', 'show']);
  expect(shown.text).toMatch(/there is no file/);
  const wrong = await cli(name, ['log', 'accept', '--by', 'ann', '--why', 'disk died', '--give-up', 'nothing']);
  expect(wrong).toMatchObject({
    code: 1,
    text: expect.stringContaining("is not what would be given up: 'everything after record") as string,
  });
  const givesUp = /given up: '([^']+)'/.exec(wrong.text)?.[1] ?? '';
  expect(await cli(name, ['log', 'accept', '--by', 'ann', '--why', 'disk died', '--give-up', givesUp])).toMatchObject({
    code: 0,
  });
  for (let start = 0; start < 2; start++) {
    const server = await serve(name);
    await posts(server, 10 + start, 11 + start);
    expect(await bytesOf(server)).toBe(bytes(11 + start));
    const status = await server.ask<StatusJson & { gaps: { kind: string; who: string }[] }>('/v1/status');
    expect(status.gaps).toMatchObject([{ kind: 'log', who: 'ann' }]);
    const seen = await verify(server);
    expect(seen.text).toMatch(/Given up: an unknown number of answered samples \(log, .*by ann .*disk died/);
    expect(seen.code).toBe(0);
    await server.end('SIGTERM');
  }
  expect((await cli(name, ['log', 'accept', '--by', 'ann', '--why', 'again'])).text).toContain('there is nothing to accept');
});

describe('under a running server', () => {
  it.each<[string, (name: string) => void]>([
    [
      'deleted',
      (name) => {
        unlinkSync(logOf(name));
      },
    ],
    [
      'replaced by another deployment’s',
      (name) => {
        copyFileSync(logOf('other'), `${logOf(name)}.other`);
        renameSync(`${logOf(name)}.other`, logOf(name));
      },
    ],
    [
      'overwritten by an older copy',
      (name) => {
        copyFileSync(logOf('first'), logOf(name));
      },
    ],
    [
      'cut',
      (name) => {
        truncateSync(logOf(name), 0);
      },
    ],
  ])('a log that is %s is noticed before the next answer, and the next start is refused', async (_, change) => {
    const name = await caseOf('second');
    const server = await serve(name);
    change(name);
    expect([0, 503]).toContain(await post(server, 10));
    const exit = await within('its end', server.exited);
    // where the file was cut, the system may have ended the process at a page that is not there any more
    if (exit.signal === null) expect(exit.code).toBe(1);
    await expect(serve(name)).rejects.toThrow(/log/);
    if (existsSync(logOf(name))) rmSync(logOf(name));
    await put('log', 'second', name);
  });
});

describe('a record that is damaged', () => {
  /** A name that is nowhere else in the file. */
  const NEW_VM = 'new-vm';

  /** A server that died with records that nobody has taken in, and where in its file the last of them stands. */
  async function unread(tries = 20): Promise<{ name: string; places: number[] }> {
    const name = await caseOf('second');
    const server = await serve(name, { UPTALLY_TEST_CRASH: 'before-aggregate:2' });
    await post(server, 10, NEW_VM);
    await within('its death', server.exited);
    const file = readFileSync(logOf(name));
    const places: number[] = [];
    for (let i = file.indexOf(`${NEW_VM}e`); i >= 0; i = file.indexOf(`${NEW_VM}e`, i + 1)) places.push(i);
    // a tick may have been the second step, before the samples were there
    if (places.length === 0 && tries > 1) return unread(tries - 1);
    expect(places).toHaveLength(BATCH);
    return { name, places };
  }

  function flip(name: string, place: number, ...bits: number[]): void {
    const file = readFileSync(logOf(name));
    for (const bit of bits) file[place + (bit >> 3)] = (file[place + (bit >> 3)] ?? 0) ^ (1 << (bit & 7));
    writeFileSync(logOf(name), file);
  }

  it('by one bit is read as it was written, and told', async () => {
    const FLIPPED = /has a flipped bit: its checksums say which/;
    let server: TestServer | undefined;
    // The samples may have been the first step, before the tick that ended the server: then nobody reads their record again.
    for (let tries = 5; tries > 0 && server?.output().match(FLIPPED) == null; tries -= 1) {
      await server?.end('SIGTERM');
      const { name, places } = await unread();
      flip(name, (places.at(-3) ?? 0) - 20, 3);
      server = await serve(name);
      await stored(server);
    }
    if (server === undefined) throw new Error('no server was started');
    expect(server.output()).toMatch(FLIPPED);
    expect((await verify(server)).code).toBe(0);
  });

  it('by more is not gone past: nothing is answered, everyone is told, and an operator may let it pass', async () => {
    const { name, places } = await unread();
    flip(name, (places.at(-3) ?? 0) - 20, 3, 70);
    const server = await serve(name);
    expect(await server.call('/readyz', { key: null })).toMatchObject({
      status: 503,
      text: expect.stringMatching(/log_corrupt: record \d+ of the log is damaged/) as string,
    });
    expect(await post(server, 12)).toBe(503);
    expect(await server.ask('/v1/status')).toMatchObject({ log_state: 'log_corrupt' });
    expect((await server.call('/metrics', { key: null })).text).toMatch(
      /uptally_partition_halted\{partition="0",reason="log_corrupt"\} 1/,
    );
    expect((await verify(server)).code).toBe(1);
    expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });

    const shown = await cli(name, ['log', 'show']);
    const record = /uptally log skip --record (\d+)/.exec(shown.text)?.[1] ?? '';
    const asked = await cli(name, ['log', 'skip', '--record', record, '--by', 'bob', '--why', 'bad memory']);
    expect(asked.text).toContain(`with ${BATCH} answered samples`);
    const skip = ['log', 'skip', '--record', record, '--by', 'bob', '--why', 'bad memory', '--give-up', `record ${record}`];
    expect(await cli(name, skip)).toMatchObject({ code: 0 });
    const again = await serve(name);
    await posts(again, 12, 13);
    const seen = await verify(again);
    expect(seen.text).toMatch(/Given up: 20 answered samples \(record, position \d+ .*by bob .*bad memory/);
    expect(seen.code).toBe(0);
  });
});
