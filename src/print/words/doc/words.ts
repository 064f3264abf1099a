import type { FormulaSay, Sayings } from '../../../rating/say.ts';

/** What documents of `layout` 2 say around and under their lines. Texts given in are in the document's language already. */
export interface DocWords {
  // Who
  readonly registration: (number: string) => string;
  readonly purchaseOrder: string;
  // Lines
  readonly plan: (title: string, id: string) => string;
  readonly service: (plans: readonly string[]) => string;
  /** Unavailable minutes, as text and as their number. */
  readonly credit: (minutes: string, n: number) => string;
  /** `15 of 31 days`, `1 month`, `2 days 3 h`. */
  readonly months: (n: number) => string;
  readonly daysOf: (served: string, of: number) => string;
  readonly days: (n: number) => string;
  readonly hours: (hours: number, minutes: number) => string;
  readonly per: Readonly<Record<'month' | 'day' | 'hour', (price: string) => string>>;
  /** A part of a line: its time, plan, quantity, price, and what that comes to. */
  readonly part: (part: { time: string; plan: string; quantity: string; price: string; amount: string }) => string;
  /** The sum that lines are brought up or down to, and what they come to. */
  readonly bound: (sum: string, lines: string) => string;
  readonly percentOf: (percent: string) => string;
  readonly perDay: (percent: string) => string;
  /** Units at a price each, of traffic that several tiers price. */
  readonly atPrice: (units: string, price: string) => string;
  readonly counted: (counted: string, included: string, billable: string) => string;
  readonly rank: (rank: string, slots: string, bytes: string) => string;
  readonly uptime: (of: {
    month: string;
    uptime: string;
    below: string;
    credit: string;
    of: string;
    up: string;
    all: string;
  }) => string;
  readonly outage: (of: { time: string; cause: string; note: string | null }) => string;
  readonly moreOutages: (n: number) => string;
  readonly dueAt: (when: string) => string;
  readonly owed: (of: { owed: string; time: string; days: number; charge: string | null }) => string;
  readonly shareOf: (vms: readonly string[]) => string;
  readonly moreRuns: (n: number) => string;
  readonly event: (of: { when: string; fee: string | null }) => string;
  readonly correction: (of: { invoice: string; line: number | null; what: string }) => string;
  readonly wasIs: (before: string, after: string) => string;
  readonly minutesWere: (of: { when: string; before: number; after: number }) => string;
  readonly incident: (of: { time: string | null; cause: string; note: string | null; withdrawn: boolean }) => string;
  readonly zeroLines: (n: number) => string;
  // Sums
  readonly tax: (of: { name: string | null; percent: string; base: string | null }) => string;
  readonly taxCorrection: (of: { name: string | null; percent: string; invoice: string }) => string;
  readonly exempt: (of: { name: string | null; base: string | null; reason: string }) => string;
  readonly fromBalance: string;
  readonly uncovered: string;
  readonly inFavour: string;
  readonly refunded: string;
  // Payment
  readonly paymentTerms: string;
  readonly dueWithin: (days: number) => string;
  readonly payments: string;
  readonly payment: (of: { when: string; amount: string; note: string; refund: boolean }) => string;
  readonly paidFromBalance: (amount: string) => string;
  // Sections
  readonly clauses: string;
  readonly how: string;
  /** How each kind of amount comes about, in plain words. */
  readonly formula: Sayings<FormulaSay>;
  readonly check: string;
  readonly checkText: (id: string) => string;
  readonly quoted: (text: string) => string;
}
