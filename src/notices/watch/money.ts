import { numberText } from '../../books/number-series.ts';
import { owedAt, standingOf } from '../../books/standing.ts';
import { formatInstant } from '../../domain/instant.ts';
import { formatAmount, roundToMinor } from '../../domain/money.ts';
import { DAY_MS } from '../../domain/zone.ts';
import { draftOf, type NoticeDraft } from '../record/notice.ts';
import type { Look, Watch } from './watch.ts';

/** An invoice is said to fall due so long before it does. */
const DUE_BEFORE_MS = 3 * DAY_MS;
/** Accounts that are looked at without a pause. */
const TOGETHER = 50;

/** Invoices that fall due, and balances that are low. */
export const moneyWatch: Watch = {
  name: 'money',
  everyMs: 60_000,
  async *look(look) {
    const accounts = look.context.catalog.accountIds();
    for (let i = 0; i < accounts.length; i += TOGETHER) {
      yield accounts.slice(i, i + TOGETHER).flatMap((account) => [...owed(look, account), ...low(look, account)]);
      // others have their turn
      await new Promise((resolve) => setImmediate(resolve));
    }
  },
};

function owed({ context, nowMs, sinceMs }: Look, account: string): NoticeDraft[] {
  const currency = context.catalog.account(account)?.body.currency ?? '';
  return owedAt(context, account, nowMs).flatMap(({ claim, unpaidNanos }) => {
    const { id, dueAtMs, isDay } = claim;
    if (isDay || dueAtMs < sinceMs || dueAtMs > nowMs + DUE_BEFORE_MS) return [];
    const head = context.books.state(id)?.head;
    const data = {
      ...{ invoice: id, number: head === undefined ? null : numberText(head), currency, due_at: formatInstant(dueAtMs) },
      unpaid: formatAmount(roundToMinor(unpaidNanos, currency), currency),
    };
    if (dueAtMs <= nowMs) return [draftOf('invoice.overdue', [id, dueAtMs], { account, atMs: dueAtMs, data })];
    return [draftOf('invoice.due', [id, dueAtMs], { account, atMs: nowMs, data })];
  });
}

/** Once a day at most: a balance that goes up and down about its threshold is told of once. */
function low({ context, nowMs, sinceMs }: Look, account: string): NoticeDraft[] {
  const { balanceNanos, thresholdNanos, began } = standingOf(context, account, nowMs);
  const lowMs = began.low;
  if (lowMs === undefined || lowMs < sinceMs) return [];
  const currency = context.catalog.account(account)?.body.currency ?? '';
  const amount = (nanos: bigint): string => formatAmount(roundToMinor(nanos, currency), currency);
  const data = { currency, balance: amount(balanceNanos), threshold: amount(thresholdNanos), since: formatInstant(lowMs) };
  return [draftOf('balance.low', [Math.floor(lowMs / DAY_MS)], { account, atMs: lowMs, data })];
}
