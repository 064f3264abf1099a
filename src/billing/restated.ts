import type { InvoiceState } from '../catalog/books.ts';
import { MINUTE_MS } from '../domain/zone.ts';
import { inParts } from '../query/context.ts';
import type { Effect, IncidentChange } from '../query/incident-effect.ts';
import { loadOutages } from '../query/outages.ts';
import { loadSpans } from '../query/span.ts';
import { priceCredits } from '../rating/credits.ts';
import { rounded } from '../rating/line.ts';
import { claimsOf } from './claims.ts';
import { type BillingContext, closed, evidenceOf, servicesOf } from './facts.ts';
import { finalInvoices } from './reconcile.ts';

/** A service is priced by the calendar months around a period, so an invoice may be about a time so long before or after its own. */
const AROUND_MS = 32 * 86_400_000;

/**
 * The final invoices whose periods rate to something else after a change of incidents, by account: those that reconciling would
 * correct for it. Of all lines only credits, and the tax on them, follow incidents; those of a monthly uptime follow what lies
 * in another part of the month.
 */
export async function invoicesRestated(
  context: BillingContext,
  effect: readonly Effect[],
  change: IncidentChange,
): Promise<InvoiceState[]> {
  const { catalog } = context;
  const vms = effect.filter((each) => each.minutes > 0).map((each) => each.vm);
  const { fromMs, toMs } = await stretchOf(context, vms, change);
  const byAccount = new Map<string, string[]>();
  for (const vm of vms) {
    const account = catalog.vm(vm)?.body.account;
    if (account !== undefined) byAccount.set(account, [...(byAccount.get(account) ?? []), vm]);
  }
  const candidates = [...byAccount.keys()]
    .sort()
    .flatMap((account) => finalInvoices(context, account))
    .filter(({ head }) => head.from - AROUND_MS < toMs && head.to + AROUND_MS > fromMs);
  const hull = {
    fromMs: Math.min(...candidates.map(({ head }) => head.from)) - AROUND_MS,
    toMs: Math.max(...candidates.map(({ head }) => head.to)) + AROUND_MS,
  };
  const billed = new Set(candidates.map(({ head }) => head.account));
  const rated = vms.filter((vm) => billed.has(catalog.vm(vm)?.body.account ?? ''));
  const spans = await inParts(rated, (some) => loadSpans(context, some));
  const outages = await inParts(rated, (some) => loadOutages(context, some, hull.fromMs, hull.toMs));
  return candidates.filter(({ head }) => {
    const services = servicesOf(context, [head.account], head.from, head.to);
    const usage = { fromMs: head.from, toMs: head.to, services, spans, outages };
    return (byAccount.get(head.account) ?? []).some((vm) => {
      const creditOf = (incidents: ReturnType<IncidentChange['then']>): bigint => {
        const counted = closed(evidenceOf(vm, usage, incidents).counted, spans.get(vm));
        const [from, to] = [head.from / MINUTE_MS, head.to / MINUTE_MS];
        const priced = priceCredits(vm, services.get(vm) ?? [], counted, from, to, head.currency, claimsOf(context, vm));
        return priced === undefined ? 0n : rounded(priced, head.currency).amountNanos;
      };
      return creditOf(catalog.incidentsOf(vm)) !== creditOf(change.then(vm));
    });
  });
}

/** The incident's time with the whole outages and other incidents that touch it: one that becomes longer may count where it did not. */
async function stretchOf(
  context: BillingContext,
  vms: readonly string[],
  { incident, then }: IncidentChange,
): Promise<{ fromMs: number; toMs: number }> {
  let stretch = { fromMs: incident.from, toMs: incident.to };
  for (;;) {
    const { fromMs, toMs } = stretch;
    const outages = await inParts(vms, (some) => loadOutages(context, some, fromMs - 1, toMs + 1));
    for (const vm of vms) {
      const touching = [
        ...(outages.get(vm) ?? []).map(({ startMs, endMs }) => ({ fromMs: startMs, toMs: endMs ?? toMs })),
        ...[...context.catalog.incidentsOf(vm), ...then(vm)].filter((each) => each.fromMs <= toMs && each.toMs >= fromMs),
      ];
      for (const each of touching)
        stretch = { fromMs: Math.min(stretch.fromMs, each.fromMs), toMs: Math.max(stretch.toMs, each.toMs) };
    }
    if (stretch.fromMs === fromMs && stretch.toMs === toMs) return stretch;
  }
}
