import { formatInstant } from '../domain/instant.ts';
import type { PlanBody } from '../domain/plan.ts';
import { MINUTE_MS } from '../domain/zone.ts';
import { exact, priceText } from './exact.ts';
import type { PricedAs } from './line.ts';
import { clipSegments, minuteFrom, type Segment, servedDays, servedMinutes } from './served.ts';
import { PRICED_PER } from './service.ts';

/** Something that a VM has besides its plan. */
export interface AddOn {
  readonly id: string;
  readonly name: string;
  readonly priceNanos: bigint;
  readonly per: PlanBody['price']['per'];
  readonly quantity: number;
  readonly fromMs: number;
  /** null: for good. */
  readonly untilMs: number | null;
}

/** The minutes of a service in which a VM has an add-on, each at the add-on's own price in the plan's time zone. */
export function addOnSegments({ priceNanos, per, quantity, fromMs, untilMs }: AddOn, service: readonly Segment[]): Segment[] {
  const until = untilMs === null ? Infinity : minuteFrom(untilMs);
  return clipSegments(service, minuteFrom(fromMs), until).map((segment) => ({
    ...segment,
    plan: { ...segment.plan, priceNanos: priceNanos * BigInt(quantity), per },
  }));
}

/** An add-on of a VM's period: by the minute, as a plan is, while the VM is served. Undefined where it has it in no minute. */
export function priceAddOn(
  vm: string,
  addOn: AddOn,
  service: readonly Segment[],
  currency: string,
): PricedAs<'add_on'> | undefined {
  const segments = addOnSegments(addOn, service);
  const [first, last] = [segments[0], segments.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const days = servedDays(segments);
  const charge = days.reduce((sum, day) => sum + day.chargeNanos, 0n);
  return {
    kind: 'add_on',
    vm,
    say: {
      about: { code: 'add_on', name: addOn.name },
      formula: [PRICED_PER[addOn.per], { code: 'average' }],
      unit: { code: 'piece' },
    },
    quantity: addOn.quantity.toString(),
    unitPrice: priceText(exact(charge, BigInt(addOn.quantity)), currency),
    exactNanos: exact(charge),
    detail: {
      add_on: addOn.id,
      name: addOn.name,
      price: priceText(exact(addOn.priceNanos), currency),
      per: addOn.per,
      quantity: addOn.quantity,
      from: formatInstant(first.fromMinute * MINUTE_MS),
      to: formatInstant(last.toMinute * MINUTE_MS),
      served_minutes: days.reduce((sum, day) => sum + servedMinutes(day), 0),
      charge_nanos: charge,
    },
  };
}
