import { minorDigits } from '../domain/money.ts';
import type { Claim, Fund } from '../ledger/allocation.ts';
import type { LedgerEntry } from '../ledger/entry.ts';
import { sharesOf } from '../ledger/shares.ts';
import type { BalanceBody, BalanceEntry } from './balances.ts';

/** A row that charges a day, or corrects what it was charged. */
export type DayRow = BalanceEntry & { readonly day: NonNullable<BalanceBody['day']> };

export function isDay(row: BalanceEntry): row is DayRow {
  return row.day !== null;
}

/** Whether an invoice is about the day of a row. */
export function withinInvoice(head: { readonly from: number; readonly to: number }): (row: DayRow) => boolean {
  return ({ day }) => day.from >= head.from && day.from < head.to;
}

/** What of a row bears a late fee, and what is one. */
export function dayAmounts({ day }: Pick<DayRow, 'day'>): { principalNanos: bigint; feeNanos: bigint } {
  let principalNanos = 0n;
  let feeNanos = 0n;
  for (const { kind, nanos } of day.parts) {
    if (kind === 'late_fee') feeNanos += BigInt(nanos);
    else principalNanos += BigInt(nanos);
  }
  return { principalNanos, feeNanos };
}

/** The entries of a row: what it charges, and of that apart what is a late fee. */
export function dayEntries(
  row: DayRow,
  invoice: { readonly id: string; readonly head: { readonly number: number | null } } | undefined,
): LedgerEntry[] {
  const { principalNanos, feeNanos } = dayAmounts(row);
  const { id, seq, recordedAtMs, by, at: atMs, source: note } = row;
  const number = invoice?.head.number ?? null;
  const belongsTo = {
    day: row.day.date,
    ...(invoice === undefined ? {} : { invoice: invoice.id }),
    ...(number === null ? {} : { number }),
  };
  const entry = { seq, recordedAtMs, by, atMs, belongsTo, reference: null, note };
  return [
    ...(principalNanos === 0n ? [] : [{ ...entry, id, kind: 'charge', amountNanos: -principalNanos } as const]),
    ...(feeNanos === 0n ? [] : [{ ...entry, id: `${id}.late_fee`, kind: 'late_fee', amountNanos: -feeNanos } as const]),
  ];
}

interface Day {
  readonly rows: DayRow[];
  readonly fromMs: number;
  principal: bigint;
  fee: bigint;
}

/**
 * What each day is owed, all its corrections counted: what was charged too much was never owed. Rows of before corrected a run of days on its last
 * one: where that takes more than the last day was charged, the first days of the run were charged too much. What even they did not charge is
 * free money.
 */
export function dayClaimsOf(rows: readonly DayRow[]): { claims: Claim[]; funds: Fund[] } {
  const days = new Map<number, Day>();
  for (const row of rows) {
    const day = days.get(row.day.from) ?? { rows: [], fromMs: row.day.from, principal: 0n, fee: 0n };
    days.set(row.day.from, day);
    const { principalNanos, feeNanos } = dayAmounts(row);
    day.rows.push(row);
    day.principal += principalNanos;
    day.fee += feeNanos;
  }
  const sorted = [...days.values()].sort((a, b) => a.fromMs - b.fromMs);
  const funds: Fund[] = [];
  for (const day of sorted) {
    const runFrom = Math.min(...day.rows.map((row) => row.day.run_from));
    const run = sorted.filter((each) => each.fromMs >= runFrom && each.fromMs < day.fromMs);
    const free = takeBack(day, run, 'principal') + takeBack(day, run, 'fee');
    if (free > 0n) funds.push({ atMs: Math.min(...day.rows.map((row) => row.at)), amountNanos: free, covers: null });
  }
  return { claims: sorted.flatMap((day) => claimOf(day) ?? []), funds };
}

/** Takes what a day comes to below 0 from the days of its run; what is left of that. */
function takeBack(day: Day, run: readonly Day[], part: 'principal' | 'fee'): bigint {
  let rest = day[part] < 0n ? -day[part] : 0n;
  if (rest > 0n) day[part] = 0n;
  for (const earlier of rest > 0n ? run : []) {
    const taken = earlier[part] <= 0n ? 0n : earlier[part] < rest ? earlier[part] : rest;
    earlier[part] -= taken;
    rest -= taken;
  }
  return rest;
}

function claimOf({ rows, principal, fee }: Day): Claim | undefined {
  const [first] = rows;
  if (first === undefined || principal + fee <= 0n) return undefined;
  const dues = rows.flatMap((row) => row.due_at ?? []);
  const parts = rows.flatMap((row) => row.day.parts.map(({ vm, kind, nanos }) => ({ vm, kind, nanos: BigInt(nanos) })));
  return {
    id: first.id,
    atMs: first.day.to,
    dueAtMs: dues.length === 0 ? first.day.to : Math.min(...dues),
    principalNanos: principal,
    feeNanos: fee,
    fromMs: first.day.from,
    toMs: first.day.to,
    shares: sharesOf(parts.filter((part) => part.kind !== 'late_fee')),
    unitNanos: 10n ** BigInt(9 - minorDigits(first.currency)),
    isAutomatic: true,
    isDay: true,
  };
}
