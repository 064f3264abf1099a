import type { InvoiceState } from '../../books/invoices.ts';
import type { BillingContext } from '../context.ts';
import { DAY_MS, MINUTE_MS } from '../../domain/zone.ts';
import { inParts } from '../../query/context.ts';
import type { Effect, IncidentChange } from '../../query/incident-effect.ts';
import { loadOutages } from '../../query/outages.ts';
import { loadSpans, type Span } from '../../query/span.ts';
import { priceCredits } from '../../rating/credits.ts';
import { rounded } from '../../rating/line.ts';
import { claimsOf } from '../claims.ts';
import { noticesOf } from '../../terms/agreed.ts';
import { closed, evidenceOf, servicesOf } from '../facts.ts';
import { finalInvoices } from './reconcile.ts';

/** A service is priced by the calendar months around a period, so an invoice may be about a time so long before or after its own. */
const AROUND_MS = 32 * DAY_MS;

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
  const spans = await inParts(vms, (some) => loadSpans(context, some));
  const stretches = await stretchesOf(context, spans, change);
  const byAccount = new Map<string, string[]>();
  for (const vm of vms) {
    const account = catalog.vm(vm)?.body.account;
    if (account !== undefined) byAccount.set(account, [...(byAccount.get(account) ?? []), vm]);
  }
  /** The VMs that an invoice may be restated for. */
  const vmsOn = ({ head }: InvoiceState): string[] =>
    (byAccount.get(head.account) ?? []).filter((vm) => {
      const stretch = stretches.get(vm);
      return stretch !== undefined && head.from - AROUND_MS < stretch.toMs && head.to + AROUND_MS > stretch.fromMs;
    });
  const candidates = [...byAccount.keys()]
    .sort()
    .flatMap((account) => finalInvoices(context, account))
    .map((state) => ({ state, on: vmsOn(state) }))
    .filter(({ on }) => on.length > 0);
  const hull = {
    fromMs: candidates.reduce((first, { state }) => Math.min(first, state.head.from), Infinity) - AROUND_MS,
    toMs: candidates.reduce((last, { state }) => Math.max(last, state.head.to), 0) + AROUND_MS,
  };
  const rated = [...new Set(candidates.flatMap(({ on }) => on))];
  const outages = await inParts(rated, (some) => loadOutages(context, some, hull.fromMs, hull.toMs));
  const isRestated = ({ state: { head }, on }: (typeof candidates)[number]): boolean => {
    const services = servicesOf(context, [head.account], head.from, head.to);
    const usage = { fromMs: head.from, toMs: head.to, services, spans, outages };
    return on.some((vm) => {
      const body = catalog.vm(vm)?.body;
      const notices = body === undefined ? [] : noticesOf(context, body);
      const creditOf = (incidents: ReturnType<IncidentChange['then']>): bigint => {
        const priced = priceCredits({
          vm,
          service: services.get(vm) ?? [],
          outages: closed(evidenceOf(vm, usage, incidents, notices).counted, spans.get(vm)),
          claims: claimsOf(context, vm),
          fromMinute: head.from / MINUTE_MS,
          toMinute: head.to / MINUTE_MS,
          currency: head.currency,
        });
        return priced === undefined ? 0n : rounded(priced, head.currency).amountNanos;
      };
      return creditOf(catalog.incidents.of(vm)) !== creditOf(change.then(vm));
    });
  };
  return candidates.filter(isRestated).map(({ state }) => state);
}

interface Stretch {
  fromMs: number;
  toMs: number;
}

/** By VM: the incident's time with the whole outages and incidents that touch it, for what becomes longer may count where it did not. */
async function stretchesOf(
  context: BillingContext,
  spans: ReadonlyMap<string, Span>,
  { incident, then }: IncidentChange,
): Promise<Map<string, Stretch>> {
  const stretches = new Map<string, Stretch>();
  for (const vm of spans.keys()) stretches.set(vm, { fromMs: incident.from, toMs: incident.to });
  for (let grown = [...spans.keys()]; grown.length > 0;) {
    const hull = { fromMs: Infinity, toMs: 0 };
    for (const vm of grown) widen(hull, stretches.get(vm) ?? hull);
    const outages = await inParts(grown, (some) => loadOutages(context, some, hull.fromMs - 1, hull.toMs + 1));
    grown = grown.filter((vm) => {
      const own = stretches.get(vm) ?? hull;
      const { fromMs, toMs } = own;
      const horizonMs = spans.get(vm)?.horizonMs ?? toMs;
      const whole = (outages.get(vm) ?? []).map(({ startMs, endMs }) => ({ fromMs: startMs, toMs: endMs ?? horizonMs }));
      for (const each of [...whole, ...context.catalog.incidents.of(vm), ...then(vm)])
        if (each.fromMs <= toMs && each.toMs >= fromMs) widen(own, each);
      return own.fromMs < fromMs || own.toMs > toMs;
    });
  }
  return stretches;
}

function widen(stretch: Stretch, by: Stretch): void {
  stretch.fromMs = Math.min(stretch.fromMs, by.fromMs);
  stretch.toMs = Math.max(stretch.toMs, by.toMs);
}
