import type { DocWords } from './words.ts';

const days = (n: number): string => (n === 1 ? '1 day' : `${n} days`);

/** What documents of `layout` 2 say in English. */
export const DOC_EN: DocWords = {
  registration: (number) => `Reg. no. ${number}`,
  purchaseOrder: 'Purchase order',
  plan: (title, id) => `${title} (${id})`,
  service: (plans) => `Service, ${plans.join(', ')}`,
  credit: (minutes, n) => `Credit for ${minutes} unavailable ${n === 1 ? 'minute' : 'minutes'}`,
  months: (n) => (n === 1 ? '1 month' : `${n} months`),
  daysOf: (served, of) => `${served} of ${of} days`,
  days,
  hours: (hours, minutes) => [...(hours === 0 ? [] : [`${hours} h`]), ...(minutes === 0 ? [] : [`${minutes} min`])].join(' '),
  per: { month: (price) => `${price} / month`, day: (price) => `${price} / day`, hour: (price) => `${price} / hour` },
  part: ({ time, plan, quantity, price, amount }) => `${time}: ${plan}, ${quantity} × ${price} = ${amount}`,
  bound: (sum, lines) => `Agreed ${sum}; the lines of the plan come to ${lines}`,
  percentOf: (percent) => `${percent} %`,
  perDay: (percent) => `${percent} % / day`,
  atPrice: (units, price) => `${units} at ${price}`,
  counted: (counted, included, billable) => `${counted} bytes counted − ${included} included = ${billable}`,
  rank: (rank, slots, bytes) => `slot ${rank} of ${slots} by size, of 5 minutes each: ${bytes} bytes`,
  uptime: ({ month, uptime, below, credit, of, up, all }) =>
    `${month}: up ${uptime} % (${up} of ${all} min), below ${below} %: ${credit} % of ${of}`,
  outage: ({ time, cause, note }) => `${time}, ${cause}${note === null ? '' : `: “${note}”`}`,
  moreOutages: (n) => (n === 1 ? 'and 1 shorter outage' : `and ${n} shorter outages`),
  dueAt: (when) => `Was due on ${when}`,
  owed: ({ owed, time, days: n, charge }) => `${charge === null ? '' : `Charge of ${charge}: `}${owed} owed ${time} (${days(n)})`,
  shareOf: (vms) => `On the share of ${vms.join(', ')}`,
  moreRuns: (n) => `and ${n} more`,
  event: ({ when, fee }) => `${when}: ${fee ?? 'free'}`,
  correction: ({ invoice, line, what }) =>
    `Correction of ${line === null ? 'what was lacking on' : `line ${line} of`} invoice ${invoice}: ${what}`,
  wasIs: (before, after) => `Was ${before}, is ${after}`,
  minutesWere: ({ when, before, after }) => `${when}: ${after} unavailable minutes, was ${before}`,
  incident: ({ time, cause, note, withdrawn }) =>
    `Reason: ${time === null ? 'incident' : `incident of ${time}`}, ${cause}${note === null ? '' : `: “${note}”`}${withdrawn ? ' (withdrawn)' : ''}`,
  zeroLines: (n) =>
    n === 1 ? 'One line that comes to nothing is not listed.' : `${n} lines that come to nothing are not listed.`,
  tax: ({ name, percent, base }) => `${name ?? 'Tax'} ${percent} %${base === null ? '' : ` on ${base}`}`,
  taxCorrection: ({ name, percent, invoice }) => `${name ?? 'Tax'} ${percent} %, correction of invoice ${invoice}`,
  exempt: ({ name, base, reason }) => `${name ?? 'Tax'} 0 %${base === null ? '' : ` on ${base}`}: ${reason}`,
  fromBalance: 'Charged to the prepaid balance',
  uncovered: 'Of it not covered by the balance yet',
  inFavour: 'In your favour',
  refunded: 'Paid back',
  paymentTerms: 'Payment terms',
  dueWithin: (n) => `${days(n)} after issue`,
  payments: 'Payments',
  payment: ({ when, amount, note, refund }) =>
    `${refund ? 'Paid back' : 'Paid'} ${when}: ${amount}${note === '' ? '' : ` (${note})`}`,
  paidFromBalance: (amount) => `Paid from the prepaid balance: ${amount}`,
  clauses: 'Terms that these lines rest on',
  how: 'How the amounts come about',
  formula: {
    price_per_day: () => 'A day served whole costs the price of a day.',
    price_per_hour: () => 'A day costs the price of an hour times its hours: 24, or 23 and 25 where the clock changes.',
    price_per_month: () => 'A month’s price is spread over the days of that month, so that all of them come to it exactly.',
    price_per_minute: () =>
      'Of a day that was not served whole, its minutes in service count, all minutes of a day coming to its price exactly.',
    average: () => '',
    credit_by_time: () =>
      'Unavailable minutes are credited at what they cost, day by day, and never beyond what the day was charged.',
    credit_by_percent: () => 'For each unavailable minute a share of the charge is credited, up to the limit of the terms.',
    credit_by_tier: () => 'By the uptime of the calendar month, a share of the month’s charge is credited.',
    metered: ({ started_units_whole: whole }) =>
      `Traffic beyond what is included is charged by the unit${whole ? '; a unit that was begun counts whole' : ''}.`,
    tiers_volume: () => 'All units have the price of the tier that the last of them is in.',
    tiers_graduated: () => 'Each unit has the price of its own tier.',
    part_of_period: () =>
      'Of a plan that was on for a part of the period, what is included and the tiers count for its share of the served minutes.',
    share_of_minutes: () => 'A sum of a period counts for the plan’s share of the served minutes.',
    once: () => 'A set-up is charged once, when a VM is first served on the plan.',
    up_to_minimum: () => 'Where the lines of a plan come to less than its minimum, the difference is charged.',
    down_to_maximum: () => 'Where the lines of a plan come to more than its maximum, the difference is taken off.',
    discount_percent: () => 'A discount in percent is taken of the lines as they are charged, as far as they are of its time.',
    discount_sum: () => 'A discount that is a sum of money is spread over its time as a price is.',
    discount_most: () => 'A discount takes off no more than the lines hold that it is on.',
    percentile_rank: () => 'Slots of five minutes are put in order of size; the one at 95 % counts.',
    percentile_rate: () => 'Its bytes, as bits a second in millions, are multiplied by the price.',
    events: () => 'Recorded events that are not free are charged a fee each.',
    charge: () => 'Charged by hand: by decision, at a quoted price, for damage, or what is kept of a refund for handling.',
    exchanged: () => 'What was agreed in another currency is charged at the rate that was recorded.',
    late_days: () => 'For each day that was begun late, a share of what was owed at its beginning is charged.',
    late_charge_days: () =>
      'For each day that was begun late, a share of each daily charge still owed at its beginning is charged.',
    no_fee_on_fees: () => 'Late fees bear no late fee.',
    tax: () => 'Tax is computed on the sum of the rounded lines.',
    correction: () => 'A correction is what the line comes to now, less what it came to before.',
    by_hand: () => 'Given back by decision; tax follows at the rate of the line.',
  },
  check: 'How to check it',
  checkText: (id) =>
    `Every line can be computed again from the samples. The JSON form of this document (id ${id}) has the query and the evidence of each; a copy is checked with “uptally verify --invoice”, without the issuer.`,
  quoted: (text) => `“${text}”`,
};
