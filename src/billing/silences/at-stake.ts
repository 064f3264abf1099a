import { uncovered } from '../../domain/intervals.ts';
import { MINUTE_MS } from '../../domain/zone.ts';
import { inParts } from '../../query/context.ts';
import { loadOutages } from '../../query/outages.ts';
import type { SilenceGroup } from '../../query/silences.ts';
import { loadSpans } from '../../query/span.ts';
import { reviewOf } from '../../rating/review.ts';
import { noticesOf } from '../../terms/agreed.ts';
import { claimsOf } from '../claims.ts';
import type { BillingContext } from '../context.ts';
import { closed, evidenceOf, servicesOf } from '../facts.ts';

export interface AtStake {
  readonly account: string;
  readonly currency: string;
  readonly nanos: bigint;
}

/**
 * What the accounts of a silence would be credited more in the calendar months that it touches, before tax, if what nobody has decided on of it was
 * the provider's and all other silence is none. Accounts of which nothing hangs on it are left out.
 */
export async function atStakeOf(context: BillingContext, group: SilenceGroup): Promise<AtStake[]> {
  const { catalog } = context;
  const own = group.silences.filter(({ open }) => open.length > 0);
  const vms = [...new Set(own.map((each) => each.vm))].sort();
  const fromMs = Math.floor(group.fromMs / MINUTE_MS) * MINUTE_MS;
  const toMs = Math.ceil(Math.max(...group.silences.map((each) => each.knownToMs)) / MINUTE_MS) * MINUTE_MS;
  const accounts = [...new Set(vms.flatMap((vm) => catalog.vm(vm)?.body.account ?? []))].sort();
  if (accounts.length === 0 || toMs <= fromMs) return [];
  const services = servicesOf(context, accounts, fromMs, toMs);
  const edges = vms.flatMap((vm) => (services.get(vm) ?? []).flatMap(({ fromMinute, toMinute }) => [fromMinute, toMinute]));
  if (edges.length === 0) return [];
  const hull = { fromMs: Math.min(...edges) * MINUTE_MS, toMs: Math.max(...edges) * MINUTE_MS };
  const spans = await inParts(vms, (some) => loadSpans(context, some));
  const outages = await inParts(vms, (some) => loadOutages(context, some, hull.fromMs, hull.toMs));
  const sums = new Map<string, AtStake>();
  for (const vm of vms) {
    const body = catalog.vm(vm)?.body;
    const currency = body === undefined ? undefined : catalog.account(body.account)?.body.currency;
    const service = services.get(vm) ?? [];
    if (body === undefined || currency === undefined) continue;
    const { counted } = evidenceOf(vm, { ...hull, services, spans, outages }, catalog.incidents.of(vm), noticesOf(context, body));
    const open = own.flatMap((each) => (each.vm === vm ? each.open : []));
    const review = reviewOf({
      ...{ vm, service, currency, outages: closed(counted, spans.get(vm)), claims: claimsOf(context, vm) },
      fromMinute: service[0]?.fromMinute ?? 0,
      toMinute: service.at(-1)?.toMinute ?? 0,
      judged: uncovered({ fromMs: 0, toMs: Infinity }, open),
    });
    const before = sums.get(body.account)?.nanos ?? 0n;
    if (review !== undefined) sums.set(body.account, { account: body.account, currency, nanos: before + review.atStakeNanos });
  }
  return accounts.flatMap((account) => sums.get(account) ?? []);
}
