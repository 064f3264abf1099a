import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conditionCode, type Condition } from '../../src/domain/condition.ts';
import { checkDocument, sha256 } from '../../src/verify/document.ts';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { libraryWith } from '../support/own-terms.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** Terms hold from their day within a period too (SPEC §6a): versions of a sheet, and a VM's own terms. 14.40 a day is 0.01 a minute. */
const MARCH = { from: '2026-03-01T00:00:00Z', to: '2026-04-01T00:00:00Z' };
const day = (n: number): string => `2026-03-${String(n).padStart(2, '0')}T00:00:00Z`;

const fee = (amount: string) => [{ id: 'f', clause: 'c', event: 'ip_replaced', amount, currency: 'CNY' }];
const time = { kind: 'time', clause: 'c' };
const tiers = (percent: string) => ({
  kind: 'monthly_tiers',
  clause: 'c',
  tiers: [{ below_percent: '99.9', credit_percent: percent }],
});
const SHEETS = [
  { id: 'sheet', credit: { ...time, creditable: ['provider'] }, fees: fee('15.00') },
  {
    id: 'sheet',
    version: 2,
    effective_from: day(15),
    credit: { ...time, creditable: ['provider', 'third_party'], rounding: 'hour' },
    fees: fee('30.00'),
  },
  { id: 'other', credit: { ...time, multiplier: '2', day_cap_percent: '100' }, fees: fee('7.00') },
  { id: 'tiers', credit: tiers('10') },
  { id: 'tiers', version: 2, effective_from: day(15), credit: tiers('50') },
];

interface Line {
  kind: string;
  amount: string;
}

describe('terms hold from their day', () => {
  let test: TestStore;
  let app: FastifyInstance;
  const done = doneOf(() => app);
  const outage = (vm: string, from: string, to: string, cause: Condition): Promise<void> =>
    test.store.command(
      `INSERT INTO outages (vm, start_at, end_at, condition, withdrawn, version) VALUES ('${vm}', '${from}', '${to}', ${conditionCode(cause)}, 0, 1)`,
    );
  const served = async (id: string, body: object): Promise<void> => {
    await done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'CNY' });
    await done('PUT', `/v1/vms/${id}-1`, {
      account: id,
      plans: [{ plan: 'p', from: MARCH.from }],
      starts_at: MARCH.from,
      ...body,
    });
    for (const minute of ['2026-03-01 00:00:00', '2026-03-31 23:59:00'])
      await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${id}-1', '${minute}', 60000, 1)`);
  };
  const amounts = async (account: string, period: { from: string; to: string }): Promise<string[]> => {
    const { lines } = await done<{ lines: Line[] }>('POST', '/v1/invoices', { account, ...period, mode: 'preview' });
    return lines.filter(({ kind }) => kind !== 'service').map(({ kind, amount }) => `${kind} ${amount}`);
  };
  const replaced = (id: string, n: number) => done('POST', `/v1/vms/${id}-1/events`, { kind: 'ip_replaced', at: day(n) });
  /** The invoice of March becomes final, and every line of it comes out of its own evidence again. */
  const proven = async (account: string): Promise<void> => {
    const draft = await done<{ id: string }>('POST', '/v1/invoices', { account, ...MARCH, mode: 'draft' });
    await done('POST', `/v1/invoices/${draft.id}/finalize`);
    const text = async (part: string): Promise<string> =>
      (await callOf(app)('GET', `/v1/invoices/${draft.id}?part=${part}`)).text;
    const [content, evidence] = [await text('content'), await text('evidence')];
    const checked = checkDocument({ content, evidence, sha256: { content: sha256(content), evidence: sha256(evidence) } });
    expect(checked.derived).toBe(checked.content.lines.length);
  };

  beforeAll(async () => {
    test = await openTestStore();
    const now = (): number => Date.parse('2026-05-01T00:00:00Z');
    app = await serverOn(test.store, await openCatalog(test.store, now), {
      issuer: { name: 'Example Hosting' },
      termsLibrary: libraryWith(SHEETS),
    });
    await done('PUT', '/v1/plans/p', { currency: 'CNY', time_zone: 'UTC', price: { amount: '14.40', per: 'day' } });
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('B3: a version that begins within the month: fees, causes and rounding follow the one of their instant, in every period', async () => {
    await served('versions', { terms: 'sheet' });
    for (const n of [10, 20]) {
      await replaced('versions', n);
      await outage('versions-1', `2026-03-${n} 10:00:00`, `2026-03-${n} 10:30:00`, 'third_party');
      await outage('versions-1', `2026-03-${n} 20:00:00`, `2026-03-${n} 20:30:00`, 'provider');
    }
    // The 10th: 30 minutes of the provider's. The 20th: two hours, whole, the carrier's among them.
    expect(await amounts('versions', MARCH)).toEqual(['fee 45.00', 'credit -1.50']);
    expect(await amounts('versions', { from: day(10), to: day(11) })).toEqual(['fee 15.00', 'credit -0.30']);
    expect(await amounts('versions', { from: day(20), to: day(21) })).toEqual(['fee 30.00', 'credit -1.20']);
    const { rows } = await done<{ rows: { unavailable_minutes: number }[] }>(
      'GET',
      `/v1/vms/versions-1/uptime?from=${day(1)}&to=${MARCH.to}&step=day`,
    );
    expect(rows.map((row) => row.unavailable_minutes).filter((n) => n > 0)).toEqual([30, 60]);
    await proven('versions');
  });

  it('terms of a VM that are dated: each sheet from its instant, and before the first that of the plan', async () => {
    await served('dated', { terms: [{ sheet: 'sheet', from: day(5) }, { sheet: 'other', from: day(12) }, { sheet: null, from: day(25) }] }); // prettier-ignore
    for (const n of [2, 6, 13, 26]) {
      await replaced('dated', n);
      await outage('dated-1', `2026-03-${String(n).padStart(2, '0')} 10:00:00`, `2026-03-${String(n).padStart(2, '0')} 10:30:00`, 'provider'); // prettier-ignore
    }
    // Of the plan, without a sheet: 0.30 and no fee; sheet: 0.30, 15.00; other: twice 0.30, 7.00; the plan again: 0.30.
    expect(await amounts('dated', MARCH)).toEqual(['fee 22.00', 'credit -1.50']);
    expect(await amounts('dated', { from: day(13), to: day(14) })).toEqual(['fee 7.00', 'credit -0.60']);
    const body = await done<{ terms: unknown }>('GET', '/v1/vms/dated-1');
    expect(body.terms).toEqual([{ sheet: 'sheet', from: day(5) }, { sheet: 'other', from: day(12) }, { sheet: null, from: day(25) }]); // prettier-ignore
    const check = await done<{ terms: string }>('POST', '/v1/refund-checks', { vm: 'dated-1', at: day(20) });
    expect(check.terms).toBe('other');
    await proven('dated');
  });

  it('tiers of a month are those of its first minute', async () => {
    await served('tiers', { terms: 'tiers' });
    await outage('tiers-1', '2026-03-20 10:00:00', '2026-03-20 12:00:00', 'provider');
    // 120 of 44,640 minutes: 99.73 %, 10 % of 446.40
    expect(await amounts('tiers', MARCH)).toEqual(['credit -44.64']);
    await proven('tiers');
  });

  it('own dated terms that reach into invoiced time are refused, naming the way', async () => {
    await served('late', { terms: 'sheet' });
    await proven('late');
    const vm = { account: 'late', plans: [{ plan: 'p', from: MARCH.from }], starts_at: MARCH.from };
    const put = (from: string) =>
      callOf(app)('PUT', '/v1/vms/late-1', {
        ...vm,
        terms: [
          { sheet: 'sheet', from: MARCH.from },
          { sheet: 'other', from },
        ],
      });
    expect(await put(day(20))).toMatchObject({ status: 409, body: { code: 'restates_invoices' } });
    expect(await put(MARCH.to)).toMatchObject({ status: 200 });
    const unknown = await callOf(app)('PUT', '/v1/vms/late-1', { ...vm, terms: [{ sheet: 'nobody', from: MARCH.from }] });
    expect(unknown).toMatchObject({ status: 422, body: { code: 'invalid_reference' } });
    expect(unknown.text).toContain('terms.0.sheet');
  });
});
