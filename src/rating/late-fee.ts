import type { Fraction } from '../domain/credit-policy.ts';
import { formatInstant } from '../domain/instant.ts';
import { exact, exactText, plus, priceText, times, ZERO } from './exact.ts';
import type { PricedAs } from './line.ts';
import type { FormulaSay } from './say.ts';
import { DAY_MS } from '../domain/zone.ts';

/** An invoice that fell due, and what was paid on it. */
export interface OverdueInvoice {
  readonly id: string;
  readonly number: string;
  /** What bears the fee: the total without its own late fees (simple, no fee on a fee), less what was credited. */
  readonly principalNanos: bigint;
  readonly dueAtMs: number;
  readonly payments: readonly { readonly atMs: number; readonly amountNanos: bigint }[];
  /** How much of it is whose; left out: not known. */
  readonly shares?: ReadonlyMap<string, bigint>;
  /** Of which VMs' shares a rule is the rule, from when until when; left out: of all, always. */
  readonly held?: readonly HeldShare[];
}

/** A VM's share of an invoice, while it is under a rule: what is owed of the invoice is owed for its VMs in proportion to their shares. */
export interface HeldShare {
  readonly vm: string;
  readonly nanos: bigint;
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface LateFeeRule {
  /** Share of the overdue amount a day. */
  readonly perDay: Fraction;
  /** Time after it fell due in which nothing is added. */
  readonly graceMs: number;
  readonly clause: string;
}

/** What of being late is priced: the days that begin in [fromMs, toMs). */
export interface LatePeriod {
  readonly rule: LateFeeRule;
  readonly fromMs: number;
  readonly toMs: number;
  readonly currency: string;
}

const SIMPLE: readonly FormulaSay[] = [{ code: 'no_fee_on_fees' }, { code: 'average' }];

/**
 * The late fee of the daily charges of a prepaid balance: each as an overdue invoice of its own, on one
 * line. Undefined if none has a late day there.
 */
export function priceLateCharges(charges: readonly OverdueInvoice[], period: LatePeriod): PricedAs<'late_fee'> | undefined {
  const { rule, currency } = period;
  const late = charges.flatMap((charge) => lateDays(charge, period).map((day) => ({ charge, ...day })));
  if (late.length === 0) return undefined;
  const total = times(rule.perDay, owedOn(late));
  return {
    kind: 'late_fee',
    vm: null,
    say: {
      about: { code: 'late_charges' },
      formula: [{ code: 'late_charge_days' }, ...SIMPLE],
      unit: { code: 'day' },
    },
    quantity: late.length.toString(),
    unitPrice: priceText({ num: total.num, den: total.den * BigInt(late.length) }, currency),
    exactNanos: total,
    detail: {
      clause: rule.clause,
      rate: exactText(rule.perDay),
      exact_nanos: exactText(total),
      days: late.map(({ charge, startMs, owedNanos, share }) => ({
        charge: charge.number,
        entry: charge.id,
        due_at: formatInstant(charge.dueAtMs),
        start: formatInstant(startMs),
        owed_nanos: owedNanos,
        ...(share === undefined ? {} : { share }),
      })),
      ...vmsOf(charges),
    },
  };
}

/** A day of being late that was started: its beginning, what was owed then, and how much of that is under the rule; left out: all. */
interface LateDay {
  startMs: number;
  owedNanos: bigint;
  share?: { nanos: bigint; of: bigint };
}

/** The sum of what days bear a fee on. */
function owedOn(days: readonly LateDay[]): Fraction {
  return days.reduce(
    (sum, { owedNanos, share }) => plus(sum, share === undefined ? exact(owedNanos) : exact(owedNanos * share.nanos, share.of)),
    ZERO,
  );
}

/** The VMs whose shares are under a rule, where these are not all that there are. */
function vmsOf(invoices: readonly OverdueInvoice[]): { vms?: string[] } {
  if (invoices.every(({ held, shares }) => held === undefined || new Set(held.map(({ vm }) => vm)).size === shares?.size))
    return {};
  const vms = new Set(invoices.flatMap(({ held = [] }) => held.map(({ vm }) => vm)));
  return { vms: [...vms].sort() };
}

/**
 * The late fee of one overdue invoice: days of 24 hours from the end of the grace on, each counted
 * when it starts while something is owed. A day belongs to the period that holds its start, so none is charged twice;
 * a payment ends it for what it pays. Undefined if none was started.
 */
export function priceLateFee(invoice: OverdueInvoice, period: LatePeriod): PricedAs<'late_fee'> | undefined {
  const { rule, currency } = period;
  const days = lateDays(invoice, period);
  if (days.length === 0) return undefined;
  const total = times(rule.perDay, owedOn(days));
  return {
    kind: 'late_fee',
    vm: null,
    say: {
      about: { code: 'late_fee', invoice: invoice.number },
      formula: [{ code: 'late_days' }, ...SIMPLE],
      unit: { code: 'day' },
    },
    quantity: days.length.toString(),
    unitPrice: priceText({ num: total.num, den: total.den * BigInt(days.length) }, currency),
    exactNanos: total,
    detail: {
      clause: rule.clause,
      invoice: invoice.id,
      rate: exactText(rule.perDay),
      due_at: formatInstant(invoice.dueAtMs),
      late_from: formatInstant(invoice.dueAtMs + rule.graceMs),
      exact_nanos: exactText(total),
      days: days.map(({ startMs, owedNanos, share }) => ({
        ...{ start: formatInstant(startMs), owed_nanos: owedNanos },
        ...(share === undefined ? {} : { share }),
      })),
      ...vmsOf([invoice]),
    },
  };
}

function lateDays(invoice: OverdueInvoice, { rule, fromMs, toMs }: LatePeriod): LateDay[] {
  const lateFromMs = invoice.dueAtMs + rule.graceMs;
  const days: LateDay[] = [];
  const first = Math.max(0, Math.ceil((fromMs - lateFromMs) / DAY_MS));
  for (let i = first; lateFromMs + i * DAY_MS < toMs; i += 1) {
    const startMs = lateFromMs + i * DAY_MS;
    let owedNanos = invoice.principalNanos;
    // A payment at the very start of a day is in time for it.
    for (const payment of invoice.payments) if (payment.atMs <= startMs) owedNanos -= payment.amountNanos;
    const share = shareAt(invoice, startMs);
    if (owedNanos > 0n && share?.nanos !== 0n) days.push({ startMs, owedNanos, ...(share === undefined ? {} : { share }) });
  }
  return days;
}

/** How much of an invoice is under the rule at an instant; undefined: all of it. */
function shareAt({ shares, held }: OverdueInvoice, atMs: number): { nanos: bigint; of: bigint } | undefined {
  if (held === undefined || shares === undefined) return undefined;
  const sum = (list: Iterable<bigint>): bigint => [...list].reduce((all, nanos) => all + nanos, 0n);
  const of = sum(shares.values());
  const nanos = sum(held.filter(({ fromMs, untilMs }) => fromMs <= atMs && atMs < untilMs).map((each) => each.nanos));
  return nanos === of ? undefined : { nanos, of };
}
