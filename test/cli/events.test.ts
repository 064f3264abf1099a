import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { runCli } from '../support/fake-cli.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

describe('uptally events', { timeout: 60_000 }, () => {
  let test: TestStore;
  let app: FastifyInstance;
  let folder: string;
  const done = doneOf(() => app);
  const cli = (...args: string[]) => {
    const { port } = app.server.address() as AddressInfo;
    return runCli(['events', ...args], { env: { UPTALLY_SERVER: `http://127.0.0.1:${port}`, UPTALLY_KEY: ADMIN } });
  };
  const load = async (text: string, ...more: string[]) => {
    await writeFile(join(folder, 'events.csv'), text);
    return cli('import', join(folder, 'events.csv'), ...more);
  };
  const last = (out: string): string | undefined => out.trimEnd().split('\n').at(-1);
  const verdicts = (out: string): string[] =>
    out.trimEnd().split('\n').map((line) => JSON.parse(line) as { line: number; verdict: string }).map(({ line, verdict }) => `${line} ${verdict}`); // prettier-ignore

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'uptally-events-'));
    test = await openTestStore();
    app = await serverOn(test.store, await openCatalog(test.store, () => 0));
    await done('PUT', '/v1/accounts/a', { name: 'a', currency: 'EUR' });
    for (const vm of ['v1', 'v2']) await done('PUT', `/v1/vms/${vm}`, { account: 'a' });
    await app.listen({ host: '127.0.0.1', port: 0 });
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
    await rm(folder, { recursive: true });
  });

  const FILE =
    'vm,at,kind,note,amount\nv1,2026-03-05T10:00:00Z,ip_blocked,=ticket 9,\nv2,2026-03-06T10:00:00Z,refund,,1.00\nv2,2026-03-06T10:00:00Z,refund,,1.00\n';

  it('a file is recorded once, however often it is imported, and says first what would be', async () => {
    expect(verdicts((await load(FILE, '--dry-run', '--json')).out)).toEqual(['2 would be recorded', '3 would be recorded', '4 already there']); // prettier-ignore
    expect((await cli('list', '--json')).out).toBe('');
    expect(last((await load(FILE)).out)).toBe('2 recorded, 1 already there');
    for (const more of [[], ['--dry-run']]) expect(last((await load(FILE, ...more)).out)).toBe('3 already there');
  });

  it('rows that are refused hurt no other', async () => {
    const rows = ['v9,2026-03-05T10:00:00Z,abuse,,', 'v1,soon,abuse,,', 'v1,2026-03-05T10:00:00Z,rebooted,,', ',2026-03-05T10:00:00Z,abuse,,', 'v1,2026-03-05T10:00:00Z,abuse,,1.00', 'v1,2026-03-07T10:00:00Z,abuse,x,']; // prettier-ignore
    const { out, code } = await load(`vm,at,kind,note,amount\n${rows.join('\n')}\n`, '--json');
    expect(verdicts(out)).toEqual([...[2, 3, 4, 5, 6].map((line) => `${line} refused`), '7 recorded']);
    expect(code).toBe(1);
  });

  it('what is exported comes back as it is there; what was withdrawn is passed over', async () => {
    const recorded = await cli('record', 'v2', '--kind', 'dispute', '--at', '2026-03-08T00:00:00Z', '--note', 'by card');
    const { id } = JSON.parse(recorded.out) as { id: string };
    expect((await cli('withdraw', 'v2', id)).out).toContain('is withdrawn');
    const csv = (await cli('export', '--csv')).out;
    expect(csv).toContain("'=ticket 9");
    expect(last((await load(csv)).out)).toBe('3 already there, 1 passed over');
    expect((await cli('list', '--account', 'a', '--kind', 'dispute')).out).toMatch(/v2 .*dispute +withdrawn +by card/);
  });
});
