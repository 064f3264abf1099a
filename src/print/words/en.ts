import type { EventKind } from '../../domain/event-kinds.ts';
import type { AboutSay, Sayings } from '../../rating/say.ts';
import { NOTE } from './content.ts';
import { DOC_EN } from './doc/en.ts';
import { REFUND_EN } from './doc/refund-en.ts';
import { PRICE_EN } from './doc/price-en.ts';
import { STATEMENT_EN } from './doc/statement-en.ts';
import { describe } from './legacy.ts';
import { sayIn, sizeName, type Words } from './words.ts';

/** What is printed in English. */
const COUNTING = {
  sum: 'received + sent',
  in: 'received',
  out: 'sent',
  max: 'the larger of received and sent',
} as const;

const FEES: Readonly<Record<EventKind, string>> = {
  payment: 'payment',
  refund: 'refund',
  terms_violated: 'terms violated',
  abuse: 'abuse',
  harm: 'harm to other users',
  dispute: 'payment dispute',
  dispute_closed: 'payment dispute closed',
  malicious_trial: 'malicious trial',
  withdrawn: 'product withdrawn',
  verification_refused: 'verification refused',
  suspended: 'suspension',
  resumed: 'resumption',
  reminder: 'reminder',
  expired: 'term over',
  ended: 'end of service',
  deletion_due: 'deletion due',
  credit_claimed: 'credit claimed',
  ip_replaced: 'IP address replaced',
  ip_unusable: 'unusable IP address replaced',
  ip_blocked: 'blocked IP address replaced',
};

const ABOUT: Sayings<AboutSay> = {
  service: ({ plans }) => `Service, plan ${plans.join(', ')}`,
  traffic: ({ counting, plan, class: of }) =>
    `Traffic${of === undefined ? '' : ` “${of}”`} (${COUNTING[counting]}), plan ${plan}`,
  percentile: ({ direction, plan, class: of }) =>
    `95th percentile${of === undefined ? '' : ` of traffic “${of}”`} (${direction === 'sum' ? COUNTING.sum : 'the larger direction'}), plan ${plan}`,
  flat: ({ plan }) => `Flat sum, plan ${plan}`,
  setup: ({ plan }) => `Set-up, plan ${plan}`,
  minimum: ({ plan }) => `Up to the minimum of plan ${plan}`,
  maximum: ({ plan }) => `Down to the maximum of plan ${plan}`,
  add_on: ({ name }) => name,
  discount: ({ name, percent }) => (percent === undefined ? `Discount: ${name}` : `Discount of ${percent} %: ${name}`),
  credit: ({ minutes }) => `Credit for ${minutes} unavailable ${minutes === 1 ? 'minute' : 'minutes'}`,
  fee: ({ event }) => `Fee: ${FEES[event]}`,
  charge: ({ kind, text }) => (kind === 'handling' ? 'Handling fee of a refund' : text),
  late_fee: ({ invoice }) => `Late fee on invoice ${invoice}`,
  late_charges: () => 'Late fee on daily charges that the prepaid balance did not cover',
  tax: ({ percent, name }) => `${name ?? 'Tax'} ${percent} %`,
  correction: ({ invoice, line, of }) =>
    `Correction of ${line === null ? 'a line that was lacking' : `line ${line}`} of invoice ${invoice}: ${sayIn(ABOUT, of)}`,
  as_written: ({ text }) => describe(text, 'en'),
};

const CHARGED = {
  one_off: 'charged by decision',
  quoted: 'at the price that was quoted',
  damage: 'for damage',
  handling: 'kept of a refund for handling',
} as const;

const FORMULA: Words['formula'] = {
  price_per_day: () => 'each local day costs D = P, the price per day',
  price_per_hour: () => 'each local day costs D = P x its hours (23, 24 or 25)',
  price_per_month: () => 'day d (from 0) of a month of N days costs D = floor(P(d+1)/N) - floor(P d/N)',
  price_per_minute: () => 'minute k of a day of M minutes costs floor(D(k+1)/M) - floor(D k/M)',
  average: () => 'the unit price is the average',
  credit_by_time: () => 'each local day by itself: min(cap x D, multiplier x worth of its unavailable minutes)',
  credit_by_percent: () => 'min(cap, share per minute x unavailable minutes) of the charge',
  credit_by_tier: () => "the share of the tier that the calendar month's uptime reaches, of the month's charge",
  metered: ({ counting, started_units_whole: whole }) =>
    `(${COUNTING[counting]} - included bytes, at least 0) / bytes of a unit${whole ? ', started units whole' : ''}`,
  tiers_volume: () => 'all units at the price of the tier that holds them',
  tiers_graduated: () => 'each tier prices its own units',
  part_of_period: ({ minutes, of }) =>
    `of what is included, and of the tiers, ${minutes} / ${of}: its share of the served minutes`,
  share_of_minutes: ({ minutes, of }) => `${minutes} / ${of} of it: its share of the served minutes`,
  once: () => 'once, when first served on the plan',
  up_to_minimum: () => 'the minimum - the lines of the plan (rounded)',
  down_to_maximum: () => 'the maximum - the lines of the plan (rounded)',
  discount_percent: () => 'share of the lines that it is on (rounded), as far as they are of its time',
  discount_sum: () => 'the sum by the time, spread over the served minutes as a price is',
  discount_most: () => 'at most what these lines hold',
  percentile_rank: () => 'bytes of the 5-minute slot of rank ceil(0.95 n), ascending, absent slots 0',
  percentile_rate: () => 'x 8 / 300 s / 10^6 x price',
  events: () => 'recorded events that are not free x fee',
  charge: ({ kind }) => CHARGED[kind],
  exchanged: ({ amount, currency, rate }) => `${amount} ${currency} x ${rate}`,
  late_days: () => 'amount owed at the start of each started day x rate',
  late_charge_days: () => 'amount of each charge owed at the start of each started day x rate',
  no_fee_on_fees: () => 'simple: no fee on a fee',
  tax: () => 'sum of the rounded lines before x rate / 100',
  correction: () => 'what the line rates to now - (the line - what was credited on it + what was debited before)',
  by_hand: () => 'given back by decision; tax at the rate of the lines',
};

const counted = (unit: string, quantity: string): string => (quantity === '1' ? unit : `${unit}s`);

const UNIT: Words['unit'] = {
  day: ({ quantity }) => counted('day', quantity),
  minute: ({ quantity }) => counted('minute', quantity),
  event: ({ quantity }) => counted('event', quantity),
  period: ({ quantity }) => counted('period', quantity),
  piece: ({ quantity }) => counted('piece', quantity),
  correction: ({ quantity }) => counted('correction', quantity),
  bytes: ({ size, quantity }) => (size === 1 ? counted('byte', quantity) : (sizeName(size) ?? `${size} bytes`)),
  mbit_per_second: () => 'Mbit/s',
  currency: ({ currency }) => currency,
};

const CAUSES: Words['causes'] = {
  provider: 'provider',
  third_party: 'third party',
  maintenance: 'maintenance',
  force_majeure: 'force majeure',
  attack: 'attack',
  customer: 'customer',
  arrears: 'arrears',
  silent: 'silent',
};

const REASON: Words['reason'] = {
  incidents: ({ incidents }) =>
    `incidents since it was issued: ${incidents.map(({ id, cause, withdrawn }) => `${id} (${CAUSES[cause]}${withdrawn ? ', withdrawn' : ''})`).join(', ')}`,
  claims: ({ claims }) => `credit claimed since it was issued: ${claims.map(({ event, vm }) => `${event} (${vm})`).join(', ')}`,
  restated: () => 'samples, events or the catalog were restated since it was issued',
  refund: ({ check, vm, from, until }) => `refund of ${vm}, ${from} to ${until}, granted by refund check ${check}`,
  by_hand: ({ text }) => text,
};

const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December']; // prettier-ignore

const date: Words['date'] = ({ year, month, dayOfMonth }) => `${dayOfMonth} ${MONTHS[month - 1] ?? ''} ${year}`;

export const EN: Words = {
  language: 'en',
  about: ABOUT,
  formula: FORMULA,
  unit: UNIT,
  reason: REASON,
  note: NOTE,
  causes: CAUSES,
  partsApart: '; ',
  itemsApart: ', ',
  date,
  month: ({ year, month }) => `${MONTHS[month - 1] ?? ''} ${year}`,
  range: (first, last) => {
    const isOneMonth = first.year === last.year && first.month === last.month;
    if (!isOneMonth) return `${date(first)} – ${date(last)}`;
    return first.dayOfMonth === last.dayOfMonth ? date(first) : `${first.dayOfMonth}–${date(last)}`;
  },
  shortDate: ({ month, dayOfMonth }) => `${dayOfMonth} ${(MONTHS[month - 1] ?? '').slice(0, 3)}`,
  duration: { h: 'h', min: 'min', s: 's', ms: 'ms' },
  bytes: 'bytes',
  doc: DOC_EN,
  refund: REFUND_EN,
  statement: STATEMENT_EN,
  prices: PRICE_EN,
  events: { ...FEES, ip_blocked: 'IP address blocked', ip_unusable: 'IP address unusable' },
  labels: {
    invoice: 'Invoice',
    creditNote: 'Credit note',
    preview: 'PREVIEW – not an invoice',
    draft: 'DRAFT – not an invoice',
    void: 'VOID – nothing is owed',
    paid: 'PAID',
    settled: 'SETTLED',
    open: 'OPEN',
    dueOn: (date) => `due ${date}`,
    issuedNote: 'ISSUED',
    from: 'From',
    billTo: 'To',
    number: 'Number',
    noNumber: 'none yet',
    issued: 'Issued',
    period: 'Period',
    due: 'Due',
    account: 'Account',
    taxId: 'Tax ID',
    corrects: 'Corrects',
    currency: 'Currency',
    vm: 'VM',
    item: 'Item',
    quantity: 'Quantity',
    unitPrice: 'Unit price',
    amount: 'Amount',
    subtotal: 'Subtotal',
    total: 'Total',
    credited: 'Credited',
    paidAmount: 'Paid',
    outstanding: 'Amount due',
    toPay: 'How to pay',
    notes: 'Notes',
    incomplete: 'The period had not been metered to its end when this was made: amounts may still change.',
    incompleteFinal:
      'The period had not been metered to its end when this was made: what is found later goes on a credit note or a later invoice.',
    formulas: 'How the amounts come about',
    usage: 'Uptime and traffic by day',
    allVms: (n) => (n === 1 ? '1 VM' : `all ${n} VMs`),
    some: (shown, all) =>
      `Shown singly: the ${shown} of ${all} VMs that were not up for longest, or moved most traffic. The JSON of this document has the days of every VM.`,
    up: 'up',
    provider: 'down: provider',
    otherCause: 'down: other cause',
    silent: 'not measured',
    unmetered: 'not measured',
    received: 'received',
    sent: 'sent',
    notUp: (time) => `not up ${time}`,
    alwaysUp: 'always up',
    upAsMeasured: 'up whenever it was measured',
    notMeasured: (time) => `not measured ${time}`,
    perDay: (most) => `top: ${most} a day`,
    sources: 'How to check it',
    sourcesText:
      'Each line follows from the answer to its query, and that from the raw samples (kept for the retention of the service). Queries are paths of the API.',
    line: 'Line',
    query: 'Query',
    samples: 'Raw samples',
    digests: 'Digests',
    digestText: 'SHA-256 of this document’s content and evidence: a copy can be checked against them at any time.',
    notFinal: 'Not final: no number and no digests yet.',
    content: 'Content',
    evidence: 'Evidence',
    page: (page, pages) => `Page ${page} of ${pages}`,
    missing: 'Characters that could not be printed are shown as □; the HTML and JSON forms have them.',
    moreDays: (n) => `and ${n} more`,
    capped: 'capped',
    minutes: (n) => `${n} min`,
    traffic: (received, sent) => `received ${received}, sent ${sent}`,
    included: (amount) => `${amount} included`,
  },
};
