import type { Versioned } from '../catalog/versioned.ts';
import { type IncidentBody, type IncidentRequest, incidentsOf } from '../catalog/incidents.ts';
import { applyIncidents, type Incident, minutesThatDiffer } from '../domain/incidents.ts';
import { inParts, type QueryContext } from './context.ts';
import { loadOutages } from './outages.ts';
import { loadSpans } from './span.ts';

/** A VM whose time an incident would restate. */
export interface Effect {
  vm: string;
  minutes: number;
}

/** One incident more, or one less, than are in force. Nothing is recorded. */
export interface IncidentChange {
  readonly incident: IncidentBody;
  /** What incidents would say of a VM then, in the order they were recorded. */
  readonly then: (vm: string) => readonly Incident[];
}

/** One more incident, recorded now, after those in force. */
export function recorded(
  context: QueryContext,
  request: IncidentRequest,
  { reported, silence = null }: Pick<IncidentBody, 'reported'> & { silence?: string | null },
): IncidentChange {
  const incident: IncidentBody = { ...request, reported, silence, recorded: { at: 0, by: '' }, withdrawn: null };
  const more = (vm: string): Incident[] => incidentsOf([{ body: incident }], vm, accountOf(context, vm));
  return { incident, then: (vm) => [...context.catalog.incidents.of(vm), ...more(vm)] };
}

/** An incident's withdrawal; of one that is withdrawn already nothing changes. */
export function withdrawn(context: QueryContext, { id, body }: Versioned<IncidentBody>): IncidentChange {
  const others = context.catalog.incidents.all().filter((each) => each.id !== id);
  return { incident: body, then: (vm) => incidentsOf(others, vm, accountOf(context, vm)) };
}

function accountOf({ catalog }: QueryContext, vm: string): string | undefined {
  return catalog.vm(vm)?.body.account;
}

/** The VMs in scope, and how many minutes of each are restated. Those whose time stays as it is are listed with 0 minutes. */
export async function effectOf(context: QueryContext, { incident, then }: IncidentChange): Promise<Effect[]> {
  const { catalog } = context;
  const vms = await vmsInScope(context, incident);
  const spans = await inParts(vms, (some) => loadSpans(context, some));
  const outages = await inParts(vms, (some) => loadOutages(context, some, incident.from, incident.to));
  return vms.map((vm) => {
    const span = spans.get(vm);
    if (span === undefined) return { vm, minutes: 0 };
    const firstMs = Math.max(span.firstMs, incident.from);
    const horizonMs = Math.min(span.horizonMs, incident.to);
    if (firstMs >= horizonMs) return { vm, minutes: 0 };
    const timeline = { firstMs, horizonMs, outages: outages.get(vm) ?? [] };
    const now = { ...timeline, outages: applyIncidents(timeline, catalog.incidents.of(vm)) };
    return { vm, minutes: minutesThatDiffer(now, applyIncidents(timeline, then(vm))) };
  });
}

async function vmsInScope(context: QueryContext, { scope, reported }: IncidentBody): Promise<string[]> {
  if ('vms' in scope) return [...new Set(scope.vms)].sort();
  if ('account' in scope) return context.catalog.vmsOf(scope.account);
  if ('agent' in scope) return Object.keys(reported ?? {}).sort();
  const rows = await context.store.rows<{ vm: string }>('SELECT DISTINCT vm FROM uptime ORDER BY vm');
  return rows.map((row) => row.vm);
}
