/** A VM's plans from the catalog, in the model's terms, and what its minutes then are worth. */
import { type DatedPlan, type ModelPlan, planAt, unitNanos } from './model/credit.ts';
import type { MinuteParts } from './model/timeline.ts';
import { conditionCode, CONDITIONS, SILENT } from '../domain/condition.ts';
import { parseAmount } from '../domain/money.ts';
import { planAnswer, vmCatalogAnswer } from './answers.ts';
import type { StoredMinute } from './columns.ts';
import { compareRow, type Place } from './disagreement.ts';
import { type Reader, VerifyError } from './reader.ts';

export interface Agreed {
  readonly plans: readonly DatedPlan[];
  readonly endsAtMs: number | null;
}

/** Plans by name that have been read already. */
export type KnownPlans = Map<string, ModelPlan>;

/** What the catalog says of a VM; no plans and no end if it does not know it. */
export async function agreedFor(reader: Reader, vm: string, known: KnownPlans): Promise<Agreed> {
  const found = await reader.find(`v1/vms/${encodeURIComponent(vm)}`, vmCatalogAnswer);
  if (found === null) return { plans: [], endsAtMs: null };
  const plans: DatedPlan[] = [];
  for (const { plan: name, from } of found.plans) {
    const plan = known.get(name) ?? (await planOf(reader, name));
    known.set(name, plan);
    plans.push({ plan, fromMs: from });
  }
  return { plans, endsAtMs: found.ends_at };
}

async function planOf(reader: Reader, name: string): Promise<ModelPlan> {
  const { price, time_zone, creditable } = await reader.get(`v1/plans/${encodeURIComponent(name)}`, planAnswer);
  const amountNanos = parseAmount(price.amount);
  if (amountNanos === undefined) throw new VerifyError(`plan ${name} has no price that can be read: ${price.amount}`);
  return { timeZone: time_zone, price: { amountNanos, per: price.per }, creditable };
}

/** Holds a stored minute against its model: milliseconds by condition, whether it is unavailable, and its credit. Throws `Disagreed`. */
export function compareMinute(
  place: Place,
  stored: StoredMinute | undefined,
  recomputed: MinuteParts | undefined,
  plans: readonly DatedPlan[],
): void {
  const mine = recomputed === undefined ? undefined : worthOf(recomputed, plans);
  if (stored !== undefined && mine !== undefined && isSame(stored, mine)) return;
  compareRow(place, stored && fieldsOf(stored), mine && fieldsOf(mine));
}

function worthOf({ minuteMs, partsMs }: MinuteParts, plans: readonly DatedPlan[]): StoredMinute {
  const plan = planAt(plans, minuteMs);
  const creditable = plan?.creditable ?? (['provider'] as const);
  const isUnavailable = creditable.some((condition) => (partsMs[conditionCode(condition)] ?? 0) > 0);
  const creditNanos = isUnavailable && plan !== null ? unitNanos(plan, minuteMs) : 0n;
  return { minuteMs, partsMs, unavailable: isUnavailable ? 1 : 0, creditNanos };
}

function isSame(a: StoredMinute, b: StoredMinute): boolean {
  return (
    a.unavailable === b.unavailable &&
    a.creditNanos === b.creditNanos &&
    CONDITIONS.every((_, code) => a.partsMs[code] === b.partsMs[code])
  );
}

/** As they are named where they differ. */
function fieldsOf({ partsMs, unavailable, creditNanos }: StoredMinute): Record<string, number | bigint> {
  const parts = CONDITIONS.map((condition, code) => [`${condition}_ms`, partsMs[code] ?? 0] as const);
  return { ...Object.fromEntries(parts), unavailable, credit_nanos: creditNanos };
}

/** Such a minute need not be stored. */
export function isWhollySilent({ partsMs }: MinuteParts): boolean {
  return partsMs.every((ms, code) => code === SILENT || ms === 0);
}
