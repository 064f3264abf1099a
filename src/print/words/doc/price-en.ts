import type { PriceWords } from './price-words.ts';

const of = (name: string | null): string => (name === null ? '' : ` “${name}”`);

/** What a price list says in English. */
export const PRICE_EN: PriceWords = {
  title: 'Price list',
  inForce: 'In force',
  asOf: 'Prices as of',
  item: 'Item',
  price: 'Price',
  none: 'There are no plans.',
  free: 'free',
  service: 'Service',
  traffic: (name, counted) => `Traffic${of(name)} (${counted})`,
  counting: { sum: 'received + sent', in: 'received', out: 'sent', max: 'the larger of received and sent' },
  percentile: (name) => `Bandwidth${of(name)}, 95th percentile of slots of five minutes`,
  included: (amount) => `${amount} included in each billing period`,
  tier: ({ after, upTo, unit }) =>
    upTo === null
      ? after === null
        ? 'each unit'
        : `beyond ${after} ${unit}`
      : after === null
        ? `up to ${upTo} ${unit}`
        : `from ${after} to ${upTo} ${unit}`,
  volume: ({ after, upTo, unit }) =>
    upTo === null ? (after === null ? 'all units' : `all, if more than ${after} ${unit}`) : `all, if at most ${upTo} ${unit}`,
  startedUnits: 'A unit that was begun counts as a whole one.',
  perUnit: (price, unit) => `${price} / ${unit}`,
  interfaces: (patterns) => `Interfaces ${patterns.join(', ')}`,
  minimum: 'Minimum of service, traffic and flat sum',
  maximum: 'Maximum of service, traffic and flat sum',
  flat: 'Flat sum',
  setup: 'Set-up',
  handling: 'Handling fee kept back from a refund, where the terms say so',
  perPeriod: (price) => `${price} / period`,
  once: (price) => `${price} once`,
  fees: (title) => `Fees under the terms “${title}”`,
  each: (price) => `${price} each`,
  lateFee: 'Late fee on what is overdue',
  percentPerDay: (percent) => `${percent} % / day`,
  termsOf: (title) => `Terms: ${title}`,
  remarksHead: 'Notes',
  remarks: [
    'A part of a month is charged by the day, a part of a day by the minute.',
    'Taxes are not included; they are added at the rates that apply to the account.',
    'What is included, tiers, minimum, maximum and flat sums are of a billing period; of a part of it they count in proportion.',
  ],
};
