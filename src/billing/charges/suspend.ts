import { BLANK_ENTRY, type BalanceBody } from '../../books/balances.ts';
import { stableId } from '../../books/stable-id.ts';
import { standingOf } from '../../books/standing.ts';
import type { BooksContext } from '../../books/context.ts';

/**
 * Records the state of an account's balance where it is another than recorded last, under an id made of what it says: cut off and done again, it is there
 * once. What follows from what is owed is in `standing/`.
 */
export async function recordState(context: BooksContext, account: string, nowMs: number, by: string): Promise<string[]> {
  const { catalog, books } = context;
  return await books.writeAll(() => {
    const last = books.balanceOf(account).findLast((entry) => entry.state !== null)?.state;
    const { state, sinceMs, clause, began } = standingOf(context, account, nowMs);
    const was = last?.is ?? 'ok';
    if (was === state) return [];
    const since = began[state] ?? nowMs;
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
    return [{ kind: 'balance', id: stableId(account, 'state', state, since, nowMs), body: JSON.stringify(entry) }];
  }, by);
}
