import type { CreditMethod, CreditPolicy, Fraction } from '../domain/credit-policy.ts';
import { formatInstant } from '../domain/instant.ts';
import { MINUTE_MS, type Zone } from '../domain/zone.ts';
import { type Claim, claimOutcome } from './claims.ts';
import { creditOfDay, groupsOf, methodKey } from './credit-days.ts';
import { monthShareWithin, monthsOf, perMinuteCredit, tierCredit, uptimeOf } from './credit-share.ts';
import { exactText, isLess, negated, plus, priceText, ZERO } from './exact.ts';
import type { Priced } from './line.ts';
import { clipSegments, dateText, type Part, type Segment, type ServedDay, servedDays } from './served.ts';
import { type ClosedOutage, lengthOf, touchedMinutes } from './unavailable.ts';

/** One entry of a credit line's list: a local day, or a calendar month. */
interface Item {
  /** UTC minutes of the day or month. */
  readonly from: number;
  readonly to: number;
  readonly policy: CreditPolicy;
  /** Of every policy that it is given under. */
  readonly clauses: readonly string[];
  readonly zone: Zone;
  readonly detail: Record<string, unknown>;
  readonly minutes: number;
  readonly creditNanos: Fraction;
}

/**
 * The credit of a VM for UTC minutes [fromMinute, toMinute): one line, negative, its days in the detail. `service` spans
 * the whole calendar months around the period, which shares of a month are computed from. Undefined if nothing is due.
 */
export function priceCredits(
  vm: string,
  service: readonly Segment[],
  outages: readonly ClosedOutage[],
  fromMinute: number,
  toMinute: number,
  currency: string,
  claims: readonly Claim[] = [],
): Priced | undefined {
  const items = creditItems(service, outages, fromMinute, toMinute).filter((item) => claimOutcome(item, claims).given);
  if (items.length === 0) return undefined;
  const total = items.reduce((sum, item) => plus(sum, item.creditNanos), ZERO);
  const clauses = new Set(items.flatMap((item) => item.clauses));
  const kinds = [...new Set(items.map((item) => item.policy.method.kind))];
  const minutes = items.reduce((sum, item) => sum + item.minutes, 0);
  return {
    kind: 'credit',
    vm,
    description: `Credit for ${minutes} unavailable ${minutes === 1 ? 'minute' : 'minutes'}`,
    quantity: minutes.toString(),
    unit: 'minute',
    unitPrice: priceText({ num: -total.num, den: total.den * BigInt(minutes) }, currency),
    exactNanos: negated(total),
    formula: `${kinds.flatMap((kind) => FORMULA[kind] ?? []).join('; ')}; unit_price is the average`,
    detail: {
      ...(clauses.size === 0 ? {} : { clauses: [...clauses] }),
      exact_nanos: exactText(negated(total)),
      days: items.map((item) => item.detail),
    },
  };
}

function creditItems(
  service: readonly Segment[],
  outages: readonly ClosedOutage[],
  fromMinute: number,
  toMinute: number,
): Item[] {
  const inPeriod = clipSegments(service, fromMinute, toMinute);
  return [...dayItems(inPeriod, outages), ...monthItems(service, outages, fromMinute, toMinute)].filter((item) =>
    isLess(ZERO, item.creditNanos),
  );
}

/** A credit that the terms give to whoever asks in time, and nobody has. */
export interface UnclaimedCredit {
  readonly vm: string;
  readonly detail: Record<string, unknown>;
  readonly minutes: number;
  readonly creditNanos: Fraction;
  readonly claimByMs: number;
  /** When it was claimed too late; null: it has not been claimed. */
  readonly claimedAtMs: number | null;
  readonly clause: string | null;
}

/** The credits of a VM's period that are not given because they were not claimed, or too late. */
export function unclaimedCredits(
  vm: string,
  service: readonly Segment[],
  outages: readonly ClosedOutage[],
  fromMinute: number,
  toMinute: number,
  claims: readonly Claim[],
): UnclaimedCredit[] {
  return creditItems(service, outages, fromMinute, toMinute).flatMap((item) => {
    const { given, claimByMs, claimedAtMs } = claimOutcome(item, claims);
    if (given || claimByMs === null) return [];
    const { detail, minutes, creditNanos, policy } = item;
    return [{ vm, detail, minutes, creditNanos, claimByMs, claimedAtMs, clause: policy.clause }];
  });
}

const FORMULA: Readonly<Record<CreditMethod['kind'], string | undefined>> = {
  none: undefined,
  time: 'each local day by itself: min(cap x D, multiplier x worth of its unavailable minutes)',
  percent_per_minute: 'min(cap, share per minute x unavailable minutes) of the charge',
  monthly_tiers: "the share of the tier that the calendar month's uptime reaches, of the month's charge",
};

function dayItems(inPeriod: readonly Segment[], outages: readonly ClosedOutage[]): Item[] {
  const items: Item[] = [];
  for (const day of servedDays(inPeriod)) {
    for (const group of groupsOf(day, 'time')) {
      const credit = creditOfDay(day, group, outages);
      if (credit === undefined) continue;
      const { minutes, creditNanos, capped, chargeNanos } = credit;
      items.push({
        ...spanOf(day, group.parts),
        minutes,
        creditNanos,
        detail: { ...dayDetail(day), ...shown({ minutes, creditNanos, capped, chargeNanos }) },
      });
    }
    for (const { method, parts, chargeNanos } of groupsOf(day, 'percent_per_minute')) {
      if (method.base !== 'day') continue;
      const minutes = parts.reduce((sum, part) => sum + lengthOf(touchedMinutes(part, outages, 0, 1)), 0);
      const creditNanos = perMinuteCredit(method, minutes, chargeNanos);
      items.push({
        ...spanOf(day, parts),
        minutes,
        creditNanos,
        detail: { ...dayDetail(day), ...shown({ minutes, creditNanos, chargeNanos }) },
      });
    }
  }
  return items;
}

/** Months of the service's zones: what a month earned is credited with the period that holds its end, a share a minute as it goes. */
function monthItems(service: readonly Segment[], outages: readonly ClosedOutage[], fromMinute: number, toMinute: number): Item[] {
  const items: Item[] = [];
  const zones = new Map(service.map(({ plan }) => [plan.zone.name, plan.zone]));
  for (const zone of zones.values()) {
    const ofZone = service.filter(({ plan }) => plan.zone === zone);
    for (const month of monthsOf(zone, fromMinute, toMinute)) {
      const segments = clipSegments(ofZone, month.from, month.to);
      const policy = segments.at(-1)?.policy;
      if (policy === undefined) continue;
      const last = policy.method;
      const alike = segments.filter((segment) => methodKey(segment.policy.method) === methodKey(last));
      const span = { ...month, policy, clauses: clausesOf(alike), zone };
      const name = { month: formatInstant(month.from * MINUTE_MS), time_zone: zone.name };
      if (last.kind === 'monthly_tiers') {
        if (month.to > toMinute) continue;
        const uptime = uptimeOf(alike, outages);
        const share = tierCredit(last.tiers, uptime);
        const creditNanos = { num: share.num * uptime.chargeNanos, den: share.den };
        const detail = {
          ...name,
          service_minutes: uptime.minutes,
          share: exactText(share),
          ...shown({ minutes: uptime.unavailableMinutes, creditNanos, chargeNanos: uptime.chargeNanos }),
        };
        items.push({ ...span, minutes: uptime.unavailableMinutes, creditNanos, detail });
      } else if (last.kind === 'percent_per_minute' && last.base === 'month') {
        const { minutes, creditNanos } = monthShareWithin(last, alike, outages, fromMinute, toMinute);
        items.push({ ...span, minutes, creditNanos, detail: { ...name, minutes, credit_nanos: exactText(creditNanos) } });
      }
    }
  }
  return items;
}

function spanOf(day: ServedDay, parts: readonly Part[]): Pick<Item, 'from' | 'to' | 'policy' | 'clauses' | 'zone'> {
  const [first] = parts;
  if (first === undefined) throw new Error('a group of parts has none');
  const { startMinute, minutes } = day.day;
  return {
    from: startMinute,
    to: startMinute + minutes,
    policy: first.segment.policy,
    clauses: clausesOf(parts.map((part) => part.segment)),
    zone: day.zone,
  };
}

/** Of a plan without a sheet there is none: another plan's says nothing here. */
function clausesOf(segments: readonly Segment[]): string[] {
  return segments.flatMap(({ policy }) => (policy.clause === null ? [] : [policy.clause]));
}

function dayDetail(day: ServedDay): Record<string, unknown> {
  return { date: dateText(day.day), time_zone: day.zone.name };
}

function shown(credit: {
  minutes: number;
  creditNanos: Fraction;
  chargeNanos: bigint;
  capped?: boolean;
}): Record<string, unknown> {
  return {
    minutes: credit.minutes,
    charge_nanos: credit.chargeNanos,
    credit_nanos: exactText(credit.creditNanos),
    ...(credit.capped === undefined ? {} : { capped: credit.capped }),
  };
}
