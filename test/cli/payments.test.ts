import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { runCli } from '../support/fake-cli.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** A bank statement is imported row by row, each once, and every row is told what became of it. */
describe('uptally payments import', () => {
  let test: TestStore;
  let app: FastifyInstance;
  let folder: string;
  const now = Date.parse('2026-04-15T00:00:00Z');
  const done = doneOf(() => app);
  const balance = async (account: string): Promise<string> =>
    (await done<{ balance: string }>('GET', `/v1/accounts/${account}/balance`)).balance;
  const run = async (text: string, ...more: string[]) => {
    const file = join(folder, 'bank.csv');
    await writeFile(file, text);
    const { port } = app.server.address() as AddressInfo;
    const env = { UPTALLY_SERVER: `http://127.0.0.1:${port}`, UPTALLY_KEY: ADMIN };
    return runCli(['payments', 'import', file, ...more], { env });
  };
  const verdicts = (out: string): string[] =>
    out.trimEnd().split('\n').map((line) => JSON.parse(line) as { line: number; verdict: string }).map(({ line, verdict }) => `${line} ${verdict}`); // prettier-ignore

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'uptally-payments-'));
    test = await openTestStore();
    app = await serverOn(test.store, await openCatalog(test.store, () => now), { now: () => now });
    for (const id of ['a', 'b', 'c']) await done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'EUR' });
    await app.listen({ host: '127.0.0.1', port: 0 });
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
    await rm(folder, { recursive: true });
  });

  const BANK =
    'account,reference,amount,at,note\na,w1,10.00,2026-04-01T00:00:00Z,"rent, ""April"""\nb,w1,5.50,2026-04-02T00:00:00+08:00,\n';

  it('says first what would be, and records nothing', async () => {
    const dry = await run(`${BANK}a,w1,10.00,2026-04-01T00:00:00Z,\na,w1,11.00,2026-04-01T00:00:00Z,\n`, '--dry-run', '--json');
    expect(verdicts(dry.out)).toEqual(['2 would be recorded', '3 would be recorded', '4 already there', '5 refused']);
    expect(dry.code).toBe(1);
    expect(await balance('a')).toBe('0.00');
  });

  it('records each row once, however often the file is imported', async () => {
    const first = await run(BANK);
    expect(first.code, first.err).toBe(0);
    expect(first.out).toMatch(/^2 +a +w1 +10\.00 +recorded/m);
    expect(first.out.trimEnd().split('\n').at(-1)).toBe('2 recorded');
    for (const again of [await run(BANK), await run(BANK, '--dry-run')]) {
      expect(again.code).toBe(0);
      expect(again.out.trimEnd().split('\n').at(-1)).toBe('2 already there');
    }
    expect([await balance('a'), await balance('b')]).toEqual(['10.00', '5.50']);
  });

  it('a row that is refused stops no other, and says why', async () => {
    const rows = [
      'a,w1,12.00,2026-04-01T00:00:00Z,',
      'nobody,w2,1.00,2026-04-01T00:00:00Z,',
      'c,w3,1.005,2026-04-01T00:00:00Z,',
      'c,w4,-1.00,2026-04-01T00:00:00Z,',
      'c,w5,1.00,2026-05-01T00:00:00Z,',
      'c,w6,1.00,yesterday,',
      'c,,1.00,2026-04-01T00:00:00Z,',
      ',w7,1.00,2026-04-01T00:00:00Z,',
      'c,w8,1.00,2026-04-01T00:00:00Z,999',
      'c,w9,2.00,2026-04-01T00:00:00Z,',
    ];
    const text = `account,reference,amount,at,invoice\n${rows.join('\n')}\n`;
    for (const more of [['--dry-run'], []]) {
      const { code, out, err } = await run(text, '--json', ...more);
      expect(code).toBe(1);
      expect(err).toContain('9 of 10 payments were refused');
      expect(verdicts(out).map((each) => each.split(' ').slice(1).join(' '))).toEqual([...Array<string>(9).fill('refused'), more.length === 0 ? 'recorded' : 'would be recorded']); // prettier-ignore
      expect(out).toContain('reference_taken');
      expect(out).toContain('account_unknown');
      expect(out).toContain('invoice_unknown');
    }
    expect(await balance('c')).toBe('2.00');
  });

  it.each([
    ['account,reference,amount\n', 'no column at'],
    ['', 'no column account, reference, amount, at'],
    ['account,reference,amount,at,at\n', 'the column at twice'],
    ['account,reference,amount,at\na,ok,1.00,2026-04-01T00:00:00Z\na,"b,1.00\n', 'a quote is not closed'],
  ])('a file that is no such table is wrong usage: %j', async (text, said) => {
    const { code, err } = await run(text);
    expect(code).toBe(2);
    expect(err).toContain(said);
  });

  it('reads what spreadsheets write: a byte order mark, semicolons, CRLF, quotes and line feeds in them; lines are those of the file', async () => {
    const { out } = await run(
      '\ufeffAccount;Reference;Amount;At;note\r\nc;"s;""1"" \n z";1.00;2026-04-01T00:00:00Z;x\r\n\r\n;\r\nc;s2;1.00;2026-04-01T00:00:00Z;\r\nc;s3;1.00;2026-04-01T00:00:00Z;;;9\r\n',
      '--json',
    );
    expect(verdicts(out)).toEqual(['2 recorded', '6 recorded', '7 refused']);
    expect(out).toContain('more cells than the first line names');
  });

  it('what is exported comes back as it is there, what it covers too, as CSV and as NDJSON', async () => {
    const { port } = app.server.address() as AddressInfo;
    const env = { UPTALLY_SERVER: `http://127.0.0.1:${port}`, UPTALLY_KEY: ADMIN };
    await done('PUT', '/v1/vms/t1', { account: 'b', plans: [] });
    const term = ['--vm', 't1', '--from', '2026-04-01T00:00:00Z', '--until', '2026-05-01T00:00:00Z'];
    const record = [
      'payments',
      'record',
      'b',
      '--reference',
      '=term',
      '--amount',
      '9.00',
      '--at',
      '2026-04-01T00:00:00Z',
      ...term,
    ];
    for (const isNew of [true, false]) expect((await runCli(record, { env })).out).toContain(`"is_new":${isNew}`);
    const csv = (await runCli(['payments', 'export', '--csv'], { env })).out;
    expect(csv).toContain("b,'=term,9.00,");
    const again = await run(csv);
    expect(again.out.trimEnd().split('\n').at(-1)).toMatch(/^\d+ already there$/);
    const file = join(folder, 'bank.ndjson');
    await writeFile(file, (await runCli(['payments', 'export', '--account', 'b'], { env })).out);
    const rows = await runCli(['payments', 'import', file, '--json'], { env });
    expect(rows.out).toContain('=term');
    expect([rows.code, /"verdict":"(?!already there)/.test(rows.out)]).toEqual([0, false]);
  });
});
