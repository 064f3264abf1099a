import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CAUSES, conditionCode } from '../../src/domain/condition.ts';
import { isLess } from '../../src/rating/exact.ts';
import { tierCredit } from '../../src/rating/credit-share.ts';
import { loadTerms, shippedTermsFolder } from '../../src/terms/library.ts';
import { creditPolicyOf } from '../../src/terms/policy.ts';
import type { TermsSheet } from '../../src/terms/sheet.ts';

/** The README's last chapter: every clause of every shipped sheet in a row, each row with a test that exists. */
const library = loadTerms([shippedTermsFolder()]);
const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
interface Row {
  sheet: string;
  document: string;
  clause: string;
  says: string;
  place: string;
  test: string;
  name: string;
}
/** A table a sheet under a heading that names its document; a place in another document begins with that one's name. */
const rows = readme
  .slice(readme.indexOf("\n## The five documents' rules"))
  .split('\n### ')
  .slice(1)
  .flatMap((chapter): Row[] => {
    const [heading = '', ...lines] = chapter.split('\n');
    const [, sheet = '', of = ''] = /^`([^`]+)`: (.+)$/.exec(heading) ?? [];
    return lines.flatMap((line): Row[] => {
      const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
      const [, clause = '', says = '', where = '', shown = ''] = cells;
      if (!clause.startsWith('`')) return [];
      const [, elsewhere, place = where] = /^(\S+\.(?:txt|md)): (.+)$/.exec(where) ?? [];
      const [, test = '', name = ''] = /^`([^`]+)`: (.+)$/.exec(shown) ?? [];
      return [{ sheet, document: elsewhere ?? of, clause: clause.replaceAll('`', ''), says, place, test, name }];
    });
  });
const sheetOf = (id: string): TermsSheet => {
  const [loaded] = library.versions(id);
  if (loaded === undefined) throw new Error(`${id} is not loaded`);
  return loaded.sheet;
};

describe('the table of rules', () => {
  it('has each clause of each shipped sheet once, in the words of the sheet', () => {
    const clauses = library.ids().flatMap((id) => {
      const { clauses: of, document } = sheetOf(id);
      return Object.entries(of).map(([clause, said]) =>
        [id, clause, said.says, said.place, said.document ?? document].join(' # '),
      );
    });
    const shown = rows.map((row) => [row.sheet, row.clause, row.says, row.place, row.document].join(' # '));
    expect(shown.toSorted()).toEqual(clauses.toSorted());
  });

  it.each(rows.map((row) => [`${row.sheet} ${row.clause}`, row] as const))('%s: its test is there', (_, { test, name }) => {
    const path = new URL(`../../${test}`, import.meta.url);
    expect(test).toMatch(/^test\/.+\.test\.ts$/);
    expect(existsSync(path), test).toBe(true);
    expect(readFileSync(path, 'utf8')).toContain(name);
  });
});

describe('rules that no other table shows', () => {
  it('internet-service: outages of every cause but the provider’s earn nothing', () => {
    const everything = new Set(CAUSES.map(conditionCode));
    expect(creditPolicyOf(sheetOf('internet-service'), { creditable: everything }).creditable).toEqual(
      new Set([conditionCode('provider')]),
    );
    // Traffic is metered and priced without a look at causes: nothing of the sheet takes that of an attack out.
    expect(sheetOf('internet-service').stated).toEqual(['attack-traffic']);
  });

  it('internet-service: its balance can be neither paid out nor moved', () => {
    expect(sheetOf('internet-service').balance).toMatchObject({ clause: 'balance', withdrawable: false, transferable: false });
  });

  it('internet-service: a day is charged within 24 hours after it', () => {
    expect(sheetOf('internet-service').billing).toMatchObject({ prepaid: true, charge_daily_within: 86_400_000 });
  });

  it('cloud-server-zh: a month below 99.9 % earns a tenth, at 99.9 % nothing', () => {
    const policy = creditPolicyOf(sheetOf('cloud-server-zh'), { creditable: new Set(CAUSES.map(conditionCode)) });
    expect(policy.creditable.has(conditionCode('third_party'))).toBe(false);
    if (policy.method.kind !== 'monthly_tiers') throw new Error('cloud-server-zh has tiers');
    const { tiers } = policy.method;
    // 43 of 43,000 minutes are a thousandth: exactly 99.9 %.
    const share = (unavailableMinutes: number) => tierCredit(tiers, { minutes: 43_000, unavailableMinutes });
    expect(isLess({ num: 0n, den: 1n }, share(43))).toBe(false);
    expect(share(44)).toEqual({ num: 1n, den: 10n });
  });

  it('cloud-server-zh: prepaid or on a bill, suspension for arrears, a late fee only if configured', () => {
    expect(sheetOf('cloud-server-zh').billing).toMatchObject({
      clause: 'payment',
      late_fee: null,
      suspend_overdue: { clause: 'arrears' },
    });
  });
});
