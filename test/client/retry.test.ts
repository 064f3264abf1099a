import { describe, expect, it } from 'vitest';
import { backoffMs, deniedWaitMs, parseRetryAfter, sleepReal, waitMs } from '../../src/client/wire/retry.ts';

const policy = { baseMs: 500, maxMs: 60_000 };

describe('back-off', () => {
  it('draws uniformly below a ceiling that doubles and stops at the maximum', () => {
    const ceilings = [0, 1, 2, 6, 7, 40].map((attempt) => backoffMs(policy, attempt, () => 0.999_999));
    expect(ceilings).toEqual([499, 999, 1999, 31_999, 59_999, 59_999]);
    expect(backoffMs(policy, 40, () => 0)).toBe(0);
  });

  it('never waits less than the server asked, and spreads the return', () => {
    expect(waitMs(policy, 9, 7_000, () => 0)).toBe(7_000);
    expect(waitMs(policy, 9, 7_000, () => 0.5)).toBe(7_250);
  });

  it('looks again after an hour when the server asks for a day', () => {
    expect(waitMs(policy, 0, 86_400_000, () => 0)).toBe(3_600_000);
  });

  it('waits at least half a minute for a wrong key', () => {
    expect(deniedWaitMs(0, () => 0)).toBe(30_000);
    expect(deniedWaitMs(20, () => 0.999_999)).toBeGreaterThan(600_000);
  });

  it('ends a sleep at once when the signal aborts', async () => {
    const abort = new AbortController();
    const slept = sleepReal(3_600_000, abort.signal);
    abort.abort();
    await slept;
    await sleepReal(3_600_000, abort.signal);
  });
});

describe('Retry-After', () => {
  const now = Date.UTC(2026, 2, 1, 12, 0, 0);
  const table: [string | null, number | null][] = [
    [null, null],
    ['0', 0],
    ['120', 120_000],
    [' 3 ', 3_000],
    ['Sun, 01 Mar 2026 12:00:30 GMT', 30_000],
    ['Sun, 01 Mar 2026 11:59:00 GMT', 0],
    ['Sunday, 01-Mar-26 12:01:00 GMT', 60_000],
    ['soon', null],
    ['-5', null],
    ['1.5', null],
    ['', null],
  ];
  it.each(table)('%j is %j ms', (header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected);
  });
});
