import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { countInstructions } from '../../bench/counted.ts';
import { countWork, expectedWork, losses } from '../../bench/guard.ts';

describe('the regression guard', () => {
  it('finds the kernel as fast as recorded, by executed instructions (npm run bench guard -- --record after a change that is meant)', () => {
    const { counts, workHash } = countWork();
    const expected = expectedWork();
    expect(losses(counts, expected.counts)).toEqual([]);
    expect(Object.keys(counts)).toEqual(Object.keys(expected.counts));
    expect(workHash).toBe(expected.workHash);
  }, 60_000);

  it('counts the same every time', () => {
    expect(countWork()).toEqual(countWork());
  }, 60_000);

  it('tells a loss of 15 %, and of 6 %, but not of 4 %', () => {
    expect(losses({ a: 115 }, { a: 100 })).toEqual(['a: 115 instructions a sample instead of 100 (15.0 % more)']);
    expect(losses({ a: 106 }, { a: 100 })).toHaveLength(1);
    expect(losses({ a: 104, b: 50 }, { a: 100, b: 100 })).toEqual([]);
  });

  it('leaves the program as it is but for the counter', () => {
    const module = readFileSync(new URL('../../dist/kernel.wasm', import.meta.url));
    expect(countInstructions(module).length).toBeGreaterThan(module.length);
  });
});
