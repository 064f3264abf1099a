/** What of an invoice hangs on time that nobody has judged (SPEC §5): the credits once as they are, once as if it were the provider's. */
import type { Condition } from '../../domain/condition.ts';
import { creditsOf } from './invoice-credits.ts';
import type { ModelInvoice, ModelVm } from './invoice-facts.ts';
import { halfEven, type ModelOutage, sumOf } from './rater.ts';
import { MINUTE, minutesServed } from './served.ts';

export interface ModelReview {
  readonly vm: string;
  readonly nanos: bigint;
}

/** The VMs whose credit would be another, and by how much. */
export function modelReviews(facts: ModelInvoice): ModelReview[] {
  return facts.vms.flatMap((vm) => {
    const months = minutesServed(vm, facts.monthsFromMs, facts.monthsToMs);
    const credit = (outages: readonly ModelOutage[]): bigint => {
      const earned = creditsOf({ ...vm, outages }, months, facts).map((each) => each.nanos);
      return earned.length === 0 ? 0n : halfEven(sumOf(earned), facts.minorNanos);
    };
    const nanos = credit(ifProvider(vm, facts)) - credit(vm.outages);
    return nanos === 0n ? [] : [{ vm: vm.vm, nanos }];
  });
}

/** Cut wherever anything may change, each piece by itself, and put together again. */
function ifProvider(vm: ModelVm, { monthsFromMs, monthsToMs }: ModelInvoice): ModelOutage[] {
  const judged = vm.judged ?? [];
  const begins = vm.agreements.map((each) => Math.ceil(each.fromMs / MINUTE) * MINUTE);
  const unsureAt = (ms: number, cause: Condition): boolean => {
    const at = Math.min(Math.max(ms, monthsFromMs), monthsToMs - 1);
    const agreement = vm.agreements.filter((_, i) => (begins[i] ?? 0) <= at).at(-1) ?? vm.agreements[0];
    const known = judged.some((each) => each.fromMs <= ms && ms < each.toMs);
    return !known && (agreement?.policy.unsure ?? []).includes(cause);
  };
  const cuts = [...begins, ...judged.flatMap((each) => [each.fromMs, each.toMs])];
  const pieces: { startMs: number; endMs: number; cause: Condition }[] = [];
  for (const { startMs, endMs, cause } of vm.outages) {
    const ends = [...new Set([...cuts.filter((ms) => ms > startMs && ms < endMs), endMs])].sort((a, b) => a - b);
    let from = startMs;
    for (const to of ends) {
      const as = unsureAt(from, cause) ? 'provider' : cause;
      const before = pieces.at(-1);
      if (before !== undefined && before.endMs === from && before.cause === as) before.endMs = to;
      else pieces.push({ startMs: from, endMs: to, cause: as });
      from = to;
    }
  }
  return pieces;
}
