import type { NotedField, NoteSay } from '../../rating/note.ts';
import type { AboutSay, FormulaSay, LineSay, ReasonSay, Sayings, UnitSay } from '../../rating/say.ts';
import { hoursText, sayIn, sizeName } from './words.ts';

/**
 * The English that is kept in documents, and that their JSON and CSV have: digests cover it and programs read it, so it never
 * changes. What is printed in English is in `en.ts`.
 */
const COUNTING = {
  sum: 'received + sent',
  in: 'received',
  out: 'sent',
  max: 'the larger of received and sent',
} as const;

function ofClass(name: string | undefined): string {
  return name === undefined ? '' : `, class ${name}`;
}

const ABOUT: Sayings<AboutSay> = {
  service: ({ plans }) => `Service, ${plans.map((plan) => `plan ${plan}`).join(', ')}`,
  traffic: ({ counting, plan, class: of }) => `Traffic (${COUNTING[counting]}), plan ${plan}${ofClass(of)}`,
  percentile: ({ direction, plan, class: of }) =>
    `95th percentile (${direction === 'sum' ? 'received + sent' : 'the larger direction'}), plan ${plan}${ofClass(of)}`,
  flat: ({ plan }) => `Flat sum, plan ${plan}`,
  setup: ({ plan }) => `Set-up, plan ${plan}`,
  minimum: ({ plan }) => `Up to the minimum of plan ${plan}`,
  maximum: ({ plan }) => `Down to the maximum of plan ${plan}`,
  add_on: ({ name }) => name,
  discount: ({ name, percent }) => (percent === undefined ? `Discount: ${name}` : `Discount of ${percent} %: ${name}`),
  credit: ({ minutes }) => `Credit for ${minutes} unavailable ${minutes === 1 ? 'minute' : 'minutes'}`,
  fee: ({ event }) => `Fee: ${event}`,
  charge: ({ text }) => text,
  late_fee: ({ invoice }) => `Late fee on invoice ${invoice}`,
  late_charges: () => 'Late fee on daily charges that the prepaid balance did not cover',
  tax: ({ percent, name }) => `${name ?? 'Tax'} ${percent} %`,
  correction: ({ invoice, line, of }) =>
    `Correction of ${line === null ? 'a line that was lacking' : `line ${line}`} of invoice ${invoice}: ${sayIn(ABOUT, of)}`,
  as_written: ({ text }) => text,
};

const CHARGED = {
  one_off: 'charged by decision',
  quoted: 'at the price that was quoted',
  damage: 'damage',
  handling: 'kept of a refund for handling',
} as const;

const FORMULA: Sayings<FormulaSay> = {
  price_per_day: () => 'each local day costs D = P, the price per day',
  price_per_hour: () => 'each local day costs D = P x its hours (23, 24 or 25)',
  price_per_month: () => 'day d (from 0) of a month of N days costs D = floor(P(d+1)/N) - floor(P d/N)',
  price_per_minute: () => 'minute k of a day of M minutes costs floor(D(k+1)/M) - floor(D k/M)',
  average: () => 'unit_price is the average',
  credit_by_time: () => 'each local day by itself: min(cap x D, multiplier x worth of its unavailable minutes)',
  credit_by_percent: () => 'min(cap, share per minute x unavailable minutes) of the charge',
  credit_by_tier: () => "the share of the tier that the calendar month's uptime reaches, of the month's charge",
  metered: ({ counting, started_units_whole: whole }) =>
    `${COUNTING[counting]} - included_bytes, at least 0, / unit_bytes${whole ? ', started units whole' : ''}`,
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

const UNIT: Sayings<UnitSay> = {
  day: () => 'day',
  minute: () => 'minute',
  event: () => 'event',
  period: () => 'period',
  piece: () => 'piece',
  correction: () => 'correction',
  bytes: ({ size }) => (size === 1 ? 'byte' : (sizeName(size) ?? `${size} bytes`)),
  mbit_per_second: () => 'Mbit/s',
  currency: ({ currency }) => currency,
};

const REASON: Sayings<ReasonSay> = {
  incidents: ({ incidents }) =>
    `incidents since it was issued: ${incidents.map(({ id, cause, withdrawn }) => `${id} (${cause}${withdrawn ? ', withdrawn' : ''})`).join(', ')}`,
  claims: ({ claims }) => `credit claimed since it was issued: ${claims.map(({ event, vm }) => `${event} (${vm})`).join(', ')}`,
  restated: () => 'samples, events or the catalog were restated since it was issued',
  refund: ({ check, vm, from, until }) => `refund of ${vm} from ${from} to ${until}, granted by refund check ${check}`,
  by_hand: ({ text }) => text,
};

const FIELDS: Readonly<Record<NotedField, string>> = {
  customer_name: "the customer's name",
  customer_address: "the customer's address",
  customer_tax_id: "the customer's tax id",
  issuer_name: "the issuer's name",
  issuer_address: "the issuer's address",
  issuer_payment: 'what the issuer says of payment',
  customer_registration: "the customer's registration",
  customer_purchase_order: "the customer's purchase order",
  issuer_registration: "the issuer's registration",
  issuer_payment_terms: "the issuer's payment terms",
  titles: 'the titles of plans or VMs',
  incident_notes: 'the notes of incidents',
};

export const NOTE: Sayings<NoteSay> = {
  period_not_over: ({ ends_at: endsAt }) => `the period ends at ${endsAt} and was not over when this was rated`,
  no_issuer: () => 'the server has no issuer.json: this names no seller, tax id or bank',
  event_outside_service: ({ vm, event, kind, at }) =>
    `${vm}: event ${event} (${kind}, ${at}) is not within its service, so no plan charges it: bill it by hand if it is owed`,
  event_other_currency: ({ vm, event, fee, fee_currency: of, currency }) =>
    `${vm}: event ${event} costs ${fee} ${of} each and the account is in ${currency}: record it again with its rate`,
  never_metered: ({ vms, count }) => {
    const names = `${vms.join(', ')}${count > vms.length ? ` and ${count - vms.length} more` : ''}`;
    return `${count === 1 ? `VM ${names} was` : `${count} VMs ${names} were`} never metered in the period: the service is charged, uptime and traffic are not known, and traffic counts as 0`;
  },
  partly_metered: ({ vm, not_metered_ms: notMeteredMs, served_ms: servedMs }) =>
    `VM ${vm} was not metered for ${hoursText(notMeteredMs, 'h', 'min')} of the ${hoursText(servedMs, 'h', 'min')} that it was served`,
  more_partly_metered: ({ count }) => `${count} more VMs were not metered all the time that they were served`,
  needs_review: ({ count, amount, currency }) =>
    `${count === 1 ? '1 VM' : `${count} VMs`} fell silent and nobody has said why: nothing is credited for it, and ${amount} ${currency} would be if it was the provider's`,
  not_printable: ({ field, characters, count }) =>
    `${FIELDS[field]} has characters that the PDF can't print and shows as □ (${characters.join(' ')}${count > characters.length ? ' …' : ''}): the HTML and JSON forms have them`,
};

/** Notes as they are kept. */
export function noteTexts(notes: readonly NoteSay[]): string[] {
  return notes.map((note) => sayIn(NOTE, note));
}

/** The texts that are kept of a line. */
export function contentWords({ about, formula, unit }: LineSay): { description: string; unit: string; formula: string } {
  return {
    description: aboutText(about),
    unit: sayIn(UNIT, unit),
    formula: formula.map((part) => sayIn(FORMULA, part)).join('; '),
  };
}

/** What a line is for, as it is kept. */
export function aboutText(about: AboutSay): string {
  return sayIn(ABOUT, about);
}

/** Why lines were corrected, as it is kept. */
export function reasonText(reasons: readonly ReasonSay[]): string {
  return reasons.map((reason) => sayIn(REASON, reason)).join('; ');
}
