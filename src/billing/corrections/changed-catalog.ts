import type { AccountBody, VmBody } from '../../catalog/bodies.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { EventBody } from '../../catalog/events.ts';
import type { Versioned } from '../../catalog/versioned.ts';
import { type PlanBody, planOf } from '../../domain/plan.ts';

/** What a change of the catalog would do to final invoices: found before it is made, for afterwards it can only be corrected. */
export type CatalogChange =
  | { readonly kind: 'plan'; readonly id: string; readonly body: PlanBody }
  | { readonly kind: 'account'; readonly id: string; readonly body: AccountBody }
  | { readonly kind: 'vm'; readonly id: string; readonly body: VmBody };

/** The catalog as it would be after a change: whoever reads it sees that, and nobody else does. */
export function changedCatalog(catalog: Catalog, { kind, id, body }: CatalogChange): Catalog {
  const changed = (name: string): boolean => name === id;
  const versioned = { id, seq: catalog.lastSeq, recordedAtMs: 0, recordedBy: 'dry run', body };
  const rated = (plan: string) => {
    const own = kind === 'plan' && changed(plan) ? body : catalog.plan(plan)?.body;
    return own === undefined ? undefined : planOf(plan, own);
  };
  const read: Record<string, (name: string) => unknown> = {
    [kind]: (name) => (changed(name) ? versioned : catalog[kind](name)),
    datedPlans: (vm) => {
      const plans = kind === 'vm' && changed(vm) ? body.plans : (catalog.vm(vm)?.body.plans ?? []);
      return plans.flatMap(({ plan, from }) => {
        const found = rated(plan);
        return found === undefined ? [] : [{ fromMs: from, plan: found }];
      });
    },
    endsAtMs: (vm) => (kind === 'vm' && changed(vm) ? body.ends_at : catalog.endsAtMs(vm)),
  };
  return new Proxy(catalog, {
    get(target, name) {
      const own = typeof name === 'string' ? read[name] : undefined;
      if (own !== undefined) return own;
      return boundMember(target, name);
    },
  });
}

/** The same with one more event of a VM. */
export function withEvent(catalog: Catalog, id: string, body: EventBody): Catalog {
  const recorded: Versioned<EventBody> = { id, seq: catalog.lastSeq, recordedAtMs: 0, recordedBy: 'dry run', body };
  const more = (known: Versioned<EventBody>[], vm: string): Versioned<EventBody>[] =>
    vm === body.vm && known.every((each) => each.id !== id) ? [...known, recorded].sort((a, b) => a.body.at - b.body.at) : known;
  const { events } = catalog;
  const then = new Proxy(events, {
    get(target, name) {
      if (name === 'of') return (vm: string) => more(events.of(vm), vm);
      if (name === 'allOf') return (vm: string) => more(events.allOf(vm), vm);
      return boundMember(target, name);
    },
  });
  return new Proxy(catalog, { get: (target, name) => (name === 'events' ? then : boundMember(target, name)) });
}

function boundMember(target: object, name: string | symbol): unknown {
  const found: unknown = Reflect.get(target, name, target);
  return typeof found === 'function' ? (found.bind(target) as unknown) : found;
}
