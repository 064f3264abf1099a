import type { Catalog } from '../catalog/catalog.ts';
import type { NoticeRule } from '../domain/incidents.ts';
import type { DatedPlan } from '../domain/plan.ts';
import { termsNamed } from './agreed.ts';
import type { TermsLibrary } from './library.ts';
import { creditableUnder } from './policy.ts';

/** A plan from an instant on, and what the terms then ask of maintenance. */
export type AgreedPlan = DatedPlan & NoticeRule;

/**
 * A VM's plans in order, each with the causes that count under the VM's terms, or else the plan's: a dated plan more
 * wherever another version of the sheet begins or the last one ends. Before service starts none is in force: that time is
 * not charged, so no minute of it is worth a credit.
 */
export function agreedPlans(catalog: Catalog, library: TermsLibrary, vm: string): AgreedPlan[] {
  const body = catalog.vm(vm)?.body;
  const plans = catalog
    .datedPlans(vm)
    .map((dated) => ({ ...dated, fromMs: Math.max(dated.fromMs, body?.starts_at ?? -Infinity) }))
    .filter(({ fromMs }, i, all) => fromMs < (all[i + 1]?.fromMs ?? Infinity));
  return plans.flatMap(({ fromMs, plan }, i) => {
    const id = body === undefined ? null : termsNamed({ catalog }, body, plan.id);
    if (id === null) return [{ fromMs, plan, noticeMs: null }];
    const untilMs = plans[i + 1]?.fromMs ?? Infinity;
    const changes = library
      .versions(id)
      .flatMap(({ sheet }) => [sheet.effective_from, sheet.effective_until ?? Infinity])
      .filter((atMs) => atMs > fromMs && atMs < untilMs)
      .sort((a, b) => a - b);
    return [fromMs, ...changes].map((atMs) => {
      const sheet = library.inForce(id, atMs)?.sheet;
      if (sheet === undefined) return { fromMs: atMs, plan, noticeMs: null };
      return { fromMs: atMs, plan: { ...plan, creditable: creditableUnder(sheet, plan) }, noticeMs: sheet.maintenance_notice };
    });
  });
}
