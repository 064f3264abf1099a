import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { insertEntries } from '../../src/journal/append.ts';
import { doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/**
 * A journal as the version wrote it that kept prepaid balances and payments on invoices apart: `before/rows.ndjson`. Nothing of it is rewritten; it is read
 * as one ledger an account.
 */
interface Row {
  kind: string;
  id: string;
  seq: string;
  at: string;
  by: string;
  body: string;
}
interface Entry {
  kind: string;
  at: string;
  amount: string;
  balance: string;
  belongs_to: Record<string, unknown>;
}

describe('a journal of before there was a ledger', () => {
  let test: TestStore;
  let app: FastifyInstance;
  const now = Date.parse('2026-05-02T00:00:00+08:00');
  const done = doneOf(() => app);
  const ledger = async (account: string) => {
    const body = await done('GET', `/v1/accounts/${account}/ledger`);
    const entries = body['entries'] as Entry[];
    return { closing: body['closing_balance'], told: entries.map(({ kind, amount }) => `${kind} ${amount}`), entries };
  };

  beforeAll(async () => {
    test = await openTestStore();
    const text = readFileSync(join(import.meta.dirname, 'before', 'rows.ndjson'), 'utf8');
    const rows = text.trim().split('\n').map((line) => JSON.parse(line) as Row); // prettier-ignore
    const entries = rows.map(({ kind, id, seq, at, by, body }) => ({
      ...{ kind, id, body, seq: BigInt(seq), recordedAtMs: Number(at), recordedBy: by },
    }));
    await insertEntries(test.store, entries);
    app = await serverOn(test.store, await openCatalog(test.store, () => now), { now: () => now });
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('an account that is charged by the day comes to what it came to', async () => {
    const { closing, entries } = await ledger('daily');
    expect(closing).toBe('45.50');
    const charged = entries.filter(({ kind }) => kind === 'charge' || kind === 'late_fee');
    // Of the week that was invoiced the days stand for themselves: 68.90.
    const ofWeek = charged.filter(({ belongs_to: of }) => of['number'] === 1);
    expect(ofWeek.reduce((sum, { amount }) => sum + Math.round(Number(amount) * 100), 0)).toBe(-6890);
    expect(entries.filter(({ kind }) => kind === 'payment').map(({ amount }) => amount)).toEqual(['25.00', '100.00']);
    expect(entries.filter(({ kind }) => kind === 'credit_note')).toMatchObject([{ amount: '10.60' }]);
    const { invoices } = await done<{ invoices: { id: string; type: string }[] }>('GET', '/v1/invoices?account=daily');
    const [week] = invoices.filter(({ type }) => type === 'invoice');
    expect(await done('GET', `/v1/invoices/${week?.id ?? ''}`)).toMatchObject({
      ...{ status: 'paid', total: '68.90', outstanding: '0.00', due_at: '2026-03-08T16:00:00Z' },
      balance: { uncovered: '0.00' },
    });
  });

  it('what was overpaid on an invoice pays the next one', async () => {
    expect(await ledger('billed')).toMatchObject({
      closing: '-295.74',
      told: [
        'charge -328.60',
        'payment 100.00',
        'payment 300.00',
        'refund -71.40',
        // One was made void at once.
        'charge -328.60',
        'adjustment 328.60',
        'charge -328.60',
        'credit_note 32.86',
      ],
    });
    const { invoices } = await done<{ invoices: { id: string; number: number; type: string }[] }>(
      'GET',
      '/v1/invoices?account=billed',
    );
    const shown = async (number: number) => {
      const id = invoices.find((each) => each.number === number && each.type === 'invoice')?.id ?? '';
      const { status, paid, credited, outstanding } = await done('GET', `/v1/invoices/${id}`);
      return [status, paid, credited, outstanding];
    };
    expect(await shown(2)).toEqual(['paid', '295.74', '32.86', '0.00']);
    expect(await shown(3)).toEqual(['void', '0.00', '0.00', '0.00']);
    expect(await shown(4)).toEqual(['final', '32.86', '0.00', '295.74']);
  });

  it('money that was held stays, to the entry', async () => {
    expect(await ledger('held')).toMatchObject({
      closing: '260.00',
      told: ['adjustment 5.00', 'adjustment -5.00', 'adjustment 287.50', 'payout -20.00', 'adjustment -7.50'],
    });
    expect(await ledger('other')).toMatchObject({ closing: '7.50', told: ['adjustment 7.50'] });
    // What was refunded to the balance has lapsed nowhere, and is told as before.
    expect(await done('GET', '/v1/accounts/held/balance')).toMatchObject({ balance: '260.00', state: 'ok' });
  });
});
