import { describe, expect, it } from 'vitest';
import { balanceOf, belowSince, debtsOf, lapsesOf, type LedgerEntry } from '../../src/books/coverage.ts';

/** Entries as `instant amount [due] [late fee]`, in the order they were recorded; amounts are whole nanos. */
type Row = readonly [atMs: number, amount: bigint, dueAtMs?: number | null, lateFee?: bigint];
const entry = ([atMs, amountNanos, dueAtMs = null, lateFeeNanos = 0n]: Row, i: number): LedgerEntry => ({
  id: `e${i}`,
  atMs,
  amountNanos,
  dueAtMs,
  lateFeeNanos,
});

describe('the balance', () => {
  it.each<[name: string, rows: readonly Row[], sum: bigint]>([
    ['of nothing', [], 0n],
    ['may be below zero', [[1, 5n], [2, -7n]], -2n],
  ])('%s', (_, rows, sum) => {
    expect(balanceOf(rows.map(entry))).toBe(sum);
  }); // prettier-ignore
});

describe('debts: what fell due first is paid first, of a charge the part without late fees first', () => {
  it.each<[name: string, rows: readonly Row[], unpaid: readonly bigint[], principal: readonly bigint[], payments: readonly (readonly [number, bigint])[][]]>([
    ['nothing is owed', [[1, 5n]], [], [], []],
    ['money before the charge', [[1, 10n], [2, -7n, 9]], [0n], [7n], [[[1, 7n]]]],
    ['money after it', [[1, -7n, 9], [3, 10n]], [0n], [7n], [[[3, 7n]]]],
    ['a part', [[1, -7n, 9], [3, 4n]], [3n], [7n], [[[3, 4n]]]],
    ['two payments', [[1, -7n, 9], [3, 4n], [5, 4n]], [0n], [7n], [[[3, 4n], [5, 3n]]]],
    ['the one due first', [[1, -7n, 20], [2, -5n, 10], [3, 6n]], [0n, 6n], [5n, 7n], [[[3, 5n]], [[3, 1n]]]],
    ['the principal first', [[1, -7n, 9, 2n], [3, 5n]], [2n], [5n], [[[3, 5n]]]],
    ['its late fee afterwards', [[1, -7n, 9, 2n], [3, 6n]], [1n], [5n], [[[3, 5n]]]],
    ['money taken away again', [[1, -7n, 9], [2, 7n], [4, -3n]], [3n], [7n], [[[2, 7n], [4, -3n]]]],
    ['a fee above the charge', [[1, -7n, 9, 99n]], [7n], [0n], [[]]],
  ])('%s', (_, rows, unpaid, principal, payments) => {
    const debts = debtsOf(rows.map(entry));
    expect(debts.map((debt) => debt.unpaidNanos)).toEqual(unpaid);
    expect(debts.map((debt) => debt.principalNanos)).toEqual(principal);
    expect(debts.map((debt) => debt.payments.map((each) => [each.atMs, each.amountNanos]))).toEqual(payments);
  }); // prettier-ignore

  it('money that comes later than asked about covers nothing yet', () => {
    const rows: readonly Row[] = [[1, -7n, 9], [5, 7n]]; // prettier-ignore
    expect(debtsOf(rows.map(entry), 4).map((debt) => debt.unpaidNanos)).toEqual([7n]);
    expect(debtsOf(rows.map(entry), 5).map((debt) => debt.unpaidNanos)).toEqual([0n]);
  });
});

describe('since when the balance is below a threshold of 5', () => {
  it.each<[name: string, rows: readonly Row[], untilMs: number, since: number | null]>([
    ['never', [[1, 5n]], 9, null],
    ['from the first entry', [[1, 4n]], 9, 1],
    ['since it fell', [[1, 9n], [3, -5n]], 9, 3],
    ['without a break', [[1, 4n], [3, -1n]], 9, 1],
    ['it was above in between', [[1, 4n], [3, 3n], [6, -3n]], 9, 6],
    ['by instants, not by the order of records', [[6, -3n], [1, 7n]], 9, 6],
    ['what comes later does not count', [[1, 4n], [8, 9n]], 7, 1],
    ['exactly the threshold is enough', [[1, 8n], [2, -3n]], 9, null],
  ])('%s', (_, rows, untilMs, since) => {
    expect(belowSince(rows.map(entry), 5n, untilMs)).toBe(since);
  }); // prettier-ignore
});

describe('lapses: what is taken is of what lapses first, and of what was there', () => {
  type Lot = readonly [atMs: number, amount: bigint, expiresAtMs?: number | null, lapsed?: string | null];
  const lapsing = ([atMs, amount, expiresAtMs = null, lapsedId = null]: Lot, i: number) => ({
    ...entry([atMs, amount], i),
    expiresAtMs,
    lapsedId,
  });
  it.each<[name: string, rows: readonly Lot[], nowMs: number, left: readonly (readonly [string, number, bigint])[]]>([
    ['nothing lapses', [[1, 5n]], 99, []],
    ['not yet', [[1, 5n, 10]], 9, []],
    ['at its instant', [[1, 5n, 10]], 10, [['e0', 10, 5n]]],
    ['what is left', [[1, 5n, 10], [2, -3n]], 10, [['e0', 10, 2n]]],
    ['all taken', [[1, 5n, 10], [2, -5n]], 10, []],
    ['taken too late', [[1, 5n, 10], [10, -3n]], 10, [['e0', 10, 5n]]],
    ['taken before it was there', [[4, 5n, 10], [3, -3n]], 10, [['e0', 10, 5n]]],
    ['taken at its instant, recorded after it', [[3, 5n, 10], [3, -3n]], 10, [['e0', 10, 2n]]],
    ['taken at its instant, recorded before it', [[3, -3n], [3, 5n, 10]], 10, [['e1', 10, 5n]]],
    ['the first to lapse is taken first', [[1, 5n, 20], [2, 5n, 10], [3, -6n]], 20, [['e0', 20, 4n]]],
    ['once', [[1, 5n, 10], [10, -5n, null, 'e0']], 99, []],
    ['one by one', [[1, 5n, 10], [2, 4n, 12]], 12, [['e0', 10, 5n], ['e1', 12, 4n]]],
  ])('%s', (_, rows, nowMs, left) => {
    expect(lapsesOf(rows.map(lapsing), nowMs).map(({ id, atMs, nanos }) => [id, atMs, nanos])).toEqual(left);
  }); // prettier-ignore
});
