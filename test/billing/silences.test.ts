/**
 * A host of 20 VMs that is dead for 30 hours, through the server as users run it: one silence, what hangs on it, what people say it was and what follows.
 * The numbers are worked out by hand beside each.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../support/fake-cli.ts';
import { ADMIN_KEY, startServer, type TestServer, untilStored } from '../support/server.ts';

const HOUR = 3_600_000;
const FROM = Date.parse('2026-02-28T00:00:00Z');
const TO = Date.parse('2026-04-01T12:00:00Z');
const MARCH = 'from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z';
/** The last sample before, and the first one after: with a staleness of 2 h silent from 02:00 on the 10th to 08:00 on the 11th, in Taipei and Shanghai. */
const DEAD = [Date.parse('2026-03-10T00:00:00+08:00'), Date.parse('2026-03-11T08:00:00+08:00')] as const;
const SILENT = { from: '2026-03-09T18:00:00Z', to: '2026-03-11T00:00:00Z' };
const NET = Array.from({ length: 18 }, (_, i) => `n${String(i + 1).padStart(2, '0')}`);

interface Silence {
  id: string;
  agent: string;
  vms: number;
  state: string;
}
interface Invoice {
  id: string;
  total: string;
  warnings: string[];
  needs_review?: { vm: string; at_stake: string }[];
  lines: { kind: string; vm: string; amount: string }[];
}

describe('silence is worked off', () => {
  let dir: string;
  let server: TestServer;
  const invoices = new Map<string, string>();
  const ask = <T>(method: 'PUT' | 'POST', path: string, body: object): Promise<T> =>
    server.ask<T>(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const invoiceOf = (account: string): Promise<Invoice> => server.ask(`/v1/invoices/${invoices.get(account) ?? ''}`);
  const silences = async (query = ''): Promise<Silence[]> =>
    (await server.ask<{ rows: Silence[] }>(`/v1/silences?${MARCH}${query}`)).rows;
  const idOf = async (agent: string): Promise<string> => (await silences(`&agent=${agent}`))[0]?.id ?? '';
  const checkOf = (vm: string) =>
    ask<{ decision: string; amount: string | null; ground: string | null; silences: string[] }>('POST', '/v1/refund-checks', { vm, at: '2026-03-12T00:00:00+08:00' }); // prettier-ignore
  const decide = (id: string, body: object, query = '') =>
    ask<{ minutes: number; final_invoices: { account: string }[] }>('POST', `/v1/silences/${id}/decision${query}`, body);
  const drafted = async (account: string): Promise<Invoice> => {
    const period = { from: '2026-03-01T00:00:00+08:00', to: '2026-04-01T00:00:00+08:00' };
    return await ask<Invoice>('POST', '/v1/invoices', { account, ...period, mode: 'preview' });
  };

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'uptally-silences-'));
    server = await startServer({
      dir,
      env: { UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0', UPTALLY_STALENESS_MS: String(2 * HOUR) },
    });
    const net = { currency: 'TWD', time_zone: 'Asia/Taipei', price: { amount: '14.40', per: 'day' }, terms: 'internet-service' };
    await ask('PUT', '/v1/plans/net', net);
    await ask('PUT', '/v1/plans/net-silent', { ...net, creditable: ['provider', 'silent'] });
    await ask('PUT', '/v1/plans/ip', { currency: 'CNY', time_zone: 'Asia/Shanghai', price: { amount: '310.00', per: 'month' }, terms: 'ipcats' }); // prettier-ignore
    for (const [id, currency, tax] of [
      ['net', 'TWD', '5'],
      ['net2', 'TWD', '5'],
      ['ip', 'CNY', '0'],
    ] as const)
      // prettier-ignore
      await ask('PUT', `/v1/accounts/${id}`, { name: id, currency, tax_percent: tax });
    const vm = (id: string, account: string, plan: string, more: object = {}) =>
      ask('PUT', `/v1/vms/${id}`, { account, plans: [{ plan, from: 0 }], ...more });
    for (const id of NET) await vm(id, 'net', 'net');
    await vm('n21', 'net2', 'net');
    await vm('n22', 'net2', 'net-silent');
    const paid = { paid_at: '2026-03-01T00:00:00+08:00', paid_until: '2026-04-01T00:00:00+08:00', paid_amount: '310.00' };
    await vm('p1', 'ip', 'ip', paid);
    await vm('p2', 'ip', 'ip', paid);
    // s1 is in no catalog
    for (const [agent, vms] of [
      ['host-7', [...NET, 'p1', 's1']],
      ['host-8', ['n21', 'n22', 'p2']],
    ] as const) {
      // prettier-ignore
      const { key } = await ask<{ key: string }>('POST', '/v1/keys', { role: 'agent', name: agent, vms: ['*'] });
      const lines: string[] = [];
      for (let ts = FROM; ts <= TO; ts += HOUR)
        if (ts <= DEAD[0] || ts >= DEAD[1]) for (const each of vms) lines.push(JSON.stringify({ vm: each, ts }));
      const headers = { 'content-type': 'application/x-ndjson' };
      const receipt = await server.ask('/v1/samples', { method: 'POST', key, headers, body: lines.join('\n') });
      expect(receipt).toMatchObject({ accepted: lines.length, rejected: 0 });
    }
    await untilStored(server);
    const run = { period: '2026-03', finalize: true, without_issuer: true };
    const { outcomes } = await ask<{ outcomes: { account: string; invoice: string; warnings: string[] }[] }>('POST', '/v1/invoice-runs', run); // prettier-ignore
    for (const { account, invoice } of outcomes) invoices.set(account, invoice);
    const told = outcomes.find(({ account }) => account === 'net')?.warnings ?? [];
    expect(told.filter((text) => text.includes('nobody has said why'))).toEqual([
      "18 VMs fell silent and nobody has said why: nothing is credited for it, and 324.00 TWD would be if it was the provider's",
    ]);
  });
  afterAll(async () => {
    await server.end('SIGTERM');
    await rm(dir, { recursive: true, force: true });
  });

  it('the dead host is one silence of 20 VMs', async () => {
    const found = await silences();
    expect(found.map(({ agent, vms, state }) => [agent, vms, state]).toSorted()).toEqual([['host-7', 20, 'open'], ['host-8', 3, 'open']]); // prettier-ignore
    expect(found).toMatchObject([SILENT, SILENT]);
    const detail = await server.ask(`/v1/silences/${await idOf('host-7')}`);
    // 20 × 30 h; of the 20 VMs, 18 would earn 18.00 each
    expect(detail).toMatchObject({ accounts: ['ip', 'net'], silent_ms: 600 * HOUR, open_ms: 600 * HOUR, at_stake: [{ account: 'net', currency: 'TWD', amount: '324.00' }] }); // prettier-ignore
  });

  it('an invoice credits nothing for it, and says what hangs on it', async () => {
    // 18 × 31 × 14.40 = 8035.20, 5 % tax 401.76. A minute is 0.01: 22 h of the 10th are 13.20, 8 h of the 11th 4.80.
    const net = await invoiceOf('net');
    expect(net.total).toBe('8436.96');
    expect(net.needs_review).toEqual(NET.map((vm) => ({ vm, ...SILENT, at_stake: '18.00', times: [SILENT] })));
    // where the plan makes silence count it is credited, and nothing is unsure: 2 × 446.40 − 18.00 = 874.80, tax 43.74
    const net2 = await invoiceOf('net2');
    expect(net2.total).toBe('918.54');
    expect(net2.needs_review).toMatchObject([{ vm: 'n21', at_stake: '18.00' }]);
    expect(net2.lines.filter(({ kind }) => kind === 'credit')).toMatchObject([{ vm: 'n22', amount: '-18.00' }]);
    // ipcats credits nothing: nothing hangs on silence
    expect((await invoiceOf('ip')).needs_review).toBeUndefined();
  });

  it('findings say that it waits', async () => {
    const { rows } = await server.ask<{ rows: { words: string; account: string | null }[] }>(
      '/v1/findings?kind=silence_undecided',
    );
    expect(rows.map((row) => row.words).toSorted()).toEqual([
      expect.stringMatching(/^20 VMs of host-7 fell silent together, 600 h in all, and nobody has said why$/) as string,
      expect.stringMatching(/^3 VMs of host-8 fell silent together, 90 h in all, and nobody has said why$/) as string,
    ]);
  });

  it('B14: silence does not speak against the customer: a refund check needs review, and names the silence', async () => {
    expect(await checkOf('p1')).toMatchObject({ decision: 'needs_review', amount: null, silences: [await idOf('host-7')] });
  });

  it('said to be the provider’s it is credited and refundable, and final invoices are corrected', async () => {
    const id = await idOf('host-7');
    const provider = { decision: 'provider', note: 'power supply of host 7' };
    const dry = await decide(id, provider, '?dry_run=true');
    // 20 × 30 h
    expect(dry).toMatchObject({ minutes: 36_000, final_invoices: [{ account: 'net' }] });
    expect(await decide(id, provider)).toMatchObject({ minutes: 36_000, final_invoices: [{ account: 'net' }] });
    expect(await silences('&state=open')).toMatchObject([{ agent: 'host-8' }]);
    // 20 of 31 days of 310.00
    expect(await checkOf('p1')).toMatchObject({ decision: 'eligible', amount: '200.00', silences: [] });
    await ask('POST', '/v1/reconcile', { account: 'net' });
    const list = await server.ask<{ invoices: { type: string; total: string }[] }>('/v1/invoices?account=net');
    // 18 × 18.00 and 5 % of it
    expect(list.invoices.filter(({ type }) => type === 'credit_note').map(({ total }) => total)).toEqual(['-340.20']);
    const again = await drafted('net');
    expect(again.needs_review).toBeUndefined();
    expect(again.total).toBe('8096.76');
  });

  it('ignored it earns nothing, and nothing hangs on it any more; withdrawn, it does again', async () => {
    const id = await idOf('host-8');
    expect(await decide(id, { decision: 'ignored', note: 'agent upgrade' })).toMatchObject({ minutes: 0, final_invoices: [] });
    expect(await silences('&state=open')).toEqual([]);
    expect(await checkOf('p2')).toMatchObject({ decision: 'not_eligible', silences: [] });
    const after = await drafted('net2');
    expect([after.total, after.needs_review]).toEqual(['918.54', undefined]);
    const { decisions } = await server.ask<{ decisions: { id: string }[] }>(`/v1/silences/${id}`);
    expect((await server.call(`/v1/silences/${id}/decision/${decisions[0]?.id ?? ''}`, { method: 'DELETE' })).status).toBe(204);
    expect((await drafted('net2')).needs_review).toMatchObject([{ vm: 'n21', at_stake: '18.00' }]);
    expect(await checkOf('p2')).toMatchObject({ decision: 'needs_review', silences: [id] });
  });

  it('verify derives again what hangs on silence', async () => {
    const run = await runCli(['verify', '--invoices'], { env: { UPTALLY_SERVER: server.url, UPTALLY_KEY: ADMIN_KEY } });
    expect(run.code, run.out + run.err).toBe(0);
  });
});
