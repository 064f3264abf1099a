import { zoneOfAccount } from '../../billing/period.ts';
import { servicesOf } from '../../billing/facts.ts';
import { trafficOf } from '../../billing/traffic.ts';
import { formatInstant } from '../../domain/instant.ts';
import { localDay, MINUTE_MS, monthEnd, monthStart } from '../../domain/zone.ts';
import { countedBytes } from '../../rating/traffic.ts';
import { draftOf, type NoticeDraft } from '../record/notice.ts';
import type { Look, Watch } from './watch.ts';

const MARKS = [50, 80, 100] as const;

/** Traffic of the month that is going on, held against what its plans include. Each mark once a month: bytes that are restated pass none again. */
export const trafficWatch: Watch = {
  name: 'traffic',
  everyMs: 5 * 60_000,
  async *look(look) {
    for (const account of look.context.catalog.accountIds()) {
      const isMetered = look.context.catalog.vmsOf(account).some((vm) => hasIncluded(look, vm));
      if (isMetered) yield await noticesOf(look, account);
    }
  },
};

/** Whether anything is included in a plan that a VM is or was on. */
function hasIncluded({ context: { catalog } }: Look, vm: string): boolean {
  return (catalog.vm(vm)?.body.plans ?? []).some(({ plan }) => {
    const traffic = catalog.plan(plan)?.body.traffic;
    if (traffic === undefined || traffic === null || traffic.counting === 'p95') return false;
    return [traffic, ...(traffic.classes ?? [])].some((rules) => 'included_bytes' in rules && rules.included_bytes > 0);
  });
}

async function noticesOf({ context, nowMs, sinceMs }: Look, account: string): Promise<NoticeDraft[]> {
  const { catalog } = context;
  const zone = zoneOfAccount(catalog, account);
  const day = localDay(zone, Math.floor(nowMs / MINUTE_MS));
  const [from, to] = [monthStart(zone, day), monthEnd(zone, day)];
  // The month in which notices began was counted by nobody before.
  if (to * MINUTE_MS <= sinceMs) return [];
  const vms = catalog.vmsOf(account).flatMap((id) => catalog.vm(id) ?? []);
  const services = servicesOf(context, [account], from * MINUTE_MS, to * MINUTE_MS);
  const { byPlan } = await trafficOf(context, vms, services, [from, to]);
  const notices: NoticeDraft[] = [];
  for (const [vm, list] of byPlan) {
    const served = (services.get(vm) ?? []).map(({ fromMinute, toMinute, plan }) => {
      return { plan: plan.id, minutes: Math.max(0, Math.min(toMinute, to) - Math.max(fromMinute, from)) };
    });
    const of = served.reduce((sum, { minutes }) => sum + minutes, 0);
    for (const { plan, class: ofClass, rules, bytes } of list) {
      if (rules.counting === 'p95' || rules.included_bytes === 0 || of === 0) continue;
      const own = served.filter((each) => each.plan === plan).reduce((sum, { minutes }) => sum + minutes, 0);
      // What a plan includes, in proportion to its share of the month's service, as it will be billed.
      const included = (BigInt(rules.included_bytes) * BigInt(own)) / BigInt(of);
      const used = countedBytes(rules.counting, bytes);
      for (const percent of MARKS) {
        if (included === 0n || used * 100n < included * BigInt(percent)) continue;
        const data = {
          ...{ vm, plan, class: ofClass ?? null, percent, used_bytes: used.toString(), included_bytes: included.toString() },
          ...{ from: formatInstant(from * MINUTE_MS), to: formatInstant(to * MINUTE_MS) },
        };
        notices.push(draftOf('traffic.reached', [vm, plan, ofClass ?? '', from, percent], { account, atMs: nowMs, data }));
      }
    }
  }
  return notices;
}
