/** The minutes that a VM is served, and what each of them costs. */
import { dayChargeNanos, localDay, type ModelPlan } from './credit.ts';
import type { ModelAgreement, ModelVm } from './invoice-facts.ts';

export const MINUTE = 60_000;

/** A minute of service: what it costs, and under what. */
export interface Served {
  readonly atMs: number;
  readonly agreement: ModelAgreement;
  /** Which stretch of one plan it belongs to. */
  readonly stretch: number;
  readonly dayKey: string;
  readonly dayFromMs: number;
  readonly dayMinutes: number;
  readonly monthKey: string;
  readonly nanos: bigint;
}

export function minutesServed(vm: ModelVm, fromMs: number, toMs: number): Served[] {
  const served: Served[] = [];
  for (let atMs = fromMs; atMs < toMs; atMs += MINUTE) {
    if (vm.startsAtMs !== null && atMs < vm.startsAtMs) continue;
    if (vm.endsAtMs !== null && atMs >= vm.endsAtMs) continue;
    if (isWaived(vm, atMs)) continue;
    let stretch = -1;
    vm.agreements.forEach((each, i) => {
      if (each.fromMs <= atMs) stretch = i;
    });
    const agreement = vm.agreements[stretch];
    if (agreement === undefined) continue;
    const { plan } = agreement;
    const before = served.at(-1);
    const sameDay = before?.stretch === stretch && atMs < before.dayFromMs + before.dayMinutes * MINUTE;
    const day = sameDay ? null : localDay(plan.timeZone, atMs);
    const dayFromMs = day?.fromMs ?? before?.dayFromMs ?? 0;
    const dayMinutes = day === null ? (before?.dayMinutes ?? 0) : (day.toMs - day.fromMs) / MINUTE;
    const charge = day === null ? null : dayChargeNanos(plan, day);
    charges.set(plan, charge ?? charges.get(plan) ?? 0n);
    const k = BigInt((atMs - dayFromMs) / MINUTE);
    const m = BigInt(dayMinutes);
    const d = charges.get(plan) ?? 0n;
    served.push({
      atMs,
      agreement,
      stretch,
      dayKey: day === null ? (before?.dayKey ?? '') : `${plan.timeZone} ${day.year}-${day.month}-${day.day}`,
      dayFromMs,
      dayMinutes,
      monthKey: day === null ? (before?.monthKey ?? '') : `${plan.timeZone} ${day.year}-${day.month}`,
      nanos: (d * (k + 1n)) / m - (d * k) / m,
    });
  }
  return served;
}

/** Whether all that was paid for an instant went back. */
export function isWaived({ waived = [] }: ModelVm, atMs: number): boolean {
  return waived.some(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs);
}

/** The charge of the day last met, by plan. */
export const charges = new WeakMap<ModelPlan, bigint>();

export function chargeOf(minutes: readonly Served[]): bigint {
  return minutes.reduce((sum, each) => sum + each.nanos, 0n);
}
