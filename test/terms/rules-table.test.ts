import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CAUSES, conditionCode } from '../../src/domain/condition.ts';
import { isLess } from '../../src/rating/exact.ts';
import { tierCredit } from '../../src/rating/credit-share.ts';
import { loadTerms, shippedTermsFolder } from '../../src/terms/library.ts';
import { creditPolicyOf } from '../../src/terms/policy.ts';
import { clauseSays, type TermsSheet } from '../../src/terms/sheet.ts';

/** docs/rules: a page a sheet, every clause of it under a heading of its own, each with a test that exists. */
const library = loadTerms([shippedTermsFolder()]);
const folder = new URL('../../docs/rules/', import.meta.url);
interface Rule {
  sheet: string;
  document: string;
  clause: string;
  says: string;
  place: string;
  test: string;
  name: string;
}
/** Lines are broken at 110 columns, and a list's go on with a blank before them. */
const joined = (lines: string): string => lines.trim().replaceAll(/\s*\n\s*/g, ' ');

/** The rules of a page; a place in another document begins with that one's name. */
function rulesOf(sheet: string, page: string): Rule[] {
  const of = /^Document: `([^`]+)`/m.exec(page)?.[1] ?? '';
  return page
    .split('\n## ')
    .slice(1)
    .map((chapter): Rule => {
      const [, clause = '', says = '', where = '', shown = ''] =
        /^`([^`]+)`\n\n(.+?)\n\n- where: (.+?)\n- shown by: (.+)$/s.exec(chapter.trim()) ?? [];
      const [, elsewhere, place = joined(where)] = /^(\S+\.(?:txt|md)): (.+)$/.exec(joined(where)) ?? [];
      const [, test = '', name = ''] = /^`([^`]+)`: (.+)$/.exec(joined(shown)) ?? [];
      return { sheet, document: elsewhere ?? of, clause, says: joined(says), place, test, name };
    });
}
const rules = readdirSync(folder)
  .filter((file) => file !== 'README.md')
  .flatMap((file) => rulesOf(file.replace('.md', ''), readFileSync(new URL(file, folder), 'utf8')));
const sheetOf = (id: string): TermsSheet => {
  const [loaded] = library.versions(id);
  if (loaded === undefined) throw new Error(`${id} is not loaded`);
  return loaded.sheet;
};

describe('the pages of rules', () => {
  it('has each clause of each shipped sheet once, in the words of the sheet', () => {
    const clauses = library.ids().flatMap((id) => {
      const sheet = sheetOf(id);
      const { clauses: of, document } = sheet;
      return Object.entries(of).map(([clause, said]) =>
        [id, clause, clauseSays(sheet, clause), said.place, said.document ?? document].join(' # '),
      );
    });
    const shown = rules.map((rule) => [rule.sheet, rule.clause, rule.says, rule.place, rule.document].join(' # '));
    expect(shown.toSorted()).toEqual(clauses.toSorted());
  });

  it.each(rules.map((rule) => [`${rule.sheet} ${rule.clause}`, rule] as const))('%s: its test is there', (_, { test, name }) => {
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
