import { parseInstant } from '../../domain/instant.ts';
import { shortDecimal } from '../amounts.ts';
import { Moments } from '../moments.ts';
import { grouped } from '../numbers.ts';
import type { Paper, Row, TableSection } from '../paper/paper.ts';
import { partyLines, textSection } from '../paper/parts.ts';
import { languageOf, wordsOf } from '../words/language.ts';
import { sizeName, type Words } from '../words/words.ts';
import type { ListedFee, ListedPlan, ListedTerms, PriceList } from './price-list-shape.ts';

/** A line of a price list in words: what it is for, what it costs, and what is to be said of it. */
export interface PriceLine {
  readonly item: string;
  readonly price: string;
  readonly notes: readonly string[];
}

type Traffic = NonNullable<ListedPlan['traffic']>;

/** A price list on paper: a table a plan, then the fees of the terms. */
export function priceListPaper(list: PriceList): Paper {
  const words = wordsOf(languageOf(list.language));
  const { prices } = words;
  const zones = [...new Set(list.plans.map((plan) => plan.time_zone))];
  const moments = new Moments(zones.length === 1 ? (zones[0] ?? 'UTC') : 'UTC', words);
  const currencies = [...new Set(list.plans.map(({ currency }) => currency))].sort().join(', ');
  return {
    words,
    currency: currencies,
    title: prices.title,
    state: { text: prices.inForce, tone: 'paid' },
    stamped: false,
    seller: partyLines(list.issuer, words),
    customer: [],
    facts: [
      { label: prices.asOf, text: `${moments.date(list.at)} (${moments.zoneName})` },
      ...(currencies === '' ? [] : [{ label: words.labels.currency, text: currencies }]),
    ],
    headline: null,
    sections: [
      ...(list.plans.length === 0
        ? textSection(prices.title, [prices.none])
        : list.plans.map((plan) => planTable(plan, list, words))),
      ...list.terms.flatMap((terms) => feesTable(terms, words)),
      ...textSection(prices.remarksHead, prices.remarks, true),
    ],
    author: list.issuer?.name ?? null,
    madeAtMs: parseInstant(list.at) ?? 0,
    subject: prices.title,
    keywords: list.plans.map(({ id }) => id),
  };
}

function table(
  heading: string,
  priceHead: string,
  lines: readonly PriceLine[],
  remark: string | null,
  words: Words,
): TableSection {
  return {
    kind: 'table',
    heading,
    columns: [
      { head: words.prices.item, width: 335, align: 'left' },
      { head: priceHead, width: 170, align: 'right' },
    ],
    rows: lines.map(({ item, price, notes }): Row => ({ cells: [{ text: item, more: notes }, { text: price }], notes: [] })),
    remark,
    sums: [],
  };
}

function planTable(plan: ListedPlan, { terms }: PriceList, words: Words): TableSection {
  const { prices } = words;
  const title = terms.find(({ id }) => id === plan.terms)?.title;
  const heading = plan.title === null ? plan.id : words.doc.plan(plan.title, plan.id);
  const remark = title === undefined ? null : prices.termsOf(title);
  return table(heading, `${prices.price} (${plan.currency})`, planLines(plan, words), remark, words);
}

function feesTable({ title, fees }: ListedTerms, words: Words): TableSection[] {
  if (fees.length === 0) return [];
  const lines = fees.map((fee) => feeLine(fee, words));
  return [table(words.prices.fees(title), words.prices.price, lines, null, words)];
}

/** What terms charge for an event, or for being late. */
export function feeLine(
  { event, amount, currency, percent_per_day: percent, clause, place, free }: ListedFee,
  words: Words,
): PriceLine {
  const { prices } = words;
  const price = amount === null ? prices.percentPerDay(percent ?? '') : prices.each(`${grouped(amount)} ${currency ?? ''}`);
  return {
    item: event === null ? prices.lateFee : words.events[event],
    price,
    notes: [`${words.doc.quoted(clause)} (${place})`, ...free.map((each) => words.doc.quoted(each))],
  };
}

/** Everything that a plan asks for. */
export function planLines(plan: ListedPlan, words: Words): PriceLine[] {
  const { prices, doc } = words;
  const sum = (item: string, amount: string | null | undefined, priced: (price: string) => string): PriceLine[] =>
    amount === null || amount === undefined ? [] : [{ item, price: priced(grouped(amount)), notes: [] }];
  return [
    { item: prices.service, price: doc.per[plan.price.per](grouped(plan.price.amount)), notes: [] },
    ...(plan.traffic === null ? [] : trafficLines(plan.traffic, null, words)),
    ...(plan.traffic?.classes ?? []).flatMap((each) => trafficLines(each, each, words)),
    ...sum(prices.flat, plan.flat, prices.perPeriod),
    ...sum(prices.minimum, plan.minimum, prices.perPeriod),
    ...sum(prices.maximum, plan.maximum, prices.perPeriod),
    ...sum(prices.setup, plan.setup, prices.once),
    ...sum(prices.handling, plan.refund_handling_fee, (price) => price),
  ];
}

function trafficLines(traffic: Traffic, of: { name: string; nics: readonly string[] } | null, words: Words): PriceLine[] {
  const { prices } = words;
  const notes = of === null ? [] : [prices.interfaces(of.nics)];
  if (traffic.counting === 'p95') {
    const price = prices.perUnit(grouped(traffic.price_per_mbps), 'Mbit/s');
    return [{ item: prices.percentile(of?.name ?? null), price, notes }];
  }
  const { included_bytes: included, unit_bytes: size, tiers, mode, round_up: isRounded } = traffic;
  const unit = sizeName(size) ?? `${grouped(size.toString())} ${words.bytes}`;
  const item = prices.traffic(of?.name ?? null, prices.counting[traffic.counting]);
  const said = [
    ...notes,
    ...(included === 0 ? [] : [prices.included(`${units(included, size)} ${unit}`)]),
    ...(isRounded ? [prices.startedUnits] : []),
  ];
  return tiers.map(({ up_to: upTo, price }, i): PriceLine => {
    const before = tiers[i - 1]?.up_to ?? null;
    const bound = (n: number | null): string | null => (n === null ? null : grouped(n.toString()));
    const tier = prices[mode === 'volume' ? 'volume' : 'tier']({ after: bound(before), upTo: bound(upTo), unit });
    return {
      item: tiers.length === 1 ? item : `${item}${words.partsApart}${tier}`,
      price: /^0(\.0+)?$/.test(price) ? prices.free : prices.perUnit(grouped(price), unit),
      notes: i === 0 ? said : [],
    };
  });
}

/** Bytes in units, exact to three decimals. */
function units(bytes: number, size: number): string {
  const thousandths = (BigInt(bytes) * 1000n) / BigInt(size);
  const text = `${thousandths / 1000n}.${(thousandths % 1000n).toString().padStart(3, '0')}0`;
  return grouped(shortDecimal(text, 3));
}
