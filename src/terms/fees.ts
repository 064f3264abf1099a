import { parseAmount } from '../domain/money.ts';
import type { Fraction } from '../domain/credit-policy.ts';
import { showDuration } from './quantity.ts';
import { clauseShown, type Fee, type TermsSheet } from './sheet.ts';

/** A recorded event as fees are computed from it. */
export interface DatedEvent {
  readonly id: string;
  readonly kind: string;
  readonly atMs: number;
}

/** A recorded event that a sheet prices; zero where it is free. */
export interface EventFee extends DatedEvent {
  readonly feeNanos: bigint;
  readonly currency: string;
  /** The clause that prices it, or that makes it free. */
  readonly clause: string;
  readonly reason: string;
}

/**
 * What a sheet charges for each of a VM's events, by instant. Pass all events of the VM from its beginning, also when only
 * those of a period are wanted: whether one is free hangs on those before it.
 */
export function eventFees(sheet: TermsSheet, given: readonly DatedEvent[], startsAtMs: number | null): EventFee[] {
  const events = given.toSorted((a, b) => a.atMs - b.atMs);
  return events.flatMap((event, i) => {
    const fee = sheet.fees.find((each) => each.event === event.kind);
    if (fee === undefined) return [];
    const base = { id: event.id, kind: event.kind, atMs: event.atMs, currency: fee.currency };
    for (const rule of fee.free) {
      const reason = whyFree(rule, event, events.slice(0, i), startsAtMs);
      if (reason !== undefined) return [{ ...base, feeNanos: 0n, clause: clauseShown(sheet, rule.clause), reason }];
    }
    const feeNanos = parseAmount(fee.amount) ?? 0n;
    return [{ ...base, feeNanos, clause: clauseShown(sheet, fee.clause), reason: `${fee.amount} ${fee.currency} each` }];
  });
}

/** Why an event is free by this rule; undefined if it is not. `before`: the events up to it, by instant. */
function whyFree(
  rule: Fee['free'][number],
  event: DatedEvent,
  before: readonly DatedEvent[],
  startsAtMs: number | null,
): string | undefined {
  const last = (kind: string, fromMs: number): DatedEvent | undefined =>
    before.findLast((each) => each.kind === kind && each.atMs >= fromMs);
  const sinceMs = rule.after === 'start' ? startsAtMs : (last(rule.after, -1)?.atMs ?? null);
  if (sinceMs === null) return undefined;
  const asked = rule.asked_by === undefined ? undefined : last(rule.asked_by, sinceMs);
  const elapsedMs = (asked ?? event).atMs - sinceMs;
  if (elapsedMs < 0 || elapsedMs > rule.within) return undefined;
  if (rule.if_recorded !== undefined && last(rule.if_recorded, sinceMs) === undefined) return undefined;
  return `free: ${showDuration(elapsedMs)} after ${rule.after}, within ${showDuration(rule.within)}`;
}

/** The late fee of a sheet, undefined if it has none: a share of the overdue amount a started day, once the grace is over. */
export function lateFeeRuleOf(sheet: TermsSheet): { perDay: Fraction; graceMs: number; clause: string } | undefined {
  const rule = sheet.billing?.late_fee ?? null;
  if (rule === null) return undefined;
  return { perDay: rule.percent_per_day, graceMs: rule.after, clause: clauseShown(sheet, rule.clause) };
}
