import { describe, expect, it } from 'vitest';
import type { InvoiceState } from '../../src/books/invoices.ts';
import type { Books } from '../../src/books/books.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import type { DebitState } from '../../src/books/debits.ts';
import { EVENT_KINDS } from '../../src/domain/event-kinds.ts';
import type { Correction, IssuedLine } from '../../src/billing/corrections/corrections.ts';
import { creditNoteOf } from '../../src/billing/corrections/credit-note.ts';
import { handNoteOf } from '../../src/billing/corrections/hand-note.ts';
import { pendingDebits } from '../../src/books/debit-lines.ts';
import { KeptClauses } from '../../src/billing/explained/clauses.ts';
import { lineJson } from '../../src/billing/document-lines.ts';
import { readContent, shownItem, type ShownLine, shownLineShape } from '../../src/print/invoice-shape.ts';
import { descriptionOf, formulaOf, reasonOf, unitOf } from '../../src/print/line-words.ts';
import { wordsOf } from '../../src/print/words/language.ts';
import { aboutText, noteTexts, reasonText } from '../../src/print/words/content.ts';
import { noteSay, type NoteSay } from '../../src/rating/note.ts';
import * as legacy from '../../src/print/words/legacy.ts';
import { pageOf } from '../../src/print/page.ts';
import type { DocumentLanguage } from '../../src/print/words/words.ts';
import { reasonsOf } from '../../src/billing/corrections/reconcile.ts';
import { type ItemSay, lineSay } from '../../src/rating/say.ts';
import { toJson } from '../../src/domain/json.ts';
import { CAUSES, conditionCode } from '../../src/domain/condition.ts';
import type { CreditMethod } from '../../src/domain/credit-policy.ts';
import { planBody, planOf } from '../../src/domain/plan.ts';
import { MINUTE_MS } from '../../src/domain/zone.ts';
import { LINE_KINDS, type RatedLine } from '../../src/rating/line.ts';
import { type InvoiceFacts, rateInvoice, type VmFacts } from '../../src/rating/order.ts';
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
function everything(): { facts: InvoiceFacts; lines: RatedLine[] } {
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
              // Of half of them the plan changes.
              ...(startsAtMs === FROM ? [] : [{ fromMs: FROM + 864e5, plan: planOf('2', planBody.parse({ currency: 'CNY', time_zone: 'UTC', price: { amount: '9', per: 'day' } })) }]),
            ],
            policyOf: () => ({ clause: null, creditable: new Set([conditionCode('provider')]), unsure: new Set(), method, claimWithinDays: null, expiresAfterDays: null }),
          },
          FROM / MINUTE_MS,
          TO / MINUTE_MS,
        ),
        outages: [{ startMs: FROM + 5 * 864e5, endMs: FROM + 5 * 864e5 + 600_000, condition: conditionCode('provider') }],
        traffic: RULES.flatMap((rules) => [{}, { class: '2' }].map((of) => ({ plan: '1', ...of, rules, bytes: { rxBytes: 10n ** 13n, txBytes: 10n ** 12n }, slots: [{ rxBytes: 10n ** 12n, txBytes: 1n }] }))),
        sums: new Map([['1', { minimumNanos: 10n ** 25n, flatNanos: 10n ** 9n }], ['2', { maximumNanos: 1n }]]),
        setups: [{ plan: '1', atMs: FROM, nanos: 10n ** 9n }],
        addOns: [{ id: 'x', name: '5', priceNanos: 10n ** 9n, per, quantity: 2, fromMs: FROM, untilMs: null }],
        discounts: [{ percentNanos: 5n * 10n ** 9n }, { nanos: 10n ** 19n, per }, { nanos: 1n, per }].map((off, i) => ({ name: `5${i}`, reason: null, clause: null, kinds: ['fee' as const], fromMs: 0, untilMs: null, off })),
        fees: EVENT_KINDS.map((kind) => ({ id: '1', kind, atMs: FROM, feeNanos: 10n ** 9n, clause: 'c', reason: 'r' })),
      })),
    ),
  ); // prettier-ignore
  const overdue = { id: '1', number: '7', principalNanos: 10n ** 11n, dueAtMs: FROM, payments: [] };
  const rule = { perDay: { num: 3n, den: 1000n }, graceMs: 0, clause: 'c' };
  const facts = {
    currency: 'CNY',
    taxPercent: '6',
    fromMs: FROM,
    toMs: TO,
    vms,
    overdue: [{ invoice: overdue, rule }],
    charges: [{ list: [overdue], rule }],
    byHand: [null, { amount: '5', currency: 'CNY', rate: '7' }].map((foreign) => ({
      ...{ id: '1', reference: '5', kind: 'one_off' as const, description: '5', nanos: 10n ** 9n, taxPercent: null },
      ...{ reason: '5', clause: null, vm: null, atMs: FROM, foreign, by: '5' },
    })),
  };
  return { facts, lines: rateInvoice(facts) };
}

/** Words of English that a text still has. Names of units and of mathematics, and the letters of formulas, are no words of a language. */
function englishIn(text: string): string[] {
  return (text.match(/[A-Za-z]{2,}/g) ?? []).filter(
    (word) => !['floor', 'ceil', 'min', 'VM', 'IP', 'MB', 'GB', 'TB', 'MiB', 'GiB', 'TiB', 'Mbit', 'CNY'].includes(word),
  );
}

const { facts: FACTS, lines: RATED } = everything();

const EXPLAINING = { account: 'a', facts: FACTS, clauses: new KeptClauses([]), incidents: [] };

/** Lines as documents keep them and give them back. */
const kept = (lines: readonly unknown[]): ShownLine[] => lines.map((line) => shownLineShape.parse(JSON.parse(toJson(line))));
const keptOf = (lines: readonly RatedLine[]): ShownLine[] => kept(lines.map((line) => lineJson(line, EXPLAINING)));

const INCIDENTS = CAUSES.flatMap((cause) =>
  [null, { at: TO, by: 'x' }].map((withdrawn) => ({
    id: '1',
    body: { scope: { vms: ['1'] }, from: FROM, to: TO, cause, asserts_down: false, note: '', reported: null, silence: null, recorded: { at: TO, by: 'x' }, withdrawn },
  })),
); // prettier-ignore

/** Every reason there is: incidents of every cause, withdrawn ones too, claims, and what was restated. */
function everyReason() {
  const claim = { id: '2', recordedAtMs: TO, body: { kind: 'credit_claimed', from: FROM, to: TO } };
  const catalog = { incidents: { all: () => INCIDENTS }, events: { of: () => [claim] } } as unknown as Catalog;
  const state = { head: { account: 'a', issued_at: 1, from: FROM, to: TO } } as unknown as InvoiceState;
  const found = [{ kind: 'service', vm: '1' }, { kind: 'fee', vm: '1' }] as never; // prettier-ignore
  return reasonsOf({ catalog }, state, found);
}

/** Lines of a credit note and of a debit that correct a line: one that was there and one that was lacking. */
function corrections(item: ItemSay): ShownLine[] {
  const reasons = everyReason();
  const head = { account: 'a', currency: 'CNY', from: FROM, to: TO, due_at: TO, number: 7 };
  const state = { id: 'i', head } as unknown as InvoiceState;
  const correction: Correction = { kind: 'service', vm: null, item, beforeNanos: 0n, afterNanos: 0n, minutes: { before: 0, after: 0 }, days: [], key: 'k', holdsNanos: 0n, line: 1, lines: [] }; // prettier-ignore
  const content = toJson({ ...shownInvoice(), lines: [] });
  const noteFor = (why: Parameters<typeof creditNoteOf>[3]['reasons']) =>
    creditNoteOf(
      state,
      { head: {} as never, rest: content, evidence: '', sha256: null },
      [{ line: 1, nanos: 10_000_000n, correction }],
      { rated: { id: 'i', number: 7 }, reasons: why },
      '{}',
    );
  const note = noteFor(reasons);
  const granted = noteFor([{ code: 'refund', check: '3', vm: '1', from: '2026-03-10T00:00:00Z', until: '2026-04-01T00:00:00Z' }]);
  const debitOn = (line: number | null): DebitState =>
    ({
      id: 'd',
      status: 'pending',
      on: null,
      head: { invoice: 'i', number: 7, currency: 'CNY', reason: reasonText(reasons), reasons, evidence_sha256: '', parts: [{ ...correction, description: '', say: item, line, nanos: '10000000', before: '', after: '' }] },
    }) as unknown as DebitState; // prettier-ignore
  const books = { debitsOf: () => [debitOn(1), debitOn(null)] } as unknown as Books;
  // Somebody's own words are of no language: here they are a number.
  const said = { reason: '9', reference: null, asked: '' };
  const issued = { head: {} as never, rest: content, evidence: '', sha256: null };
  const taken: IssuedLine = { kind: 'service', vm: null, description: aboutText(item), amount: '1.00', detail: {}, say: { about: item, formula: [], unit: { code: 'event' } } }; // prettier-ignore
  const byHand = handNoteOf(state, issued, [taken], [{ line: 0, nanos: 10_000_000n }], said);
  return [
    ...readContent(note.rest).lines,
    ...readContent(granted.rest).lines,
    ...readContent(byHand.rest).lines,
    ...keptOf(pendingDebits(books, 'a').map(({ line }) => line)),
  ];
}

const itemsOf = (lines: readonly ShownLine[]): ItemSay[] => [
  ...new Map(lines.map((line) => [line.description, shownItem(line)])).values(),
];
const LINES = keptOf(RATED);
const ALL = [...LINES, ...itemsOf(LINES).flatMap(corrections)];

/** Kinds of events that 0.1.0 did not know; nor did it know parts of a period. */
const LATER: readonly string[] = ['verification_refused', 'expired', 'ended', 'deletion_due', 'reminder'];
const isOld = (line: ShownLine): boolean => {
  const item = shownItem(line);
  const isPart = line.say?.formula.some(({ code }) => code === 'part_of_period' || code === 'by_hand') ?? false;
  const isGranted = line.say?.reason?.some(({ code }) => code === 'refund') ?? false;
  return (
    !isPart &&
    !isGranted &&
    !('class' in item) &&
    !['flat', 'minimum', 'maximum', 'setup', 'add_on', 'charge', 'discount'].includes(item.code) &&
    (item.code !== 'fee' || !LATER.includes(item.event))
  );
};

/** The texts of a line that are words: by its codes, and by the rules over the English of before. */
function textsOf(line: ShownLine, language: DocumentLanguage): { now: string[]; before: string[] } {
  const words = wordsOf(language);
  const old = { ...line, say: undefined };
  const of = (each: ShownLine): string[] => [
    descriptionOf(each, words),
    formulaOf(each, words),
    unitOf(each, words),
    ...(reasonOf(each, words) ?? '').split(words.partsApart),
  ];
  return { now: of(line), before: of(old) };
}

describe('what lines say', () => {
  it('every code is emitted by rating or corrections: none is dead, and none is missing here', () => {
    const said = ALL.flatMap((line) => line.say ?? []);
    const codes = (list: readonly { code: string }[]): string[] => [...new Set(list.map(({ code }) => code))].toSorted();
    const declared = ({ options }: { options: readonly { shape: { code: { value: string } } }[] }): string[] =>
      options.map(({ shape }) => shape.code.value).toSorted();
    const { about, formula, unit, reason } = lineSay.shape;
    expect(ALL.filter((line) => line.say === undefined)).toEqual([]);
    expect([...codes(said.map((each) => each.about)), 'as_written'].toSorted()).toEqual(declared(about));
    expect(codes(said.flatMap((each) => each.formula))).toEqual(declared(formula.element));
    expect(codes(said.map((each) => each.unit))).toEqual(declared(unit));
    expect(codes(said.flatMap((each) => each.reason ?? []))).toEqual(declared(reason.unwrap().element));
  });

  it('the lines of every kind are there, and the English that is kept is that of 0.1.0: its rules say all of it the same', () => {
    expect([...new Set(LINES.map((line) => line.kind))].toSorted()).toEqual([...LINE_KINDS].toSorted());
    for (const language of ['en', 'zh-Hant', 'zh-Hans'] as const) {
      const strange = new Set<string>();
      for (const line of ALL.filter(isOld)) {
        const { now, before } = textsOf(line, language);
        if (now.join('|') !== before.join('|')) strange.add(`${now.join('|')} was ${before.join('|')}`);
      }
      expect([...strange]).toEqual([]);
    }
  });

  it('a line of a document of before that is corrected now is said by the rules of before', () => {
    for (const language of ['en', 'zh-Hant', 'zh-Hans'] as const)
      for (const { description } of LINES)
        for (const line of corrections({ code: 'as_written', text: description }))
          expect(descriptionOf(line, wordsOf(language))).toContain(legacy.describe(description, language));
  });

  it('what a later version said in codes that are not known here is printed by its English', () => {
    const [line] = kept([{ ...LINES[0], say: { about: { code: 'not_yet' }, formula: [], unit: { code: 'day' } } }]);
    if (line === undefined) throw new Error('one line was kept');
    expect(line.say).toBeUndefined();
    expect(descriptionOf(line, wordsOf('en'))).toBe('Service, plan 1');
  });
});

const NOTES: readonly (readonly [NoteSay, kept: string])[] = [
  [{ code: 'period_not_over', ends_at: '2026-04-01T00:00:00Z' }, 'the period ends at 2026-04-01T00:00:00Z and was not over when this was rated'],
  [{ code: 'no_issuer' }, 'the server has no issuer.json: this names no seller, tax id or bank'],
  [{ code: 'event_outside_service', vm: '1', event: '2', kind: 'ip_replaced', at: '2026-03-01T00:00:00Z' }, '1: event 2 (ip_replaced, 2026-03-01T00:00:00Z) is not within its service, so no plan charges it: bill it by hand if it is owed'],
  [{ code: 'event_other_currency', vm: '1', event: '2', fee: '5', fee_currency: 'CNY', currency: 'CNY' }, '1: event 2 costs 5 CNY each and the account is in CNY: record it again with its rate'],
  [{ code: 'never_metered', vms: ['1'], count: 1 }, 'VM 1 was never metered in the period: the service is charged, uptime and traffic are not known, and traffic counts as 0'],
  [{ code: 'never_metered', vms: ['1', '2'], count: 5 }, '5 VMs 1, 2 and 3 more were never metered in the period: the service is charged, uptime and traffic are not known, and traffic counts as 0'],
  [{ code: 'partly_metered', vm: '1', not_metered_ms: 1_800_000, served_ms: 90_060_000 }, 'VM 1 was not metered for 30 min of the 25 h 1 min that it was served'],
  [{ code: 'more_partly_metered', count: 3 }, '3 more VMs were not metered all the time that they were served'],
  [{ code: 'needs_review', count: 1, amount: '1.00', currency: 'CNY' }, "1 VM fell silent and nobody has said why: nothing is credited for it, and 1.00 CNY would be if it was the provider's"],
  [{ code: 'needs_review', count: 2, amount: '2.00', currency: 'CNY' }, "2 VMs fell silent and nobody has said why: nothing is credited for it, and 2.00 CNY would be if it was the provider's"],
  [{ code: 'not_printable', field: 'customer_name', characters: ['1', '2'], count: 2 }, "the customer's name has characters that the PDF can't print and shows as □ (1 2): the HTML and JSON forms have them"],
  [{ code: 'not_printable', field: 'issuer_payment', characters: ['1'], count: 12 }, "what the issuer says of payment has characters that the PDF can't print and shows as □ (1 …): the HTML and JSON forms have them"],
]; // prettier-ignore

describe('notes for who makes an invoice', () => {
  it('are kept in English, every code of them', () => {
    expect(noteTexts(NOTES.map(([note]) => note))).toEqual(NOTES.map(([, text]) => text));
    const declared = noteSay.options.map(({ shape }) => shape.code.value);
    expect([...new Set(NOTES.map(([{ code }]) => code))].toSorted()).toEqual(declared.toSorted());
  });

  it.each(['zh-Hant', 'zh-Hans'] as const)('are printed in %s on a draft, and on nothing that is final', (language) => {
    const change = {
      customer: { name: 'n', language },
      notes: NOTES.map(([note]) => note),
      warnings: NOTES.map(([, text]) => text),
    };
    const draft = pageOf(shownInvoice({ ...change, status: 'draft', number: null, sha256: null }));
    const english = draft.notes.flatMap((note) => englishIn(note.replaceAll(/issuer\.json|PDF|HTML|JSON|\d{4}-\S+Z/g, '')));
    expect(draft.notes).toHaveLength(NOTES.length);
    expect(english).toEqual([]);
    expect(pageOf(shownInvoice(change)).notes).toEqual([]);
  });

  it('of a draft of before are printed as they were written', () => {
    const draft = shownInvoice({
      customer: { name: 'n', language: 'zh-TW' },
      warnings: ['as written'],
      status: 'draft',
      sha256: null,
    });
    expect(pageOf(draft).notes).toEqual(['as written']);
  });
});

describe.each(['zh-Hant', 'zh-Hans'] as const)('in %s', (language) => {
  it('B6: no line of an invoice, credit note or debit has a word of English: what it is for, its formula, unit and reasons', () => {
    const english = new Set(ALL.flatMap((line) => textsOf(line, language).now).filter((text) => englishIn(text).length > 0));
    expect([...english]).toEqual([]);
  });

  it('every language has words for all that a page says around its lines', () => {
    const { labels, causes } = wordsOf(language);
    const texts = [...Object.values(labels).map((label) => (typeof label === 'string' ? label : '')), ...Object.values(causes)];
    expect(texts.flatMap(englishIn)).toEqual(['API', 'SHA', 'HTML', 'JSON']);
  });

  it('what stands under a line of traffic is said, from no byte to exabytes', () => {
    for (const bytes of [0, 5, 5e3, 5e6, 5e9, 5e12, 5e15, 5e18]) {
      const line = shownLine({ kind: 'traffic', detail: { rx_bytes: bytes, tx_bytes: bytes, included_bytes: bytes } });
      const { rows } = pageOf(shownInvoice({ customer: { name: 'n', language }, lines: [line] }));
      expect(englishIn((rows[0]?.more ?? []).join(' ').replaceAll(/\b([kMGTPE]B)\b/g, ''))).toEqual([]);
    }
  });
});

describe('B5: dates are those of the zone', () => {
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
