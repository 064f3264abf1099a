import type { BalanceBody } from '../books/balances.ts';
import { numberText } from '../books/number-series.ts';
import { formatInstant } from '../domain/instant.ts';
import { formatAmount } from '../domain/money.ts';
import { compareEntries, type LedgerEntry } from '../ledger/entry.ts';
import type { NamedDocument, Statement, StatementEntry } from '../print/statement/statement-shape.ts';
import type { BillingContext } from './context.ts';
import { zoneOfAccount } from './period.ts';

/** What an account's statement is asked of: all that holds in [fromMs, toMs). */
export interface StatementSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Entries of an account that hold in a span: how long a statement of it is. */
export function entriesIn({ books }: BillingContext, account: string, { fromMs, toMs }: StatementSpan): number {
  return books.ledgerOf(account).entries.filter(({ atMs }) => atMs >= fromMs && atMs < toMs).length;
}

/** The instant of an account's first entry; undefined without any. */
export function firstEntryMs({ books }: BillingContext, account: string): number | undefined {
  return books
    .ledgerOf(account)
    .entries.reduce<number | undefined>((first, { atMs }) => (first === undefined || atMs < first ? atMs : first), undefined);
}

/**
 * The statement of an account that the catalog has: the balance of all before, each entry in the order of the instants from which they hold, with
 * the balance after it, and the balance at the end.
 */
export function statementOf(context: BillingContext, account: string, { fromMs, toMs }: StatementSpan): Statement {
  const { catalog, books, issuer, businessNow } = context;
  const body = catalog.account(account)?.body;
  if (body === undefined) throw new Error(`there is no account ${account}`);
  const amount = (nanos: bigint): string => formatAmount(nanos, body.currency);
  const kinds = new Map(books.balanceOf(account).map(({ id, kind }) => [id, kind]));
  const entries: StatementEntry[] = [];
  let [balance, opening, credits, charges] = [0n, 0n, 0n, 0n];
  for (const entry of books.ledgerOf(account).entries.toSorted(compareEntries)) {
    if (entry.atMs >= toMs) break;
    balance += entry.amountNanos;
    if (entry.atMs < fromMs) {
      opening = balance;
      continue;
    }
    if (entry.amountNanos > 0n) credits += entry.amountNanos;
    else charges -= entry.amountNanos;
    const made = madeBy(entry, kinds);
    entries.push(shownEntry(context, { ...entry, made }, amount(entry.amountNanos), amount(balance)));
  }
  const { name, language, address, tax_id, registration, email } = body;
  return {
    ...{ account, currency: body.currency, language, time_zone: zoneOfAccount(catalog, account).name },
    from: formatInstant(fromMs),
    to: formatInstant(toMs),
    madeAt: formatInstant(businessNow()),
    issuer,
    customer: { name, address, tax_id, registration, email },
    ...{ opening: amount(opening), closing: amount(balance), credits: amount(credits), charges: amount(charges), entries },
  };
}

/** What the books did by themselves, from the rows that entries come from: that an invoice is void is in the invoice, not in a row. */
function madeBy({ id, kind }: LedgerEntry, kinds: ReadonlyMap<string, BalanceBody['kind']>): StatementEntry['made'] {
  const row = kinds.get(id.replace(/\.late_fee$/, ''));
  if (row === 'correction') return 'correction';
  if (row === 'expiry') return 'lapse';
  return row === undefined && kind === 'adjustment' ? 'void' : null;
}

function shownEntry(
  context: BillingContext,
  entry: LedgerEntry & Pick<StatementEntry, 'made'>,
  amount: string,
  balance: string,
): StatementEntry {
  const { id, kind, atMs, belongsTo, reference, made } = entry;
  const { invoice, credit_note: creditNote, day, vm, fromMs, untilMs, account } = belongsTo;
  return {
    ...{ id, kind, at: formatInstant(atMs), amount, balance },
    invoice: invoice === undefined ? null : documentNamed(context, 'invoice', invoice),
    creditNote: creditNote === undefined ? null : documentNamed(context, 'credit_note', creditNote),
    day: day ?? null,
    vm: vm ?? null,
    term: fromMs === undefined || untilMs === undefined ? null : { from: formatInstant(fromMs), until: formatInstant(untilMs) },
    account: account ?? null,
    ...{ made, reference },
    // What is made by itself has a note of the books in English, for whoever reads the ledger.
    note: made !== null || day !== undefined ? '' : entry.note,
  };
}

function documentNamed({ books }: BillingContext, type: NamedDocument['type'], id: string): NamedDocument {
  const head = books.state(id)?.head;
  return { type, id, number: head === undefined ? null : numberText(head) };
}
