/** docs/start.md, followed word by word: its commands in one shell, in an empty folder that has the package installed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { ROOT } from './pages/markdown.ts';

const MAIN = join(
  ROOT,
  (JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { bin: { uptally: string } }).bin.uptally,
);
/** What a reader who does not type does in moments; a machine that is busy takes longer. */
const PATIENCE_MS = 300_000;

let dir: string;
let code: number | null;
let said: string;
let told: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-start-'));
  const bin = join(dir, 'node_modules/.bin');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, 'uptally'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  await chmod(join(bin, 'uptally'), 0o755);
  const page = await readFile(join(ROOT, 'docs/start.md'), 'utf8');
  const commands = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block).join('\n');
  // the one word that is not the page's: somebody may listen on 8080
  const script = commands.replaceAll('8080', String(await freePort()));
  const shell = spawn('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: dir, TZ: 'UTC' },
  });
  [said, told] = await Promise.all([text(shell.stdout), text(shell.stderr), once(shell, 'close')]);
  code = shell.exitCode;
}, PATIENCE_MS);

afterAll(async () => {
  const pid = Number(await readFile(join(dir, 'server.pid'), 'utf8').catch(() => '0'));
  if (pid > 0 && code !== 0) process.kill(pid, 'SIGKILL');
  await rm(dir, { recursive: true, force: true, maxRetries: 50, retryDelay: 200 });
});

describe('from nothing to an invoice', () => {
  it('every command does what it should', () => {
    expect(code, `${said}\n${told}`).toBe(0);
  });
  it('shows the outage, as the page says', () => {
    expect(said).toContain('"cause":"provider","duration_ms":1800000');
    expect(said).toContain('"unavailable_minutes":30');
  });
  it('bills what the page says', () => {
    expect(said).toContain('258.88');
    expect(said).toContain('345.23');
    expect(said).toContain('Credit for 30 unavailable minutes');
    expect(said).toMatch(/^invoice 1 of acme, final/m);
  });
  it('leaves the invoice as a PDF', async () => {
    expect((await readFile(join(dir, 'invoice-1.pdf'))).subarray(0, 5).toString()).toBe('%PDF-');
  });
  it('proves it', () => {
    expect(said).toContain('Everything stored is what the raw samples amount to.');
  });
});
