/** The demo as a user runs it, only shorter. It takes up to a minute and a half: it ends at the end of a minute. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-demo-test-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the demo with `dir` as the place for temporary folders; `onText` sees all that it has said so far. */
function demo(args: readonly string[], onText: (stdout: string, interrupt: () => void) => void = () => undefined): Promise<Run> {
  const child = spawn(process.execPath, [MAIN, 'demo', ...args], {
    env: { ...process.env, TMPDIR: dir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    onText(stdout, () => child.kill('SIGINT'));
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve) =>
    child.once('close', (code) => {
      resolve({ code, stdout, stderr });
    }),
  );
}

it.skipIf(!existsSync('/sys/class/net'))(
  'shows the whole job on this machine, equal to the byte, and leaves nothing behind',
  async () => {
    const { code, stdout, stderr } = await demo(['--seconds', '30']);
    expect(stderr).toBe('');
    expect(code, stdout).toBe(0);
    // at least: others use the loopback interface as well
    expect(Number(/lo's own counters have moved by ([\d.]+) MB/.exec(stdout)?.[1])).toBeGreaterThanOrEqual(20);
    expect(stdout).toMatch(/the API answers: demo-down provider since [\d:]+, over at/);
    expect(stdout).toMatch(/lo +received +(\d[\d,]*,\d{3},\d{3}) +\1 +equal/);
    expect(stdout).toContain('Equal to the byte.');
    expect(stdout).toMatch(/demo-silent +silent +[\d:]+ /);
    expect(stdout).toMatch(/minutes? (was|were) touched by the outage: 0\.[12]0 CNY/);
    expect(stdout).toMatch(/(\d+) samples accepted = \1 stored \+ 0 duplicate \+ 0 in conflict/);
    expect(stdout).toContain('Everything stored is what the raw samples amount to.');
    expect(stdout).toContain('http://127.0.0.1:8080/docs');
    expect(readdirSync(dir)).toEqual([]);
  },
  180_000,
);

it.skipIf(!existsSync('/sys/class/net'))('stops at Ctrl-C, says so, and leaves nothing behind', async () => {
  let interrupted = false;
  const { code, stderr } = await demo([], (stdout, interrupt) => {
    if (interrupted || !stdout.includes('the agent reads')) return;
    interrupted = true;
    interrupt();
  });
  expect(code).toBe(1);
  expect(stderr).toContain('the demo was interrupted');
  expect(readdirSync(dir)).toEqual([]);
});

it.skipIf(!existsSync('/sys/class/net'))(
  'ends, where it is kept, in a month of a small provider that the console shows until Ctrl-C',
  async () => {
    let asked: Promise<{ page: string; rows: unknown[] }> | undefined;
    const { code, stdout, stderr } = await demo(['--keep', '--seconds', '30'], (text, interrupt) => {
      const [, url, key] = /Open +(http:\S+)\/console\n +log in +(\S+)\n/.exec(text) ?? [];
      if (asked !== undefined || url === undefined || key === undefined) return;
      const authorization = { headers: { authorization: `Bearer ${key}` } };
      asked = Promise.all([
        fetch(`${url}/console`).then((answer) => answer.text()),
        fetch(`${url}/v1/accounts`, authorization).then((answer) => answer.json() as Promise<{ rows: unknown[] }>),
      ])
        .then(([page, { rows }]) => ({ page, rows }))
        .finally(interrupt);
    });
    expect([code, stderr], stdout).toEqual([0, '']);
    const { page, rows } = (await asked) ?? { page: '', rows: [] };
    expect(page).toContain('<script type="module"');
    expect(rows).toHaveLength(12);
    expect(stdout).toMatch(/UPTALLY_CLOCK=event .*UPTALLY_DATA_DIR=\S+provider npm start/);
    expect(readdirSync(dir)).toHaveLength(1);
  },
  240_000,
);

it('takes a number of seconds within its bounds', async () => {
  const { code, stderr } = await demo(['--seconds', '5']);
  expect(code).toBe(2);
  expect(stderr).toContain('30 to 100');
});
