/** A VM's plans from the catalog, in the model's terms, and what its minutes then are worth. */
import { type DatedPlan, type ModelPlan, planAt, unitNanos } from './model/credit.ts';
import type { MinuteParts } from './model/timeline.ts';
import { conditionCode, CONDITIONS, SILENT } from '../domain/condition.ts';
import { parseAmount } from '../domain/money.ts';
import { type MinuteAnswer, planAnswer, vmCatalogAnswer } from './answers.ts';
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

/** A minute row as text fields compare: milliseconds by condition, whether it is unavailable, and its credit. */
export type MinuteFields = Record<string, number | bigint>;
/** By condition code. */
const FIELDS = CONDITIONS.map((condition) => `${condition}_ms`);

export function recomputedMinute({ minuteMs, partsMs }: MinuteParts, plans: readonly DatedPlan[]): MinuteFields {
  const plan = planAt(plans, minuteMs);
  const creditable = plan?.creditable ?? (['provider'] as const);
  const unavailable = creditable.some((condition) => (partsMs[conditionCode(condition)] ?? 0) > 0);
  const fields: MinuteFields = {};
  for (const [code, field] of FIELDS.entries()) fields[field] = partsMs[code] ?? 0;
  fields['unavailable'] = unavailable ? 1 : 0;
  fields['credit_nanos'] = unavailable && plan !== null ? unitNanos(plan, minuteMs) : 0n;
  return fields;
}

export function storedMinute(row: MinuteAnswer): MinuteFields {
  const fields: MinuteFields = {};
  for (const [code, field] of FIELDS.entries()) fields[field] = row.down_ms[CONDITIONS[code] ?? ''] ?? 0;
  fields['up_ms'] = row.up_ms;
  fields['silent_ms'] = row.silent_ms;
  fields['unavailable'] = row.unavailable_minutes;
  fields['credit_nanos'] = row.credit_nanos;
  return fields;
}

/** Such a minute need not be stored. */
export function isWhollySilent({ partsMs }: MinuteParts): boolean {
  return partsMs.every((ms, code) => code === SILENT || ms === 0);
}
