import { formatInstant } from '../domain/instant.ts';
import { MINUTE_MS } from '../domain/zone.ts';
import { exact, priceText } from './exact.ts';
import type { PricedAs } from './line.ts';
import type { FormulaSay } from './say.ts';
import { joined, type Segment, servedDays, servedMinutes } from './served.ts';

/** How a price of each kind is spread over days. */
export const PRICED_PER = {
  day: { code: 'price_per_day' },
  hour: { code: 'price_per_hour' },
  month: { code: 'price_per_month' },
} as const satisfies Record<string, FormulaSay>;

/**
 * The service charge of a VM on one plan: Σ D over its local days, a partly served day Σ unit(k) over its served minutes. Undefined
 * without service.
 */
export function priceService(vm: string, segments: readonly Segment[], currency: string): PricedAs<'service'> | undefined {
  const [first] = segments;
  if (first === undefined) return undefined;
  const days = servedDays(segments);
  const whole = days.every((day) => servedMinutes(day) === day.day.minutes);
  const minutes = days.reduce((sum, day) => sum + servedMinutes(day), 0);
  const total = days.reduce((sum, day) => sum + day.chargeNanos, 0n);
  const quantity = whole ? days.length : minutes;
  const pers = [...new Set(segments.map((segment) => segment.plan.per))];
  return {
    kind: 'service',
    vm,
    say: {
      about: { code: 'service', plans: [...new Set(segments.map((segment) => segment.plan.id))] },
      formula: [
        ...pers.map((per) => PRICED_PER[per]),
        ...(whole ? [] : [{ code: 'price_per_minute' } as const]),
        { code: 'average' },
      ],
      unit: { code: whole ? 'day' : 'minute' },
    },
    quantity: quantity.toString(),
    unitPrice: priceText(exact(total, BigInt(quantity)), currency),
    exactNanos: exact(total),
    detail: {
      plan: first.plan.id,
      served_minutes: minutes,
      plans: joined(segments).map((segment) => ({
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
