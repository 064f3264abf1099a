import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkDocument, sha256 } from '../../src/verify/document.ts';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** A plan that changes within a period (SPEC §6a): each plan's part by itself, a line a plan. Worked out by hand. */
const GB = 10n ** 9n;
const MARCH = { from: '2026-03-01T00:00:00Z', to: '2026-04-01T00:00:00Z' };
const day = (n: number): string => `2026-03-${String(n).padStart(2, '0')}T00:00:00Z`;

interface Line {
  kind: string;
  amount: string;
  quantity: string;
  detail: { plan?: string; slots?: number; share?: { minutes: number; of: number }; included_exact?: string };
}

describe('a plan that changes within a period', () => {
  let test: TestStore;
  let app: FastifyInstance;
  const done = doneOf(() => app);
  const served = async (id: string, plans: readonly (readonly [string, string])[], body: object = {}): Promise<void> => {
    await done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'EUR' });
    await done('PUT', `/v1/vms/${id}-1`, { account: id, plans: plans.map(([plan, from]) => ({ plan, from })), ...body });
    for (const minute of ['2026-03-01 00:00:00', '2026-03-31 23:59:00'])
      await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${id}-1', '${minute}', 60000, 1)`);
  };
  const traffic = (id: string, minute: string, rx: bigint): Promise<void> =>
    test.store.command(
      `INSERT INTO traffic (vm, nic, minute, rx_bytes, tx_bytes, version) VALUES ('${id}-1', 'eth0', '${minute}', ${rx}, 0, 1)`,
    );
  const invoice = (account: string, period = MARCH, mode = 'preview') =>
    done<{ id: string; lines: Line[]; total: string }>('POST', '/v1/invoices', { account, ...period, mode });
  const shown = (lines: readonly Line[]): string[] =>
    lines.map(({ kind, amount, detail }) => `${kind} ${detail.plan ?? ''} ${amount}`);
  /** The invoice of March becomes final, and every line of it comes out of its own evidence again. */
  const finalized = async (account: string): Promise<string> => {
    const { id } = await invoice(account, MARCH, 'draft');
    await done('POST', `/v1/invoices/${id}/finalize`);
    await proven(id);
    return id;
  };
  const proven = async (id: string): Promise<void> => {
    const text = async (part: string): Promise<string> => (await callOf(app)('GET', `/v1/invoices/${id}?part=${part}`)).text;
    const [content, evidence] = [await text('content'), await text('evidence')];
    checkDocument({ content, evidence, sha256: { content: sha256(content), evidence: sha256(evidence) } });
  };

  beforeAll(async () => {
    test = await openTestStore();
    const now = (): number => Date.parse('2026-05-01T00:00:00Z');
    app = await serverOn(test.store, await openCatalog(test.store, now), { now, issuer: { name: 'Example Hosting' } });
    for (const [id, amount, included] of [['small', '10.00', 1000n * GB], ['big', '40.00', 2000n * GB]] as const) // prettier-ignore
      await done('PUT', `/v1/plans/${id}`, { currency: 'EUR', time_zone: 'UTC', price: { amount, per: 'month' }, traffic: { counting: 'sum', included_bytes: Number(included), tiers: [{ up_to: null, price: '0.01' }] } }); // prettier-ignore
    for (const id of ['p95', 'p95-too'])
      await done('PUT', `/v1/plans/${id}`, { currency: 'EUR', time_zone: 'UTC', price: { amount: '31.00', per: 'month' }, traffic: { counting: 'p95', price_per_mbps: '8.00' } }); // prettier-ignore
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('nobody buys a month of traffic with a day of the bigger plan', async () => {
    await served('allowance', [['small', day(1)], ['big', day(31)]]); // prettier-ignore
    await traffic('allowance', '2026-03-10 00:00:00', 1000n * GB);
    await traffic('allowance', '2026-03-31 12:00:00', 2000n * GB);
    const { lines, total } = await invoice('allowance');
    // 967.74 GB of small are free, 64.52 GB of big: 32.26 and 1935.48 above.
    expect(shown(lines)).toEqual(['service small 9.68', 'service big 1.29', 'traffic small 0.32', 'traffic big 19.35']);
    expect(total).toBe('30.64');
    expect(lines[2]?.detail).toMatchObject({ share: { minutes: 43_200, of: 44_640 }, included_exact: '30000000000000/31' });
    await finalized('allowance');
  });

  it('a plan that comes back is one part, and one of which all was served has all that it includes', async () => {
    await served('back', [['small', day(1)], ['big', day(11)], ['small', day(21)]], { starts_at: day(1) }); // prettier-ignore
    expect(shown((await invoice('back')).lines)).toEqual(['service small 6.77', 'service big 12.90', 'traffic small 0.00', 'traffic big 0.00']); // prettier-ignore
    await served('half', [['small', day(16)]]);
    await traffic('half', '2026-03-20 00:00:00', 1000n * GB);
    expect(shown((await invoice('half')).lines)).toEqual(['service small 5.16', 'traffic small 0.00']);
  });

  it.each([
    ['less', '3.10', ['service big 27.10', 'service shelved-less 1.00']],
    ['nothing', '0', ['service big 27.10', 'service shelved-nothing 0.00']],
  ])('while it is suspended or shelved a VM costs %s, by a plan of its own from then on', async (what, amount, lines) => {
    const shelved = `shelved-${what}`;
    await done('PUT', `/v1/plans/${shelved}`, { currency: 'EUR', time_zone: 'UTC', price: { amount, per: 'month' } });
    await served(shelved, [['big', day(1)], [shelved, day(11)], ['big', day(21)]], { starts_at: day(1) }); // prettier-ignore
    expect(shown((await invoice(shelved)).lines).filter((line) => line.startsWith('service'))).toEqual(lines);
    await finalized(shelved);
  });

  it('of percentiles each plan has its own slots, and a VM those of its service', async () => {
    await served('slots', [['p95', day(1)], ['p95-too', '2026-03-02T00:02:00Z']], { ends_at: '2026-03-02T08:20:00Z' }); // prettier-ignore
    // Of 289 slots rank 275, of 100 slots rank 95: 15 and 6 slots of 37.5 MB, 1 Mbit/s, reach it; one less does not.
    const at = (start: string, i: number): string => new Date(Date.parse(start) + i * 300_000).toISOString().slice(0, 19).replace('T', ' '); // prettier-ignore
    for (let i = 0; i < 15; i += 1) await traffic('slots', at('2026-03-01T10:00:00Z', i), 37_500_000n);
    for (let i = 0; i < 5; i += 1) await traffic('slots', at('2026-03-02T02:00:00Z', i), 37_500_000n);
    const { lines } = await invoice('slots');
    const percentiles = lines.filter(({ kind }) => kind === 'traffic');
    expect(percentiles.map(({ amount, detail }) => [detail.plan, detail.slots, amount])).toEqual([
      ['p95', 289, '8.00'],
      ['p95-too', 100, '0.00'],
    ]);
    await traffic('slots', at('2026-03-02T02:00:00Z', 5), 37_500_000n);
    expect((await invoice('slots')).lines.filter(({ kind }) => kind === 'traffic').map(({ amount }) => amount)).toEqual(['8.00', '8.00']); // prettier-ignore
    await finalized('slots');
  });

  it('what is corrected of several plans takes from each line no more than it holds, and from the one that is too high', async () => {
    await served('corrected', [['small', day(1)], ['big', day(31)]]); // prettier-ignore
    const id = await finalized('corrected');
    // big never was: small all of March. 1.29 is taken from its line, and what small lacks is a debit.
    const vm = { account: 'corrected', plans: [{ plan: 'small', from: day(1) }] };
    await done('PUT', '/v1/vms/corrected-1?restate=true', vm);
    // An outage of the whole of March: no more can be given back than was charged.
    await test.store.command(
      `INSERT INTO outages (vm, start_at, end_at, condition, withdrawn, version) VALUES ('corrected-1', '2026-03-01 00:00:00', '2026-04-01 00:00:00', 1, 0, 1)`,
    );
    await done('POST', '/v1/reconcile', { account: 'corrected' });
    const { credit_notes: notes } = await done<{ credit_notes: { id: string }[] }>('GET', `/v1/invoices/${id}`);
    const credited = [];
    for (const note of notes) {
      const { lines } = await done<{ lines: { amount: string; detail: { line: number } }[] }>('GET', `/v1/invoices/${note.id}`);
      credited.push(...lines.map(({ amount, detail }) => `${detail.line} ${amount}`));
      await proven(note.id);
    }
    expect(credited).toEqual(['1 -1.29', '0 -9.68']);
    expect((await done<{ credited: string }>('GET', `/v1/invoices/${id}`)).credited).toBe('10.97');
  });
});
