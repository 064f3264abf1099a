import { describe, expect, it } from 'vitest';
import { conditionCode } from '../../src/domain/condition.ts';
import type { DatedPlan } from '../../src/domain/plan.ts';
import { planBody, planOf } from '../../src/domain/plan.ts';
import { loadTerms, parseSheet, shippedTermsFolder } from '../../src/terms/library.ts';
import type { RefundEvent, RefundFacts } from '../../src/terms/measure.ts';
import { evaluateRefund } from '../../src/terms/refund.ts';
import type { TermsSheet } from '../../src/terms/sheet.ts';

const library = loadTerms([shippedTermsFolder()]);
const SHEETS = ['ipcats', 'cmivps-2019', 'cstserver-2022', 'internet-service', 'cloud-server-zh'] as const;
type SheetId = (typeof SHEETS)[number];
const sheetOf = (id: string): TermsSheet => {
  const found = library.inForce(id, Date.UTC(2026, 2, 1));
  if (found === undefined) throw new Error(`${id} is not loaded`);
  return found.sheet;
};

const UNIT = 1_000_000_000n;
const MIN = 60_000;
const H = 60 * MIN;
const DAY = 24 * H;
/** Paid 300.00 on 2026-03-01 in Taipei for the 31 days of March. */
const PAID = Date.parse('2026-03-01T00:00:00+08:00');
const UNTIL = Date.parse('2026-04-01T00:00:00+08:00');
const plan = (amount = '310.00', from = PAID, zone = 'Asia/Taipei'): DatedPlan => ({
  fromMs: from,
  plan: planOf('p', planBody.parse({ currency: 'CNY', time_zone: zone, price: { amount, per: 'month' } })),
});
const outage = (startMs: number, ms: number | null, cause: Parameters<typeof conditionCode>[0] = 'provider') => ({
  startMs,
  endMs: ms === null ? null : startMs + ms,
  condition: conditionCode(cause),
});
const event = (kind: string, atMs = PAID + H, amountNanos: bigint | null = null): RefundEvent => ({
  id: `${kind}-${atMs}`,
  vm: 'v1',
  kind,
  atMs,
  amountNanos,
});
const BASE: RefundFacts = {
  vm: 'v1',
  currency: 'CNY',
  paidAtMs: PAID,
  paidUntilMs: UNTIL,
  paidNanos: 300n * UNIT,
  startsAtMs: PAID,
  promotion: false,
  plans: [plan()],
  handlingFeeNanos: 0n,
  meteredToMs: UNTIL,
  outages: [],
  traffic: { rxBytes: 0n, txBytes: 0n },
  events: [],
  accountEvents: [],
};
const check = (id: SheetId, change: Partial<RefundFacts>, atMs: number) => {
  // What is recorded of the VM is recorded of its account too.
  const facts = { ...BASE, accountEvents: change.events ?? [], ...change };
  return evaluateRefund(sheetOf(id), facts, atMs);
};
const ruleOf = (decision: ReturnType<typeof check>, id: string) => {
  const found = decision.rules.find((rule) => rule.id === id);
  if (found === undefined) throw new Error(`there is no rule ${id}`);
  return found;
};

/** A provider outage that grants something under ipcats and cmivps-2019. */
const LONG = outage(PAID + 2 * H, 25 * H);
const SHORT = outage(PAID, 30_000);
const threeRefunds = [event('refund', PAID + 1), event('refund', PAID + 2), event('refund', PAID + 3)];
type Row = readonly [SheetId, string, 'pass' | 'fail', string, Partial<RefundFacts>, number, string | null];
/** The third refund bars another, in both sheets that say so. */
const refunded = (sheet: SheetId): Row[] => [
  [
    sheet,
    'verification-refused',
    'fail',
    'verification refused, for whichever VM',
    { outages: [LONG], accountEvents: [event('verification_refused')] },
    PAID + 15.5 * DAY,
    null,
  ],
  [sheet, 'verification-refused', 'pass', 'verified', { outages: [LONG] }, PAID + 15.5 * DAY, '150.00'],
  [sheet, 'three-refunds', 'fail', 'three refunds', { outages: [LONG], events: threeRefunds }, PAID + 15.5 * DAY, null],
  [sheet, 'three-refunds', 'fail', 'of other VMs', { outages: [LONG], accountEvents: threeRefunds }, PAID + 15.5 * DAY, null],
  [sheet, 'dispute', 'fail', 'over another VM', { outages: [LONG], accountEvents: [event('dispute')] }, PAID + 15.5 * DAY, null],
  [
    sheet,
    'three-refunds',
    'pass',
    'two refunds',
    { outages: [LONG], events: threeRefunds.slice(1) },
    PAID + 15.5 * DAY,
    '150.00',
  ],
];

/**
 * Sheet, rule, its outcome, what happens, the facts, the instant, and the amount (null: not eligible). 31 days are worth
 * 300.00, so 10 days and 12 hours left are worth 300 × 10.5 / 31 = 101.612903… = 101.61.
 */
const ROWS: readonly Row[] = [
  [
    'ipcats',
    'withdrawn',
    'pass',
    'withdrawn on the 21st at noon',
    { events: [event('withdrawn', PAID + 20 * DAY)] },
    PAID + 20.5 * DAY,
    '101.61',
  ],
  [
    'ipcats',
    'withdrawn',
    'fail',
    'withdrawn when the paid time was over',
    { events: [event('withdrawn', UNTIL)] },
    UNTIL + 1,
    null,
  ],
  [
    'ipcats',
    'withdrawn',
    'fail',
    'withdrawn only after the check',
    { events: [event('withdrawn', PAID + 9 * DAY)] },
    PAID + 8 * DAY,
    null,
  ],
  ['ipcats', 'failure-24h', 'fail', '24 h less 1 ms', { outages: [outage(PAID, DAY - 1)] }, PAID + 20.5 * DAY, null],
  ['ipcats', 'failure-24h', 'fail', '24 h exactly', { outages: [outage(PAID, DAY)] }, PAID + 20.5 * DAY, null],
  ['ipcats', 'failure-24h', 'pass', '24 h and 1 ms', { outages: [outage(PAID, DAY + 1)] }, PAID + 20.5 * DAY, '101.61'],
  ['ipcats', 'failure-24h', 'pass', '25 hours across two midnights', { outages: [LONG] }, PAID + 15.5 * DAY, '150.00'],
  [
    'ipcats',
    'failure-24h',
    'fail',
    'twice 23 hours',
    { outages: [outage(PAID, 23 * H), outage(PAID + 30 * H, 23 * H)] },
    PAID + 5 * DAY,
    null,
  ],
  [
    'ipcats',
    'failure-24h',
    'fail',
    '25 h that were over before the payment',
    { outages: [outage(PAID - 26 * H, 25 * H)] },
    PAID + 5 * DAY,
    null,
  ],
  ['ipcats', 'failure-24h', 'fail', 'still open, 24 h to the millisecond', { outages: [outage(PAID, null)] }, PAID + DAY, null],
  [
    'ipcats',
    'failure-24h',
    'pass',
    'still open, a millisecond more',
    { outages: [outage(PAID, null)] },
    PAID + DAY + 1,
    '290.32',
  ],
  [
    'ipcats',
    'failure-24h',
    'fail',
    '25 h by force majeure, as an incident says',
    { outages: [outage(PAID, 25 * H, 'force_majeure')] },
    PAID + 5 * DAY,
    null,
  ],
  ['ipcats', 'failure-24h', 'fail', '25 h of arrears', { outages: [outage(PAID, 25 * H, 'arrears')] }, PAID + 5 * DAY, null],
  [
    'ipcats',
    'failure-24h',
    'fail',
    '25 h stopped by its user',
    { outages: [outage(PAID, 25 * H, 'customer')] },
    PAID + 5 * DAY,
    null,
  ],
  [
    'ipcats',
    'failure-24h',
    'fail',
    '25 h of which an incident took the 13th hour',
    { outages: [outage(PAID, 12 * H), outage(PAID + 12 * H, H, 'force_majeure'), outage(PAID + 13 * H, 12 * H)] },
    PAID + 5 * DAY,
    null,
  ],
  ['ipcats', 'dispute', 'pass', 'no dispute', { outages: [LONG] }, PAID + 15.5 * DAY, '150.00'],
  ['ipcats', 'dispute', 'fail', 'a payment dispute', { outages: [LONG], events: [event('dispute')] }, PAID + 15.5 * DAY, null],
  ['ipcats', 'abuse-of-staff', 'fail', 'abuse', { outages: [LONG], events: [event('abuse')] }, PAID + 15.5 * DAY, null],
  [
    'ipcats',
    'abuse-of-staff',
    'pass',
    'abuse after the check',
    { outages: [LONG], events: [event('abuse', PAID + 16 * DAY)] },
    PAID + 15.5 * DAY,
    '150.00',
  ],
  [
    'ipcats',
    'terms-violated',
    'fail',
    'terms violated',
    { outages: [LONG], events: [event('terms_violated')] },
    PAID + 15.5 * DAY,
    null,
  ],
  [
    'ipcats',
    'terms-violated',
    'pass',
    'suspended, but not for a violation',
    { outages: [LONG], events: [event('suspended')] },
    PAID + 15.5 * DAY,
    '150.00',
  ],
  [
    'ipcats',
    'malicious-trial',
    'fail',
    'a malicious trial',
    { outages: [LONG], events: [event('malicious_trial')] },
    PAID + 15.5 * DAY,
    null,
  ],
  ['ipcats', 'malicious-trial', 'pass', 'none', { outages: [LONG] }, PAID + 15.5 * DAY, '150.00'],
  ['ipcats', 'ip-banned', 'fail', 'IP banned', { outages: [LONG], events: [event('ip_blocked')] }, PAID + 15.5 * DAY, null],
  ['ipcats', 'ip-banned', 'pass', 'not banned', { outages: [LONG] }, PAID + 15.5 * DAY, '150.00'],
  ...refunded('ipcats'),
  ['ipcats', 'otherwise', 'fail', 'changed their mind an hour after paying', {}, PAID + H, null],
  ['ipcats', 'otherwise', 'pass', 'a ground holds', { outages: [LONG] }, PAID + 15.5 * DAY, '150.00'],

  [
    'cmivps-2019',
    'failure-12h',
    'pass',
    'an outage of 30 s in the first hour',
    { outages: [outage(PAID + H, 30_000)] },
    PAID + 2 * H,
    '300.00',
  ],
  ['cmivps-2019', 'failure-12h', 'fail', 'no outage', {}, PAID + 2 * H, null],
  [
    'cmivps-2019',
    'failure-12h',
    'fail',
    'an outage by its user',
    { outages: [outage(PAID + H, H, 'customer')] },
    PAID + 3 * H,
    null,
  ],
  [
    'cmivps-2019',
    'failure-12h',
    'fail',
    'an outage at 12 h sharp',
    { outages: [outage(PAID + 12 * H, H)] },
    PAID + 12.5 * H,
    null,
  ],
  [
    'cmivps-2019',
    'failure-12h',
    'fail',
    'an incident makes it force majeure',
    { outages: [outage(PAID + H, H, 'force_majeure')] },
    PAID + 3 * H,
    null,
  ],
  [
    'cmivps-2019',
    'after-12h',
    'pass',
    '12 h less 1 min after payment',
    { outages: [outage(PAID + H, H)] },
    PAID + 12 * H - MIN,
    '300.00',
  ],
  ['cmivps-2019', 'after-12h', 'pass', '12 h sharp', { outages: [outage(PAID + H, H)] }, PAID + 12 * H, '300.00'],
  ['cmivps-2019', 'after-12h', 'fail', '12 h and 1 min', { outages: [outage(PAID + H, H)] }, PAID + 12 * H + MIN, null],
  ['cmivps-2019', 'after-12h', 'fail', 'bars the first ground only', { outages: [LONG] }, PAID + 15.5 * DAY, '150.00'],
  ['cmivps-2019', 'failure-24h', 'pass', '25 hours', { outages: [LONG] }, PAID + 20.5 * DAY, '101.61'],
  [
    'cmivps-2019',
    'failure-24h',
    'fail',
    '24 hours less 1 ms',
    { outages: [outage(PAID + DAY, DAY - 1)] },
    PAID + 20.5 * DAY,
    null,
  ],
  ['cmivps-2019', 'withdrawn', 'pass', 'withdrawn', { events: [event('withdrawn', PAID + DAY)] }, PAID + 15.5 * DAY, '150.00'],
  ['cmivps-2019', 'withdrawn', 'fail', 'not withdrawn', {}, PAID + 15.5 * DAY, null],
  ['cmivps-2019', 'special-offer', 'fail', 'a special offer', { outages: [SHORT], promotion: true }, PAID + H, null],
  [
    'cmivps-2019',
    'special-offer',
    'fail',
    'B15: a special offer bars its own sentence only',
    { outages: [LONG], promotion: true },
    PAID + 15.5 * DAY,
    '150.00',
  ],
  ['cmivps-2019', 'special-offer', 'pass', 'no special offer', { outages: [LONG] }, PAID + 15.5 * DAY, '150.00'],
  ...(
    [
      ['dispute', 'dispute'],
      ['abuse-of-staff', 'abuse'],
      ['terms-violated', 'terms_violated'],
      ['malicious-trial', 'malicious_trial'],
      ['ip-banned', 'ip_blocked'],
    ] as const
  ).flatMap(([rule, kind]): Row[] => [
    ['cmivps-2019', rule, 'fail', kind, { outages: [LONG], events: [event(kind)] }, PAID + 15.5 * DAY, null],
    ['cmivps-2019', rule, 'pass', `no ${kind}`, { outages: [LONG] }, PAID + 15.5 * DAY, '150.00'],
  ]),
  ...refunded('cmivps-2019'),

  ['cstserver-2022', 'one-day', 'pass', 'any reason, 24 h less 1 min', {}, PAID + DAY - MIN, '300.00'],
  ['cstserver-2022', 'one-day', 'pass', '24 h sharp', {}, PAID + DAY, '300.00'],
  ['cstserver-2022', 'one-day', 'fail', '24 h and 1 ms', {}, PAID + DAY + 1, null],
  ['cstserver-2022', 'one-day', 'fail', 'before it was paid', {}, PAID - 1, null],
  ['cstserver-2022', 'one-day', 'pass', 'less the handling fee', { handlingFeeNanos: 12_500_000_000n }, PAID + H, '287.50'],
  ['cstserver-2022', 'one-day', 'pass', 'a fee above what was paid', { handlingFeeNanos: 301n * UNIT }, PAID + H, null],
  [
    'cstserver-2022',
    'traffic-10g',
    'pass',
    '10 GB less a byte',
    { traffic: { rxBytes: 4_999_999_999n, txBytes: 5_000_000_000n } },
    PAID + H,
    '300.00',
  ],
  [
    'cstserver-2022',
    'traffic-10g',
    'pass',
    '10 GB',
    { traffic: { rxBytes: 5_000_000_000n, txBytes: 5_000_000_000n } },
    PAID + H,
    '300.00',
  ],
  [
    'cstserver-2022',
    'traffic-10g',
    'fail',
    '10 GB and a byte',
    { traffic: { rxBytes: 5_000_000_001n, txBytes: 5_000_000_000n } },
    PAID + H,
    null,
  ],
  ['cstserver-2022', 'terms-violated', 'fail', 'terms violated', { events: [event('terms_violated', PAID)] }, PAID + H, null],
  ['cstserver-2022', 'terms-violated', 'pass', 'none', {}, PAID + H, '300.00'],
  ['cstserver-2022', 'harm', 'fail', 'harm to others', { events: [event('harm')] }, PAID + H, null],
  ['cstserver-2022', 'harm', 'pass', 'none', {}, PAID + H, '300.00'],
  ['cstserver-2022', 'ip-blocked', 'fail', 'IP blocked', { events: [event('ip_blocked')] }, PAID + H, null],
  ['cstserver-2022', 'ip-blocked', 'pass', 'replaced only', { events: [event('ip_replaced')] }, PAID + H, '300.00'],
  ['cstserver-2022', 'promotion', 'fail', 'bought with a code', { promotion: true }, PAID + H, null],
  ['cstserver-2022', 'promotion', 'pass', 'none', {}, PAID + H, '300.00'],

  ['internet-service', 'otherwise', 'fail', '25 hours: credit only', { outages: [LONG] }, PAID + 15.5 * DAY, null],
  ['internet-service', 'breach', 'fail', 'cut off for a breach', { events: [event('terms_violated')] }, PAID + H, null],
  ['internet-service', 'breach', 'pass', 'no breach', {}, PAID + H, null],
  ['cloud-server-zh', 'breach', 'fail', 'stopped for a violation', { events: [event('terms_violated')] }, PAID + H, null],
  ['cloud-server-zh', 'breach', 'pass', 'none, and no ground either', { outages: [LONG] }, PAID + 15.5 * DAY, null],
];

describe('silence that nobody has judged speaks for neither side', () => {
  it.each<readonly [SheetId, string, Partial<RefundFacts>, number, string]>([
    ['ipcats', '25 h of silence', { outages: [outage(PAID, 25 * H, 'silent')] }, PAID + 5 * DAY, 'needs_review'],
    [
      'ipcats',
      '24 h of silence: nothing hangs on it',
      { outages: [outage(PAID, DAY, 'silent')] },
      PAID + 5 * DAY,
      'not_eligible',
    ],
    [
      'cmivps-2019',
      '3 h of silence in the first 12',
      { outages: [outage(PAID, 3 * H, 'silent')] },
      PAID + 10 * H,
      'needs_review',
    ],
    [
      'ipcats',
      '13 h of the provider’s, and silence after them: together 26',
      { outages: [outage(PAID, 13 * H), outage(PAID + 13 * H, 13 * H, 'silent')] },
      PAID + 5 * DAY,
      'needs_review',
    ],
    [
      'ipcats',
      'silence between two outages joins them',
      { outages: [outage(PAID, 10 * H), outage(PAID + 10 * H, 5 * H, 'silent'), outage(PAID + 15 * H, 10 * H)] },
      PAID + 5 * DAY,
      'needs_review',
    ],
    [
      'ipcats',
      'silence apart from an outage does not',
      { outages: [outage(PAID, 13 * H), outage(PAID + 14 * H, 13 * H, 'silent')] },
      PAID + 5 * DAY,
      'not_eligible',
    ],
    [
      'ipcats',
      '25 h of the provider’s: silence elsewhere changes nothing',
      { outages: [LONG, outage(PAID + 3 * DAY, 30 * H, 'silent')] },
      PAID + 15.5 * DAY,
      'eligible',
    ],
    [
      'ipcats',
      'a bar that stands stands whatever the silence was',
      { outages: [outage(PAID, 25 * H, 'silent')], events: [event('dispute')] },
      PAID + 5 * DAY,
      'not_eligible',
    ],
  ])('%s: %s', (id, _, facts, atMs, decision) => {
    expect(check(id, facts, atMs).decision).toBe(decision);
  });
});

describe('every ground and bar of the five sheets', () => {
  it.each(ROWS)('%s %s: %s, %s', (id, rule, outcome, _, facts, atMs, amount) => {
    const decision = check(id, facts, atMs);
    const found = ruleOf(decision, rule);
    expect([found.outcome, found.measured, found.limit]).toEqual([
      outcome,
      expect.stringMatching(/./),
      expect.stringMatching(/./),
    ]);
    expect(found.clause).toMatch(/^[a-z0-9-]+: .*[.] \((00\d_[0-9a-f]{16}\.txt|SPEC\.md), .+\)$/u);
    expect(decision.decision).toBe(amount === null ? 'not_eligible' : 'eligible');
    expect(decision.amountNanos).toBe(amount === null ? null : BigInt(amount.replace('.', '')) * 10_000_000n);
    expect(decision.destination).toBe('balance');
  });

  it('is shown both passing and failing, but for what can only fail', () => {
    const shown = new Set(ROWS.map(([id, rule, outcome]) => `${id} ${rule} ${outcome}`));
    const missing = SHEETS.flatMap((id) =>
      check(id, {}, PAID).rules.flatMap((rule) =>
        ['pass', 'fail'].map((outcome) => `${id} ${rule.id} ${outcome}`).filter((text) => !shown.has(text)),
      ),
    );
    // Without any ground there is nothing that would let it pass.
    expect(missing).toEqual(['internet-service otherwise pass']);
  });
});

describe('measured values and limits', () => {
  it.each([
    [
      'cstserver-2022',
      'traffic-10g',
      { traffic: { rxBytes: 10_000_000_000n, txBytes: 1n } },
      H,
      '10000000001 bytes',
      'more than 10000000000 bytes',
    ],
    ['cmivps-2019', 'after-12h', {}, 12 * H + MIN, '12 h 1 min since the payment', 'more than 12 h'],
    [
      'ipcats',
      'failure-24h',
      { outages: [outage(PAID, DAY - 1)] },
      2 * DAY,
      'longest provider outage 23 h 59 min 59.999 s',
      'more than 24 h',
    ],
    [
      'ipcats',
      'failure-24h',
      { outages: [outage(PAID, 25 * H, 'force_majeure')] },
      2 * DAY,
      'longest provider outage 0 s; longest of other causes 25 h',
      'more than 24 h',
    ],
    ['ipcats', 'three-refunds', { events: threeRefunds }, DAY, '3 refund recorded on the account', 'at least 3 refund'],
  ] as const)('%s %s: case %#', (id, rule, facts, afterMs, measured, limit) => {
    expect(ruleOf(check(id, facts, PAID + afterMs), rule)).toMatchObject({ measured, limit });
  });
});

describe('what nobody knows', () => {
  const unmetered = { meteredToMs: null, traffic: null };
  it.each([
    ['traffic unmetered, within a day: it decides', 'cstserver-2022', unmetered, H, 'needs_review'],
    ['traffic unmetered, too late anyway', 'cstserver-2022', unmetered, DAY + 1, 'not_eligible'],
    ['traffic unmetered, bought with a code anyway', 'cstserver-2022', { ...unmetered, promotion: true }, H, 'not_eligible'],
    ['when it was paid', 'cstserver-2022', { paidAtMs: null }, H, 'needs_review'],
    ['when it was paid, barred anyway', 'cstserver-2022', { paidAtMs: null, events: [event('harm')] }, H, 'not_eligible'],
    ['how much was paid', 'cstserver-2022', { paidNanos: null }, H, 'needs_review'],
    ['outages of a VM that never reported', 'ipcats', unmetered, 2 * DAY, 'needs_review'],
    ['outages of such a VM, in a dispute', 'ipcats', { ...unmetered, events: [event('dispute')] }, 2 * DAY, 'not_eligible'],
    [
      'outages of such a VM, but it was withdrawn: the same amount',
      'ipcats',
      { ...unmetered, events: [event('withdrawn')] },
      2 * DAY,
      'eligible',
    ],
    [
      'outages, where the unknown one would give it all',
      'cmivps-2019',
      { ...unmetered, events: [event('withdrawn')] },
      11 * H,
      'needs_review',
    ],
    ['the same once it could not any more', 'cmivps-2019', { ...unmetered, events: [event('withdrawn')] }, 13 * H, 'eligible'],
    ['until when it is paid', 'ipcats', { paidUntilMs: null, events: [event('withdrawn')] }, 2 * DAY, 'needs_review'],
    ['until when it is paid, where nothing was withdrawn', 'ipcats', { paidUntilMs: null }, 2 * DAY, 'not_eligible'],
    ['which plan it was on', 'ipcats', { plans: [], events: [event('withdrawn')] }, 2 * DAY, 'needs_review'],
    [
      'whether an open outage went on since the last minute published',
      'ipcats',
      { outages: [outage(PAID, null)], meteredToMs: PAID + DAY },
      DAY + MIN,
      'needs_review',
    ],
    [
      'whether a short open one went on',
      'ipcats',
      { outages: [outage(PAID, null)], meteredToMs: PAID + H },
      2 * H,
      'not_eligible',
    ],
  ] as const)('%s (%s): needs review only if it decides', (_, id, facts, afterMs, decision) => {
    const answer = check(id, facts, PAID + afterMs);
    expect([answer.decision, answer.amountNanos === null]).toEqual([decision, decision !== 'eligible']);
  });

  it('a sheet may leave silence to a person', () => {
    const loaded = library.inForce('ipcats', PAID);
    const json = JSON.parse(
      JSON.stringify(loaded?.json).replaceAll('"causes":["provider"]', '"causes":["provider"],"unsure":["silent"]'),
    ) as object;
    const parsed = parseSheet(JSON.stringify(json), 'x.json');
    if (!('sheet' in parsed)) throw new Error(parsed.join('\n'));
    const silent = (ms: number) =>
      evaluateRefund(parsed.sheet, { ...BASE, outages: [outage(PAID, ms, 'silent')] }, PAID + 2 * DAY).decision;
    expect([silent(DAY), silent(DAY + 1)]).toEqual(['not_eligible', 'needs_review']);
  });
});

describe('the amount', () => {
  it('of the time left follows the plans in force, minute by minute', () => {
    // Until the 16th at 310.00 (10.00 a day), from then on at 620.00 (20.00 a day): 15 × 10 + 16 × 20 = 470 are all.
    const plans = [plan(), plan('620.00', PAID + 15 * DAY)];
    const { amountNanos } = check('ipcats', { plans, outages: [LONG] }, PAID + 10 * DAY);
    // 5 × 10 + 16 × 20 = 370 are left: 300 × 370 / 470 = 236.1702…
    expect(amountNanos).toBe(236_170_000_000n);
  });

  it('counts whole minutes: the one under way has been used', () => {
    const cost = {
      paidUntilMs: PAID + 10 * MIN,
      paidNanos: 10n * UNIT,
      plans: [plan('44640.00')],
      outages: [outage(PAID - DAY, DAY + 1)],
    };
    const left = (afterMs: number) => check('ipcats', cost, PAID + afterMs).amountNanos;
    expect([left(2 * MIN), left(2 * MIN + 1), left(3 * MIN), left(9 * MIN + 1)]).toEqual([8n * UNIT, 7n * UNIT, 7n * UNIT, null]);
  });

  it.each([
    ['0.05', 1n, 2n, '0.02'],
    ['0.15', 1n, 2n, '0.08'],
    ['100.00', 1n, 3n, '33.33'],
  ])('%s paid, %i of %i minutes left: %s, half to even', (paid, left, all, amount) => {
    const paidNanos = BigInt(paid.replace('.', '')) * 10_000_000n;
    const facts = {
      paidUntilMs: PAID + Number(all) * MIN,
      paidNanos,
      plans: [plan('44640.00')],
      outages: [outage(PAID - DAY, DAY + 1)],
    };
    expect(check('ipcats', facts, PAID + Number(all - left) * MIN).amountNanos).toBe(
      BigInt(amount.replace('.', '')) * 10_000_000n,
    );
  });

  it('is in the minor digits of the currency, and over a day of 23 hours', () => {
    // Berlin, 29 March 2026 has 23 hours: at its 12:00 local, 13 of them are left. 1000 JPY × 13 / 23… of that day's charge.
    const from = Date.parse('2026-03-29T00:00:00+01:00');
    const berlin = planOf(
      'p',
      planBody.parse({ currency: 'JPY', time_zone: 'Europe/Berlin', price: { amount: '2300', per: 'day' } }),
    );
    const facts = {
      currency: 'JPY',
      paidAtMs: from,
      paidUntilMs: Date.parse('2026-03-30T00:00:00+02:00'),
      paidNanos: 1000n * UNIT,
      plans: [{ fromMs: from, plan: berlin }],
      outages: [outage(from - DAY, DAY + 1)],
    };
    expect(check('ipcats', facts, Date.parse('2026-03-29T12:00:00+02:00')).amountNanos).toBe(522n * UNIT);
  });

  it('never exceeds what was paid, refunds before it included', () => {
    const events = [event('refund', PAID + 1, 100n * UNIT), event('refund', PAID - 1, 50n * UNIT)];
    expect(check('cstserver-2022', { events }, PAID + H)).toMatchObject({
      amountNanos: 200n * UNIT,
      calculation: { basis: 'full', refundedBeforeNanos: 100n * UNIT },
    });
    const all = check('cstserver-2022', { events: [event('refund', PAID + 1, 300n * UNIT)] }, PAID + H);
    expect(all).toMatchObject({ decision: 'not_eligible', reason: 'one-day applies, but nothing is left to refund' });
  });

  it('is that of the ground that gives most', () => {
    const both = { outages: [outage(PAID, 30_000)], events: [event('withdrawn', PAID + H)] };
    expect(check('cmivps-2019', both, PAID + 2 * H)).toMatchObject({ ground: 'failure-12h', amountNanos: 300n * UNIT });
    expect(check('cmivps-2019', both, PAID + 13 * H)).toMatchObject({ ground: 'withdrawn', calculation: { basis: 'remaining' } });
  });
});
