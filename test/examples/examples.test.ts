/** What examples/ shows works: each program runs against a real server, as its page says. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../docs/pages/markdown.ts';
import { ADMIN_KEY, newFolder, postLines, type ServedFolder, type TestServer, untilStored } from '../support/server.ts';

const MINUTE_MS = 60_000;
const MARCH_MS = Date.parse('2026-03-01T00:00:00+08:00');
/** March, and enough of April that March is over; half an hour of an outage. */
const MINUTES = 31 * 1440 + 10;
const DOWN = { from: 20_000, to: 20_030 };

/** Whether a program is on this machine; examples in a language that is not here are skipped, and say so. */
const has = (program: string, ...args: string[]): boolean => spawnSync(program, args, { stdio: 'ignore' }).status === 0;
const PYTHON = has('python3', '--version');
const GO = has('go', 'version');
const SHELL = has('curl', '--version') && has('awk', 'BEGIN { }');
const JQ = has('jq', '--version');
const SYSTEMD = has('systemd-analyze', '--version');

let folder: ServedFolder;
let server: TestServer;
let bin: string;

async function run(program: string, args: readonly string[], env: Record<string, string> = {}, key = ADMIN_KEY): Promise<string> {
  const child = spawn(program, args, {
    cwd: join(ROOT, 'examples'),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}`, UPTALLY_SERVER: server.url, UPTALLY_KEY: key, ...env },
  });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  expect(child.exitCode, `${program} ${args.join(' ')}\n${out}${err}`).toBe(0);
  return out;
}
const put = async (path: string, body: unknown): Promise<void> => {
  await server.ask(`/v1/${path}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
};

beforeAll(async () => {
  folder = await newFolder('examples');
  const terms = join(folder.dir, 'data/terms');
  await mkdir(terms, { recursive: true });
  await copyFile(join(ROOT, 'examples/terms/example-cloud.json'), join(terms, 'example-cloud.json'));
  await writeFile(join(folder.dir, 'data/issuer.json'), JSON.stringify({ name: 'Example Hosting Ltd' }));
  bin = join(folder.dir, 'bin');
  await mkdir(bin);
  const { bin: programs } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { bin: { uptally: string } };
  await writeFile(join(bin, 'uptally'), `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, programs.uptally)}' "$@"\n`);
  await chmod(join(bin, 'uptally'), 0o755);

  server = await folder.start({ UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0' });
  const lines = Array.from({ length: MINUTES }, (_, minute) => {
    const ts = MARCH_MS + minute * MINUTE_MS;
    if (minute >= DOWN.from && minute < DOWN.to) return JSON.stringify({ vm: 'web-1', ts, state: 'down', cause: 'provider' });
    return JSON.stringify({ vm: 'web-1', ts, nic: 'eth0', rx_bytes: minute * 9_000_000, tx_bytes: minute * 4_000_000 });
  });
  await postLines(server, ADMIN_KEY, lines);
  await untilStored(server);
  const plan = { currency: 'EUR', time_zone: 'Asia/Shanghai', price: { amount: '300.00', per: 'month' }, terms: 'example-cloud' };
  await put('plans/small', plan);
  await put('accounts/acme', { name: 'Acme', currency: 'EUR' });
  await put('vms/web-1', { account: 'acme', plans: [{ plan: 'small', from: '2026-03-01T00:00:00+08:00' }] });
});
afterAll(async () => {
  await folder.remove();
});

describe('billing by a timer', () => {
  it.skipIf(!JQ)('bill-month.sh bills the month and keeps the PDFs; once more makes nothing twice', async () => {
    const kept = join(folder.dir, 'invoices');
    await run('billing/bill-month.sh', [kept, '2026-03']);
    expect(await readdir(kept)).toEqual(['invoice-1.pdf']);
    expect((await readFile(join(kept, 'invoice-1.pdf'))).subarray(0, 5).toString()).toBe('%PDF-');
    await run('billing/bill-month.sh', [kept, '2026-03']);
    expect(await readdir(kept)).toEqual(['invoice-1.pdf']);
    expect(await run('uptally', ['invoices', 'show', '1'])).toMatch(/^invoice 1 of acme, final/m);
  });

  it.skipIf(!JQ)('a terms sheet of one’s own decides the credit: below 99.95 % a tenth', async () => {
    // 30 of 44,640 minutes are 0.067 %
    expect(await run('uptally', ['invoices', 'show', '1'])).toMatch(/^credit\s+web-1.*-30\.00$/m);
  });

  it('its crontab has lines of seven fields and names commands that there are', async () => {
    const lines = (await readFile(join(ROOT, 'examples/billing/uptally-billing.crontab'), 'utf8')).split('\n');
    const jobs = lines.filter((line) => /^[\d*]/.test(line));
    expect(jobs).toHaveLength(2);
    for (const job of jobs) expect(job).toMatch(/^(?:[\d,*]+ +){5}uptally +\S/);
    expect(await run('uptally', ['charge-days', '--help'])).toContain('Usage: uptally charge-days');
  });

  it.skipIf(!SYSTEMD)('its timer rings on the second and third of a month', () => {
    const { status, stdout } = spawnSync('systemd-analyze', ['calendar', '*-*-02,03 04:30:00'], { encoding: 'utf8' });
    expect(status, stdout).toBe(0);
  });
});

describe('a terms sheet of one’s own', () => {
  it('is in order', async () => {
    expect(await run('uptally', ['terms', 'check', 'terms/example-cloud.json'])).toContain('in order');
  });
});

describe('a month in a spreadsheet', () => {
  it.skipIf(!PYTHON)('has a row a VM and day, with every byte and minute', async () => {
    const [head, ...rows] = (await run('python3', ['spreadsheet/month.py', 'acme', '2026-03', 'Asia/Shanghai']))
      .trim()
      .split('\r\n');
    expect(head).toBe('vm,day,received GB,sent GB,unavailable minutes,worth of them');
    expect(rows).toHaveLength(31);
    const cells = rows.map((row) => row.split(','));
    expect(cells[0]?.slice(0, 2)).toEqual(['web-1', '2026-03-01']);
    expect(cells.reduce((sum, [, , , , minutes]) => sum + Number(minutes), 0)).toBe(DOWN.to - DOWN.from);
    // 31 days of minutes, each of 9 MB received and 4 MB sent; what came in the gap is spread over it
    expect(cells.reduce((sum, [, , gb = '']) => sum + Number(gb.replace('.', '')), 0)).toBe(31 * 1440 * 9_000_000);
  });
});

describe('the guides of client and agent', () => {
  const expected: Readonly<Record<string, RegExp>> = {
    'bill-march.mjs': /^acme: (finalized|kept), invoice 1, 270\.00 EUR$/m,
    'traffic.mjs': new RegExp(`^${31 * 1440 * 13_000_000} bytes$`, 'm'),
    'pay.mjs': /^there is no such invoice: 404$/m,
    'own-agent.mjs': /^1 accepted$/m,
  };

  it('have programs that do what they say, with what the package exports', async () => {
    const pages = await Promise.all(['client', 'agent'].map((name) => readFile(join(ROOT, `docs/guides/${name}.md`), 'utf8')));
    const programs = [...pages.join('').matchAll(/^```js\n(\/\/ (\S+\.mjs): .*?)^```$/gms)];
    expect(programs.map(([, , name]) => name)).toEqual(Object.keys(expected));
    // within the package, whose name then leads to its exports
    const own = await mkdtemp(join(ROOT, 'build/guide-'));
    try {
      for (const [, text = '', name = ''] of programs) {
        await writeFile(join(own, name), text);
        expect(await run(process.execPath, [join(own, name)], { SPOOL: join(own, 'spool') })).toMatch(
          expected[name] ?? /^never$/,
        );
      }
    } finally {
      await rm(own, { recursive: true });
    }
  });
});

describe('an agent of one’s own', () => {
  it.each(['py', 'go', 'sh'])('agent.%s is at most 30 lines', async (language) => {
    const lines = (await readFile(join(ROOT, `examples/agents/agent.${language}`), 'utf8')).trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(30);
  });

  it.skipIf(!GO)('agent.go is written as gofmt writes it', () => {
    const { stdout } = spawnSync('gofmt', ['-l', join(ROOT, 'examples/agents')], { encoding: 'utf8' });
    expect(stdout).toBe('');
  });

  const agents = [
    { language: 'Python', there: PYTHON, program: 'python3', args: ['agents/agent.py'] },
    { language: 'Go', there: GO, program: 'go', args: ['run', 'agents/agent.go'] },
    { language: 'bash', there: SHELL, program: 'bash', args: ['agents/agent.sh'] },
  ];
  // Go compiles its library the first time, which takes minutes on a machine that is busy
  it.each(agents)(
    'in $language posts counters that are taken',
    { timeout: 600_000 },
    async ({ language, there, program, args }) => {
      if (!there) {
        console.warn(`${program} is not on this machine: the agent in ${language} was not run`);
        return;
      }
      const vm = `agent-${language.toLowerCase()}`;
      const { key } = await server.ask<{ key: string }>('/v1/keys', {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ role: 'agent', name: vm, vms: [vm] }),
      });
      const began = Date.now();
      await run(program, [...args, `lo=${vm}`], { ROUNDS: '2', INTERVAL: '0.05' }, key);
      await untilStored(server);
      const range = `from=${began - 1000}&to=${Date.now() + 1000}`;
      const { rows } = await server.ask<{ rows: { vm: string; nic: string; agent: string; epoch: number }[] }>(
        `/v1/vms/${vm}/samples?${range}`,
      );
      expect(rows).toHaveLength(2);
      for (const row of rows) expect(row).toMatchObject({ vm, nic: 'lo', agent: vm });
      expect(rows[0]?.epoch).toBeGreaterThan(1_000_000_000);
    },
  );
});
