import type { PlanBody } from '../domain/plan.ts';
import type { ClauseText, Discounted } from '../domain/discounted.ts';
import type { Taxed } from '../domain/taxed.ts';

/**
 * What lines of each kind were computed from, as documents keep it. Names are those of the JSON; instants are UTC, `…_nanos` as
 * text are exact: whole, or `numerator/denominator`.
 */
export interface LineDetails {
  service: ServiceDetail;
  traffic: TrafficDetail | PercentileDetail;
  flat: SumDetail;
  setup: SetupDetail;
  add_on: AddOnDetail;
  minimum: BoundDetail;
  maximum: BoundDetail;
  fee: FeeDetail;
  charge: ChargeDetail;
  credit: CreditDetail;
  discount: DiscountDetail;
  late_fee: LateFeeDetail | LateChargesDetail;
  tax: TaxDetail;
}

export interface ServiceDetail {
  /** Left out by documents of before plans had lines of their own. */
  plan: string;
  served_minutes: number;
  plans: readonly {
    plan: string;
    from: string;
    to: string;
    price: string;
    per: PlanBody['price']['per'];
    time_zone: string;
    charge_nanos: bigint;
  }[];
}

export interface TrafficDetail {
  plan: string;
  /** Of some interfaces alone; left out: of all that no class names. */
  class?: string;
  rx_bytes: bigint;
  tx_bytes: bigint;
  counted_bytes: bigint;
  /** As far as they count for this part of the period; rounded for people where they are no whole bytes. */
  included_bytes: bigint;
  billable_bytes: bigint;
  /** Where the plan was on for a part of what was served: which, and the bytes exactly. */
  share?: { minutes: bigint; of: bigint };
  included_exact?: string;
  billable_exact?: string;
  unit_bytes: bigint;
  exact_nanos: string;
  tiers: readonly { up_to: number | null; bound?: string; units: string; price: string }[];
}

export interface PercentileDetail {
  plan: string;
  /** Of some interfaces alone; left out: of all that no class names. */
  class?: string;
  slots: number;
  /** From 1. */
  rank: number;
  slot_bytes: bigint;
  exact_nanos: string;
}

/** Of a sum for a period: how much of it was on the plan. */
export interface SumDetail {
  plan: string;
  sum: string;
  share: { minutes: bigint; of: bigint };
  exact_nanos: string;
}

/** Of what a plan's lines are brought up or down to: what they came to. */
export interface BoundDetail extends SumDetail {
  lines_nanos: bigint;
}

export interface SetupDetail {
  plan: string;
  sum: string;
  /** When the VM was first served on the plan. */
  at: string;
}

export interface AddOnDetail {
  add_on: string;
  name: string;
  price: string;
  per: PlanBody['price']['per'];
  quantity: number;
  from: string;
  to: string;
  served_minutes: number;
  charge_nanos: bigint;
}

export interface FeeDetail {
  clause: string;
  events: readonly { id: string; at: string; fee: string; reason: string }[];
}

/** Of a charge by hand: why, by whom, and by which clause. */
export interface ChargeDetail {
  charge: string;
  reference: string;
  kind: 'one_off' | 'quoted' | 'damage' | 'handling';
  why: string;
  clause: string | null;
  at: string;
  by: string;
  /** Left out: it is taxed as its account is. */
  tax_percent?: string;
  /** Of one that was agreed in another currency. */
  foreign?: { amount: string; currency: string; rate: string };
}

export interface CreditDetail {
  /** Of the terms that give it; left out where plans alone do. */
  clauses?: readonly string[];
  exact_nanos: string;
  days: readonly CreditItemDetail[];
}

export type CreditItemDetail = DayCreditDetail | TierCreditDetail | MonthShareDetail;

export interface DayCreditDetail {
  date: string;
  time_zone: string;
  minutes: number;
  charge_nanos: bigint;
  credit_nanos: string;
  /** Left out where the method knows no cap of a day. */
  capped?: boolean;
}

/** Of a share of a calendar month's charge, a percentage a minute. The month is named by the instant at which it begins in its zone. */
export interface MonthShareDetail {
  month: string;
  time_zone: string;
  minutes: number;
  credit_nanos: string;
}

/** Of a calendar month, by the tier that its uptime reaches. */
export interface TierCreditDetail extends MonthShareDetail {
  service_minutes: number;
  share: string;
  charge_nanos: bigint;
}

/** Of what is taken off: as it was agreed, and what of it is taken off which lines. */
export interface DiscountDetail {
  discount: string;
  percent?: string;
  sum?: string;
  per?: PlanBody['price']['per'];
  why?: string;
  clause?: ClauseText;
  /** The time of the period within it. */
  from: string;
  to: string;
  /** What a percentage is of. */
  base?: string;
  /** Their sum is the line's amount. */
  parts: readonly { kind: Discounted; amount: string }[];
  exact_nanos: string;
}

export interface LateFeeDetail {
  clause: string;
  invoice: string;
  rate: string;
  due_at: string;
  late_from: string;
  exact_nanos: string;
  days: readonly { start: string; owed_nanos: bigint; share?: LateShare }[];
  /** Whose shares are under the clause, where others' are not. */
  vms?: readonly string[];
}

/** Of what was owed: how much is under the clause of a late fee. */
export interface LateShare {
  nanos: bigint;
  of: bigint;
}

export interface LateChargesDetail {
  clause: string;
  rate: string;
  exact_nanos: string;
  days: readonly { charge: string; entry: string; due_at: string; start: string; owed_nanos: bigint; share?: LateShare }[];
  vms?: readonly string[];
}

export interface TaxDetail {
  /** Of charges by hand with a rate of their own: which. */
  charges?: readonly string[];
  /** Of a tax that is on some kinds of lines: what it is called, on which, and why none is charged. */
  name?: string;
  kinds?: readonly Taxed[];
  exempt_reason?: string;
  percent: string;
  base_nanos: bigint;
  exact_nanos: string;
}

/** Of a line that charges what an earlier invoice lacked. */
export interface DebitDetail {
  debit: string;
  /** The invoice that is corrected, and its number. */
  invoice: string;
  number: number;
  /** The index of the line, from 0, as in `lines` of that invoice; null: it has none. */
  line: number | null;
  before: string;
  after: string;
  unavailable_minutes: { before: number; after: number };
  days: readonly { date: string; before: number; after: number }[];
  reason: string;
  evidence_sha256: string;
  /** Of a tax: which. */
  percent?: string | undefined;
  name?: string | undefined;
  kinds?: readonly string[] | undefined;
}
