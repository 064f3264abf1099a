/** What docs/measured says to do by hand works, and the page of runs is written by the bench alone. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { body } from '../../bench/http.ts';
import { merged, pageOf, publish, type Published } from '../../bench/publish.ts';
import type { Run } from '../../bench/report.ts';
import { ROOT } from '../deploy/program.ts';
import { ADMIN_KEY, newFolder, type ServedFolder, type TestServer, untilStored } from '../support/server.ts';

describe('docs/measured/http.md', () => {
  let folder: ServedFolder;
  let server: TestServer;
  beforeAll(async () => {
    folder = await newFolder('http-page');
    server = await folder.start({ UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0' });
    writeFileSync(join(folder.dir, 'body.ndjson'), body());
  });
  afterAll(async () => {
    await folder.remove();
  });

  const page = readFileSync(join(ROOT, 'docs/measured/http.md'), 'utf8');
  const commands = [...page.matchAll(/^npx autocannon (?:.*\\\n)*.*$/gm)].map(([command]) => command);

  it.each(commands)('%s', async (command) => {
    const here = command
      .replace('--duration 10', '--duration 1')
      .replace('http://127.0.0.1:8080', server.url)
      .replace('body.ndjson', join(folder.dir, 'body.ndjson'))
      .replace('npx autocannon', 'npx --no-install autocannon --json --no-progress');
    const env = { ...process.env, UPTALLY_ADMIN_KEY: ADMIN_KEY };
    const { stdout } = await promisify(execFile)('sh', ['-c', here], { cwd: ROOT, env });
    const shot = JSON.parse(stdout) as { '2xx': number; non2xx: number; errors: number };
    expect(shot).toMatchObject({ non2xx: 0, errors: 0 });
    expect(shot['2xx']).toBeGreaterThan(0);
  });

  it('has two of them, and all that they sent is the same hundred samples', async () => {
    expect(commands).toHaveLength(2);
    await untilStored(server);
    const { samples } = await server.ask<{ samples: { applied: number; conflict: number } }>('/v1/status');
    expect(samples).toMatchObject({ applied: 100, conflict: 0 });
  });
});

const where = { commit: 'abc1234', node: 'v20', cpu: 'a cpu', cores: 2, memoryGiB: 8, kernel: '6', loadBefore: 0 };
const rate = { name: 'requests', median: 10, lowest: 9, highest: 11, rounds: [9, 10, 11] };
const runOf = (at: string, median: number, commit = 'abc1234'): Run => ({
  at,
  where: { ...where, commit },
  reports: [
    {
      bench: 'http',
      question: 'how many?',
      workHash: '0'.repeat(16),
      work: { connections: 50 },
      rates: [{ ...rate, median }],
      ratios: [],
      loadAfter: 1,
    },
  ],
});

describe('what is published', () => {
  it('is by bench, machine and commit: a run again replaces the one before, another commit stands beside it', () => {
    const first = merged([], runOf('2026-03-01T00:00:00Z', 10));
    const again = merged(first, runOf('2026-03-02T00:00:00Z', 20));
    const both = merged(again, runOf('2026-03-03T00:00:00Z', 30, 'def5678'));
    expect(both.map(({ at, figures }) => [at, figures[0]?.median])).toEqual([
      ['2026-03-03T00:00:00Z', 30],
      ['2026-03-02T00:00:00Z', 20],
    ]);
    expect(pageOf(both)).toContain('| requests | 30.0 /s | 9.00 /s … 11.0 /s | 3 |');
    expect(pageOf(both)).toContain('### http, commit def5678, 2026-03-03 00:00 UTC');
  });

  it('needs a commit: nobody could repeat what was not committed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'uptally-publish-'));
    try {
      await expect(publish(runOf('2026-03-01T00:00:00Z', 10, 'abc1234+changes'), folder)).rejects.toThrow(/commit first/);
      expect(readdirSync(folder)).toEqual([]);
      await publish(runOf('2026-03-01T00:00:00Z', 10), folder);
      expect(readdirSync(folder)).toEqual(['runs.json', 'runs.md']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is the page in docs/measured, to the letter', async () => {
    const own = join(ROOT, 'docs/measured');
    const all = JSON.parse(readFileSync(join(own, 'runs.json'), 'utf8')) as Published[];
    const { format } = await import('prettier');
    expect(await format(pageOf(all), { parser: 'markdown', printWidth: 130 })).toBe(readFileSync(join(own, 'runs.md'), 'utf8'));
  });
});
