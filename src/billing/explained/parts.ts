import { formatInstant, parseInstant } from '../../domain/instant.ts';
import type { PlanBody } from '../../domain/plan.ts';
import { MINUTE_MS } from '../../domain/zone.ts';
import { decimalText, exact, priceText, roundedTo } from '../../rating/exact.ts';
import type { AddOnDetail, ServiceDetail } from '../../rating/detail.ts';
import { clipSegments, joined, type Segment, servedDays, type ServedDay, servedMinutes } from '../../rating/served.ts';
import { minorDigits, parseAmount } from '../../domain/money.ts';

/** A part of a service line: so much time on one plan, at the price that was agreed. A month's price is divided by the month. */
export interface ServicePart {
  plan: string;
  from: string;
  to: string;
  /** Local days that were served whole, and minutes of days that were not; of a price per hour all minutes, since days have 23 to 25 hours. */
  days: number;
  minutes: number;
  /** Of a price per month: the days of that month; null otherwise. */
  of_days: number | null;
  price: string;
  per: PlanBody['price']['per'];
  /** What it comes to, before the line is rounded. */
  amount: string;
}

/** The parts of a service line: a plan each, and where the price is per month, a month each. */
export function serviceParts(service: readonly Segment[], { plans }: ServiceDetail, currency: string): ServicePart[] {
  return plans.flatMap(({ plan: id, from, to }) => {
    const fromMinute = (parseInstant(from) ?? 0) / MINUTE_MS;
    const toMinute = (parseInstant(to) ?? 0) / MINUTE_MS;
    // A plan is one part also where the terms changed under it.
    return joined(clipSegments(service, fromMinute, toMinute).filter(({ plan }) => plan.id === id)).flatMap((segment) =>
      periodsOf(segment).map((days) => partOf(segment, days, currency)),
    );
  });
}

/** The parts of an add-on's line, priced as its VM is served: a month each where its price is one of a month. */
export function addOnParts(service: readonly Segment[], detail: AddOnDetail, currency: string): ServicePart[] {
  const { name, price, per, quantity } = detail;
  const fromMinute = (parseInstant(detail.from) ?? 0) / MINUTE_MS;
  const toMinute = (parseInstant(detail.to) ?? 0) / MINUTE_MS;
  const priceNanos = (parseAmount(price) ?? 0n) * BigInt(quantity);
  const priced = clipSegments(service, fromMinute, toMinute).map((segment) => ({
    ...segment,
    plan: { ...segment.plan, id: name, priceNanos, per },
  }));
  return joined(priced).flatMap((segment) => periodsOf(segment).map((days) => ({ ...partOf(segment, days, currency), price })));
}

/** The served days of a segment, by month where its price is one of a month. */
function periodsOf(segment: Segment): ServedDay[][] {
  const days = servedDays([segment]);
  if (segment.plan.per !== 'month') return [days];
  const months = new Map<string, ServedDay[]>();
  for (const each of days) {
    const key = `${each.day.year}-${each.day.month}`;
    months.set(key, [...(months.get(key) ?? []), each]);
  }
  return [...months.values()];
}

function partOf({ plan }: Segment, days: readonly ServedDay[], currency: string): ServicePart {
  const parts = days.flatMap((each) => each.parts);
  const isWhole = (each: ServedDay): boolean => servedMinutes(each) === each.day.minutes;
  const partial = days.filter((each) => plan.per === 'hour' || !isWhole(each));
  const charge = days.reduce((sum, each) => sum + each.chargeNanos, 0n);
  return {
    plan: plan.id,
    from: formatInstant((parts[0]?.fromMinute ?? 0) * MINUTE_MS),
    to: formatInstant((parts.at(-1)?.toMinute ?? 0) * MINUTE_MS),
    days: days.length - partial.length,
    minutes: partial.reduce((sum, each) => sum + servedMinutes(each), 0),
    of_days: plan.per === 'month' ? (days[0]?.day.daysInMonth ?? null) : null,
    price: priceText(exact(plan.priceNanos), currency),
    per: plan.per,
    amount: fineText(charge, currency),
  };
}

/** An amount that is not rounded yet, to two digits more than the currency has. */
export function fineText(nanos: bigint, currency: string): string {
  const digits = minorDigits(currency);
  const step = 10n ** BigInt(9 - Math.min(9, digits + 2));
  return decimalText(exact(roundedTo(exact(nanos), step), 1_000_000_000n), digits);
}
