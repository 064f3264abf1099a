import type { EventKind } from '../domain/event-kinds.ts';
import { parseAmount } from '../domain/money.ts';
import type { Fraction } from '../domain/credit-policy.ts';
import { showDuration } from './quantity.ts';
import { clauseShown, type Fee, type TermsSheet } from './sheet.ts';

/** A recorded event as fees are computed from it. */
export interface DatedEvent {
  readonly id: string;
  readonly kind: EventKind;
  readonly atMs: number;
}

/** A recorded event that a sheet prices; zero where it is free. */
export interface EventFee extends DatedEvent {
  readonly feeNanos: bigint;
  /** What an event costs that is not free, as the sheet writes it. */
  readonly amount: string;
  readonly currency: string;
  /** The clause that prices it, or that makes it free. */
  readonly clause: string;
  readonly reason: string;
}

/**
 * What is charged for each of a VM's events, by instant: by the sheet in force at the event (SPEC §6a). Pass all events of the VM
 * from its beginning, also when only those of a period are wanted: whether one is free hangs on those before it.
 */
export function eventFees(
  sheetAt: (atMs: number) => TermsSheet | undefined,
  given: readonly DatedEvent[],
  startsAtMs: number | null,
): EventFee[] {
  const events = given.toSorted((a, b) => a.atMs - b.atMs);
  const reported = new Set<DatedEvent>();
  return events.flatMap((event, i) => {
    const sheet = sheetAt(event.atMs);
    const fee = sheet?.fees.find((each) => each.event === event.kind);
    if (sheet === undefined || fee === undefined) return [];
    const base = { id: event.id, kind: event.kind, atMs: event.atMs, amount: fee.amount, currency: fee.currency };
    for (const rule of fee.free) {
      const reason = whyFree(rule, event, { before: events.slice(0, i), reported, startsAtMs });
      if (reason !== undefined) return [{ ...base, feeNanos: 0n, clause: clauseShown(sheet, rule.clause), reason }];
    }
    const feeNanos = parseAmount(fee.amount) ?? 0n;
    return [{ ...base, feeNanos, clause: clauseShown(sheet, fee.clause), reason: `${fee.amount} ${fee.currency} each` }];
  });
}

/** A fee in the currency of the account, at the rate that somebody recorded: to the nano, half to even. */
export function exchanged(fee: EventFee, rate: string): EventFee {
  const unit = 1_000_000_000n;
  const exact = fee.feeNanos * (parseAmount(rate) ?? 0n);
  const rest = exact % unit;
  const up = 2n * rest > unit || (2n * rest === unit && (exact / unit) % 2n !== 0n);
  return { ...fee, feeNanos: exact / unit + (up ? 1n : 0n), reason: `${fee.reason}, at ${rate}` };
}

interface History {
  /** The events up to the one that is priced, by instant. */
  readonly before: readonly DatedEvent[];
  /** Reports that have freed an event already: one frees one (SPEC §5). */
  readonly reported: Set<DatedEvent>;
  readonly startsAtMs: number | null;
}

/** Why an event is free by this rule; undefined if it is not. The report that frees it is used up. */
function whyFree(rule: Fee['free'][number], event: DatedEvent, { before, reported, startsAtMs }: History): string | undefined {
  const since = (kind: string, fromMs: number): DatedEvent[] =>
    before.filter((each) => each.kind === kind && each.atMs >= fromMs && !reported.has(each));
  const sinceMs = rule.after === 'start' ? startsAtMs : (since(rule.after, -1).at(-1)?.atMs ?? null);
  if (sinceMs === null) return undefined;
  const inTime = ({ atMs }: DatedEvent): boolean => atMs >= sinceMs && atMs - sinceMs <= rule.within;
  const asked = rule.asked_by === undefined ? undefined : since(rule.asked_by, sinceMs).find(inTime);
  if (asked === undefined && !inTime(event)) return undefined;
  const recorded = rule.if_recorded === undefined ? undefined : since(rule.if_recorded, sinceMs)[0];
  if (rule.if_recorded !== undefined && recorded === undefined) return undefined;
  for (const used of [asked, recorded]) if (used !== undefined) reported.add(used);
  return `free: ${showDuration((asked ?? event).atMs - sinceMs)} after ${rule.after}, within ${showDuration(rule.within)}`;
}

/** The late fee of a sheet, undefined if it has none: a share of the overdue amount a started day, once the grace is over. */
export function lateFeeRuleOf(sheet: TermsSheet): { perDay: Fraction; graceMs: number; clause: string } | undefined {
  const rule = sheet.billing?.late_fee ?? null;
  if (rule === null) return undefined;
  return { perDay: rule.percent_per_day, graceMs: rule.after, clause: clauseShown(sheet, rule.clause) };
}
