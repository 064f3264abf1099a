import type { Catalog } from '../catalog/catalog.ts';
import { isBoundary } from '../domain/bucket.ts';
import { DAY_MS, MINUTE_MS, type Zone, zoneOf } from '../domain/zone.ts';
import { oneFieldProblem } from '../problems/field-problems.ts';

const PERIOD_DAYS_MAX = 400;

/** The time zone of an account, or those of its plans, UTC where it has none. */
function zonesOf(catalog: Catalog, account: string): Zone[] {
  const own = zoneOf(catalog.account(account)?.body.time_zone ?? '');
  if (own !== undefined) return [own];
  const zones = new Map<string, Zone>();
  for (const vm of catalog.vmsOf(account)) for (const { plan } of catalog.datedPlans(vm)) zones.set(plan.zone.name, plan.zone);
  return zones.size === 0 ? [utc()] : [...zones.values()];
}

export function utc(): Zone {
  const zone = zoneOf('UTC');
  if (zone === undefined) throw new Error('the runtime has no UTC');
  return zone;
}

function startsDay(zone: Zone, ms: number): boolean {
  return ms % MINUTE_MS === 0 && isBoundary(zone, 'day', ms / MINUTE_MS);
}

/** The time zone by whose days an account is charged: that of the first plan of its first VM, by name. */
export function zoneOfAccount(catalog: Catalog, account: string): Zone {
  return zonesOf(catalog, account)[0] ?? utc();
}

/** The time zone whose days a period is made of: of the account's plans the first that fits, UTC where none does. */
export function zoneOfPeriod(catalog: Catalog, account: string, fromMs: number, toMs: number): Zone {
  return zonesOf(catalog, account).find((zone) => startsDay(zone, fromMs) && startsDay(zone, toMs)) ?? utc();
}

/**
 * Refuses a period that is not whole local days in the time zone of one of the account's plans (UTC where it has none):
 * every other bound would cut days in two, each with a cap of its own. Throws `invalid_body`.
 */
export function checkPeriod(catalog: Catalog, account: string, fromMs: number, toMs: number): void {
  const zones = zonesOf(catalog, account);
  const names = zones.map((zone) => zone.name).join(', ');
  const refuse = (field: string, message: string): never => {
    throw oneFieldProblem('invalid_body', field, message);
  };
  if (!zones.some((zone) => startsDay(zone, fromMs))) refuse('from', `must be the start of a day in ${names}`);
  if (!zones.some((zone) => startsDay(zone, fromMs) && startsDay(zone, toMs)))
    refuse('to', `must be the start of a day in the same time zone as from: ${names}`);
  if (toMs - fromMs > PERIOD_DAYS_MAX * DAY_MS) refuse('to', `must be at most ${PERIOD_DAYS_MAX} days after from`);
}
