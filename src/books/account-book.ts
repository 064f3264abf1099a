import { type Allocation, allocate, type Claim, type Fund } from '../ledger/allocation.ts';
import type { LedgerEntry } from '../ledger/entry.ts';
import type { Lot } from '../ledger/lots.ts';
import type { BalanceEntry } from './balances.ts';
import { dayClaimsOf, dayEntries, type DayRow, isDay, withinInvoice } from './days-of-account.ts';
import { documentMoney, type KeptDocument } from './document-money.ts';
import { type Grant, grantMoney } from './grants.ts';
import { balanceMoney, settlementMoney, type SettlementRow } from './row-money.ts';

/** What is on record of an account's money, row by row. */
export interface AccountRows {
  /** Final invoices and credit notes. */
  readonly documents: readonly KeptDocument[];
  readonly balances: readonly BalanceEntry[];
  readonly settlements: readonly SettlementRow[];
  readonly grants: readonly Grant[];
}

/** The ledger of an account: what follows from its rows, and nothing else. */
export interface AccountBook {
  /** In the order in which they were recorded. */
  readonly entries: readonly LedgerEntry[];
  readonly claims: readonly Claim[];
  readonly funds: readonly Fund[];
  /** What pays what, by all that is there. */
  readonly allocation: Allocation;
  /** By invoice: the days that were charged by themselves, with their claims. */
  readonly daysOn: ReadonlyMap<string, readonly DayRow[]>;
  /** Money with what lapses of it, in the order in which it was recorded. */
  readonly lots: readonly Lot[];
}

/** Works an account's ledger out of its rows. */
export function accountBook({ documents, balances, settlements, grants }: AccountRows): AccountBook {
  const days = balances.flatMap((row) => (isDay(row) ? [row] : []));
  const invoices = documents.filter(({ head, voidAtMs }) => head.type === 'invoice' && voidAtMs === null);
  const daysOn = new Map(invoices.map(({ id, head }) => [id, days.filter(withinInvoice(head))]));
  const entries: LedgerEntry[] = [];
  const claims: Claim[] = [];
  const funds: Fund[] = [];
  const lots: Lot[] = [];
  const notes = documents.filter(({ head }) => head.type === 'credit_note');
  for (const document of documents) {
    const made = documentMoney(document, notes, daysOn.get(document.id) ?? []);
    entries.push(...made.entries);
    if (made.claim !== undefined) claims.push(made.claim);
    funds.push(...made.funds);
    for (const { id, seq, atMs, amountNanos } of made.entries)
      lots.push({ id, seq, atMs, amountNanos, expiresAtMs: document.head.expires_at ?? null, lapsedId: null });
  }
  const invoiceOfDay = (row: DayRow): KeptDocument | undefined => invoices.find(({ head }) => withinInvoice(head)(row));
  for (const row of days) for (const entry of dayEntries(row, invoiceOfDay(row))) entries.push(entry);
  for (const { id, seq, at, amount_nanos } of days)
    lots.push({ id, seq, atMs: at, amountNanos: BigInt(amount_nanos), expiresAtMs: null, lapsedId: null });
  const { claims: dayClaims, funds: dayFunds } = dayClaimsOf(days);
  claims.push(...dayClaims);
  funds.push(...dayFunds);
  const numbers = new Map(documents.map(({ id, head }) => [id, head.number]));
  const moves = [
    ...balances.flatMap((row) => (isDay(row) ? [] : [balanceMoney(row, numbers)])),
    ...settlements.map((row) => settlementMoney(row, numbers)),
  ];
  for (const { entry, fund: moved, lot } of moves) {
    if (entry !== undefined) entries.push(entry);
    if (moved !== undefined) funds.push(moved);
    if (lot !== undefined) lots.push(lot);
  }
  for (const grant of grants) {
    const { entries: left, funds: freed } = grantMoney(grant);
    funds.push(...freed);
    for (const entry of left) {
      entries.push(entry);
      lots.push({ ...entry, expiresAtMs: null, lapsedId: null });
    }
  }
  entries.sort(bySeq);
  lots.sort(bySeq);
  const claimed = new Set(claims.map(({ id }) => id));
  const kept = funds.map((each) => keptFor(each, claimed));
  return { entries, claims, funds: kept, allocation: allocate(claims, kept), daysOn, lots };
}

/** Money for what claims nothing (a void document, one that its days have charged, none of the account's) is free. */
function keptFor(fund: Fund, claimed: ReadonlySet<string>): Fund {
  const { covers } = fund;
  return covers === null || !('claim' in covers) || claimed.has(covers.claim) ? fund : { ...fund, covers: null };
}

function bySeq(a: { seq: bigint }, b: { seq: bigint }): number {
  return a.seq < b.seq ? -1 : a.seq > b.seq ? 1 : 0;
}
