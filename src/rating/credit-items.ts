import type { CreditPolicy, Fraction } from '../domain/credit-policy.ts';
import { formatInstant } from '../domain/instant.ts';
import { MINUTE_MS, type Zone } from '../domain/zone.ts';
import { creditOfDay, groupsOf, policyKey } from './credit-days.ts';
import { monthShareWithin, monthsOf, perMinuteCredit, tierCredit, uptimeOf } from './credit-share.ts';
import type { CreditItemDetail, DayCreditDetail } from './detail.ts';
import { exactText, isLess, ZERO } from './exact.ts';
import { clipSegments, dateText, type Part, type Segment, type ServedDay, servedDays } from './served.ts';
import { type ClosedOutage, lengthOf, type MinuteRun, touchedMinutes } from './unavailable.ts';

/** What the credits of a period, UTC minutes [fromMinute, toMinute), are computed from. */
export interface CreditFacts extends MinuteRun {
  /** Spans the whole calendar months around the period, which shares of a month are computed from. */
  readonly service: readonly Segment[];
  readonly outages: readonly ClosedOutage[];
}

/** One entry of a credit line's list: a local day, or a calendar month. */
export interface CreditItem extends MinuteRun {
  readonly policy: CreditPolicy;
  /** Of every policy that it is given under. */
  readonly clauses: readonly string[];
  readonly zone: Zone;
  readonly detail: CreditItemDetail;
  readonly minutes: number;
  readonly creditNanos: Fraction;
}

/** What is worth a credit, by day and by month, whether it is claimed or not. */
export function creditItems(facts: CreditFacts): CreditItem[] {
  return [...dayItems(facts), ...monthItems(facts)].filter((item) => isLess(ZERO, item.creditNanos));
}

function dayItems({ service, outages, fromMinute, toMinute }: CreditFacts): CreditItem[] {
  const items: CreditItem[] = [];
  for (const day of servedDays(clipSegments(service, fromMinute, toMinute))) {
    for (const group of groupsOf(day, 'time')) {
      const credit = creditOfDay(day, group, outages);
      if (credit === undefined) continue;
      const { minutes, creditNanos } = credit;
      items.push({ ...spanOf(day, group.parts), minutes, creditNanos, detail: dayDetail(day, credit) });
    }
    for (const { method, parts, chargeNanos } of groupsOf(day, 'percent_per_minute')) {
      if (method.base !== 'day') continue;
      const minutes = parts.reduce((sum, part) => sum + lengthOf(touchedMinutes(part, outages)), 0);
      const creditNanos = perMinuteCredit(method, minutes, chargeNanos);
      const detail = dayDetail(day, { minutes, chargeNanos, creditNanos });
      items.push({ ...spanOf(day, parts), minutes, creditNanos, detail });
    }
  }
  return items;
}

/**
 * Months of the service's zones. A monthly uptime is credited with the period that holds the month's end, of all minutes under tiers,
 * by the tiers in force at the first of them (SPEC §6a); a share a minute as it goes, of the charge of the minutes under its method.
 */
function monthItems({ service, outages, ...period }: CreditFacts): CreditItem[] {
  const items: CreditItem[] = [];
  const zones = new Map(service.map(({ plan }) => [plan.zone.name, plan.zone]));
  for (const zone of zones.values()) {
    const ofZone = service.filter(({ plan }) => plan.zone === zone);
    for (const month of monthsOf(zone, period.fromMinute, period.toMinute)) {
      const segments = clipSegments(ofZone, month.fromMinute, month.toMinute);
      const name = { month: formatInstant(month.fromMinute * MINUTE_MS), time_zone: zone.name };
      const groups = new Map<string, Segment[]>();
      for (const segment of segments) {
        const { kind } = segment.policy.method;
        const key = kind === 'monthly_tiers' ? kind : policyKey(segment.policy);
        groups.set(key, [...(groups.get(key) ?? []), segment]);
      }
      for (const alike of groups.values()) {
        const policy = alike[0]?.policy;
        if (policy === undefined) continue;
        const { method } = policy;
        const span = { ...month, policy, clauses: clausesOf(alike), zone };
        if (method.kind === 'monthly_tiers') {
          if (month.toMinute > period.toMinute) continue;
          const uptime = uptimeOf(alike, outages);
          const share = tierCredit(method.tiers, uptime);
          const creditNanos = { num: share.num * uptime.chargeNanos, den: share.den };
          const detail = {
            ...name,
            service_minutes: uptime.minutes,
            share: exactText(share),
            minutes: uptime.unavailableMinutes,
            charge_nanos: uptime.chargeNanos,
            credit_nanos: exactText(creditNanos),
          };
          items.push({ ...span, minutes: uptime.unavailableMinutes, creditNanos, detail });
        } else if (method.kind === 'percent_per_minute' && method.base === 'month') {
          const { minutes, creditNanos } = monthShareWithin(method, alike, outages, period);
          items.push({ ...span, minutes, creditNanos, detail: { ...name, minutes, credit_nanos: exactText(creditNanos) } });
        }
      }
    }
  }
  return items;
}

function spanOf(
  day: ServedDay,
  parts: readonly Part[],
): Pick<CreditItem, 'fromMinute' | 'toMinute' | 'policy' | 'clauses' | 'zone'> {
  const [first] = parts;
  if (first === undefined) throw new Error('a group of parts has none');
  const { startMinute, minutes } = day.day;
  return {
    fromMinute: startMinute,
    toMinute: startMinute + minutes,
    policy: first.segment.policy,
    clauses: clausesOf(parts.map((part) => part.segment)),
    zone: day.zone,
  };
}

/** Of a plan without a sheet there is none: another plan's says nothing here. */
function clausesOf(segments: readonly Segment[]): string[] {
  return segments.flatMap(({ policy }) => (policy.clause === null ? [] : [policy.clause]));
}

function dayDetail(
  day: ServedDay,
  credit: { minutes: number; chargeNanos: bigint; creditNanos: Fraction; capped?: boolean },
): DayCreditDetail {
  return {
    date: dateText(day.day),
    time_zone: day.zone.name,
    minutes: credit.minutes,
    charge_nanos: credit.chargeNanos,
    credit_nanos: exactText(credit.creditNanos),
    ...(credit.capped === undefined ? {} : { capped: credit.capped }),
  };
}
