import type { EventKind } from '../domain/event-kinds.ts';
import { formatInstant } from '../domain/instant.ts';
import { exact, priceText } from './exact.ts';
import type { PricedAs } from './line.ts';

/** A recorded event that a terms sheet prices. */
export interface FeeEvent {
  readonly id: string;
  readonly kind: EventKind;
  readonly atMs: number;
  /** Zero where the terms make it free. */
  readonly feeNanos: bigint;
  /** The clause that prices it, or that makes it free. */
  readonly clause: string;
  /** Why it costs what it does, in a few words. */
  readonly reason: string;
}

/** A line a kind of event: how many, and which were free. Events outside the period are not to be passed. */
export function priceFees(vm: string, events: readonly FeeEvent[], currency: string): PricedAs<'fee'>[] {
  const groups = new Map<EventKind, FeeEvent[]>();
  for (const event of events) {
    groups.set(event.kind, [...(groups.get(event.kind) ?? []), event]);
  }
  return [...groups.values()].flatMap((group): PricedAs<'fee'>[] => {
    const charged = group.filter((event) => event.feeNanos > 0n);
    const [first] = charged;
    if (first === undefined) return [];
    const total = charged.reduce((sum, event) => sum + event.feeNanos, 0n);
    return [
      {
        kind: 'fee',
        vm,
        say: {
          about: { code: 'fee', event: first.kind },
          formula: [{ code: 'events' }],
          unit: { code: 'event' },
        },
        quantity: charged.length.toString(),
        unitPrice: priceText(exact(total, BigInt(charged.length)), currency),
        exactNanos: exact(total),
        detail: {
          clause: first.clause,
          events: group.map(({ id, atMs, feeNanos, reason }) => ({
            id,
            at: formatInstant(atMs),
            fee: priceText(exact(feeNanos), currency),
            reason,
          })),
        },
      },
    ];
  });
}
