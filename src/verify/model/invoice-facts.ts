/** What the model is told of a period: VMs with what they agreed on, their outages and traffic, and what is owed. */
import type { Condition } from '../../domain/condition.ts';
import { type ModelPlan } from './credit.ts';
import type { ModelOwed } from './late.ts';
import { type ModelOutage, type ModelTraffic, type Ratio } from './rater.ts';

export type ModelCredit =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'time';
      readonly rounding: 'minute' | 'outage' | 'slot5' | 'hour';
      readonly multiplier: Ratio;
      readonly dayCap: Ratio;
    }
  | { readonly kind: 'percent_per_minute'; readonly base: 'day' | 'month'; readonly perMinute: Ratio; readonly cap: Ratio }
  | { readonly kind: 'monthly_tiers'; readonly tiers: readonly { readonly below: Ratio; readonly credit: Ratio }[] };

/** What unavailable time earns under a sheet: which causes, of what length at least, and how. */
export interface ModelPolicy {
  readonly creditable: readonly Condition[];
  /** Causes of which a person has to say whether they count. */
  readonly unsure: readonly Condition[];
  readonly minimumSpellMs: number;
  /** Days after the calendar month within which credit must be claimed; null: it is given unasked. */
  readonly claimWithinDays: number | null;
  readonly credit: ModelCredit;
}

export interface ModelAgreement {
  readonly fromMs: number;
  readonly planId: string;
  readonly plan: ModelPlan;
  readonly policy: ModelPolicy;
}

export interface ModelVmTraffic {
  readonly plan: string;
  readonly rules:
    ModelTraffic | { readonly counting: 'p95'; readonly direction: 'sum' | 'max'; readonly pricePerMbpsNanos: bigint };
  readonly rx: bigint;
  readonly tx: bigint;
  /** Bytes (rx, tx) of the slots of 5 minutes that had any. */
  readonly slots: readonly (readonly [bigint, bigint])[];
}

export interface ModelVm {
  readonly vm: string;
  readonly startsAtMs: number | null;
  readonly endsAtMs: number | null;
  readonly agreements: readonly ModelAgreement[];
  /** Causes after incidents, each with its end. */
  readonly outages: readonly ModelOutage[];
  readonly traffic: readonly ModelVmTraffic[];
  /** Time that is not charged, since all that was paid for it went back. */
  readonly waived?: readonly { readonly fromMs: number; readonly toMs: number }[];
  /** Time whose silence is on record as nobody's outage. */
  readonly judged?: readonly { readonly fromMs: number; readonly toMs: number }[];
  /** When credit was claimed, and for which time. */
  readonly claims: readonly { readonly atMs: number; readonly fromMs: number; readonly toMs: number }[];
  /** Sums of a plan: of a period, and once. */
  readonly sums: ReadonlyMap<string, ModelSums>;
  readonly addOns: readonly ModelAddOn[];
  /** What is taken off its lines. */
  readonly discounts?: readonly ModelDiscount[];
  /** What each recorded event of the period costs, zero where it is free. */
  readonly fees: readonly { readonly kind: string; readonly atMs: number; readonly nanos: bigint }[];
}

/** In nanos; null: none. */
export interface ModelSums {
  readonly minimum: bigint | null;
  readonly maximum: bigint | null;
  readonly flat: bigint | null;
  readonly setup: bigint | null;
}

export interface ModelAddOn {
  readonly id: string;
  readonly price: ModelPlan['price'];
  readonly quantity: bigint;
  readonly fromMs: number;
  readonly untilMs: number | null;
}

export interface ModelDiscount {
  readonly name: string;
  /** null: all but fees. */
  readonly kinds: readonly string[] | null;
  readonly fromMs: number;
  readonly untilMs: number | null;
  /** One of the two. */
  readonly percent: Ratio | null;
  readonly amount: ModelPlan['price'] | null;
}

export interface ModelTax {
  /** null: the account's own rate. */
  readonly name: string | null;
  readonly percentNanos: bigint;
  readonly kinds: readonly string[];
}

export interface ModelInvoice {
  /** Nanos of the currency's minor unit. */
  readonly minorNanos: bigint;
  readonly taxPercentNanos: bigint;
  /** By the kind of line; left out: one on all. */
  readonly taxes?: readonly ModelTax[];
  readonly fromMs: number;
  readonly toMs: number;
  /** The whole calendar months around the period. */
  readonly monthsFromMs: number;
  readonly monthsToMs: number;
  /** Whether terms and plans hold from their day, each plan's part by itself: once they did not. */
  readonly fromTheirDay: boolean;
  readonly vms: readonly ModelVm[];
  /** What is taken off the lines of all VMs, and whose days sums are spread over. */
  readonly discounts?: { readonly timeZone: string; readonly list: readonly ModelDiscount[] };
  /** What somebody charges: a line each. */
  readonly byHand?: readonly ModelByHand[];
  /** Final invoices that fell due: of each a line a rule. */
  readonly overdue: readonly ModelOwed[];
  /** Daily charges that the balance did not cover: a line a rule. */
  readonly charges: readonly ModelOwed[];
}

export interface ModelByHand {
  readonly charge: string;
  readonly vm: string | null;
  readonly nanos: bigint;
  /** null: taxed as the account is. */
  readonly taxPercentNanos: bigint | null;
}

/** A line of an invoice as the model computes it. */
export interface ModelLine {
  readonly kind:
    | 'service'
    | 'traffic'
    | 'flat'
    | 'minimum'
    | 'maximum'
    | 'setup'
    | 'add_on'
    | 'fee'
    | 'charge'
    | 'credit'
    | 'discount'
    | 'late_fee'
    | 'tax';
  readonly vm: string | null;
  /** The plan of service, traffic and sums, the id of an add-on, the name of a discount, the kind of a fee, the id of a charge by hand, the invoice of a late fee, the kinds of lines that a tax is on. */
  readonly about: string | null;
  /** Days, minutes or events, where it is a whole number of these. */
  readonly quantity: number | null;
  readonly nanos: bigint;
  /** Of a discount: how much it takes off which kind. */
  readonly parts?: ReadonlyMap<string, bigint>;
}
