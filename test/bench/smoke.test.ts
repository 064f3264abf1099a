/** No bench rots: each runs at its smallest, compares what it must, and prints its figures. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { chartsOf, htmlPage } from '../../bench/charts.ts';
import { compare, markdown, type Run } from '../../bench/report.ts';
import { BENCHES } from '../../bench/suite.ts';
import { TARGETS } from '../../bench/targets.ts';

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL('../../build/bench/main.js', import.meta.url));

for (const name of Object.keys(BENCHES)) {
  test(`the bench ${name} runs`, async () => {
    const { stdout } = await run(process.execPath, [MAIN, name, '--smoke'], { timeout: 115_000 });
    expect(stdout).toMatch(new RegExp(`^${name}: `));
    expect(stdout).toMatch(/hash=[0-9a-f]{16}/);
  });
}

test('the help names every bench, its question and what would make it unfair', async () => {
  const { stdout } = await run(process.execPath, [MAIN, '--help']);
  const flat = stdout.replaceAll(/\s+/g, ' ');
  for (const [name, { question, fairness }] of Object.entries(BENCHES)) {
    expect(flat).toContain(` ${name} `);
    expect(flat).toContain(question);
    expect(flat).toContain(fairness);
  }
});

test('wrong usage is exit code 2 and runs nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'uptally-bench-test-'));
  const noRun = join(folder, 'run.json');
  writeFileSync(noRun, '{}');
  for (const args of [['nosuch'], ['kernel', '--compare', join(folder, 'absent')], ['kernel', '--compare', noRun], ['--nosuch']])
    await expect(run(process.execPath, [MAIN, ...args]), args.join(' ')).rejects.toMatchObject({ code: 2, stdout: '' });
  rmSync(folder, { recursive: true });
});

const RUN: Run = {
  at: '2026-03-01T00:00:00.000Z',
  where: { commit: 'abc', node: 'v20', cpu: 'a <cpu>', cores: 2, memoryGiB: 8, kernel: '6', loadBefore: 0 },
  reports: [
    {
      bench: 'memory',
      question: 'how much?',
      workHash: '0'.repeat(16),
      work: { vms: 1 },
      rates: [{ name: 'samples', median: 2e6, lowest: 1e6, highest: 3e6, rounds: [1e6, 2e6, 3e6] }],
      ratios: [],
      values: [
        { name: 'resident, median of the second half', median: 1600, lowest: 1, highest: 1700, rounds: [1600], unit: 'MiB' },
      ],
      series: [{ id: 'over time', sentence: 'It stays.', x: { name: 's' }, y: { name: 'MiB' }, lines: [{ name: 'a', points: [[1, 2]] }] }], // prettier-ignore
      loadAfter: 0,
    },
  ],
};

test('a page says what was measured, where, and which target was missed', () => {
  const page = markdown(RUN, () => 'Unfair would be nothing.', TARGETS);
  expect(page).toContain('| samples | 2.00 M/s | 1.00 M/s … 3.00 M/s | 3 |  |');
  expect(page).toContain('| 1 | ≤ 1536 ✗ |');
  expect(page).toContain('Commit abc; Node v20; 2 cores of a <cpu>');
});

test('charts are SVG, and the page that holds them needs no other file', () => {
  const charts = chartsOf(RUN);
  expect([...charts.keys()]).toEqual(['memory-rate', 'memory-value-mib', 'memory-over-time']);
  for (const svg of charts.values()) expect(svg).toMatch(/^<svg /);
  const page = htmlPage(RUN, charts);
  expect(page).toContain('a &lt;cpu&gt;');
  expect(page).not.toMatch(/(?:src|href)="http/);
});

test('a run is held against an earlier one, figure by figure', () => {
  const then = structuredClone(RUN) as unknown as { reports: { rates: { median: number }[]; workHash: string }[] };
  const [report] = then.reports;
  if (report?.rates[0] !== undefined) report.rates[0].median = 1e6;
  if (report !== undefined) report.workHash = '1'.repeat(16);
  const lines: string[] = [];
  compare(RUN, then as unknown as Run, (line) => lines.push(line));
  expect(lines).toContain('  memory | samples: 2.00 × (1.00 M/s → 2.00 M/s)');
  expect(lines).toContain('  memory: the work was another then (its hash differs)');
});
