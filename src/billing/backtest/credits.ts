import type { BillingContext } from '../context.ts';
import { isRightUntil } from '../../query/span.ts';
import { daysOf, factsOf, loadUsage, servicesOf } from '../facts.ts';
import type { Usage } from '../stored-usage.ts';
import { MINUTE_MS } from '../../domain/zone.ts';
import { unclaimedCredits } from '../../rating/credits.ts';
import { roundedToMinor } from '../../rating/exact.ts';
import type { RatedLine } from '../../rating/line.ts';
import { type InvoiceFacts, rateInvoice } from '../../rating/order.ts';

/** Something under the terms as they are, and under those tried. */
export interface Pair<T = bigint> {
  readonly before: T;
  readonly after: T;
}

/** What the lines of one kind of a VM (null: of the account) come to in one part of the period; charges positive, credits negative. */
export interface LineDifference {
  readonly fromMs: number;
  readonly toMs: number;
  readonly vm: string | null;
  readonly kind: RatedLine['kind'];
  readonly amountNanos: Pair;
  /** Unavailable minutes that earn something. */
  readonly minutes: Pair<number>;
}

/** The invoices that an account's part of the period would have, rated twice from the same stored rows. */
export interface Rated {
  /** What is given back for unavailability: positive. */
  readonly creditNanos: Pair;
  /** What would be given to whoever claims it, and was not claimed in time. */
  readonly unclaimedNanos: Pair;
  /** Of the whole invoice: fees, late fees and tax follow the terms too. */
  readonly totalNanos: Pair;
  /** Those that differ. */
  readonly lines: readonly LineDifference[];
  /** Whether everything was metered to the end. */
  readonly complete: boolean;
}

/** Rates a part of the period for accounts whose days are the same under both contexts, which differ in their terms alone. Only reads. */
export async function ratePart(
  before: BillingContext,
  after: BillingContext,
  accounts: readonly string[],
  part: { fromMs: number; toMs: number },
): Promise<Map<string, Rated>> {
  const { fromMs, toMs } = part;
  const usage = await loadUsage(before, accounts, fromMs, toMs);
  // What was measured is the same under any terms; what it is worth is not.
  const tried: Usage = { ...usage, services: servicesOf(after, accounts, fromMs, toMs) };
  return new Map(accounts.map((account) => [account, compared(before, after, account, usage, tried)]));
}

/** Accounts that can be read together have the same key. */
export function partKey(context: BillingContext, account: string, { fromMs, toMs }: { fromMs: number; toMs: number }): string {
  return daysOf(context, account, fromMs, toMs).join(' ');
}

function compared(before: BillingContext, after: BillingContext, account: string, usage: Usage, tried: Usage): Rated {
  const gathered = factsOf(before, account, usage);
  const now = gathered.facts;
  const then = factsOf(after, account, tried).facts;
  const lines = { before: rateInvoice(now), after: rateInvoice(then) };
  const credits = (of: readonly RatedLine[]): bigint => -sum(of.filter((line) => line.kind === 'credit'));
  return {
    creditNanos: { before: credits(lines.before), after: credits(lines.after) },
    unclaimedNanos: { before: unclaimedOf(now), after: unclaimedOf(then) },
    totalNanos: { before: sum(lines.before), after: sum(lines.after) },
    lines: differing(lines, usage),
    complete: gathered.evidence.every(({ vm, span }) => {
      const endsAtMs = before.catalog.endsAtMs(vm) ?? usage.toMs;
      return span === undefined || isRightUntil(span, Math.min(usage.toMs, endsAtMs));
    }),
  };
}

function differing(lines: Pair<readonly RatedLine[]>, { fromMs, toMs }: Usage): LineDifference[] {
  const found = new Map<string, { vm: string | null; kind: RatedLine['kind'] }>();
  for (const { vm, kind } of [...lines.before, ...lines.after]) found.set(`${vm ?? ''} ${kind}`, { vm, kind });
  return [...found.values()].flatMap(({ vm, kind }) => {
    const of = (all: readonly RatedLine[]): RatedLine[] => all.filter((line) => line.vm === vm && line.kind === kind);
    const [before, after] = [of(lines.before), of(lines.after)];
    const amountNanos = { before: sum(before), after: sum(after) };
    if (amountNanos.before === amountNanos.after) return [];
    return { fromMs, toMs, vm, kind, amountNanos, minutes: { before: minutesOf(before), after: minutesOf(after) } };
  });
}

function minutesOf(lines: readonly RatedLine[]): number {
  return lines.reduce((minutes, line) => minutes + (line.kind === 'credit' ? Number(line.quantity) : 0), 0);
}

function unclaimedOf({ vms, fromMs, toMs, currency }: InvoiceFacts): bigint {
  const period = { fromMinute: fromMs / MINUTE_MS, toMinute: toMs / MINUTE_MS };
  return vms
    .flatMap((vm) => unclaimedCredits({ ...vm, ...period }))
    .reduce((total, { creditNanos }) => total + roundedToMinor(creditNanos, currency), 0n);
}

function sum(lines: readonly RatedLine[]): bigint {
  return lines.reduce((total, line) => total + line.amountNanos, 0n);
}
