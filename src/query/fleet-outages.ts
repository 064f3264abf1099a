import type { OutageInterval } from '../domain/timeline.ts';
import type { Page } from './context.ts';
import { type CountedContext, loadCounted, loadReported } from './counted-outages.ts';
import type { OutagePosition } from './outages.ts';
import { spokenAt, spokenKey } from './spoke-for.ts';

/** VMs that are looked at in one go. */
const VMS_A_PART = 500;

export interface FleetOutages {
  readonly fromMs: number;
  readonly toMs: number;
  /** Of these VMs, sorted; left out: of all that there are. */
  readonly vms?: readonly string[] | undefined;
  /** Condition codes; left out: all but up. */
  readonly conditions?: ReadonlySet<number> | undefined;
  /** Only where this agent spoke for the VM when it began. */
  readonly agent?: string | undefined;
  /** Only where it was on this host when it began. */
  readonly host?: string | undefined;
  /** Whether rows say who spoke for the VM when each began: looked up in the raw samples, which takes longer. */
  readonly withAgent?: boolean;
  readonly incidents: 'raw' | 'applied';
  readonly limit: number;
  readonly after?: OutagePosition | undefined;
}

/** An outage of a VM; `agent` only where it was asked for, null where its samples are gone. */
export type FleetOutage = OutageInterval & { readonly vm: string; readonly agent?: string | null };

/**
 * A page of the outages of many VMs that overlap the range: by name of the VM, then by start, whole. Parts of the fleet are read one after
 * another, as many as fill the page.
 */
export async function fleetOutagePage(
  context: CountedContext,
  request: FleetOutages,
): Promise<Page<FleetOutage, OutagePosition>> {
  const { fromMs, toMs, limit, after } = request;
  const load = request.incidents === 'raw' ? loadReported : loadCounted;
  const rows: FleetOutage[] = [];
  for (let from = after?.vm ?? ''; ;) {
    const vms = await namesFrom(context, request, from);
    const found = await load(context, vms, { fromMs, toMs });
    const listed = vms.flatMap((vm) =>
      (found.get(vm) ?? [])
        .filter(({ condition }) => request.conditions?.has(condition) ?? true)
        .filter(({ startMs }) => vm !== after?.vm || startMs > after.s)
        .map((outage) => ({ ...outage, vm })),
    );
    rows.push(...(await spokenBy(context, listed, request)));
    if (rows.length > limit) {
      rows.length = limit;
      const last = rows[limit - 1];
      return { rows, next: last === undefined ? undefined : { vm: last.vm, s: last.startMs } };
    }
    const last = vms.at(-1);
    if (vms.length < VMS_A_PART || last === undefined) return { rows, next: undefined };
    // The name that follows this one, whatever the fleet has.
    from = `${last}\0`;
  }
}

async function spokenBy(
  context: CountedContext,
  outages: readonly (OutageInterval & { vm: string })[],
  { agent, host, withAgent }: FleetOutages,
): Promise<readonly FleetOutage[]> {
  if (agent === undefined && host === undefined && withAgent !== true) return outages;
  const instant = ({ vm, startMs }: { vm: string; startMs: number }) => ({ vm, atMs: startMs });
  const spoken = await spokenAt(context, outages.map(instant));
  const isNamed = agent !== undefined || withAgent === true;
  return outages.flatMap((outage) => {
    const speaking = spoken.get(spokenKey(instant(outage)));
    if ((agent !== undefined && speaking?.agent !== agent) || (host !== undefined && speaking?.host !== host)) return [];
    return [isNamed ? { ...outage, agent: speaking?.agent ?? null } : outage];
  });
}

/** The next VMs from a name on that may have an outage in the range, by name. */
async function namesFrom(context: CountedContext, request: FleetOutages, from: string): Promise<string[]> {
  const { fromMs, toMs } = request;
  if (request.vms !== undefined) return request.vms.filter((vm) => vm >= from).slice(0, VMS_A_PART);
  const rows = await context.store.rows<{ vm: string }>(
    `SELECT vm FROM outages
     WHERE vm >= {name:String} AND start_at <= fromUnixTimestamp64Milli({to:Int64}, 'UTC')
       AND (toUnixTimestamp64Milli(end_at) = 0 OR end_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC'))
     GROUP BY vm ORDER BY vm LIMIT {limit:UInt32}`,
    { name: from, from: fromMs, to: toMs, limit: VMS_A_PART },
  );
  const names = new Set(rows.map((row) => row.vm));
  if (request.incidents === 'applied') for (const vm of await saidDown(context, request, from)) names.add(vm);
  return [...names].sort().slice(0, VMS_A_PART);
}

/** VMs that incidents say were down in the range, whatever their agents reported. */
async function saidDown({ catalog, store }: CountedContext, { fromMs, toMs }: FleetOutages, from: string): Promise<string[]> {
  const names = new Set<string>();
  let all = false;
  for (const { body } of catalog.incidents.all()) {
    if (body.withdrawn !== null || !body.asserts_down || body.from >= toMs || body.to <= fromMs) continue;
    const { scope, reported } = body;
    if ('all' in scope) all = true;
    const inScope = 'vms' in scope ? scope.vms : 'account' in scope ? catalog.vmsOf(scope.account) : Object.keys(reported ?? {});
    for (const vm of inScope) if (vm >= from) names.add(vm);
  }
  if (!all) return [...names];
  const metered = await store.rows<{ vm: string }>(
    `SELECT vm FROM uptime WHERE vm >= {name:String} GROUP BY vm ORDER BY vm LIMIT {limit:UInt32} SETTINGS optimize_aggregation_in_order = 1`,
    { name: from, limit: VMS_A_PART },
  );
  return [...names, ...metered.map((row) => row.vm)];
}
