import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../../src/client/wire/client.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { conditionCode, type Condition } from '../../src/domain/condition.ts';
import { parseSheet, TermsLibrary, loadTerms, shippedTermsFolder } from '../../src/terms/library.ts';
import { sha256 } from '../../src/verify/document.ts';
import { type DocumentsReport, verifyDocuments } from '../../src/verify/documents.ts';
import { Reader } from '../../src/verify/reader.ts';
import { ADMIN, callOf, serverOn } from '../support/api.ts';
import { runCli } from '../support/fake-cli.ts';
import { openTestStore, type TestStore } from '../support/store.ts';
import { openCatalogOf } from '../support/records.ts';

/** Final documents against the rows behind them: what agrees is said to, and damage is found and named. */
const GB = 1_000_000_000n;
const FROM = '2026-03-01T00:00:00+08:00';
const TO = '2026-04-01T00:00:00+08:00';
const NOW = Date.parse('2026-12-01T00:00:00Z');
/** When what is made is issued. */
let clock = NOW;
const at = (text: string): string => new Date(text).toISOString().replace('T', ' ').replace('Z', '');

/** Sheets that nobody ships, so that every way of giving credit is derived again. */
const OWN = [
  { id: 'slots', credit: { kind: 'time', clause: 'c', rounding: 'slot5', multiplier: '10', day_cap_percent: '50' } },
  { id: 'hours', credit: { kind: 'time', clause: 'c', rounding: 'hour', minimum_spell: '2min' } },
  { id: 'outages', credit: { kind: 'time', clause: 'c', rounding: 'outage', creditable: ['provider', 'silent'] } },
  { id: 'asked', credit: { kind: 'time', clause: 'c', claim_within_days: 10 } },
  { id: 'per-day', credit: { kind: 'percent_per_minute', clause: 'c', percent_per_minute: '0.7', base: 'day', cap_percent: '30' } },
  { id: 'per-month', credit: { kind: 'percent_per_minute', clause: 'c', percent_per_minute: '0.01', base: 'month', cap_percent: '25' } },
  {
    id: 'tiers',
    credit: { kind: 'monthly_tiers', clause: 'c', tiers: [{ below_percent: '99.95', credit_percent: '5' }, { below_percent: '98', credit_percent: '20' }] },
  },
].map((sheet) => ({
  ...sheet,
  version: 1,
  effective_from: 0,
  title: sheet.id,
  document: 'made up',
  clauses: { c: { says: 'The only clause of this sheet.', place: '1' } },
  refund: { destination: 'balance', destination_clause: 'c', grounds: [], bars: [] },
})); // prettier-ignore

describe('verify covers invoices', () => {
  let test: TestStore;
  let library: TermsLibrary;
  let filler = 0;
  const open = (): Promise<Catalog> =>
    openCatalogOf({ store: test.store, now: () => NOW, randomBytes: (size) => new Uint8Array(size).fill((filler += 1)) });
  const command = (sql: string): Promise<unknown> => test.store.command(sql);

  /** Runs something against the product as a new process would find it. */
  async function served<T>(use: (call: ReturnType<typeof callOf>, env: Record<string, string>) => Promise<T>): Promise<T> {
    const app = await serverOn(test.store, await open(), { now: () => clock, termsLibrary: library });
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    try {
      return await use(callOf(app), { UPTALLY_SERVER: `http://127.0.0.1:${port}`, UPTALLY_KEY: ADMIN });
    } finally {
      await app.close();
    }
  }
  const verified = (): Promise<DocumentsReport> =>
    served(async (_, env) => {
      const client = new ApiClient({ server: env['UPTALLY_SERVER'] ?? '', key: ADMIN });
      const { signal } = new AbortController();
      const reader = new Reader({ client, sleep: () => Promise.resolve(), signal, pageRows: 10_000 });
      try {
        return await verifyDocuments(reader, { onDocument: () => undefined, onAccount: () => undefined });
      } finally {
        await client.close();
      }
    });

  const published = async (vm: string): Promise<void> => {
    for (const minute of [FROM, '2026-03-31T23:59:00+08:00'])
      await command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${vm}', '${at(minute).slice(0, 19)}', 60000, 7)`);
  };
  const outage = (vm: string, from: string, to: string, cause: Condition = 'provider', version = 7): Promise<unknown> =>
    command(
      `INSERT INTO outages (vm, start_at, end_at, condition, withdrawn, version) VALUES ('${vm}', '${at(from)}', '${at(to)}', ${conditionCode(cause)}, 0, ${version})`,
    );
  const traffic = (vm: string, minute: string, rx: bigint, tx: bigint, version = 7): Promise<unknown> =>
    command(
      `INSERT INTO traffic (vm, nic, minute, rx_bytes, tx_bytes, version) VALUES ('${vm}', 'eth0', '${at(minute).slice(0, 19)}', ${rx}, ${tx}, ${version})`,
    );
  const SHEETS = [
    'internet-service',
    'cstserver-2022',
    'cmivps-2019',
    'ipcats',
    'cloud-server-zh',
    ...OWN.map((each) => each.id),
  ];
  const ids = new Map<string, string>();

  beforeAll(async () => {
    test = await openTestStore();
    const own = OWN.map((sheet) => parseSheet(JSON.stringify(sheet), sheet.id));
    const shipped = loadTerms([shippedTermsFolder()]);
    library = new TermsLibrary([
      ...shipped.ids().flatMap((id) => shipped.versions(id)),
      ...own.flatMap((each) => ('sheet' in each ? [each] : [])),
    ]);
    const catalog = await open();
    await catalog.keys.bootstrapAdmin(ADMIN);
    await served(async (call) => {
      const done = async (...given: Parameters<typeof call>): Promise<Record<string, unknown>> => {
        const answer = await call(...given);
        expect(answer.status, answer.text).toBeLessThan(300);
        return answer.body;
      };
      const price = { currency: 'CNY', time_zone: 'Asia/Taipei', price: { amount: '311.11', per: 'month' } };
      const tiers = [{ up_to: 500, price: '0.10' }, { up_to: null, price: '0.05' }]; // prettier-ignore
      await done('PUT', '/v1/plans/month', { ...price, traffic: { counting: 'sum', included_bytes: 1e12, tiers } });
      await done('PUT', '/v1/plans/volume', { ...price, traffic: { counting: 'max', round_up: true, mode: 'volume', tiers } });
      await done('PUT', '/v1/plans/p95', { ...price, price: { amount: '0.37', per: 'hour' }, traffic: { counting: 'p95', price_per_mbps: '8.00' } });
      for (const [i, sheet] of SHEETS.entries()) {
        const [account, vm] = [`a-${sheet}`, `v${i}`];
        await done('PUT', `/v1/accounts/${account}`, { name: sheet, currency: 'CNY', tax_percent: i % 2 === 0 ? '6' : '0' });
        const plans = [{ plan: 'month', from: 0 }, ...(i % 3 === 0 ? [{ plan: 'p95', from: '2026-03-12T10:00:30+08:00' }] : []), ...(i % 3 === 1 ? [{ plan: 'volume', from: '2026-03-20T00:00:00+08:00' }] : [])];
        const service = i % 4 === 1 ? { starts_at: '2026-03-02T07:30:00+08:00', ends_at: '2026-03-29T12:00:00+08:00' } : {};
        await done('PUT', `/v1/vms/${vm}`, { account, terms: sheet, plans, ...service });
        await published(vm);
        await outage(vm, '2026-03-05T10:00:10+08:00', '2026-03-05T10:00:40+08:00');
        await outage(vm, '2026-03-06T10:00:00+08:00', '2026-03-06T12:00:00+08:00', 'third_party');
        await outage(vm, '2026-03-10T23:58:30+08:00', '2026-03-11T00:01:00+08:00');
        await outage(vm, '2026-03-12T09:50:00+08:00', '2026-03-12T10:20:00+08:00', 'silent');
        await outage(vm, '2026-03-20T12:00:00+08:00', '2026-03-21T13:00:00+08:00');
        await traffic(vm, '2026-03-01T00:00:00+08:00', 1000n * GB, 500n * GB);
        for (let k = 0; k < 20; k += 1) await traffic(vm, new Date(Date.parse('2026-03-25T00:00:00Z') + k * 300_000).toISOString(), 60n * GB, 9n * GB);
        for (const [kind, day] of [['ip_unusable', '02'], ['ip_replaced', '03'], ['ip_blocked', '03'], ['ip_replaced', '04']] as const)
          await done('POST', `/v1/vms/${vm}/events`, { at: `2026-03-${day}T08:00:00+08:00`, kind, ...(kind === 'ip_replaced' ? { rate: '7.20' } : {}) });
        await done('POST', `/v1/vms/${vm}/events`, { at: '2026-04-05T00:00:00+08:00', kind: 'credit_claimed', from: '2026-03-20T00:00:00+08:00', to: '2026-03-21T00:00:00+08:00' });
        await done('POST', '/v1/incidents', { scope: { vms: [vm] }, from: '2026-03-20T18:00:00+08:00', to: '2026-03-20T23:00:00+08:00', cause: 'maintenance' });
      }
      // The first account was billed for February and has not paid: its March bears a late fee.
      clock = Date.parse('2026-03-02T00:00:00+08:00');
      await done('PATCH', '/v1/accounts/a-internet-service', { due_days: 0 });
      const february = await done('POST', '/v1/invoices', { account: 'a-internet-service', from: '2026-02-01T00:00:00+08:00', to: FROM, mode: 'draft' });
      await done('POST', `/v1/invoices/${String(february['id'])}/finalize`);
      await done('POST', `/v1/invoices/${String(february['id'])}/payments`, { amount: '100.00', at: '2026-03-02T00:00:00+08:00' });
      clock = NOW;
      for (const sheet of SHEETS) {
        const draft = await done('POST', '/v1/invoices', { account: `a-${sheet}`, from: FROM, to: TO, mode: 'draft' });
        await done('POST', `/v1/invoices/${String(draft['id'])}/finalize`);
        ids.set(sheet, String(draft['id']));
      }
    }); // prettier-ignore
  }, 120_000);
  afterAll(() => test.remove());

  it('every line of invoices under twelve sheets is derived again from the evidence alone: not a nano of difference', async () => {
    const report = await verified();
    expect(report.disagreement).toBeNull();
    expect(report).toMatchObject({ invoices: 13, credit_notes: 0, not_derived: 0, restated: [] });
    const kinds = await served(async (call) => {
      const bodies = await Promise.all([...ids.values()].map(async (id) => (await call('GET', `/v1/invoices/${id}`)).body));
      return bodies.flatMap((body) => (body['lines'] as { kind: string }[]).map((line) => line.kind));
    });
    expect(new Set(kinds)).toEqual(new Set(['service', 'traffic', 'fee', 'credit', 'late_fee', 'tax']));
    expect(report.lines).toBeGreaterThan(kinds.length);
  });

  type Stored = { head: Record<string, unknown>; rest: string; evidence: string; sha256: Record<string, string> };
  /** Changes a stored document, runs verify, and puts it back as it was. */
  async function damaged(sheet: string, change: (body: Stored) => Stored): Promise<DocumentsReport> {
    const id = ids.get(sheet) ?? '';
    const [row] = await test.store.rows<{ seq: string; body: string }>(
      `SELECT toString(seq) AS seq, body FROM catalog WHERE kind = 'invoice' AND id = {id:String} ORDER BY catalog.seq DESC LIMIT 1`,
      { id },
    );
    const write = (body: string): Promise<unknown> =>
      command(
        `ALTER TABLE catalog UPDATE body = base64Decode('${Buffer.from(body).toString('base64')}') WHERE kind = 'invoice' AND id = '${id}' AND seq = ${row?.seq ?? ''} SETTINGS mutations_sync = 2`,
      );
    await write(JSON.stringify(change(JSON.parse(row?.body ?? '') as Stored)));
    try {
      return await verified();
    } finally {
      await write(row?.body ?? '');
    }
  }
  /** As somebody would who knows of the digests. */
  const covered = (body: Stored, id: string): Stored => {
    const { number, issued_at, due_days } = body.head as { number: number; issued_at: number; due_days: number };
    const text = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');
    const first = { id, type: 'invoice', number, issued_at: text(issued_at), due_at: text(issued_at + due_days * 86_400_000) };
    const content = `${JSON.stringify(first).slice(0, -1)},${body.rest.slice(1)}`;
    return { ...body, sha256: { content: sha256(content), evidence: sha256(body.evidence) } };
  };
  const id = (sheet: string): string => ids.get(sheet) ?? '';

  it('a changed amount is found by the digest; with the digest and the total changed too, by deriving the line', async () => {
    const cheaper = (body: Stored): Stored => ({ ...body, rest: body.rest.replace(/"amount":"\d/, '"amount":"9') });
    expect((await damaged('internet-service', cheaper)).disagreement).toMatchObject({
      table: 'invoices',
      document: 'invoice 2 of a-internet-service',
      field: 'SHA-256 of the content',
    });
    const other = await damaged('cstserver-2022', (body) => covered({ ...body, rest: body.rest.replace(/"amount":"\d/, '"amount":"9') }, id('cstserver-2022')));
    expect(other.disagreement).toMatchObject({ document: 'invoice 3 of a-cstserver-2022', field: 'total' });
    const forged = await damaged('internet-service', (body) => {
      const parsed = JSON.parse(body.rest) as { lines: { amount: string; kind: string }[]; total: string };
      const line = parsed.lines.find((each) => each.kind === 'credit');
      const cents = (text: string): number => Math.round(Number(text) * 100);
      const rest = body.rest
        .replace(`"amount":"${line?.amount ?? ''}"`, `"amount":"${(cents(line?.amount ?? '') / 100 + 1).toFixed(2)}"`)
        .replace(`"total":"${parsed.total}"`, `"total":"${(cents(parsed.total) / 100 + 1).toFixed(2)}"`);
      return covered({ ...body, rest }, id('internet-service'));
    });
    expect(forged.disagreement).toMatchObject({ document: 'invoice 2 of a-internet-service', vm: 'v0', field: expect.stringMatching(/^line \d \(credit\), amount$/) as unknown });
  }); // prettier-ignore

  it('changed evidence is found by its digest; with the digest changed too, by the rows that are stored', async () => {
    const shorter = (body: Stored): Stored => ({ ...body, evidence: body.evidence.replaceAll('2026-03-20T04:00:00Z', '2026-03-20T04:30:00Z') });
    expect((await damaged('cmivps-2019', shorter)).disagreement).toMatchObject({ document: 'invoice 4 of a-cmivps-2019', field: 'SHA-256 of the evidence' });
    expect((await damaged('cmivps-2019', (body) => covered(shorter(body), id('cmivps-2019')))).disagreement).toMatchObject({
      document: 'invoice 4 of a-cmivps-2019',
      vm: 'v2',
      field: 'outages behind it',
      minute: '2026-03-20T04:00:00Z',
    });
    const oneSided = (body: Stored): Stored => covered({ ...body, evidence: body.evidence.replace('"2026-03-20T04:00:00Z"', '"2026-03-20T04:30:00Z"') }, id('cmivps-2019'));
    expect((await damaged('cmivps-2019', oneSided)).disagreement).toMatchObject({ vm: 'v2', field: 'outage counted' });
  }); // prettier-ignore

  it('books that say another total than the document are named', async () => {
    const report = await damaged('cstserver-2022', (body) => ({ ...body, head: { ...body.head, total_nanos: '10000000' } }));
    expect(report.disagreement).toMatchObject({
      document: 'invoice 3 of a-cstserver-2022',
      field: 'total in the books',
      stored: '0.01',
    });
  });

  it('a number given twice and a number that is missing are named', async () => {
    const twice = await damaged('outages', (body) => ({ ...body, head: { ...body.head, number: 8 } }));
    expect(twice.disagreement).toMatchObject({ document: 'invoice 8', field: 'number', recomputed: 'given once' });
    const missing = await damaged('outages', (body) => ({ ...body, head: { ...body.head, number: 14 } }));
    expect(missing.disagreement).toMatchObject({ document: 'invoice 9', field: 'number', stored: null });
  });

  it('a minute row, a traffic row or an outage that was evidence and is gone is named with its VM', async () => {
    const gone = async (table: string, where: string): Promise<DocumentsReport> => {
      await command(`CREATE TABLE kept AS ${table}`);
      await command(`INSERT INTO kept SELECT * FROM ${table} WHERE ${where}`);
      await command(`ALTER TABLE ${table} DELETE WHERE ${where} SETTINGS mutations_sync = 2`);
      const report = await verified();
      await command(`INSERT INTO ${table} SELECT * FROM kept`);
      await command('DROP TABLE kept');
      return report;
    };
    const minute = (text: string): string => `minute = toDateTime('${at(text).slice(0, 19)}', 'UTC')`;
    expect((await gone('uptime', `vm = 'v1' AND ${minute(FROM)}`)).disagreement).toMatchObject({
      document: 'invoice 3 of a-cstserver-2022',
      vm: 'v1',
      field: 'uptime behind it',
      stored: '1 uptime row',
      recomputed: '2 uptime rows, none restated since',
    });
    expect((await gone('traffic', `vm = 'v1' AND ${minute(FROM)}`)).disagreement).toMatchObject({
      vm: 'v1',
      field: 'traffic behind it',
    });
    expect((await gone('outages', `vm = 'v1' AND condition = 2`)).disagreement).toMatchObject({
      vm: 'v1',
      field: 'outages behind it',
      stored: '2026-03-10T15:58:30Z to 2026-03-10T16:01:00Z provider',
      recomputed: '2026-03-06T02:00:00Z to 2026-03-06T04:00:00Z third_party',
    });
  });

  it('uptally verify tells of documents, and its exit code and message name the damage', async () => {
    const run = (...args: string[]) => served((_, env) => runCli(['verify', ...args], { env }));
    const fine = await run('--invoices');
    expect(fine.code, fine.err).toBe(0);
    expect(fine.out).toMatch(/invoices +13\n/);
    expect(fine.out).toContain('13 invoices and 0 credit notes are what their evidence comes to');
    await command(`ALTER TABLE outages DELETE WHERE vm = 'v0' AND condition = 2 SETTINGS mutations_sync = 2`);
    const broken = await run('--invoices', '--json');
    expect(broken.code).toBe(1);
    expect(broken.err).toContain('disagreement at invoices, invoice 2 of a-internet-service, vm v0, 2026-03-06T02:00:00Z, outages behind it: stored');
    await outage('v0', '2026-03-06T10:00:00+08:00', '2026-03-06T12:00:00+08:00', 'third_party');
  }); // prettier-ignore

  it('a copy can be checked without a server, and against one, also when raw samples and the server are gone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'uptally-copy-'));
    try {
      const [copy, plain] = await served(async (call) => [
        (await call('GET', `/v1/invoices/${id('internet-service')}?part=copy`)).text,
        (await call('GET', `/v1/invoices/${id('internet-service')}`)).text,
      ]);
      const file = async (text: string): Promise<string> => {
        const path = join(folder, 'invoice.json');
        await writeFile(path, text);
        return path;
      };
      const alone = await runCli(['verify', '--invoice', await file(copy)]);
      expect(alone.code, alone.err).toBe(0);
      expect(alone.out).toContain('invoice 2 of a-internet-service');
      expect(alone.out).toMatch(/\d lines derived again from the evidence: the same/);
      expect(alone.out).toContain('not compared with a server');
      // Another tool may have laid it out anew: the texts in it are what counts.
      const pretty = await runCli(['verify', '--invoice', await file(JSON.stringify(JSON.parse(copy), null, 4))]);
      expect(pretty.code, pretty.err).toBe(0);
      const known = await served(async (_, env) => runCli(['verify', '--invoice', await file(copy)], { env }));
      expect(known.out).toContain('the server has the same document');
      const short = await runCli(['verify', '--invoice', await file(plain)]);
      expect(short.code, short.err).toBe(0);
      expect(short.out).toContain('without its evidence');

      const changed = await runCli(['verify', '--invoice', await file(copy.replace(/amount(\\?":\\?")\d/, 'amount$19'))]);
      expect([changed.code, changed.err]).toEqual([1, expect.stringContaining('SHA-256 of the content')]);
      const plainChanged = await runCli(['verify', '--invoice', await file(plain.replace(/"amount":"\d/, '"amount":"9'))]);
      expect([plainChanged.code, plainChanged.err]).toEqual([1, expect.stringContaining('SHA-256 of the content')]);
      // A whole forgery, digests and all, is found where a server is asked.
      const parsed = JSON.parse(copy) as { content: string; evidence: string; sha256: Record<string, string> };
      const content = parsed.content.replace('"name":"internet-service"', '"name":"somebody else"');
      const forged = JSON.stringify({
        ...parsed,
        content,
        sha256: { content: sha256(content), evidence: sha256(parsed.evidence) },
      });
      const asked = await served(async (_, env) => runCli(['verify', '--invoice', await file(forged)], { env }));
      expect([asked.code, asked.err]).toEqual([1, expect.stringContaining("the server's document")]);
      expect((await runCli(['verify', '--invoice', await file('{}')])).code).toBe(1);
      expect((await runCli(['verify', '--invoice', join(folder, 'nowhere.json')])).code).toBe(1);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('what was restated since is told, and is no damage; reconciled, it is settled', async () => {
    await outage('v0', '2026-03-06T10:00:00+08:00', '2026-03-06T12:00:00+08:00', 'provider', 8);
    await traffic('v1', '2026-03-25T00:00:00Z', 61n * GB, 9n * GB, 8);
    await served((call) =>
      call('POST', '/v1/incidents', {
        scope: { vms: ['v5'] },
        from: '2026-03-05T00:00:00+08:00',
        to: '2026-03-06T00:00:00+08:00',
        cause: 'customer',
      }),
    );
    const report = await verified();
    expect(report.disagreement).toBeNull();
    const told = report.restated.map((each) => `${each.document}: ${each.what}`);
    expect(told).toEqual([
      expect.stringContaining('invoice 2 of a-internet-service: outages of vm v0 were restated'),
      expect.stringContaining('invoice 3 of a-cstserver-2022: traffic of vm v1 were restated'),
      expect.stringMatching(/^invoice 7 of a-slots: incident \w+ was recorded$/),
    ]);
    await served(async (call) => {
      const answer = await call('POST', '/v1/reconcile', { account: 'a-internet-service' });
      expect(answer.status, answer.text).toBe(200);
    });
    const after = await verified();
    expect(after.disagreement).toBeNull();
    expect(after.credit_notes).toBe(1);
    expect(after.restated.map((each) => each.document)).not.toContain('invoice 2 of a-internet-service');
  });
});
