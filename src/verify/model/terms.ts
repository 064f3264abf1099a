/** A terms sheet as it is written (schemas/terms/*.json), read a second time: what the model needs of it, and nothing shared. */
import { type Condition, CONDITIONS } from '../../domain/condition.ts';
import type { ModelCredit, ModelPolicy } from './invoice-facts.ts';
import type { ModelLateRule } from './late.ts';
import type { Ratio } from './rater.ts';

type Json = Readonly<Record<string, unknown>>;

const TIME_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** `"24h"` in milliseconds. */
export function modelDuration(text: unknown): number {
  const [, count, unit] = /^(\d+)([a-z]+)$/.exec(String(text)) ?? [];
  return Number(count) * (TIME_MS[unit ?? ''] ?? Number.NaN);
}

/** `"0.3"` as 3/10. */
export function modelDecimal(text: unknown): Ratio {
  const [whole = '', fraction = ''] = String(text).split('.');
  return { num: BigInt(whole + fraction), den: 10n ** BigInt(fraction.length) };
}

/** `"12.30"` in nanos. */
export function modelNanos(text: unknown): bigint {
  const { num, den } = modelDecimal(text);
  return (num * 1_000_000_000n) / den;
}

function percentOf(text: unknown): Ratio {
  const { num, den } = modelDecimal(text);
  return { num, den: den * 100n };
}

/** What unavailable time earns under a sheet, or without one (SPEC §4), on a plan with these creditable causes. */
export function modelPolicy(sheet: Json | null, creditableOfPlan: readonly Condition[]): ModelPolicy {
  const one = { num: 1n, den: 1n };
  if (sheet === null) {
    const credit = { kind: 'time', rounding: 'minute', multiplier: one, dayCap: one } as const;
    return { creditable: creditableOfPlan, unsure: [], minimumSpellMs: 0, claimWithinDays: null, credit };
  }
  const said = sheet['credit'] as Json;
  const excluded = ((sheet['excluded'] ?? []) as readonly { causes: readonly string[] }[]).flatMap((each) => each.causes);
  const named = (said['creditable'] ?? creditableOfPlan) as readonly Condition[];
  const creditable = CONDITIONS.filter((each) => named.includes(each) && !excluded.includes(each));
  const unsure = (said['unsure'] ?? []) as readonly Condition[];
  return {
    creditable,
    unsure: said['kind'] === 'none' ? [] : unsure.filter((each) => !creditable.includes(each)),
    minimumSpellMs: modelDuration(said['minimum_spell'] ?? '0ms'),
    claimWithinDays: (said['claim_within_days'] ?? null) as number | null,
    credit: creditOf(said),
  };
}

function creditOf(said: Json): ModelCredit {
  switch (said['kind']) {
    case 'time':
      return {
        kind: 'time',
        rounding: (said['rounding'] ?? 'minute') as 'minute' | 'outage' | 'slot5' | 'hour',
        multiplier: modelDecimal(said['multiplier'] ?? '1'),
        dayCap: percentOf(said['day_cap_percent'] ?? '100'),
      };
    case 'percent_per_minute':
      return {
        kind: 'percent_per_minute',
        base: said['base'] as 'day' | 'month',
        perMinute: percentOf(said['percent_per_minute']),
        cap: percentOf(said['cap_percent'] ?? '100'),
      };
    case 'monthly_tiers':
      return {
        kind: 'monthly_tiers',
        tiers: (said['tiers'] as readonly Json[]).map((tier) => ({
          below: percentOf(tier['below_percent']),
          credit: percentOf(tier['credit_percent']),
        })),
      };
    default:
      return { kind: 'none' };
  }
}

export interface ModelEvent {
  readonly id: string;
  readonly kind: string;
  readonly atMs: number;
  /** In force at the event; null: none. */
  readonly sheet: Json | null;
  /** What one unit of the currency of its fee is in the account's; null: nobody said. */
  readonly rate: Ratio | null;
}

/** What each of a VM's events costs, by instant; only priced kinds. Give all events of the VM: a free one hangs on those before. */
export function modelFees(
  given: readonly ModelEvent[],
  startsAtMs: number | null,
): (ModelEvent & { nanos: bigint; currency: string })[] {
  const events = [...given].sort((a, b) => a.atMs - b.atMs);
  const found: (ModelEvent & { nanos: bigint; currency: string })[] = [];
  const spent: string[] = [];
  events.forEach((event, place) => {
    const rule = ((event.sheet?.['fees'] ?? []) as readonly Json[]).find((each) => each['event'] === event.kind);
    if (rule === undefined) return;
    const earlier = events.slice(0, place).reverse();
    const isFree = ((rule['free'] ?? []) as readonly Json[]).some((free) => {
      const unspent = earlier.filter((each) => !spent.includes(each.id)).reverse();
      const startMs = free['after'] === 'start' ? startsAtMs : unspent.filter((each) => each.kind === free['after']).at(-1)?.atMs;
      if (startMs === null || startMs === undefined) return false;
      const endMs = startMs + modelDuration(free['within']);
      const after = (kind: unknown): ModelEvent[] => unspent.filter((each) => each.kind === kind && each.atMs >= startMs);
      const report = after(free['asked_by']).find((each) => each.atMs <= endMs);
      const needed = after(free['if_recorded'])[0];
      if (free['if_recorded'] !== undefined && needed === undefined) return false;
      if (report === undefined && (event.atMs < startMs || event.atMs > endMs)) return false;
      if (report !== undefined) spent.push(report.id);
      if (needed !== undefined) spent.push(needed.id);
      return true;
    });
    found.push({ ...event, nanos: isFree ? 0n : modelNanos(rule['amount']), currency: String(rule['currency']) });
  });
  return found;
}

/** The late fee of a sheet: its share a day, the time of grace, and by which clause; null: it has none. */
export function modelLateFeeRule(sheet: Json): ModelLateRule | null {
  const rule = ((sheet['billing'] ?? {}) as Json)['late_fee'] as Json | null | undefined;
  if (rule === null || rule === undefined) return null;
  const clause = (sheet['clauses'] as Json)[String(rule['clause'])] as Json;
  const named = [rule['clause'], clause['says'], clause['document'] ?? sheet['document'], clause['place']];
  return { perDay: percentOf(rule['percent_per_day']), graceMs: modelDuration(rule['after']), clause: JSON.stringify(named) };
}
