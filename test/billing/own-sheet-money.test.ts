import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkDocument, sha256 } from '../../src/verify/document.ts';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { libraryWith } from '../support/own-terms.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/**
 * A VM's charges and late fees follow its own sheet, never a neighbour's (SPEC §6a): of an account whose VMs are under several, each is charged, and bears a
 * late fee, by its own. The sheet that comes first by the VM's name has no say.
 */
const day = (n: number, month = '03'): string => `2026-${month}-${String(n).padStart(2, '0')}T00:00:00Z`;
const MARCH = { from: day(1), to: day(1, '04') };
const APRIL = { from: day(1, '04'), to: day(1, '05') };
const lateFee = (percent_per_day: string, after: string) => ({ clause: 'c', percent_per_day, after });
const SHEETS = [
  { id: 'strict', billing: { clause: 'c', prepaid: false, due_days: 3, suspend_overdue: { clause: 'c', after: '0h' }, end_overdue: { clause: 'c', after: '5d' } } }, // prettier-ignore
  { id: 'daily', billing: { clause: 'c', prepaid: true, charge_daily_within: '24h', late_fee: lateFee('0.3', '24h') } },
  { id: 'one', document: 'terms of one', billing: { clause: 'c', prepaid: false, due_days: 7, late_fee: lateFee('1', '0h') } },
  {
    id: 'tenth',
    document: 'terms of tenth',
    billing: { clause: 'c', prepaid: false, due_days: 3, late_fee: lateFee('0.1', '0h') },
  },
  {
    ...{ id: 'tenth', version: 2, document: 'terms of tenth', effective_from: day(16, '04') },
    billing: { clause: 'c', prepaid: false, due_days: 3, late_fee: lateFee('0.2', '0h') },
  },
];

interface Line {
  kind: string;
  vm: string | null;
  amount: string;
  quantity: string;
  detail: { vms?: string[]; clause?: string };
}
interface Entry {
  kind: string;
  amount: string;
  day: { date: string; parts: { vm: string | null; kind: string; amount: string }[] } | null;
}

describe('of an account whose VMs are under several sheets', () => {
  let test: TestStore;
  let app: FastifyInstance;
  let now = Date.parse(day(1));
  const done = doneOf(() => app);
  const served = async (id: string, account: string, body: object): Promise<void> => {
    await done('PUT', `/v1/vms/${id}`, { account, starts_at: MARCH.from, plans: [{ plan: 'p', from: MARCH.from }], ...body });
    for (const minute of ['2026-03-01 00:00:00', '2026-04-30 23:59:00'])
      await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${id}', '${minute}', 60000, 1)`);
  };
  const account = (id: string) => done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'CNY' });
  const charge = async (id: string, at: string): Promise<string[]> => {
    now = Date.parse(at);
    const { accounts } = await done<{ accounts: { entries: Entry[] }[] }>('POST', '/v1/charge-days', { account: id });
    return (accounts[0]?.entries ?? [])
      .filter((each) => each.day !== null)
      .map((each) => [each.day?.date.slice(5), ...(each.day?.parts ?? []).map((part) => `${part.vm ?? ''} ${part.kind} ${part.amount}`)].join(' ')); // prettier-ignore
  };
  const invoiced = async (id: string, period: object, at: string): Promise<Line[]> => {
    now = Date.parse(at);
    const draft = await done<{ id: string; lines: Line[] }>('POST', '/v1/invoices', { account: id, ...period, mode: 'draft' });
    await done('POST', `/v1/invoices/${draft.id}/finalize`);
    const text = async (part: string): Promise<string> =>
      (await callOf(app)('GET', `/v1/invoices/${draft.id}?part=${part}`)).text;
    const [content, evidence] = [await text('content'), await text('evidence')];
    const checked = checkDocument({ content, evidence, sha256: { content: sha256(content), evidence: sha256(evidence) } });
    expect(checked.derived).toBe(draft.lines.length);
    return draft.lines;
  };
  const told = (lines: readonly Line[]): string[] =>
    lines.map(({ kind, vm, amount, detail }) => [kind, vm ?? detail.vms?.join('+') ?? '-', amount].join(' '));

  beforeAll(async () => {
    test = await openTestStore();
    app = await serverOn(test.store, await openCatalog(test.store, () => now), {
      now: () => now,
      issuer: { name: 'Example Hosting' },
      termsLibrary: libraryWith(SHEETS),
    });
    for (const [id, amount] of [['p', '14.40'], ['q', '10.00'], ['r', '20.00']])
      await done('PUT', `/v1/plans/${id}`, { currency: 'CNY', time_zone: 'UTC', price: { amount, per: 'day' } }); // prettier-ignore
    for (const id of ['beside', 'moves', 'two']) await account(id);
    await served('b1', 'beside', { terms: 'one', plans: [{ plan: 'q', from: MARCH.from }] });
    await served('b2', 'beside', { terms: 'daily' });
    await served('m1', 'moves', { terms: [{ sheet: 'daily', from: MARCH.from }, { sheet: 'one', from: day(16) }] }); // prettier-ignore
    await served('t1', 'two', { terms: 'one', plans: [{ plan: 'q', from: MARCH.from }] });
    await served('t2', 'two', { terms: 'tenth', plans: [{ plan: 'r', from: MARCH.from }] });
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('days are charged of those whose sheet charges by the day, and the fee of a day is of theirs', async () => {
    // The 1st is due on the 3rd at 0:00, and late from the 4th on: 0.3 % of 14.40 is 0.0432.
    expect(await charge('beside', day(5))).toEqual([
      '03-01 b2 service 14.40',
      '03-02 b2 service 14.40',
      '03-03 b2 service 14.40',
      '03-04 b2 service 14.40  late_fee 0.04',
    ]);
  });

  it('the rest of an invoice bears the fee of those whom it charges, and falls due when they have to pay', async () => {
    await charge('beside', day(1, '04'));
    expect(told(await invoiced('beside', MARCH, day(1, '04')))).toEqual(['service b1 310.00', 'service b2 446.40', expect.stringMatching(/^late_fee - /)]); // prettier-ignore
    const lines = await invoiced('beside', APRIL, day(1, '05'));
    // 1 % of 310.00 on each of the 23 days from the 8th on.
    expect(told(lines.filter(({ kind }) => kind === 'late_fee'))).toContain('late_fee - 71.30');
  });

  it('a VM that goes over to a bill is charged by the day until then, and by the bill from then on', async () => {
    const days = await charge('moves', day(20));
    expect(days.filter((each) => each.includes('service'))).toEqual(
      Array.from(
        { length: 15 },
        (_, i) => expect.stringContaining(`03-${String(i + 1).padStart(2, '0')} m1 service 14.40`) as string,
      ),
    );
    expect(await charge('moves', day(25))).toEqual([]);
    const lines = await invoiced('moves', MARCH, day(1, '04'));
    expect(told(lines).slice(0, 1)).toEqual(['service m1 446.40']);
  });

  it('of one invoice each share bears the fee of its own sheet, a day that of the version in force then', async () => {
    await invoiced('two', MARCH, day(1, '04'));
    const lines = (await invoiced('two', APRIL, day(1, '05'))).filter(({ kind }) => kind === 'late_fee');
    // Due on the 8th (the longer of 7 days and 3): of 310.00 1 % on 23 days; of 620.00 0.1 % on 8 days, 0.2 % on the 15 from the 16th on.
    expect(told(lines)).toEqual(['late_fee t1 71.30', 'late_fee t2 4.96', 'late_fee t2 18.60']);
    expect(lines.map(({ quantity }) => quantity)).toEqual(['23', '8', '15']);
    expect(lines.map(({ detail }) => /terms of [a-z]+/.exec(detail.clause ?? '')?.[0])).toEqual(['terms of one', 'terms of tenth', 'terms of tenth']); // prettier-ignore
  });

  it('an account is suspended, and a VM ended, by the sheets of those for whom it owes, not by that of a neighbour who owes nothing', async () => {
    now = Date.parse(day(1));
    await done('PUT', '/v1/plans/z', { currency: 'CNY', time_zone: 'UTC', price: { amount: '0', per: 'day' } });
    const stands: unknown[] = [];
    for (const [id, plan] of [
      ['free', 'z'],
      ['owes', 'q'],
    ] as const) {
      now = Date.parse(day(1));
      await account(id);
      await served(`${id}-1`, id, { terms: 'strict', plans: [{ plan, from: MARCH.from }] });
      await served(`${id}-2`, id, { terms: 'one', plans: [{ plan: 'q', from: MARCH.from }] });
      await invoiced(id, MARCH, day(1, '04'));
      await charge(id, day(20, '04'));
      const { state, vms } = await done<{ state: string; vms: { vm: string; state: string }[] }>('GET', `/v1/accounts/${id}/standing`); // prettier-ignore
      stands.push({ state, vms: vms.map((each) => `${each.vm} ${each.state}`) });
    }
    expect(stands).toEqual([
      { state: 'active', vms: ['free-1 active', 'free-2 active'] },
      { state: 'suspended', vms: ['owes-1 ended', 'owes-2 suspended'] },
    ]);
  });
});
