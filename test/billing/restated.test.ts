import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conditionCode } from '../../src/domain/condition.ts';
import { type LoadedSheet, loadTerms, parseSheet, shippedTermsFolder, TermsLibrary } from '../../src/terms/library.ts';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/**
 * Which final invoices a change of incidents is said to touch, against those that reconciling then finds to differ. Three accounts, each with
 * February, March in three parts, and April: `tiered` is credited by the month, `minutes` by the minute, `spells` by outages of ten minutes or more.
 */
const PARTS = ['02-01', '03-01', '03-11', '03-21', '04-01', '05-01'] as const;
const ACCOUNTS = ['minutes', 'spells', 'tiered'] as const;

/** internet-service where an outage counts only from a length on. */
function withSpell(): LoadedSheet {
  const sheet = JSON.parse(readFileSync(new URL('../../schemas/terms/internet-service.json', import.meta.url), 'utf8')) as {
    credit: object;
  };
  const text = JSON.stringify({ ...sheet, id: 'spells', credit: { ...sheet.credit, minimum_spell: '10min' } });
  const loaded = parseSheet(text, 'spells.json');
  if (!('sheet' in loaded)) throw new Error(loaded.join('; '));
  return loaded;
}

describe('an incident names the final invoices that reconciling would correct for it, before it is recorded and before it is withdrawn', () => {
  let test: TestStore;
  let app: FastifyInstance;
  const utc = (text: string): string => `2026-${text.length === 5 ? `${text}T00:00` : text}:00Z`;
  const done = doneOf(() => app);
  const invoiceNames = new Map<string, string>();
  const named = (list: unknown, id: 'id' | 'invoice'): string[] =>
    (list as Record<string, unknown>[]).map((each) => invoiceNames.get(String(each[id])) ?? 'unknown').sort();
  const reconciled = async (): Promise<string[]> =>
    named((await done('POST', '/v1/reconcile', { dry_run: true }))['invoices'], 'invoice');

  beforeAll(async () => {
    test = await openTestStore();
    const now = (): number => Date.parse('2026-06-01T00:00:00Z');
    const catalog = await openCatalog(test.store, now);
    const shipped = loadTerms([shippedTermsFolder()]);
    const sheets = new TermsLibrary([...shipped.ids().flatMap((id) => shipped.versions(id)), withSpell()]);
    app = await serverOn(test.store, catalog, { now, termsLibrary: sheets });
    await done('PUT', '/v1/plans/p', { currency: 'USD', time_zone: 'UTC', price: { amount: '1440.00', per: 'day' } });
    for (const account of ACCOUNTS) {
      const terms = { tiered: 'cloud-server-zh', minutes: 'internet-service', spells: 'spells' }[account];
      await done('PUT', `/v1/accounts/${account}`, { name: account, currency: 'USD' });
      await done('PUT', `/v1/vms/${account}`, { account, terms, plans: [{ plan: 'p', from: utc('02-01') }] });
      for (const minute of ['2026-02-01 00:00:00', '2026-04-30 23:59:00'])
        await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${account}', '${minute}', 60000, 1)`);
      // Six minutes up to the end of a part, and a day that is all down.
      for (const [from, to] of [
        ['03-10 23:54:00', '03-11 00:00:00'],
        ['03-15 00:00:00', '03-16 00:00:00'],
      ])
        // prettier-ignore
        await test.store.command(
          `INSERT INTO outages (vm, start_at, end_at, condition, withdrawn, version) VALUES ('${account}', '2026-${from ?? ''}', '2026-${to ?? ''}', ${conditionCode('provider')}, 0, 1)`,
        );
      for (const [i, from] of PARTS.slice(0, -1).entries()) {
        const period = { account, from: utc(from), to: utc(PARTS[i + 1] ?? '') };
        const { id } = await done('POST', '/v1/invoices', { ...period, mode: 'draft' });
        await done('POST', `/v1/invoices/${String(id)}/finalize`);
        invoiceNames.set(String(id), `${account} ${from}`);
      }
    }
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  const VMS = (...vms: string[]) => ({ vms });
  it.each([
    // March is down for 1446 minutes already: its credit is 10 % of the month, whatever comes.
    { name: 'a month that is below its tier already', scope: VMS('tiered'), range: ['03-02T10:00', '03-02T12:00'], changes: [] },
    { name: 'by the minute: the part that it lies in', scope: VMS('minutes'), range: ['03-02T10:00', '03-02T12:00'], changes: ['minutes 03-01'] },
    { name: 'a month up again: the last part, though it lies in another', scope: VMS('tiered'), range: ['03-10T00:00', '03-16T00:00'], cause: 'maintenance', up: false, changes: ['tiered 03-21'] },
    { name: 'a month that stays above its tier', scope: VMS('tiered'), range: ['04-02T00:00', '04-02T00:43'], changes: [] },
    { name: 'a month that falls below its tier', scope: VMS('tiered'), range: ['04-02T00:00', '04-02T00:44'], changes: ['tiered 04-01'] },
    { name: 'two months, one of them below already', scope: VMS('tiered'), range: ['02-28T12:00', '03-02T00:00'], changes: ['tiered 02-01'] },
    { name: 'all there are', scope: { all: true }, range: ['02-28T23:00', '03-01T01:00'], changes: ['minutes 02-01', 'minutes 03-01', 'spells 02-01', 'spells 03-01', 'tiered 02-01'] },
    { name: 'a day that is credited whole already', scope: VMS('minutes'), range: ['03-15T10:00', '03-15T12:00'], changes: [] },
    // 6 minutes that did not count by themselves are 10 with those of the next part.
    { name: 'what makes an outage of the part before long enough', scope: VMS('spells'), range: ['03-11T00:00', '03-11T00:04'], changes: ['spells 03-01', 'spells 03-11'] },
    { name: 'what leaves it too short', scope: VMS('spells'), range: ['03-11T00:00', '03-11T00:03'], changes: [] },
    { name: 'an account', scope: { account: 'spells' }, range: ['04-30T20:00', '05-01T20:00'], changes: ['spells 04-01'] },
  ])('$name', async ({ scope, range: [from = '', to = ''], cause = 'provider', up = true, changes }) => {
    const incident = { scope, from: utc(from), to: utc(to), cause, asserts_down: up, announced_at: utc(from) };
    const shown = await done('POST', '/v1/incidents?dry_run=true', incident);
    expect(named(shown['final_invoices'], 'id')).toEqual(changes);
    const recorded = await done('POST', '/v1/incidents', incident);
    expect(recorded['final_invoices']).toEqual(shown['final_invoices']);
    expect(await reconciled()).toEqual(changes);
    const path = `/v1/incidents/${String(recorded['id'])}`;
    const withdrawal = await callOf(app)('DELETE', `${path}?dry_run=true`);
    expect(withdrawal.body['final_invoices']).toEqual(shown['final_invoices']);
    await callOf(app)('DELETE', path);
  }); // prettier-ignore

  it('and when none is left, nothing differs', async () => {
    expect(await reconciled()).toEqual([]);
  });

  it('a correction gives as its reason the incidents of its own VMs, never those of another customer', async () => {
    const of = async (account: string): Promise<string> => {
      const range = { from: utc('03-02T10:00'), to: utc('03-02T12:00') };
      const body = { ...range, scope: { account }, cause: 'provider', asserts_down: true };
      return String((await done('POST', '/v1/incidents', body))['id']);
    };
    const minutes = await of('minutes');
    const spells = await of('spells');
    const late = `INSERT INTO outages (vm, start_at, end_at, condition, withdrawn, version) VALUES ('minutes', '2026-04-10 00:00:00', '2026-04-10 01:00:00', ${conditionCode('provider')}, 0, 1)`;
    await test.store.command(late);
    const { invoices } = await done('POST', '/v1/reconcile', { dry_run: true });
    const reasons = new Map(
      (invoices as { invoice: string; reason: string }[]).map((each) => [invoiceNames.get(each.invoice), each.reason]),
    );
    expect([...reasons.keys()].sort()).toEqual(['minutes 03-01', 'minutes 04-01', 'spells 03-01']);
    expect(reasons.get('minutes 03-01')).toContain(`${minutes} (provider)`);
    expect(reasons.get('minutes 03-01')).not.toContain(spells);
    expect(reasons.get('spells 03-01')).toContain(`${spells} (provider)`);
    expect(reasons.get('spells 03-01')).not.toContain(minutes);
    expect(reasons.get('minutes 04-01')).toBe('samples, events or the catalog were restated since it was issued');
  });
});
