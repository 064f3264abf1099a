import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkDocument, sha256 } from '../../src/verify/document.ts';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** What a provider bills besides service, traffic and fees (SPEC §6a). Worked out by hand. March has 31 days. */
const GB = 10n ** 9n;
const MARCH = { from: '2026-03-01T00:00:00Z', to: '2026-04-01T00:00:00Z' };
const APRIL = { from: MARCH.to, to: '2026-05-01T00:00:00Z' };
const day = (n: number): string => `2026-03-${String(n).padStart(2, '0')}T00:00:00Z`;

interface Line {
  kind: string;
  vm: string | null;
  amount: string;
  description: string;
}

describe('besides service, traffic and fees', () => {
  let test: TestStore;
  let app: FastifyInstance;
  const done = doneOf(() => app);
  const plan = (id: string, amount: string, more: object = {}) =>
    done('PUT', `/v1/plans/${id}`, { currency: 'EUR', time_zone: 'UTC', price: { amount, per: 'month' }, ...more });
  const served = async (
    id: string,
    plans: readonly (readonly [string, string])[],
    body: object = {},
    account: object = {},
  ): Promise<void> => {
    await done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'EUR', ...account });
    await done('PUT', `/v1/vms/${id}-1`, { account: id, plans: plans.map(([of, from]) => ({ plan: of, from })), ...body });
    for (const minute of ['2026-03-01 00:00:00', '2026-04-30 23:59:00'])
      await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${id}-1', '${minute}', 60000, 1)`);
  };
  const traffic = (vm: string, nic: string, minute: string, rx: bigint): Promise<void> =>
    test.store.command(
      `INSERT INTO traffic (vm, nic, minute, rx_bytes, tx_bytes, version) VALUES ('${vm}', '${nic}', '${minute}', ${rx}, 0, 1)`,
    );
  const invoice = (account: string, period = MARCH, mode = 'preview') =>
    done<{ id: string; lines: Line[]; total: string }>('POST', '/v1/invoices', { account, ...period, mode });
  const shown = async (account: string, period = MARCH): Promise<string[]> =>
    (await invoice(account, period)).lines.map(({ kind, amount }) => `${kind} ${amount}`);
  const proven = async (id: string): Promise<void> => {
    const text = async (part: string): Promise<string> => (await callOf(app)('GET', `/v1/invoices/${id}?part=${part}`)).text;
    const [content, evidence] = [await text('content'), await text('evidence')];
    const checked = checkDocument({ content, evidence, sha256: { content: sha256(content), evidence: sha256(evidence) } });
    expect(checked.derived).not.toBeNull();
  };
  /** The invoice of March becomes final, and every line of it comes out of its own evidence again. */
  const finalized = async (account: string): Promise<string> => {
    const { id } = await invoice(account, MARCH, 'draft');
    await done('POST', `/v1/invoices/${id}/finalize`);
    await proven(id);
    return id;
  };

  beforeAll(async () => {
    test = await openTestStore();
    const now = (): number => Date.parse('2026-05-10T00:00:00Z');
    app = await serverOn(test.store, await openCatalog(test.store, now), { now, issuer: { name: 'Example Hosting' } });
    const perGb = { counting: 'sum', tiers: [{ up_to: null, price: '0.10' }] };
    await plan('least', '10.00', { minimum: '15.00', traffic: perGb });
    await plan('most', '10.00', { maximum: '40.00', traffic: perGb });
    await plan('flat', '31.00', { flat: '6.20', setup: '25.00' });
    await plan('other', '31.00', { flat: '3.10', setup: '9.00' });
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('a minimum and a maximum of what a plan comes to, in proportion where it was on for a part', async () => {
    await served('least', [['least', day(1)]]);
    await traffic('least-1', 'eth0', '2026-03-10 00:00:00', 20n * GB);
    expect(await shown('least')).toEqual(['service 10.00', 'traffic 2.00', 'minimum 3.00']);
    await served('most', [['most', day(1)]]);
    await traffic('most-1', 'eth0', '2026-03-10 00:00:00', 500n * GB);
    expect(await shown('most')).toEqual(['service 10.00', 'traffic 50.00', 'maximum -20.00']);
    // 10 of 31 days: 3.23 of service, at least 4.84; 21 days: 6.77 and 500 GB, at most 27.10.
    await served('parts', [['least', day(1)], ['most', day(11)]]); // prettier-ignore
    await traffic('parts-1', 'eth0', '2026-03-20 00:00:00', 500n * GB);
    expect(await shown('parts')).toEqual(['service 3.23', 'service 6.77', 'traffic 0.00', 'traffic 50.00', 'minimum 1.61', 'maximum -29.67']); // prettier-ignore
    for (const account of ['least', 'most', 'parts']) await finalized(account);
  });

  it('a flat sum a period in proportion, and a setup once, at the first minute on the plan', async () => {
    await served('flat', [['flat', day(1)], ['other', day(11)], ['flat', day(21)]], { starts_at: day(1) }); // prettier-ignore
    // 21 of 31 days of 6.20 and 10 of 3.10
    expect(await shown('flat')).toEqual(['service 21.00', 'service 10.00', 'flat 4.20', 'flat 1.00', 'setup 25.00', 'setup 9.00']); // prettier-ignore
    expect(await shown('flat', APRIL)).toEqual(['service 31.00', 'flat 6.20']);
    await finalized('flat');
  });

  it('add-ons by the minute, from their day on, while the VM is served', async () => {
    await served('addons', [['least', day(1)]], {
      ends_at: day(21),
      add_ons: [
        { id: 'ip', name: 'IPv4 address', price: { amount: '3.10', per: 'month' }, quantity: 2, from: day(11), until: null },
        { id: 'backup', name: 'Backup', price: { amount: '0.50', per: 'day' }, from: day(1), until: day(4) },
        { id: 'later', name: 'Later', price: { amount: '0.50', per: 'day' }, from: day(25) },
      ],
    });
    // Two addresses for 10 days; three days of backup. The whole of the minimum: the VM was on the plan for all that it was served.
    expect(await shown('addons')).toEqual(['service 6.45', 'traffic 0.00', 'minimum 8.55', 'add_on 2.00', 'add_on 1.50']);
    const { add_ons: addOns } = await done<{ add_ons: unknown[] }>('GET', '/v1/vms/addons-1');
    expect(addOns[1]).toEqual({ id: 'backup', name: 'Backup', price: { amount: '0.50', per: 'day' }, quantity: 1, from: day(1), until: day(4) }); // prettier-ignore
    await finalized('addons');
  });

  it('B17: a fee in another currency is billed at the rate that was recorded, and a draft without one is refused: it is not dropped', async () => {
    await served('abroad', [['least', day(1)]], { terms: 'cmivps-2019', starts_at: '2026-02-01T00:00:00Z' });
    const event = await done<{ id: string }>('POST', '/v1/vms/abroad-1/events', { kind: 'ip_replaced', at: day(5) });
    // 5.00 USD, and the account is in EUR.
    expect(await shown('abroad')).toEqual(['service 10.00', 'traffic 0.00', 'minimum 5.00']);
    const refused = await callOf(app)('POST', '/v1/invoices', { account: 'abroad', ...MARCH, mode: 'draft' });
    expect(refused).toMatchObject({ status: 409, body: { code: 'exchange_rate_missing' } });
    await done('DELETE', `/v1/vms/abroad-1/events/${event.id}`);
    await done('POST', '/v1/vms/abroad-1/events', { kind: 'ip_replaced', at: day(5), rate: '0.9215' });
    // 4.6075
    expect(await shown('abroad')).toEqual(['service 10.00', 'traffic 0.00', 'minimum 5.00', 'fee 4.61']);
    await finalized('abroad');
  });

  it('a restated line under a maximum is corrected with what lowers it, to what the period rates to', async () => {
    await served('again', [['most', day(1)]]);
    await traffic('again-1', 'eth0', '2026-03-10 00:00:00', 500n * GB);
    const id = await finalized('again');
    // More traffic changes nothing: 40.00 is the most.
    await traffic('again-1', 'eth1', '2026-03-11 00:00:00', 100n * GB);
    await done('POST', '/v1/reconcile', { account: 'again' });
    expect(await done('GET', `/v1/invoices/${id}`)).toMatchObject({ credited: '0.00', credit_notes: [] });
    // 200 GB are left: 10.00 and 20.00.
    await test.store.command(
      `INSERT INTO traffic (vm, nic, minute, rx_bytes, tx_bytes, version) VALUES ('again-1', 'eth0', '2026-03-10 00:00:00', ${100n * GB}, 0, 2)`,
    );
    for (let n = 0; n < 2; n += 1) await done('POST', '/v1/reconcile', { account: 'again' });
    const { credited, credit_notes: notes } = await done<{ credited: string; credit_notes: { id: string }[] }>('GET', `/v1/invoices/${id}`); // prettier-ignore
    expect([credited, notes.length]).toEqual(['10.00', 1]);
    await proven(notes[0]?.id ?? '');
  });

  it('sums of a plan that a final invoice has used are not edited', async () => {
    const body = { currency: 'EUR', time_zone: 'UTC', price: { amount: '31.00', per: 'month' }, flat: '6.20' };
    expect(await callOf(app)('PUT', '/v1/plans/flat', { ...body, setup: '26.00' })).toMatchObject({ status: 409, body: { code: 'plan_in_use' } }); // prettier-ignore
    expect(await callOf(app)('PUT', '/v1/plans/flat', { ...body, setup: '25.00' })).toMatchObject({ status: 200 });
    const wrong = { ...body, minimum: '2.00', maximum: '1.00' };
    expect(await callOf(app)('PUT', '/v1/plans/wrong', wrong)).toMatchObject({ status: 400 });
  });
});
