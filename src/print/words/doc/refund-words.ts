import type { Sayings } from '../../../rating/say.ts';
import type { LimitSay, MeasuredSay, RefundReason } from '../../../terms/measured-say.ts';

/** What a refund decision says. Lengths, bytes, causes and kinds of events are given in the document's language. */
export interface RefundWords {
  readonly title: string;
  readonly decision: Readonly<Record<'eligible' | 'not_eligible' | 'needs_review', string>>;
  readonly refund: string;
  readonly heading: string;
  readonly at: string;
  readonly decidedOn: string;
  readonly terms: string;
  readonly version: (title: string, version: number) => string;
  readonly reason: Sayings<RefundReason>;
  readonly destination: Readonly<Record<'balance' | 'original_payment', string>>;
  readonly whatIf: string;
  readonly nothingPaid: string;
  readonly grounds: string;
  readonly bars: string;
  readonly noGrounds: string;
  readonly rule: string;
  readonly measured: string;
  readonly limit: string;
  readonly outcome: string;
  readonly ground: Readonly<Record<'pass' | 'fail' | 'unknown', string>>;
  readonly bar: Readonly<Record<'pass' | 'fail' | 'unknown', string>>;
  readonly only: (grounds: string) => string;
  readonly value: (said: MeasuredSay, show: Shown) => string;
  readonly bound: (said: LimitSay, show: Shown) => string;
  readonly calculation: string;
  readonly basis: Readonly<Record<'full' | 'remaining', string>>;
  readonly paidAmount: string;
  readonly paidFor: string;
  readonly share: string;
  readonly handlingFee: string;
  readonly refundedBefore: string;
  readonly evidence: string;
  readonly samplesBetween: (n: string, from: string, to: string) => string;
  readonly noSamples: string;
  readonly meteredTo: string;
  readonly range: string;
  readonly samples: string;
  readonly traffic: string;
  readonly events: string;
  readonly outages: string;
  readonly noOutages: string;
  readonly outage: (time: string, cause: string, length: string) => string;
  readonly openOutage: (from: string, cause: string) => string;
  readonly check: (id: string) => string;
}

/** Figures in the document's language. */
export interface Shown {
  readonly time: (ms: number) => string;
  readonly bytes: (exact: string) => string;
  readonly causes: (causes: readonly string[]) => string;
  readonly kinds: (kinds: readonly string[]) => string;
}
