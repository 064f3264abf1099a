import { formatInstant } from '../domain/instant.ts';
import { MINUTE_MS } from '../domain/zone.ts';
import { exact, priceText } from './exact.ts';
import type { Priced } from './line.ts';
import { type Segment, servedDays, servedMinutes } from './served.ts';

const FORMULA = {
  day: 'each local day costs D = P, the price per day',
  hour: 'each local day costs D = P x its hours (23, 24 or 25)',
  month: 'day d (from 0) of a month of N days costs D = floor(P(d+1)/N) - floor(P d/N)',
} as const;

/** The service charge of a VM: Σ D over its local days, a partly served day Σ unit(k) over its served minutes. Undefined without service. */
export function priceService(vm: string, segments: readonly Segment[], currency: string): Priced | undefined {
  if (segments.length === 0) return undefined;
  const days = servedDays(segments);
  const whole = days.every((day) => servedMinutes(day) === day.day.minutes);
  const minutes = days.reduce((sum, day) => sum + servedMinutes(day), 0);
  const total = days.reduce((sum, day) => sum + day.chargeNanos, 0n);
  const quantity = whole ? days.length : minutes;
  const pers = [...new Set(segments.map((segment) => segment.plan.per))];
  return {
    kind: 'service',
    vm,
    description: `Service, ${[...new Set(segments.map((segment) => `plan ${segment.plan.id}`))].join(', ')}`,
    quantity: quantity.toString(),
    unit: whole ? 'day' : 'minute',
    unitPrice: priceText(exact(total, BigInt(quantity)), currency),
    exactNanos: exact(total),
    formula: [
      ...pers.map((per) => FORMULA[per]),
      ...(whole ? [] : ['minute k of a day of M minutes costs floor(D(k+1)/M) - floor(D k/M)']),
      'unit_price is the average',
    ].join('; '),
    detail: {
      served_minutes: minutes,
      plans: segments.map((segment) => ({
        plan: segment.plan.id,
        from: formatInstant(segment.fromMinute * MINUTE_MS),
        to: formatInstant(segment.toMinute * MINUTE_MS),
        price: priceText(exact(segment.plan.priceNanos), currency),
        per: segment.plan.per,
        time_zone: segment.plan.zone.name,
        charge_nanos: servedDays([segment]).reduce((sum, day) => sum + day.chargeNanos, 0n),
      })),
    },
  };
}
