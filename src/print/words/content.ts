import type { AboutSay, FormulaSay, LineSay, ReasonSay, Sayings, UnitSay } from '../../rating/say.ts';
import { sayIn, sizeName } from './words.ts';

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

const ABOUT: Sayings<AboutSay> = {
  service: ({ plans }) => `Service, ${plans.map((plan) => `plan ${plan}`).join(', ')}`,
  traffic: ({ counting, plan }) => `Traffic (${COUNTING[counting]}), plan ${plan}`,
  percentile: ({ direction, plan }) =>
    `95th percentile (${direction === 'sum' ? 'received + sent' : 'the larger direction'}), plan ${plan}`,
  credit: ({ minutes }) => `Credit for ${minutes} unavailable ${minutes === 1 ? 'minute' : 'minutes'}`,
  fee: ({ event }) => `Fee: ${event}`,
  late_fee: ({ invoice }) => `Late fee on invoice ${invoice}`,
  late_charges: () => 'Late fee on daily charges that the prepaid balance did not cover',
  tax: ({ percent }) => `Tax ${percent} %`,
  correction: ({ invoice, line, of }) =>
    `Correction of ${line === null ? 'a line that was lacking' : `line ${line}`} of invoice ${invoice}: ${sayIn(ABOUT, of)}`,
  as_written: ({ text }) => text,
};

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
  percentile_rank: () => 'bytes of the 5-minute slot of rank ceil(0.95 n), ascending, absent slots 0',
  percentile_rate: () => 'x 8 / 300 s / 10^6 x price',
  events: () => 'recorded events that are not free x fee',
  late_days: () => 'amount owed at the start of each started day x rate',
  late_charge_days: () => 'amount of each charge owed at the start of each started day x rate',
  no_fee_on_fees: () => 'simple: no fee on a fee',
  tax: () => 'sum of the rounded lines before x rate / 100',
  correction: () => 'what the line rates to now - (the line - what was credited on it + what was debited before)',
};

const UNIT: Sayings<UnitSay> = {
  day: () => 'day',
  minute: () => 'minute',
  event: () => 'event',
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
};

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
