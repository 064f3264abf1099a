import type { EventKind } from '../../domain/event-kinds.ts';
import type { PlanBody } from '../../domain/plan.ts';
import type { partyLines } from '../paper/parts.ts';

/** A plan as its customers are told it. */
export interface ListedPlan extends Pick<
  PlanBody,
  'currency' | 'time_zone' | 'price' | 'traffic' | 'minimum' | 'maximum' | 'flat' | 'setup' | 'refund_handling_fee' | 'terms'
> {
  readonly id: string;
  readonly title: string | null;
}

/** What terms charge besides: for an event, or for each day that something is overdue. */
export interface ListedFee {
  /** null: for being late. */
  readonly event: EventKind | null;
  /** null: `percent_per_day` of what is overdue. */
  readonly amount: string | null;
  readonly currency: string | null;
  readonly percent_per_day: string | null;
  /** What the clause says, in the list's language. */
  readonly clause: string;
  readonly place: string;
  /** When it is free, each as its clause says. */
  readonly free: readonly string[];
}

export interface ListedTerms {
  readonly id: string;
  readonly title: string;
  readonly version: number;
  readonly fees: readonly ListedFee[];
}

/** A price list: plans and the fees of their terms, as they hold at an instant. */
export interface PriceList {
  readonly at: string;
  readonly language: string;
  readonly issuer: Parameters<typeof partyLines>[0];
  readonly plans: readonly ListedPlan[];
  readonly terms: readonly ListedTerms[];
}
