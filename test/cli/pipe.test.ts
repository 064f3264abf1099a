import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeServer, startFakeServer } from '../support/fake-server.ts';
import { freePort } from '../support/free-port.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const inShell = promisify(execFile);

describe('whoever reads the output may have had enough', () => {
  let folder: string;
  let server: FakeServer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'uptally-pipe-'));
    const keys = Array.from({ length: 5000 }, (_, i) => ({ id: `k${i}`, role: 'agent', name: `h${i}`, vms: ['*'], created_at: '2026-03-01T00:00:00Z', created_by: 'x' })); // prettier-ignore
    server = await startFakeServer(() => ({ status: 200, body: { keys } }));
  });
  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  // `true` has ended before the command writes its first line, `head -1` while it does
  it.each([
    ['--help', 'true'],
    ['terms list', 'true'],
    ['terms show cstserver-2022', 'head -1'],
    ['keys list', 'true'],
    ['keys list', 'head -1'],
    ['keys list --json', 'head -c 1'],
  ])('uptally %s | %s ends quietly with the code of what it did', async (command, reader) => {
    const { stdout, stderr } = await inShell(
      'bash',
      ['-c', `"${process.execPath}" "${MAIN}" ${command} | ${reader} > /dev/null; echo "\${PIPESTATUS[0]}"`],
      { env: { ...process.env, UPTALLY_SERVER: server.url, UPTALLY_KEY: 'k' } },
    );
    expect([stdout.trim(), stderr]).toEqual(['0', '']);
  });

  it('a failure stays one', async () => {
    const { stdout } = await inShell('bash', [
      '-c',
      `"${process.execPath}" "${MAIN}" nonsense 2>&1 | true; echo "\${PIPESTATUS[0]}"`,
    ]);
    expect(stdout.trim()).toBe('2');
  });

  it('a server goes on when its log is read no more, and ends as it should', async () => {
    const port = await freePort();
    const child = spawn(process.execPath, [MAIN, 'serve'], {
      env: { ...process.env, UPTALLY_PORT: String(port), UPTALLY_DATA_DIR: folder, UPTALLY_ADMIN_KEY: 'k-of-the-pipe-test', UPTALLY_INGEST_WORKERS: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    }); // prettier-ignore
    child.stdout.destroy();
    child.stderr.destroy();
    const exited = once(child, 'exit');
    const ready = async (): Promise<boolean> => {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
      if (answer?.status === 200) return true;
      if (child.exitCode !== null) return false;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return ready();
    };
    expect(await ready()).toBe(true);
    child.kill('SIGTERM');
    expect((await exited)[0]).toBe(0);
  });
});
