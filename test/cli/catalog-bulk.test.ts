import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TRUTH, WHOLE } from '../../src/cli/bulk/members.ts';
import { ADMIN, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { runCli } from '../support/fake-cli.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** The catalog as files: each row by the call that makes it, with a verdict, and what is exported comes back as it was. */
describe('uptally catalog import and export', { timeout: 60_000 }, () => {
  let test: TestStore;
  let app: FastifyInstance;
  let folder: string;
  const done = doneOf(() => app);
  const cli = (...args: string[]) => {
    const { port } = app.server.address() as AddressInfo;
    return runCli(['catalog', ...args], { env: { UPTALLY_SERVER: `http://127.0.0.1:${port}`, UPTALLY_KEY: ADMIN } });
  };
  const load = async (name: string, data: string | Buffer, ...more: string[]) => {
    await writeFile(join(folder, name), data);
    return cli('import', join(folder, name), ...more);
  };
  const verdicts = (out: string): string[] =>
    out.trimEnd().split('\n').map((line) => JSON.parse(line) as { line: number; verdict: string }).map(({ line, verdict }) => `${line} ${verdict}`); // prettier-ignore
  const lines = (...rows: object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  const TIERS = [{ up_to: 500, price: '0.10' }, { up_to: null, price: '0.05' }]; // prettier-ignore
  const PLAN = {
    ...{ kind: 'plan', id: 'p1', currency: 'EUR', time_zone: 'UTC', price: { amount: '9.00', per: 'month' } },
    traffic: { counting: 'sum', included_bytes: 9_007_199_254_740_991, tiers: TIERS },
  };
  const ACCOUNT = { kind: 'account', id: 'a1', name: '=cmd|"/c calc"!A1', currency: 'EUR', address: '\'=1+1\n雲端, "Road" 1' };
  const VM = { kind: 'vm', id: 'v1', account: 'a1', plans: [{ plan: 'p1', from: '2026-03-01T00:00:00Z' }], promotion: true };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'uptally-bulk-'));
    test = await openTestStore();
    app = await serverOn(test.store, await openCatalog(test.store, () => 0));
    await app.listen({ host: '127.0.0.1', port: 0 });
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
    await rm(folder, { recursive: true });
  });

  it('a dry run of a whole fleet says that all would be made, VMs of plans above them too, and makes nothing', async () => {
    const dry = await load(
      'fleet.ndjson',
      lines(PLAN, ACCOUNT, VM, { ...VM, id: 'v2', account: 'nobody' }),
      '--dry-run',
      '--json',
    );
    expect(verdicts(dry.out)).toEqual(['1 would be made', '2 would be made', '3 would be made', '4 refused']);
    expect(dry.out).toContain('with what line 2 makes');
    expect(dry.code).toBe(1);
    expect((await cli('export')).out).toBe('');
  });

  it('makes each, once, exactly; the same file again changes nothing', async () => {
    const first = await load('fleet.ndjson', lines(PLAN, ACCOUNT, VM));
    expect(first.code, first.err).toBe(0);
    expect(first.out.trimEnd().split('\n').at(-1)).toBe('3 made');
    expect((await load('fleet.ndjson', lines(PLAN, ACCOUNT, VM))).out.trimEnd().split('\n').at(-1)).toBe('3 as it is');
    const { traffic } = await done<{ traffic: { included_bytes: number } }>('GET', '/v1/plans/p1');
    expect(traffic.included_bytes).toBe(9_007_199_254_740_991);
  });

  it('what is exported, as NDJSON or CSV, comes back as it was: formulas guarded, quotes, line feeds, lists', async () => {
    const { out } = await cli('export');
    expect(out.split('\n').map((line) => /"kind":"(\w+)"/.exec(line)?.[1])).toEqual(['plan', 'account', 'vm', undefined]);
    expect((await load('again.ndjson', out)).out.trimEnd().split('\n').at(-1)).toBe('3 as it is');
    for (const kind of ['plan', 'account', 'vm']) {
      const csv = (await cli('export', kind, '--csv')).out;
      if (kind === 'account') expect(csv).toContain(`"'=cmd|""/c calc""!A1"`);
      expect((await load(`${kind}.csv`, csv)).out.trimEnd().split('\n').at(-1), csv).toBe('1 as it is');
      // As Excel saves it: a byte order mark, semicolons, UTF-16.
      const excel = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(csv, 'utf16le')]);
      expect((await load(`${kind}.csv`, excel)).out.trimEnd().split('\n').at(-1)).toBe('1 as it is');
    }
    expect(await done('GET', '/v1/accounts/a1')).toMatchObject({ name: ACCOUNT.name, address: ACCOUNT.address });
  });

  it('a row that was read of a version is made only if that is still in force', async () => {
    const { version } = await done<{ version: number }>('GET', '/v1/accounts/a1');
    const edited = { ...ACCOUNT, version, email: 'a@example.net' };
    expect((await load('a.ndjson', lines(edited))).out).toContain('1 changed');
    // The same row again: the version moved on, and what it says is in force.
    expect((await load('a.ndjson', lines(edited))).out).toContain('1 as it is');
    const late = await load('a.ndjson', lines({ ...edited, email: 'b@example.net' }), '--json');
    expect(verdicts(late.out)).toEqual(['1 refused']);
    expect(late.out).toContain('version_conflict');
  });

  it('columns that name members within others, of things that exist: --patch changes those and no other', async () => {
    const made = await load('v.csv', 'id;account;plans.0.plan;plans.0.from;promotion;nics\nv5;a1;p1;2026-03-01T00:00:00Z;TRUE;"[""eth0""]"\n', '--kind', 'vm'); // prettier-ignore
    expect(made.out).toContain('1 made');
    expect(await done('GET', '/v1/vms/v5')).toMatchObject({ plans: [{ plan: 'p1' }], promotion: true, nics: ['eth0'] });
    const patched = await load('e.csv', 'id,due_days\na1,30\nnobody,30\n', '--kind', 'account', '--patch', '--json');
    expect(verdicts(patched.out)).toEqual(['2 changed', '3 refused']);
    expect(await done('GET', '/v1/accounts/a1')).toMatchObject({ due_days: 30, email: 'a@example.net' });
  });

  it('bad rows hurt no neighbour, and each says why', async () => {
    const rows = [
      JSON.stringify({ ...ACCOUNT, id: 'ok1' }),
      '{',
      '[1]',
      JSON.stringify({ ...ACCOUNT, id: '' }),
      JSON.stringify({ ...ACCOUNT, id: 'x/../y' }),
      JSON.stringify({ ...ACCOUNT, kind: 'key' }),
      JSON.stringify({ ...ACCOUNT, id: 'n', name: 'x'.repeat(2_000_000) }),
      JSON.stringify({ ...ACCOUNT, id: 'c', currency: 'EURO' }),
      '{"kind":"account","id":"d","name":"d","currency":"EUR","due_days":99999999999999999999}',
      JSON.stringify({ ...ACCOUNT, id: 'ok2' }),
    ];
    const { out, code, err } = await load('bad.ndjson', `${rows.join('\n')}\n`, '--json');
    expect(verdicts(out)).toEqual(['1 made', ...[2, 3, 4, 5, 6, 7, 8, 9].map((line) => `${line} refused`), '10 made']);
    expect([code, err.includes('8 of 10 rows were refused')]).toEqual([1, true]);
    const cells = await load('bad.csv', 'kind,id,name,currency,due_days,x.y.,plans.7\naccount,c1,c,EUR,soon,,\naccount,c2,c,EUR,,1,\naccount,c3,c,EUR,,,1\naccount,c4,c,EUR,,,,9\naccount,c5,"c ""q"" d",EUR,7,,\n', '--json'); // prettier-ignore
    expect(verdicts(cells.out)).toEqual(['2 refused', '3 refused', '4 refused', '5 refused', '6 made']);
  });

  it.each([
    ['a.csv', 'kind,name\n', 'no column id'],
    ['a.csv', '', 'no column kind, id'],
    ['a.csv', 'kind,id,id\n', 'the column id twice'],
    ['a.csv', 'kind,id,name,currency\naccount,u1,u,EUR\naccount,u2,"u,EUR\n', 'a quote is not closed'],
    ['a.csv', Buffer.from([0x6b, 0x69, 0x6e, 0x64, 0xff, 0x0a]), 'is not utf-8'],
    ['a.bin', 'x', 'CSV or NDJSON?'],
  ])('a file that is no such file changes nothing: %s %j', async (name, data, said) => {
    const { code, err } = await load(name, data);
    expect([code, err]).toEqual([2, expect.stringContaining(said)]);
    expect((await cli('list', 'account', '--q', 'u1', '--json')).out).toBe('');
  });

  it('reads another encoding where it is said', async () => {
    const text = Buffer.concat([
      Buffer.from('id,name,currency\nbig5,'),
      Buffer.from([0xb6, 0xb3, 0xba, 0xdd]),
      Buffer.from(',TWD\n'),
    ]);
    expect((await load('big5.csv', text, '--kind', 'account', '--encoding', 'big5')).out).toContain('1 made');
    expect(await done('GET', '/v1/accounts/big5')).toMatchObject({ name: '雲端' });
  });

  it('put and patch change one; a version that moved on is refused', async () => {
    const { out } = await cli('put', 'account', 'one', '{"name":"One","currency":"EUR"}');
    const { version } = JSON.parse(out) as { version: number };
    expect((await cli('patch', 'account', 'one', '{"due_days":7}', '--dry-run')).out).toContain('"change":"changed"');
    expect((await cli('patch', 'account', 'one', '{"due_days":7}', '--if-match', String(version))).code).toBe(0);
    const late = await cli('patch', 'account', 'one', '{"due_days":8}', '--if-match', String(version));
    expect([late.code, late.err]).toEqual([1, expect.stringContaining('version_conflict')]);
    for (const body of ['[]', '{', '@/nowhere']) expect((await cli('put', 'account', 'one', body)).code).toBe(2);
  });

  it("knows which members are numbers and truth values: the API's own schemas say the same", async () => {
    type Schema = {
      type?: string | string[];
      properties?: Record<string, Schema>;
      items?: Schema;
      anyOf?: Schema[];
      oneOf?: Schema[];
    };
    const document = await done<{ paths: Record<string, { put?: { requestBody: { content: Record<string, { schema: Schema }> } } }> }>('GET', '/openapi.json'); // prettier-ignore
    const found = { whole: new Set<string>(), truth: new Set<string>() };
    const walk = (schema: Schema, name: string): void => {
      const types = [schema.type ?? []].flat();
      if (types.includes('integer') && !types.includes('string')) found.whole.add(name);
      if (types.includes('boolean')) found.truth.add(name);
      for (const [member, each] of Object.entries(schema.properties ?? {})) walk(each, member);
      for (const each of [
        ...(schema.anyOf ?? []),
        ...(schema.oneOf ?? []),
        ...(schema.items === undefined ? [] : [schema.items]),
      ])
        walk(each, name);
    };
    for (const kind of ['plans', 'accounts', 'vms'])
      walk(document.paths[`/v1/${kind}/{id}`]?.put?.requestBody.content['application/json']?.schema ?? {}, '');
    // Instants may be milliseconds; a cell says them as a text.
    for (const name of ['from', 'until', 'starts_at', 'ends_at', 'paid_at', 'paid_until']) found.whole.delete(name);
    expect([...found.whole].sort()).toEqual([...WHOLE].sort());
    expect([...found.truth].sort()).toEqual([...TRUTH].sort());
  });
});
