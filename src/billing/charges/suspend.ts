import type { BooksEntry } from '../../books/books.ts';
import { stableId } from '../../books/stable-id.ts';
import type { BillingContext } from '../context.ts';
import { BLANK_ENTRY, type BalanceBody } from '../../books/balances.ts';
import type { EventBody } from '../../catalog/events.ts';
import { standingOf } from '../../books/standing.ts';

/**
 * Records the state of an account where it is another than recorded last, and with a suspension, or its end, an event of
 * each of its VMs. What agents report as `arrears` stays what they measured. All in one insert, events first, under ids made
 * of what they say: cut off and done again, each is there once.
 */
export async function recordState(context: BillingContext, account: string, nowMs: number, by: string): Promise<string[]> {
  const { catalog, books } = context;
  const made = await books.writeAll(() => {
    const last = books.balanceOf(account).findLast((entry) => entry.state !== null)?.state;
    const { state, sinceMs, clause, began } = standingOf(context, account, nowMs);
    const was = last?.is ?? 'ok';
    if (was === state) return [];
    const since = began[state] ?? nowMs;
    const kind = state === 'suspended' ? 'suspended' : was === 'suspended' ? 'resumed' : undefined;
    const events = (kind === undefined ? [] : catalog.vmsOf(account)).map((vm): BooksEntry => {
      const body: EventBody = {
        vm,
        at: since,
        kind: kind ?? 'resumed',
        note: kind === 'suspended' ? (clause ?? '') : `the balance of ${account} covers what was due`,
        amount: null,
        withdrawn: false,
      };
      return { kind: 'event', id: stableId(account, vm, body.kind, since), body: JSON.stringify(body) };
    });
    const entry: BalanceBody = {
      ...BLANK_ENTRY,
      account,
      currency: catalog.account(account)?.body.currency ?? '',
      kind: 'state',
      at: nowMs,
      amount_nanos: '0',
      state: { is: state, since, clause },
      source: `${was} before; ${sinceMs === null ? 'from now on' : 'by what fell due'}`,
      by,
    };
    return [...events, { kind: 'balance', id: stableId(account, 'state', state, since, nowMs), body: JSON.stringify(entry) }];
  }, by);
  return made.slice(-1);
}
