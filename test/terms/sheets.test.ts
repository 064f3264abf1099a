import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { conditionCode } from '../../src/domain/condition.ts';
import { creditPolicyOf } from '../../src/terms/policy.ts';
import { clauseUses } from '../../src/terms/contradictions.ts';
import { loadTerms, type LoadedSheet, parseSheet, shippedTermsFolder, TermsLibrary } from '../../src/terms/library.ts';
import { termsJsonSchema } from '../../src/terms/checked-sheet.ts';
import { clauseSays, clauseShown, type TermsSheet } from '../../src/terms/sheet.ts';

const library = loadTerms([shippedTermsFolder()]);
const DOCUMENTS: Readonly<Record<string, string>> = {
  ipcats: '000_66c98e0d5a7bf605.txt',
  'cmivps-2019': '001_540d1532def3b9be.txt',
  'cstserver-2022': '002_0624cc4cdfd02a8c.txt',
  'internet-service': '003_86d626f24613ad44.txt',
  'cloud-server-zh': '004_09300e4a08ca73b5.txt',
};
const plan = (...causes: Parameters<typeof conditionCode>[0][]) => ({ creditable: new Set(causes.map(conditionCode)) });
const sheetOf = (id: string): TermsSheet => {
  const found = library.inForce(id, Date.UTC(2026, 2, 1));
  if (found === undefined) throw new Error(`${id} is not loaded`);
  return found.sheet;
};

describe('the five sheets', () => {
  it('are loaded, each from its own document', () => {
    expect(Object.fromEntries(library.ids().map((id) => [id, sheetOf(id).document]))).toEqual(DOCUMENTS);
  });

  it.each(Object.keys(DOCUMENTS))('%s: every rule names a clause, its document and its place', (id) => {
    const sheet = sheetOf(id);
    for (const { clause } of clauseUses(sheet)) expect(clauseShown(sheet, clause)).toMatch(/^[a-z0-9-]+: .+[.] \(.+, .+\)$/u);
    const rules = sheet.refund.grounds.length + sheet.refund.bars.length + sheet.fees.length + sheet.excluded.length + 2;
    expect(clauseUses(sheet).length).toBeGreaterThanOrEqual(rules);
  });

  it.each(Object.keys(DOCUMENTS))('%s: every clause is said in every language of documents', (id) => {
    const sheet = sheetOf(id);
    for (const clause of Object.keys(sheet.clauses)) {
      const texts = (['en', 'zh-Hans', 'zh-Hant'] as const).map((language) => clauseSays(sheet, clause, language));
      expect(texts[0]).toMatch(/^[ -~’§]+[.]$/u);
      for (const text of texts.slice(1)) expect(text).toMatch(/^.*\p{Script=Han}{4}.*。$/u);
    }
  });

  it('shows customers what no rule carries out', () => {
    const stated = Object.fromEntries(library.ids().map((id) => [id, sheetOf(id).stated]));
    expect(stated).toEqual({
      ipcats: ['after-12h', 'dispute-ends', 'may-cancel'],
      'cmivps-2019': ['dispute-ends', 'may-cancel', 'routing', 'network-proof'],
      'cstserver-2022': ['special-range', 'raised-price', 'address-damage', 'data-loss'],
      'internet-service': ['attack-traffic'],
      'cloud-server-zh': ['announced', 'retention'],
    });
  });

  it('a sheet of one’s own says a clause once for all languages, or in each', () => {
    const sheet = { clauses: { a: { says: 'The one sentence.', place: '1' } }, document: 'own' };
    expect(clauseShown(sheet, 'a', 'zh-Hant')).toBe('a: The one sentence. (own, 1)');
  });

  it.each(Object.keys(DOCUMENTS))('%s: arrears, the customer and force majeure earn nothing', (id) => {
    const policy = creditPolicyOf(sheetOf(id), plan('arrears', 'customer', 'force_majeure'));
    expect([...policy.creditable]).toEqual([]);
  });

  it.each([
    ['ipcats', { kind: 'none' }, []],
    ['cmivps-2019', { kind: 'none' }, []],
    ['cstserver-2022', { kind: 'none' }, []],
    [
      'internet-service',
      { kind: 'time', rounding: 'minute', minimumSpellMs: 0, multiplier: { num: 1n, den: 1n }, dayCap: { num: 1n, den: 1n } },
      ['provider', 'silent'],
    ],
    [
      'cloud-server-zh',
      {
        kind: 'monthly_tiers',
        minimumSpellMs: 0,
        tiers: [{ below: { num: 999n, den: 1000n }, credit: { num: 1n, den: 10n } }],
      },
      ['provider', 'maintenance', 'attack', 'silent'],
    ],
  ] as const)('%s: the credit policy, and which causes a plan could make creditable', (id, method, causes) => {
    const all = plan('provider', 'third_party', 'maintenance', 'force_majeure', 'attack', 'customer', 'arrears', 'silent');
    const policy = creditPolicyOf(sheetOf(id), all);
    expect(policy).toMatchObject({ method, claimWithinDays: null, expiresAfterDays: null });
    expect(policy.creditable).toEqual(new Set(causes.map(conditionCode)));
  });
});

it('schemas/terms.schema.json is what the code checks (else: npm run schemas)', () => {
  const stored = JSON.parse(readFileSync(join(shippedTermsFolder(), '..', 'terms.schema.json'), 'utf8')) as unknown;
  expect(stored).toEqual(JSON.parse(JSON.stringify(termsJsonSchema())));
});

/** A small valid sheet to spoil. */
const VALID = {
  id: 'example',
  version: 1,
  effective_from: '2026-01-01T00:00:00Z',
  title: 'Example',
  document: 'example.txt',
  clauses: { a: { says: 'One rule stands for all of them.', place: '1' } },
  excluded: [{ causes: ['customer'], clause: 'a' }],
  credit: {
    kind: 'monthly_tiers',
    clause: 'a',
    tiers: [
      { below_percent: '99.9', credit_percent: '10' },
      { below_percent: '99', credit_percent: '25' },
    ],
  },
  refund: {
    destination: 'original_payment',
    destination_clause: 'a',
    grounds: [{ id: 'g', clause: 'a', when: [{ measure: 'time_since_payment', at_most: '24h' }], amount: 'full' }],
    bars: [{ id: 'b', clause: 'a', when: [{ measure: 'promotion' }] }],
  },
  fees: [{ id: 'f', clause: 'a', event: 'ip_replaced', amount: '5.00', currency: 'USD' }],
};

/** The valid sheet with the value at a path replaced; faults found. */
function faultsWith(path: string, value: unknown): readonly string[] {
  const copy = structuredClone(VALID) as unknown as Record<string, unknown>;
  const names = path.split('.');
  let at: Record<string, unknown> = copy;
  for (const name of names.slice(0, -1)) at = at[name] as Record<string, unknown>;
  at[names.at(-1) ?? ''] = value;
  const parsed = parseSheet(JSON.stringify(copy), 'x.json');
  return 'sheet' in parsed ? [] : parsed;
}

describe('a sheet is refused', () => {
  it('unless it is valid', () => {
    expect(faultsWith('title', 'Example')).toEqual([]);
    expect(parseSheet('{', 'x.json')).toEqual([expect.stringContaining('x.json: is no JSON')]);
  });
  const tiers = (...pairs: [string, string][]) =>
    pairs.map(([below, credit]) => ({ below_percent: below, credit_percent: credit }));
  const ground = (when: unknown) => [{ id: 'g', clause: 'a', when: [when], amount: 'full' }];
  const outage = { measure: 'longest_outage', causes: ['provider'], more_than: '24h' };
  it.each([
    ['tiers that rise', 'credit.tiers', tiers(['99', '10'], ['99.9', '25']), 'credit.tiers.1: below_percent must descend'],
    ['tiers that overlap', 'credit.tiers', tiers(['99', '10'], ['99.0', '25']), 'credit.tiers.1: overlaps the tier before'],
    ['less uptime earning less', 'credit.tiers', tiers(['99.9', '25'], ['99', '10']), 'credit.tiers.1: credit_percent must rise'],
    [
      'a credit above the charge',
      'credit.tiers',
      tiers(['99.9', '101']),
      'credit.tiers.0.credit_percent: must be above 0 and at most 100',
    ],
    ['an uptime above 100 %', 'credit.tiers', tiers(['100.1', '10']), 'below_percent: must be above 0'],
    ['an excluded cause that is creditable', 'credit.creditable', ['customer'], 'credit.creditable: customer counts here'],
    ['an unknown way of credit', 'credit', { kind: 'magic', clause: 'a' }, 'credit.kind'],
    [
      'a day cap above the charge',
      'credit',
      { kind: 'time', clause: 'a', day_cap_percent: '200' },
      'credit.day_cap_percent: must be above 0 and at most 100',
    ],
    ['a multiplier of nothing', 'credit', { kind: 'time', clause: 'a', multiplier: '0' }, 'credit.multiplier: must be a decimal'],
    ['a grid that is not known', 'credit', { kind: 'time', clause: 'a', rounding: 'second' }, 'credit.rounding'],
    [
      'a cap below one minute',
      'credit',
      { kind: 'percent_per_minute', clause: 'a', percent_per_minute: '5', base: 'month', cap_percent: '1' },
      'credit.cap_percent: is below the credit of a single minute',
    ],
    [
      'a cause excluded twice',
      'excluded',
      [
        { causes: ['customer'], clause: 'a' },
        { causes: ['customer'], clause: 'a' },
      ],
      'excluded.1: customer',
    ],
    ['a ground without clause', 'refund.grounds', [{ id: 'g', when: [outage], amount: 'full' }], 'refund.grounds.0.clause'],
    [
      'a ground with a clause that is not there',
      'refund.grounds',
      [{ ...ground(outage)[0], clause: 'zz' }],
      'there is no clause zz',
    ],
    [
      'a clause that no rule names',
      'clauses.zz',
      { says: 'Nobody names this one.', place: '2' },
      'clauses.zz: is named by no rule',
    ],
    [
      'a limit without unit',
      'refund.grounds',
      ground({ ...outage, more_than: '24' }),
      'must be a whole number and a unit of time',
    ],
    ['a limit with a unit of another measure', 'refund.grounds', ground({ ...outage, more_than: '10GB' }), 'a unit of time'],
    [
      'a limit as a bare number',
      'refund.grounds',
      ground({ measure: 'traffic', counting: 'sum', more_than: 10 }),
      'must be a text',
    ],
    [
      'a unit that is ambiguous',
      'refund.grounds',
      ground({ measure: 'traffic', counting: 'sum', more_than: '10G' }),
      'a unit of data',
    ],
    ['a measure without bound', 'refund.grounds', ground({ measure: 'time_since_payment' }), 'exactly one of at_least'],
    ['a measure with two bounds', 'refund.grounds', ground({ ...outage, at_most: '30h' }), 'exactly one of at_least'],
    [
      'a rule that can never hold',
      'refund.grounds',
      ground({ measure: 'events', kinds: ['abuse'], less_than: 0 }),
      'nothing is less than 0',
    ],
    [
      'a rule that always holds',
      'refund.grounds',
      ground({ measure: 'events', kinds: ['abuse'], at_least: 0 }),
      'at least 0 is always so',
    ],
    ['a ground by an excluded cause', 'refund.grounds', ground({ ...outage, causes: ['customer'] }), 'customer counts here'],
    [
      'a cause both sure and unsure',
      'refund.grounds',
      ground({ ...outage, unsure: ['provider'] }),
      'provider both counts and is unsure',
    ],
    ['two rules of one id', 'refund.bars.0.id', 'g', 'there are two rules g'],
    ['a bar of a ground that is not there', 'refund.bars.0.only', ['zz'], 'there is no ground zz'],
    [
      'a bar that takes back half a ground',
      'refund.bars.0.when',
      [{ measure: 'time_since_payment', more_than: '12h' }],
      'the ground lasts 24 h from payment, the bar begins after 12 h',
    ],
    [
      'a refund paid out of a balance that may not be',
      'balance',
      { clause: 'a', withdrawable: false, transferable: false },
      'refund.destination: pays money out',
    ],
    ['a fee finer than its currency', 'fees.0.amount', '5.001', 'fees.0.amount: has more digits than USD has'],
    ['an end before the beginning', 'effective_until', '2025-01-01T00:00:00Z', 'effective_until: must be after'],
    ['a rule that we do not know', 'refund.extra', 1, 'extra: not known here'],
  ])('for %s', (_, path, value, message) => {
    expect(faultsWith(path, value).join('\n')).toContain(message);
  });
});

it('the version in force at an instant is the last that has begun; versions must follow each other', () => {
  const version = (n: number, from: string, until: string | null = null): LoadedSheet => {
    const loaded = parseSheet(
      JSON.stringify({ ...VALID, version: n, effective_from: from, effective_until: until }),
      `v${n}.json`,
    );
    if (!('sheet' in loaded)) throw new Error(loaded.join('\n'));
    return loaded;
  };
  const two = new TermsLibrary([version(2, '2026-03-01T00:00:00Z'), version(1, '2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z')]);
  const at = (day: string) => two.inForce('example', Date.parse(day))?.sheet.version;
  expect([at('2025-01-01'), at('2026-01-31'), at('2026-02-01'), at('2026-02-28'), at('2026-03-01')]).toEqual([
    1,
    1,
    undefined,
    undefined,
    2,
  ]);
  expect(() => new TermsLibrary([version(1, '2026-01-01T00:00:00Z'), version(1, '2026-02-01T00:00:00Z')])).toThrow('already');
  expect(() => new TermsLibrary([version(1, '2026-02-01T00:00:00Z'), version(2, '2026-01-01T00:00:00Z')])).toThrow(
    'must be after',
  );
  expect(
    () => new TermsLibrary([version(1, '2026-01-01T00:00:00Z', '2026-06-01T00:00:00Z'), version(2, '2026-03-01T00:00:00Z')]),
  ).toThrow('before version 1 ends');
});

it("the guide's example is in order", () => {
  const guide = readFileSync(join(shippedTermsFolder(), 'README.md'), 'utf8');
  const [, example = ''] = /```json\n([\s\S]*?)```/.exec(guide) ?? [];
  const parsed = parseSheet(example, 'README.md');
  expect('sheet' in parsed ? parsed.sheet.id : parsed).toBe('example');
});
