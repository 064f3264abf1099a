import type { RefundWords } from './refund-words.ts';

const BOUNDS = { at_least: 'at least', more_than: 'more than', at_most: 'at most', less_than: 'less than' } as const;
const SINCE = { payment: 'the payment', start: 'the start of service' } as const;
const MISSING = { payment: 'no payment is recorded', start: 'no start of service is recorded', samples: 'no sample of this VM was taken in' } as const; // prettier-ignore
const DATES = { paid_until: 'until when it is paid', paid_at: 'when it was paid' } as const;

export const REFUND_EN: RefundWords = {
  title: 'Refund decision',
  decision: { eligible: 'ELIGIBLE', not_eligible: 'NOT ELIGIBLE', needs_review: 'NEEDS REVIEW' },
  refund: 'Refund',
  heading: 'Decision',
  at: 'As of',
  decidedOn: 'Decided',
  terms: 'Terms',
  version: (title, version) => `${title}, version ${version}`,
  reason: {
    applies: ({ ground }) => `The refund is due: ground “${ground}” applies, and nothing bars it.`,
    open: ({ ground }) => `Whether ground “${ground}” applies hangs on what is not known yet. A person has to judge it.`,
    unpriced: ({ ground }) =>
      `Ground “${ground}” applies, but what it is worth cannot be computed: the payment, its amount, the paid time or its plan is not recorded. A person has to judge it.`,
    not_paid: ({ ground }) => `Ground “${ground}” applies, but nothing had been paid by then.`,
    nothing_left: ({ ground }) => `Ground “${ground}” applies, but nothing is left to refund.`,
    no_ground: () => 'No refund is due: no ground applies, or what applies is barred.',
  },
  destination: {
    balance: 'The amount goes to the account balance.',
    original_payment: 'The amount goes back the way it was paid.',
  },
  whatIf: 'This asks what if: other terms than those agreed for this VM were applied. Nothing follows from it.',
  nothingPaid: 'This document pays nothing by itself.',
  grounds: 'Grounds: what a refund may rest on',
  bars: 'Bars: what stands in the way of a refund',
  noGrounds: 'These terms know no ground for a refund.',
  rule: 'Rule of the terms',
  measured: 'Measured',
  limit: 'Limit',
  outcome: 'Outcome',
  ground: { pass: 'applies', fail: 'does not apply', unknown: 'not known' },
  bar: { pass: 'does not stand in the way', fail: 'stands in the way', unknown: 'not known' },
  only: (grounds) => `bars only: ${grounds}`,
  value: (said, { time, bytes, causes, kinds }) => {
    switch (said.code) {
      case 'elapsed':
        return said.before ? `${time(said.ms)} before ${SINCE[said.since]}` : `${time(said.ms)} since ${SINCE[said.since]}`;
      case 'not_recorded':
        return `not known: ${MISSING[said.what]}`;
      case 'outage':
        return [
          `longest outage by ${causes(said.causes)}: ${time(said.ms)}`,
          ...(said.judged_ms > 0 ? [`${time(said.judged_ms)} with time (${causes(said.unsure)}) whose cause a person must judge`] : []),
          ...(said.other_ms > 0 ? [`longest of other causes: ${time(said.other_ms)}`] : []),
        ].join('; '); // prettier-ignore
      case 'bytes':
        return bytes(said.bytes);
      case 'events':
        return [
          `${said.count} recorded${said.account ? ' on the account' : ''} (${kinds(said.kinds)})`,
          ...(said.missing === null ? [] : [`not known: ${DATES[said.missing]}`]),
        ].join('; ');
      case 'promotion':
        return said.sold ? 'sold at a promotion' : 'sold at no promotion';
      case 'grounds':
        return said.count === 1 ? '1 ground applies' : `${said.count} grounds apply`;
    }
  },
  bound: (said, { time, bytes, kinds }) => {
    switch (said.code) {
      case 'time':
        return `${BOUNDS[said.bound]} ${time(said.ms)}`;
      case 'outage':
        return `${BOUNDS[said.bound]} ${time(said.ms)}${said.within_ms === null ? '' : `, in the first ${time(said.within_ms)} after the payment`}`;
      case 'bytes':
        return `${BOUNDS[said.bound]} ${bytes(said.bytes)}`;
      case 'events':
        return `${BOUNDS[said.bound]} ${said.count} (${kinds(said.kinds)})${said.before_expiry ? ' before the paid time ends' : ''}`;
      case 'promotion':
        return 'sold at a promotion';
      case 'grounds':
        return 'at least 1 ground';
    }
  },
  calculation: 'How the amount comes about',
  basis: { full: 'The whole amount paid', remaining: 'The worth of the time still paid for' },
  paidAmount: 'Paid',
  paidFor: 'Paid for',
  share: 'Share',
  handlingFee: 'Less handling fee',
  refundedBefore: 'Refunded before',
  evidence: 'What was measured',
  samplesBetween: (n, from, to) => `${n}, from ${from} to ${to}`,
  noSamples: 'none',
  meteredTo: 'Metered up to',
  range: 'Time looked at',
  samples: 'Raw samples',
  traffic: 'Traffic since the payment',
  events: 'Recorded events',
  outages: 'Outages',
  noOutages: 'none',
  outage: (time, cause, length) => `${time}, ${cause}: ${length}`,
  openOutage: (from, cause) => `since ${from}, ${cause}: goes on`,
  check: (id) => `The JSON form of this decision (id ${id}) has the whole terms sheet, every fact and all outages behind it.`,
};
