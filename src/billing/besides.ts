import type { DiscountBody, VmBody } from '../catalog/bodies.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { parseAmount } from '../domain/money.ts';
import { MINUTE_MS } from '../domain/zone.ts';
import type { Discount } from '../rating/discounts.ts';
import type { VmFacts } from '../rating/order.ts';
import { minuteFrom } from '../rating/served.ts';
import { isWaived } from './waived.ts';
import type { PlanSums, Setup } from '../rating/sums.ts';

/** What a VM is charged for in [fromMs, toMs) besides service, traffic and fees: the sums of its plans, its add-ons, and what is taken off. */
export function besidesOf(
  catalog: Catalog,
  id: string,
  vm: VmBody,
  fromMs: number,
  toMs: number,
): Pick<VmFacts, 'sums' | 'setups' | 'addOns' | 'discounts'> {
  const sums = new Map<string, PlanSums>();
  for (const { plan } of vm.plans) {
    const body = catalog.plan(plan)?.body;
    if (body === undefined) continue;
    const own: PlanSums = {
      ...(body.minimum === undefined ? {} : { minimumNanos: nanosOf(body.minimum) }),
      ...(body.maximum === undefined ? {} : { maximumNanos: nanosOf(body.maximum) }),
      ...(body.flat === undefined ? {} : { flatNanos: nanosOf(body.flat) }),
    };
    if (Object.keys(own).length > 0) sums.set(plan, own);
  }
  const addOns = (vm.add_ons ?? []).map(({ id: own, name, price, quantity, from, until }) => ({
    ...{ id: own, name, per: price.per, quantity, fromMs: from, untilMs: until },
    priceNanos: nanosOf(price.amount),
  }));
  const setups = setupsOf(catalog, vm).filter(({ atMs }) => atMs >= fromMs && atMs < toMs && !isWaived(catalog, id, atMs));
  return { sums, setups, addOns, ...(vm.discounts === undefined ? {} : { discounts: vm.discounts.map(discountOf) }) };
}

/** What is taken off, as it was agreed. */
export function discountOf(body: DiscountBody): Discount {
  const { name, reason = null, clause = null, kinds = null, from: fromMs, until: untilMs } = body;
  const off = 'percent' in body ? { percentNanos: nanosOf(body.percent) } : { nanos: nanosOf(body.amount), per: body.per };
  return { name, reason, clause, kinds, fromMs, untilMs, off };
}

/** The setups of a VM: of each plan that asks for one, at the first minute that was served on it; a plan that comes back asks for none. */
function setupsOf(catalog: Catalog, vm: VmBody): Setup[] {
  const setups = new Map<string, Setup>();
  for (const [i, { plan, from }] of vm.plans.entries()) {
    const sum = catalog.plan(plan)?.body.setup;
    if (sum === undefined || setups.has(plan)) continue;
    const begins = minuteFrom(Math.max(from, vm.starts_at ?? from));
    const ends = minuteFrom(Math.min(vm.plans[i + 1]?.from ?? Infinity, vm.ends_at ?? Infinity));
    if (begins < ends) setups.set(plan, { plan, atMs: begins * MINUTE_MS, nanos: nanosOf(sum) });
  }
  return [...setups.values()];
}

function nanosOf(amount: string): bigint {
  const nanos = parseAmount(amount);
  if (nanos === undefined) throw new Error(`the amount ${amount} was stored unchecked`);
  return nanos;
}
