import type { VmBody } from '../catalog/bodies.ts';
import { classOfNic } from '../domain/traffic-classes.ts';
import type { PlanTraffic } from '../rating/order.ts';
import { clipSegments, type Segment } from '../rating/served.ts';
import type { Bytes } from '../rating/traffic.ts';
import type { BillingContext } from './context.ts';
import { trafficDays, type TrafficRange, trafficSlots } from './usage.ts';

type Rules = PlanTraffic['rules'];

/** Traffic of one stretch on a plan, under one price; null: it has none. */
interface PricedRange extends TrafficRange {
  readonly plan: string;
  readonly class?: string;
  readonly rules: Rules | null;
}

/** Traffic of each VM's period: by the plans that price it, in the order in which they were first on, and their classes; and by day on any plan. */
export async function trafficOf(
  context: BillingContext,
  vms: readonly { id: string; body: VmBody }[],
  services: ReadonlyMap<string, readonly Segment[]>,
  edges: readonly number[],
): Promise<{ byPlan: Map<string, PlanTraffic[]>; byDay: Map<string, Bytes[]> }> {
  const ranges: PricedRange[] = [];
  for (const { id, body } of vms) {
    for (const { plan, fromMinute, toMinute } of clipSegments(services.get(id) ?? [], edges[0] ?? 0, edges.at(-1) ?? 0)) {
      const rules = context.catalog.plan(plan.id)?.body.traffic ?? null;
      const range = { vm: id, fromMinute, toMinute, nics: body.nics, plan: plan.id };
      ranges.push(...rangesOf(rules).map((priced) => ({ ...range, ...priced })));
    }
  }
  const days = await trafficDays(context, ranges, edges);
  const p95 = ranges.filter((range) => range.rules?.counting === 'p95');
  const slots = new Map((await trafficSlots(context, p95)).map((found, i) => [p95[i], found]));
  const byVm = new Map<string, (PlanTraffic & { found: Map<number, Bytes> })[]>();
  const byDay = new Map<string, Bytes[]>();
  for (const [i, range] of ranges.entries()) {
    const { plan, rules } = range;
    const sums = byDay.get(range.vm) ?? edges.slice(1).map((): Bytes => ({ rxBytes: 0n, txBytes: 0n }));
    byDay.set(range.vm, sums);
    for (const [day, sum] of sums.entries()) add(sum, days[i]?.[day]);
    if (rules === null) continue;
    const list = byVm.get(range.vm) ?? [];
    byVm.set(range.vm, list);
    let entry = list.find((each) => each.plan === plan && each.class === range.class);
    if (entry === undefined) {
      const classed = range.class === undefined ? {} : { class: range.class };
      entry = { plan, ...classed, rules, bytes: { rxBytes: 0n, txBytes: 0n }, slots: [], found: new Map() };
      list.push(entry);
    }
    for (const day of days[i] ?? []) add(entry.bytes, day);
    // A plan that came back within a slot of 5 minutes has its bytes in one slot.
    for (const [slot, bytes] of slots.get(range) ?? []) {
      const sum = entry.found.get(slot) ?? { rxBytes: 0n, txBytes: 0n };
      add(sum, bytes);
      entry.found.set(slot, sum);
    }
  }
  return {
    byPlan: new Map(
      Array.from(byVm, ([vm, list]) => [vm, list.map(({ found, ...entry }) => ({ ...entry, slots: [...found.values()] }))]),
    ),
    byDay,
  };
}

/** Traffic at large first, then that of each class. */
function rangesOf(rules: Rules | null): Pick<PricedRange, 'rules' | 'class' | 'takes'>[] {
  const classes = rules?.classes ?? [];
  if (classes.length === 0) return [{ rules }];
  // An interface is asked for again in every row.
  const known = new Map<string, string | null>();
  const classOf = (nic: string): string | null => {
    const found = known.get(nic) ?? classOfNic(classes, nic);
    known.set(nic, found);
    return found;
  };
  return [
    { rules, takes: (nic) => classOf(nic) === null },
    ...classes.map((each) => ({ rules: each, class: each.name, takes: (nic: string) => classOf(nic) === each.name })),
  ];
}

function add(sum: Bytes, more: Bytes | undefined): void {
  sum.rxBytes += more?.rxBytes ?? 0n;
  sum.txBytes += more?.txBytes ?? 0n;
}
