/** What is agreed for a VM, as far as pages need it: whose it is, on which plan, in which zone and currency. */
import { useEffect, useState } from 'preact/hooks';
import { parseInstant } from '../../src/domain/instant.ts';
import { askOnce, useOnce } from './ask.ts';
import { pathOf, step } from './api.ts';
import { instant } from './format.ts';

export interface Vm {
  readonly id: string;
  readonly account: string;
  readonly title?: string;
  readonly plans: readonly { readonly plan: string; readonly from: string }[];
  readonly starts_at: string | null;
  readonly ends_at: string | null;
  readonly paid_until: string | null;
  readonly terms: string | readonly { readonly sheet: string | null; readonly from: string }[] | null;
}

export interface Plan {
  readonly id: string;
  readonly title?: string;
  readonly currency: string;
  readonly time_zone: string;
  readonly terms: string | null;
  readonly creditable: readonly string[];
  readonly price: { readonly amount: string; readonly per: string };
  readonly traffic: { readonly counting: string; readonly included_bytes?: bigint | number } | null;
}

export interface Agreed {
  readonly vm: Vm;
  /** The plan in force at the instant asked for, else its first; a VM may have none. */
  readonly plan: Plan | undefined;
  readonly zone: string;
  readonly currency: string;
}

/** The plan that is in force at an instant, else the first. */
export function planAt(vm: Pick<Vm, 'plans'>, atMs: number): string | undefined {
  const begun = vm.plans.filter(({ from }) => (parseInstant(from) ?? 0) <= atMs);
  return (begun.at(-1) ?? vm.plans[0])?.plan;
}

export async function agreedOf(vm: string, atMs: number): Promise<Agreed | undefined> {
  const found = await askOnce<Vm>(`/v1/vms/${step(vm)}`).catch(() => undefined);
  if (found === undefined) return undefined;
  const id = planAt(found, atMs);
  const plan = id === undefined ? undefined : await askOnce<Plan>(`/v1/plans/${step(id)}`);
  return { vm: found, plan, zone: plan?.time_zone ?? 'UTC', currency: plan?.currency ?? '' };
}

/** The same as a page's state; undefined until it is there, null where nothing is agreed. */
export function useAgreed(vm: string, atMs: number): Agreed | null | undefined {
  const [state, setState] = useState<{ vm: string; agreed: Agreed | null }>();
  useEffect(() => {
    let wanted = true;
    void agreedOf(vm, atMs).then((agreed) => {
      if (wanted) setState({ vm, agreed: agreed ?? null });
    });
    return () => {
      wanted = false;
    };
  }, [vm, atMs]);
  return state?.vm === vm ? state.agreed : undefined;
}

/** The zones of the plans, of an account or of all. */
export function useZones(account?: string): readonly string[] {
  const plans = useOnce<{ readonly rows: readonly Plan[] }>(pathOf('/v1/plans', { account, limit: 100 }));
  return [...new Set(plans?.rows.map(({ time_zone }) => time_zone))];
}

/** The zone of pages that are of one account, or of none: that of the plans where they have one in common, else UTC. */
export function useHouseZone(account?: string): string {
  const [only, ...others] = useZones(account);
  return only !== undefined && others.length === 0 ? only : 'UTC';
}

/** Of some zones the one in which both ends of a period are midnights: its own, as periods are whole days. */
export function zoneOfPeriod(from: string, to: string, zones: readonly string[]): string {
  const isMidnight = (at: string, zone: string): boolean => /^\d{4}-\d\d-\d\d 00:00$/.test(instant(at, zone));
  return zones.find((zone) => isMidnight(from, zone) && isMidnight(to, zone)) ?? 'UTC';
}
