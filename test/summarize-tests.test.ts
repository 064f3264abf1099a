/** Whoever sees only the end of what CI printed sees every test that failed, why, and the sums as the last line. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'summary-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Test {
  readonly status: 'passed' | 'failed' | 'skipped';
  readonly fullName: string;
  readonly failureMessages: readonly string[];
}
const passed: Test = { status: 'passed', fullName: 'rows are rows', failureMessages: [] };
const failed = (fullName: string, ...failureMessages: string[]): Test => ({ status: 'failed', fullName, failureMessages });

/** A report as vitest's JSON reporter writes it, of files with their tests; a text in place of tests: the file did not load. */
function report(name: string, files: Readonly<Record<string, readonly Test[] | string>>): string {
  const tests = Object.values(files).flatMap((told) => (typeof told === 'string' ? [] : told));
  const count = (status: Test['status']) => tests.filter((test) => test.status === status).length;
  const path = join(folder, name);
  const content = {
    numPassedTests: count('passed'),
    numFailedTests: count('failed'),
    numPendingTests: count('skipped'),
    testResults: Object.entries(files).map(([file, told]) => ({
      name: join(ROOT, file),
      status: typeof told === 'string' || told.some(({ status }) => status === 'failed') ? 'failed' : 'passed',
      message: typeof told === 'string' ? told : '',
      assertionResults: typeof told === 'string' ? [] : told,
    })),
  };
  writeFileSync(path, JSON.stringify(content));
  return path;
}

/** The lines that the script prints of these runs, each `[name, exit code, report]`. */
function summary(...runs: readonly (readonly [string, number, string])[]): string[] {
  const { status, stdout } = spawnSync('node', ['scripts/summarize-tests.js', ...runs.flat().map(String)], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  return stdout.trimEnd().split('\n');
}

describe('what CI prints at its end', () => {
  it('is the sums of all runs alone where all passed', () => {
    const skipped: Test = { ...passed, status: 'skipped' };
    const one = report('one.json', { 'test/a.test.ts': [passed, skipped] });
    const two = report('two.json', { 'test/b.test.ts': [passed, passed] });
    expect(summary(['npm test', 0, one], ['npm run test:distributed', 0, two])).toEqual(['3 passed, 0 failed, 1 skipped']);
  });

  it('has a line with file, name and first line of the error for each failed test, before the sums', () => {
    const error = 'AssertionError: \u001b[31mexpected 1 to be 2\u001b[39m // Object.is\n    at test/a.test.ts:2:53';
    const one = report('failed.json', { 'test/a.test.ts': [passed, failed('sums\nadd up', error, 'and another')] });
    const two = report('failed-two.json', { 'test/distributed/b.test.ts': [failed('is whole', 'x'.repeat(5000))] });
    expect(summary(['npm test', 1, one], ['npm run test:distributed', 1, two])).toEqual([
      'FAILED test/a.test.ts: sums add up: AssertionError: expected 1 to be 2 // Object.is',
      `FAILED test/distributed/b.test.ts: is whole: ${'x'.repeat(300)}…`,
      '1 passed, 2 failed, 0 skipped',
    ]);
  });

  it.each([
    [
      'a file that could not start',
      1,
      () => report('unloaded.json', { 'test/a.test.ts': 'Cannot find module ./gone.ts\n  at x' }),
      'FAILED test/a.test.ts: Cannot find module ./gone.ts',
    ],
    ['a run without a report', 137, () => join(folder, 'none.json'), 'FAILED npm test: ended with 137 and without a report'],
    [
      'a run that failed outside of any test',
      1,
      () => report('outside.json', { 'test/a.test.ts': [] }),
      'FAILED npm test: ended with 1, though no test failed',
    ],
  ] as const)('counts %s as failed', (_what, exitCode, path, line) => {
    expect(summary(['npm test', exitCode, path()])).toEqual([line, '0 passed, 1 failed, 0 skipped']);
  });
});
