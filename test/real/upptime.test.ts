/** Years of up and down of real sites and servers, as state-only samples: the outages equal a plain walk over the history. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentKey, allRows, postLines, startServer, type TestServer, untilStored } from '../support/server.ts';
import { readTrace, saySkipped } from './data-folder.ts';

/** Checks tell only of changes, so a state holds for long; what is longer than this is silence, and there is some. */
const STALENESS_MS = 86_400_000;
const LATENESS_MS = 120_000;

interface Check {
  readonly vm: string;
  readonly tsMs: number;
  readonly up: boolean;
}

/** The history by site, in the order of the file. Names of sites don't fit a VM's alphabet: they are numbered. */
function readUpptime(): readonly Check[] | { readonly missing: string } {
  const read = readTrace('upptime-checks-3repos.csv.xz');
  if ('missing' in read) return read;
  const numbers = new Map<string, number>();
  return read.rows.map(([repo = '', , at = '', site = '', status]) => {
    const name = `${repo} ${site}`;
    const number = numbers.get(name) ?? numbers.size;
    numbers.set(name, number);
    return { vm: `site-${number}`, tsMs: Date.parse(at), up: status === 'up' };
  });
}

interface Outage {
  readonly start: number;
  readonly end: number | null;
  readonly cause: string;
}

/** A site's outages up to the watermark: the last check of an instant decides, a state goes stale after a day. */
function plainOutages(checks: readonly Check[], watermarkMs: number): Outage[] {
  const byInstant = new Map(checks.map((check) => [check.tsMs, check]));
  const inOrder = [...byInstant.values()].sort((a, b) => a.tsMs - b.tsMs);
  const outages: { start: number; end: number | null; cause: string }[] = [];
  let condition = 'up';
  const become = (next: string, atMs: number): void => {
    if (next === condition) return;
    const open = outages.at(-1);
    if (open?.end === null) open.end = atMs;
    if (next !== 'up') outages.push({ start: atMs, end: null, cause: next });
    condition = next;
  };
  inOrder.forEach(({ tsMs, up }, i) => {
    become(up ? 'up' : 'provider', tsMs);
    const next = inOrder[i + 1]?.tsMs ?? watermarkMs;
    if (next > tsMs + STALENESS_MS) become('silent', tsMs + STALENESS_MS);
  });
  return outages;
}

const read = readUpptime();
if ('missing' in read) saySkipped('the Upptime history', read.missing);
const history: readonly Check[] = 'missing' in read ? [] : read;

let dir: string;
let server: TestServer;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-upptime-'));
  server = await startServer({
    dir,
    env: {
      UPTALLY_CLOCK: 'event',
      UPTALLY_RETENTION_DAYS: '0',
      UPTALLY_STALENESS_MS: String(STALENESS_MS),
      UPTALLY_LATENESS_MS: String(LATENESS_MS),
    },
  });
});
afterEach(async () => {
  await server.end('SIGTERM');
  await rm(dir, { recursive: true, force: true });
});

describe.skipIf('missing' in read)('the history of real sites', () => {
  it.each([
    ['as it happened', (checks: readonly Check[]) => [...checks].sort((a, b) => a.tsMs - b.tsMs)],
    ['site by site, as the file has it', (checks: readonly Check[]) => checks],
  ])(
    'gives the outages that a plain walk over it finds, posted %s',
    async (_, order) => {
      const { key } = await agentKey(server, 'upptime');
      const lines = order(history).map(({ vm, tsMs, up }) => `{"vm":"${vm}","ts":${tsMs},"state":"${up ? 'up' : 'down'}"}`);
      const answer = await postLines(server, key, lines);
      expect(answer.json()).toEqual({ accepted: lines.length, rejected: 0, errors: [] });
      const { samples } = await untilStored(server);
      expect(samples.applied + samples.duplicate + samples.conflict).toBe(history.length);

      const watermarkMs = Math.max(...history.map(({ tsMs }) => tsMs)) - LATENESS_MS;
      let found = 0;
      for (const vm of new Set(history.map((check) => check.vm))) {
        const rows = await allRows<{ start: string; end: string | null; cause: string }>(
          server,
          `/v1/vms/${vm}/outages?from=2000-01-01T00:00:00Z&to=2090-01-01T00:00:00Z`,
        );
        const answered = rows.map(({ start, end, cause }) => ({
          start: Date.parse(start),
          end: end === null ? null : Date.parse(end),
          cause,
        }));
        const expected = plainOutages(
          history.filter((check) => check.vm === vm),
          watermarkMs,
        );
        expect(answered, vm).toEqual(expected);
        found += expected.length;
      }
      expect(found).toBeGreaterThan(1000);
    },
    120_000,
  );
});
