import { describe, expect, it } from 'vitest';
import { belowSince, lapsesOf } from '../../src/ledger/lots.ts';

describe('since when what is there is below a threshold of 5', () => {
  it.each<[name: string, levels: readonly (readonly [number, bigint])[], untilMs: number, since: number | null]>([
    ['never', [[1, 5n]], 9, null],
    ['from the first instant', [[1, 4n]], 9, 1],
    ['since it fell', [[1, 9n], [3, 4n]], 9, 3],
    ['without a break', [[1, 4n], [3, 3n]], 9, 1],
    ['it was above in between', [[1, 4n], [3, 7n], [6, 4n]], 9, 6],
    ['what comes later does not count', [[1, 4n], [8, 13n]], 7, 1],
    ['exactly the threshold is enough', [[1, 8n], [2, 5n]], 9, null],
  ])('%s', (_, levels, untilMs, since) => {
    expect(belowSince(levels.map(([atMs, nanos]) => ({ atMs, nanos })), 5n, untilMs)).toBe(since);
  }); // prettier-ignore
});

describe('lapses: what is taken is of what lapses first, and of what was there', () => {
  type Lot = readonly [atMs: number, amount: bigint, expiresAtMs?: number | null, lapsed?: string | null];
  const lapsing = ([atMs, amount, expiresAtMs = null, lapsedId = null]: Lot, i: number) => ({
    id: `e${i}`,
    atMs,
    amountNanos: amount,
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
