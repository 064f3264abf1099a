import { describe, expect, it } from 'vitest';
import type { InvoiceState } from '../../src/books/invoices.ts';
import type { Books } from '../../src/books/books.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import type { DebitState } from '../../src/books/debits.ts';
import { EVENT_KINDS } from '../../src/catalog/events.ts';
import type { Correction } from '../../src/billing/corrections/corrections.ts';
import { creditNoteOf } from '../../src/billing/corrections/credit-note.ts';
import { pendingDebits } from '../../src/books/debit-lines.ts';
import { describe as describeLine, formulaText, reasonText, unitText } from '../../src/print/phrases.ts';
import { pageOf } from '../../src/print/page.ts';
import { reasonOf } from '../../src/billing/corrections/reconcile.ts';
import { CAUSES, conditionCode } from '../../src/domain/condition.ts';
import type { CreditMethod } from '../../src/domain/credit-policy.ts';
import { planBody, planOf } from '../../src/domain/plan.ts';
import { MINUTE_MS } from '../../src/domain/zone.ts';
import type { RatedLine } from '../../src/rating/line.ts';
import { rateInvoice, type VmFacts } from '../../src/rating/order.ts';
import { segmentsOf } from '../../src/rating/served.ts';
import { shownInvoice, shownLine } from '../support/shown-invoice.ts';

/** Everything that rating and corrections can say, said in every language that has words of its own. */
const FROM = Date.parse('2026-03-01T00:00:00Z');
const TO = Date.parse('2026-04-01T00:00:00Z');
const ONE = { num: 1n, den: 1n };
const METHODS: readonly CreditMethod[] = [
  { kind: 'none' },
  { kind: 'time', rounding: 'minute', minimumSpellMs: 0, multiplier: ONE, dayCap: ONE },
  { kind: 'percent_per_minute', perMinute: { num: 1n, den: 1000n }, base: 'day', minimumSpellMs: 0, cap: ONE },
  { kind: 'percent_per_minute', perMinute: { num: 1n, den: 1000n }, base: 'month', minimumSpellMs: 0, cap: ONE },
  { kind: 'monthly_tiers', minimumSpellMs: 0, tiers: [{ below: { num: 9999n, den: 10_000n }, credit: { num: 1n, den: 10n } }] },
];
const COUNTING = ['sum', 'in', 'out', 'max'] as const;
const TIERS = [{ up_to: 5, price: '0.10' }, { up_to: null, price: '0.05' }]; // prettier-ignore
const RULES = [
  ...COUNTING.flatMap((counting) =>
    (['graduated', 'volume'] as const).flatMap((mode) =>
      [true, false].map((round_up) => ({ counting, mode, round_up, included_bytes: 0, unit_bytes: 1e9, tiers: TIERS })),
    ),
  ),
  ...([1, 1e6, 1e12, 2 ** 20, 2 ** 30, 2 ** 40, 12_345] as const).map((unit_bytes) => ({ ...{ counting: 'sum', mode: 'volume', round_up: false, included_bytes: 0 } as const, unit_bytes, tiers: TIERS })),
  { counting: 'p95', direction: 'sum', price_per_mbps: '1' } as const,
  { counting: 'p95', direction: 'max', price_per_mbps: '1' } as const,
]; // prettier-ignore

/** VMs that differ in price, in how long they were served and in how outages are credited, and all kinds of traffic and fees. */
function allLines(): RatedLine[] {
  const vms = (['month', 'day', 'hour'] as const).flatMap((per) =>
    METHODS.flatMap((method) =>
      [FROM, FROM + 90 * MINUTE_MS].map((startsAtMs): VmFacts => ({
        vm: '1',
        service: segmentsOf(
          {
            startsAtMs,
            endsAtMs: null,
            plans: [
              { fromMs: 0, plan: planOf('1', planBody.parse({ currency: 'CNY', time_zone: 'UTC', price: { amount: '300', per } })) },
              { fromMs: FROM + 864e5, plan: planOf('2', planBody.parse({ currency: 'CNY', time_zone: 'UTC', price: { amount: '9', per: 'day' } })) },
            ],
            policyOf: () => ({ clause: null, creditable: new Set([conditionCode('provider')]), method, claimWithinDays: null, expiresAfterDays: null }),
          },
          FROM / MINUTE_MS,
          TO / MINUTE_MS,
        ),
        outages: [{ startMs: FROM + 5 * 864e5, endMs: FROM + 5 * 864e5 + 600_000, condition: conditionCode('provider') }],
        traffic: RULES.map((rules) => ({ plan: '1', rules, bytes: { rxBytes: 10n ** 13n, txBytes: 10n ** 12n }, slots: [{ rxBytes: 10n ** 12n, txBytes: 1n }] })),
        fees: EVENT_KINDS.map((kind) => ({ id: '1', kind, atMs: FROM, feeNanos: 10n ** 9n, clause: 'c', reason: 'r' })),
      })),
    ),
  ); // prettier-ignore
  const overdue = { id: '1', number: '7', principalNanos: 10n ** 11n, dueAtMs: FROM, payments: [] };
  const rule = { perDay: { num: 3n, den: 1000n }, graceMs: 0, clause: 'c' };
  return rateInvoice({
    currency: 'CNY',
    taxPercent: '6',
    fromMs: FROM,
    toMs: TO,
    vms,
    overdue: [{ invoice: overdue, rule }],
    charges: { list: [overdue], rule },
  });
}

/** Lines of a credit note and of a debit, on a line that was there and on one that was lacking. */
function corrections(description: string): { description: string; formula: string; unit: string }[] {
  const head = { account: 'a', currency: 'CNY', from: FROM, to: TO, due_at: TO, number: 7 };
  const state = { id: 'i', head } as unknown as InvoiceState;
  const correction: Correction = { kind: 'service', vm: null, description, beforeNanos: 0n, afterNanos: 0n, minutes: { before: 0, after: 0 }, days: [], key: 'k', line: 1 }; // prettier-ignore
  const note = creditNoteOf(
    state,
    { head: {} as never, rest: '{}', evidence: '', sha256: null },
    [{ line: 1, nanos: 10_000_000n, correction }],
    { rated: { id: 'i', number: 7 }, reason: '' },
    '',
  );
  const debitOn = (line: number | null): DebitState =>
    ({
      id: 'd',
      status: 'pending',
      on: null,
      head: { invoice: 'i', number: 7, currency: 'CNY', reason: '', evidence_sha256: '', parts: [{ ...correction, line, nanos: '10000000', before: '', after: '' }] },
    }) as unknown as DebitState; // prettier-ignore
  const books = { debitsOf: () => [debitOn(1), debitOn(null)] } as unknown as Books;
  const { lines } = JSON.parse(note.rest) as { lines: { description: string; formula: string; unit: string }[] };
  return [...lines, ...pendingDebits(books, 'a').map(({ line }) => line)];
}

/** Words of English that a text still has. Names of units and of mathematics, and the letters of formulas, are no words of a language. */
function englishIn(text: string): string[] {
  return (text.match(/[A-Za-z]{2,}/g) ?? []).filter(
    (word) => !['floor', 'ceil', 'min', 'VM', 'IP', 'MB', 'GB', 'TB', 'MiB', 'GiB', 'TiB', 'Mbit', 'CNY'].includes(word),
  );
}

describe.each(['zh-Hant', 'zh-Hans'] as const)('in %s', (language) => {
  const lines = allLines();

  it('every description, formula and unit of a rated line is said', () => {
    const kinds = new Set(lines.map((line) => line.kind));
    expect([...kinds].sort()).toEqual(['credit', 'fee', 'late_fee', 'service', 'tax', 'traffic']);
    const english = new Set<string>();
    for (const line of lines) {
      for (const text of [
        describeLine(line.description, language),
        formulaText(line.formula, language),
        unitText(line.unit, line.quantity, language),
      ])
        if (englishIn(text).length > 0) english.add(text);
    }
    expect([...english]).toEqual([]);
  });

  it('every line of a credit note or a debit is said, whatever line it corrects', () => {
    for (const { description } of lines) {
      for (const line of corrections(description)) {
        expect(englishIn(describeLine(line.description, language))).toEqual([]);
        expect(englishIn(formulaText(line.formula, language))).toEqual([]);
        expect(englishIn(unitText(line.unit, '1', language))).toEqual([]);
      }
    }
  });

  it('what stands under a line of traffic is said, from no byte to exabytes', () => {
    for (const bytes of [0, 5, 5e3, 5e6, 5e9, 5e12, 5e15, 5e18]) {
      const line = shownLine({ kind: 'traffic', detail: { rx_bytes: bytes, tx_bytes: bytes, included_bytes: bytes } });
      const { rows } = pageOf(shownInvoice({ customer: { name: 'n', language }, lines: [line] }));
      expect(englishIn((rows[0]?.more ?? []).join(' ').replaceAll(/\b([kMGTPE]B)\b/g, ''))).toEqual([]);
    }
  });

  it('every reason of a correction is said: incidents of every cause, withdrawn ones too, claims, and what was restated', () => {
    const incidents = CAUSES.flatMap((cause) =>
      [null, { at: TO, by: 'x' }].map((withdrawn) => ({
        id: '1',
        body: { scope: { vms: ['1'] }, from: FROM, to: TO, cause, asserts_down: false, note: '', reported: null, recorded: { at: TO, by: 'x' }, withdrawn },
      })),
    ); // prettier-ignore
    const claim = { id: '2', recordedAtMs: TO, body: { kind: 'credit_claimed', from: FROM, to: TO } };
    const catalog = { incidents: () => incidents, eventsOf: () => [claim] } as unknown as Catalog;
    const state = { head: { account: 'a', issued_at: 1, from: FROM, to: TO } } as unknown as InvoiceState;
    const found = [{ kind: 'service', vm: '1' }, { kind: 'fee', vm: '1' }] as never; // prettier-ignore
    const reason = reasonOf({ catalog }, state, found);
    expect(reason.split('; ')).toHaveLength(3);
    expect(englishIn(reasonText(reason, language))).toEqual([]);
  });
});

describe('dates are those of the zone', () => {
  it.each([
    ['2026-03-31T16:00:00Z', 'Asia/Shanghai', 'en', 'April 2026: 44 min'],
    ['2026-03-31T22:00:00Z', 'Europe/Berlin', 'en', 'April 2026: 44 min'],
    ['2026-04-01T00:00:00Z', 'UTC', 'en', 'April 2026: 44 min'],
    ['2026-04-01T04:00:00Z', 'America/New_York', 'en', 'April 2026: 44 min'],
    ['2026-03-31T10:00:00Z', 'Pacific/Kiritimati', 'zh-TW', '2026 年 4 月: 44 分鐘'],
    ['2026-03-31T16:00:00Z', 'Asia/Shanghai', 'zh-CN', '2026年4月: 44 分钟'],
  ])('a credit of the month that begins at %s in %s (%s) stands as %s', (month, time_zone, language, printed) => {
    const line = shownLine({ kind: 'credit', detail: { days: [{ month, time_zone, minutes: 44 }] } });
    const page = pageOf(shownInvoice({ customer: { name: 'n', language }, lines: [line] }));
    expect(page.rows[0]?.more).toEqual([printed]);
  });
});
