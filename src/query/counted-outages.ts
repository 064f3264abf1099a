import { applyIncidents } from '../domain/incidents.ts';
import type { OutageInterval } from '../domain/timeline.ts';
import { agreedPlans } from '../terms/agreed-plans.ts';
import type { TermsLibrary } from '../terms/library.ts';
import type { QueryContext } from './context.ts';
import { loadOutages, withinService } from './outages.ts';
import { loadSpans } from './span.ts';

export interface CountedContext extends QueryContext {
  termsLibrary: TermsLibrary;
}

/** Outages of VMs, by VM, in order. */
export type OutagesByVm = Map<string, OutageInterval[]>;

interface Stretch {
  fromMs: number;
  toMs: number;
}

/** Outages of VMs that overlap `[fromMs, toMs)`, whole, causes as reported; none past the end of a VM's service. */
export async function loadReported(
  context: QueryContext,
  vms: readonly string[],
  { fromMs, toMs }: Stretch,
): Promise<OutagesByVm> {
  const found = await loadOutages(context, vms, fromMs, toMs);
  const served = (vm: string, outages: readonly OutageInterval[]): OutageInterval[] =>
    outages.flatMap((outage) => withinService(context, vm, outage) ?? []).filter(({ endMs }) => (endMs ?? Infinity) > fromMs);
  return new Map(Array.from(found, ([vm, outages]) => [vm, served(vm, outages)]));
}

/**
 * The same as incidents restate them and terms count them. An incident may join outages and make new ones: what touches the range is read as far
 * as it reaches, so an outage is the same whatever range it is asked for in.
 */
export async function loadCounted(context: CountedContext, vms: readonly string[], range: Stretch): Promise<OutagesByVm> {
  const counted: OutagesByVm = await loadReported(context, vms, { fromMs: range.fromMs - 1, toMs: range.toMs + 1 });
  const rules = new Map(
    vms.flatMap((vm) => {
      const incidents = context.catalog.incidents.of(vm);
      const notices = agreedPlans(context, vm);
      const asked = counted.has(vm) && notices.some(({ noticeMs }) => noticeMs !== null);
      return incidents.length > 0 || asked ? [[vm, { incidents, notices }] as const] : [];
    }),
  );
  const stretches = new Map(Array.from(rules.keys(), (vm) => [vm, { ...range }]));
  for (let grown = [...stretches.keys()]; grown.length > 0;) {
    const hull = hullOf(grown.flatMap((vm) => stretches.get(vm) ?? []));
    const reported = await loadReported(context, grown, { fromMs: hull.fromMs - 1, toMs: hull.toMs + 1 });
    grown = grown.filter((vm) => {
      counted.set(vm, reported.get(vm) ?? []);
      return widened(stretches.get(vm) ?? hull, [
        ...(reported.get(vm) ?? []).map(({ startMs, endMs }) => ({ fromMs: startMs, toMs: endMs ?? startMs })),
        ...(rules.get(vm)?.incidents ?? []),
      ]);
    });
  }
  const spans = await loadSpans(context, [...rules.keys()]);
  for (const [vm, { incidents, notices }] of rules) {
    const span = spans.get(vm);
    const outages = counted.get(vm) ?? [];
    if (span === undefined) continue;
    // What began in the minutes that are not published yet stays as it is reported; what began before is known to its end.
    const published = outages.filter(({ startMs }) => startMs < span.horizonMs);
    const horizonMs = Math.max(span.horizonMs, ...published.map(({ endMs }) => endMs ?? 0));
    const restated = applyIncidents({ firstMs: span.firstMs, horizonMs, outages: published }, incidents, notices);
    counted.set(vm, [...restated, ...outages.filter(({ startMs }) => startMs >= span.horizonMs)]);
  }
  for (const [vm, outages] of counted)
    counted.set(vm, outages.filter(({ startMs, endMs }) => startMs < range.toMs && (endMs ?? Infinity) > range.fromMs)); // prettier-ignore
  return counted;
}

/** Takes in what touches a stretch; whether it grew. */
function widened(stretch: Stretch, others: readonly Stretch[]): boolean {
  const { fromMs, toMs } = stretch;
  for (const each of others) {
    if (each.fromMs > toMs || each.toMs < fromMs) continue;
    stretch.fromMs = Math.min(stretch.fromMs, each.fromMs);
    stretch.toMs = Math.max(stretch.toMs, each.toMs);
  }
  return stretch.fromMs < fromMs || stretch.toMs > toMs;
}

function hullOf(stretches: readonly Stretch[]): Stretch {
  return {
    fromMs: Math.min(...stretches.map((each) => each.fromMs)),
    toMs: Math.max(...stretches.map((each) => each.toMs)),
  };
}
