import { type IncidentRequest, incidentsOf, type IncidentBody } from '../catalog/incidents.ts';
import { applyIncidents, type Incident, minutesThatDiffer } from '../domain/incidents.ts';
import type { QueryContext } from './context.ts';
import { loadOutages } from './outages.ts';
import { loadSpans } from './span.ts';

/** A VM whose time an incident would restate. */
export interface Effect {
  vm: string;
  minutes: number;
}

/**
 * The VMs in scope, and how many minutes of each would be restated by one more incident recorded now, after those in force.
 * Nothing is recorded. VMs whose time stays as it is are listed with 0 minutes.
 */
export async function incidentEffect(
  context: QueryContext,
  request: IncidentRequest,
  reported: IncidentBody['reported'],
): Promise<Effect[]> {
  const body: IncidentBody = { ...request, reported, recorded: { at: 0, by: '' }, withdrawn: null };
  return restated(context, body, (vm, inForce) => [...inForce, ...incidentsOf([{ body }], vm, accountOf(context, vm))]);
}

/** The same of an incident's withdrawal: its VMs, and how many minutes of each would count as they did without it. */
export async function withdrawalEffect(context: QueryContext, id: string): Promise<Effect[]> {
  const incident = context.catalog.incidents().find((each) => each.id === id);
  if (incident === undefined || incident.body.withdrawn !== null) return [];
  const others = context.catalog.incidents().filter((each) => each.id !== id);
  return restated(context, incident.body, (vm) => incidentsOf(others, vm, accountOf(context, vm)));
}

function accountOf({ catalog }: QueryContext, vm: string): string | undefined {
  return catalog.vm(vm)?.body.account;
}

/** How many minutes of each VM in an incident's scope other incidents in force would restate. */
async function restated(
  context: QueryContext,
  request: IncidentBody,
  then: (vm: string, inForce: readonly Incident[]) => readonly Incident[],
): Promise<Effect[]> {
  const { catalog } = context;
  const vms = await vmsInScope(context, request);
  const spans = await loadSpans(context, vms);
  const outages = await loadOutages(context, vms, request.from, request.to);
  return vms.map((vm) => {
    const span = spans.get(vm);
    if (span === undefined) return { vm, minutes: 0 };
    const firstMs = Math.max(span.firstMs, request.from);
    const horizonMs = Math.min(span.horizonMs, request.to);
    if (firstMs >= horizonMs) return { vm, minutes: 0 };
    const before: readonly Incident[] = catalog.incidentsOf(vm);
    const timeline = { firstMs, horizonMs, outages: outages.get(vm) ?? [] };
    const now = { ...timeline, outages: applyIncidents(timeline, before) };
    return { vm, minutes: minutesThatDiffer(now, applyIncidents(timeline, then(vm, before))) };
  });
}

async function vmsInScope(context: QueryContext, { scope, reported }: IncidentBody): Promise<string[]> {
  if ('vms' in scope) return [...new Set(scope.vms)].sort();
  if ('account' in scope) return context.catalog.vmsOf(scope.account);
  if ('agent' in scope) return Object.keys(reported ?? {}).sort();
  const rows = await context.store.rows<{ vm: string }>('SELECT DISTINCT vm FROM uptime ORDER BY vm');
  return rows.map((row) => row.vm);
}
