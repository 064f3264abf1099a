import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultsOfMonth } from '../support/month-claims.ts';
import { type MonthEnd, simulateMonth } from '../support/month.ts';

/** The same with 1,000 accounts: `npm run test:month`. */
describe('a month of accounts, by the scheduler alone', () => {
  let dir: string;
  let end: MonthEnd;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'uptally-month-'));
    end = await simulateMonth({ dir, accounts: 20 });
  }, 600_000);
  afterAll(() => rm(dir, { recursive: true, force: true }));

  it('bills, reminds, suspends, resumes, corrects and charges each as it pays, each once, every turn on record, and is proved', () => {
    expect(faultsOfMonth(end)).toEqual([]);
  });
});
