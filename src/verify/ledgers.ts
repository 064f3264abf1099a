/**
 * The ledgers of a running system against what is on record, over the HTTP API alone: every entry, every balance, what is open of each invoice and what is
 * overdue, derived again by the model; and what no row may do. Accounts go on while they are looked at: what disagrees counts when it does so
 * again with all that was recorded since.
 */
import { z } from 'zod';
import { formatInstant } from '../domain/instant.ts';
import { Disagreed, sameDisagreement } from './disagreement.ts';
import { type Checked, decimal, nanosOf } from './document.ts';
import { instant } from './fields.ts';
import { checkByHand, checkHead, checkLateness } from './ledger-documents.ts';
import { modelBalance, modelLedger, type ModelEntry, type ModelLedger } from './model/ledger.ts';
import { modelPaying } from './model/ledger-paying.ts';
import { emptyBook, type ModelBook } from './model/ledger-rows.ts';
import { brokenRules } from './model/ledger-rules.ts';
import { MoneyRows } from './money-rows.ts';
import type { Reader } from './reader.ts';

const money = z.string();
const entryAnswer = z.looseObject({
  id: z.string(),
  kind: z.string(),
  at: instant,
  amount: money,
  balance: money,
  reference: z.string().nullable(),
  belongs_to: z.looseObject({}),
});
const ledgerAnswer = z.looseObject({
  closing_balance: money,
  entries: z.array(entryAnswer),
  next: z.string().nullable(),
});
type EntryAnswer = z.infer<typeof entryAnswer>;

const standingAnswer = z.looseObject({
  now: instant,
  overdue: z.array(z.looseObject({ item: z.string(), due_at: instant, amount: money })),
});
const stateAnswer = z.looseObject({ status: z.string(), credited: money, paid: money, outstanding: money });
const accountAnswer = z.looseObject({ id: z.string() });

const LOOKS_MAX = 4;

export interface LedgersTally {
  accounts: number;
  entries: number;
}

/** Looks at every account. Throws `Disagreed` at the first thing that is not so. @param seen final documents, by id, as they were checked */
export async function verifyLedgers(
  reader: Reader,
  seen: ReadonlyMap<string, Checked>,
  onAccount: (done: number, of: number, account: string) => void,
): Promise<LedgersTally> {
  const rows = new MoneyRows(reader);
  await rows.refresh();
  const accounts: string[] = [];
  const listed = reader.rows('v1/accounts', { limit: 500 }, accountAnswer);
  for (let next = await listed.next(); next !== undefined; next = await listed.next()) accounts.push(next.id);
  const stray = [...rows.books.keys()].find((account) => !accounts.includes(account));
  if (stray !== undefined) throw disagreed(stray, 'account', 'rows of money', 'none: there is no such account');
  const tally: LedgersTally = { accounts: 0, entries: 0 };
  for (const [nth, account] of accounts.entries()) {
    onAccount(nth, accounts.length, account);
    tally.entries += await lookUntilSure(reader, rows, account, seen);
    tally.accounts += 1;
  }
  return tally;
}

async function lookUntilSure(
  reader: Reader,
  rows: MoneyRows,
  account: string,
  seen: ReadonlyMap<string, Checked>,
): Promise<number> {
  let last: Disagreed | undefined;
  for (let look = 1; look <= LOOKS_MAX; look += 1) {
    try {
      return await lookAt(reader, rows.books.get(account) ?? emptyBook(account), seen);
    } catch (error) {
      if (!(error instanceof Disagreed)) throw error;
      if (last !== undefined && sameDisagreement(last.what, error.what)) throw error;
      last = error;
      await rows.refresh();
    }
  }
  throw last ?? new Error('nothing was looked at');
}

async function lookAt(reader: Reader, book: ModelBook, seen: ReadonlyMap<string, Checked>): Promise<number> {
  const { account } = book;
  for (const document of book.documents) {
    const checked = seen.get(document.id);
    if (checked === undefined) continue;
    checkHead(account, document, checked.content);
    checkByHand(account, book, document, checked.content);
    checkLateness(account, book, document, checked);
  }
  const [broken] = brokenRules(book);
  if (broken !== undefined)
    throw disagreed(account, `entry ${broken.id} (${broken.what}), ${broken.field}`, broken.stored, broken.expected);
  const path = `v1/accounts/${encodeURIComponent(account)}`;
  const ledger = modelLedger(book);
  compareEntries(account, await entriesOf(reader, path), ledger.entries);
  await compareOverdue(reader, path, account, ledger);
  await compareInvoices(reader, book, ledger);
  return ledger.entries.length;
}

async function entriesOf(reader: Reader, path: string): Promise<EntryAnswer[]> {
  const entries: EntryAnswer[] = [];
  for (let next: string | null = ''; next !== null;) {
    const query: string = next === '' ? '' : `?cursor=${encodeURIComponent(next)}`;
    const page: z.infer<typeof ledgerAnswer> = await reader.get(`${path}/ledger${query}`, ledgerAnswer);
    entries.push(...page.entries);
    next = page.next;
  }
  return entries;
}

export function disagreed(
  account: string,
  field: string,
  stored: string | null,
  recomputed: string | null,
  atMs?: number,
): Disagreed {
  const minute = atMs === undefined ? null : formatInstant(atMs);
  return new Disagreed({
    table: 'ledger',
    document: `account ${account}`,
    vm: null,
    nic: null,
    minute,
    field,
    stored,
    recomputed,
  });
}

/** Entry by entry, in the order of the ledger. */
function compareEntries(account: string, told: readonly EntryAnswer[], derived: readonly ModelEntry[]): void {
  const mine = new Map(derived.map((each) => [each.id, each]));
  const theirs = new Set(told.map(({ id }) => id));
  const missing = derived.find(({ id }) => !theirs.has(id));
  if (missing !== undefined) {
    const { id, kind, nanos, atMs } = missing;
    throw disagreed(account, `entry ${id}`, null, `${kind} ${decimal(nanos)}`, atMs);
  }
  let balance = 0n;
  for (const [nth, each] of told.entries()) {
    const own = mine.get(each.id);
    const name = `entry ${each.id}`;
    if (own === undefined) throw disagreed(account, name, `${each.kind} ${each.amount}`, null, each.at);
    balance += own.nanos;
    for (const [field, stored, recomputed] of [
      ['kind', each.kind, own.kind],
      ['at', formatInstant(each.at), formatInstant(own.atMs)],
      ['amount', decimal(nanosOf(each.amount)), decimal(own.nanos)],
      ['reference', each.reference, own.reference],
      ['what it belongs to', belongsText(each.belongs_to), belongsText(own.belongsTo)],
      ['its place', derived[nth]?.id ?? null, own.id],
      ['balance', decimal(nanosOf(each.balance)), decimal(balance)],
    ] as const)
      if (stored !== recomputed) throw disagreed(account, `${name} (${own.kind}), ${field}`, stored, recomputed, own.atMs);
  }
}

function belongsText(of: Readonly<Record<string, unknown>>): string {
  const shown = (name: string, value: unknown): string =>
    (name === 'from' || name === 'until') && typeof value === 'number' ? formatInstant(value) : String(value);
  return Object.keys(of)
    .sort()
    .map((name) => `${name} ${shown(name, of[name])}`)
    .join(', ');
}

/** What is due and open, at the instant that the answer names. */
async function compareOverdue(reader: Reader, path: string, account: string, { claims, funds }: ModelLedger): Promise<void> {
  const { now, overdue } = await reader.get(`${path}/standing`, standingAnswer);
  const open = modelPaying(claims, funds, now).claims.filter(
    ({ unpaidNanos, claim }) => unpaidNanos > 0n && claim.dueAtMs <= now,
  );
  for (let i = 0; i < Math.max(open.length, overdue.length); i += 1) {
    const [theirs, mine] = [overdue[i], open[i]];
    const stored = theirs === undefined ? null : `${theirs.item} ${formatInstant(theirs.due_at)} ${decimal(nanosOf(theirs.amount))}`;
    const derived = mine === undefined ? null : `${mine.claim.id} ${formatInstant(mine.claim.dueAtMs)} ${decimal(mine.unpaidNanos)}`;
    if (stored !== derived) throw disagreed(account, 'what is overdue', stored, derived, now);
  }
} // prettier-ignore

/** What is paid, credited and open of each invoice. */
async function compareInvoices(reader: Reader, { account, documents, moves }: ModelBook, ledger: ModelLedger): Promise<void> {
  const { claims } = modelPaying(ledger.claims, ledger.funds);
  for (const { id, number, isNote, voided, totalNanos, fromMs, toMs } of documents) {
    if (isNote) continue;
    const told = await reader.get(`v1/invoices/${encodeURIComponent(id)}`, stateAnswer);
    const credited = documents.reduce((sum, each) => (each.corrects?.invoice === id ? sum - each.totalNanos : sum), 0n);
    const days = moves.filter(({ day }) => day !== null && day.fromMs >= fromMs && day.fromMs < toMs);
    const charged = days.reduce((sum, { nanos }) => sum - nanos, 0n);
    const open = claims.find(({ claim }) => claim.id === id)?.unpaidNanos ?? 0n;
    const paid = totalNanos - credited - charged - open;
    const daysOpen = claims.some(({ claim, unpaidNanos }) => unpaidNanos > 0n && days.some((each) => each.id === claim.id));
    const derived = {
      credited: decimal(credited),
      paid: decimal(voided !== null || paid < 0n ? 0n : paid),
      outstanding: decimal(voided === null ? open : 0n),
      status: voided !== null ? 'void' : open === 0n && !daysOpen ? 'paid' : 'final',
    };
    for (const field of ['credited', 'paid', 'outstanding'] as const) {
      const stored = decimal(nanosOf(told[field]));
      if (stored !== derived[field]) throw disagreed(account, `invoice ${number}, ${field}`, stored, derived[field]);
    }
    if (told.status !== derived.status) throw disagreed(account, `invoice ${number}, status`, told.status, derived.status);
  }
  const sum = modelBalance(ledger.entries);
  const { balance } = await reader.get(`v1/accounts/${encodeURIComponent(account)}/balance`, z.looseObject({ balance: money }));
  if (nanosOf(balance) !== sum) throw disagreed(account, 'balance', balance, `${decimal(sum)}, the sum of its entries`);
}
