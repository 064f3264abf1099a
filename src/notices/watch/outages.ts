import { CAUSES, conditionCode } from '../../domain/condition.ts';
import { formatInstant } from '../../domain/instant.ts';
import { type FleetOutage, fleetOutagePage } from '../../query/fleet-outages.ts';
import { draftOf, type NoticeDraft } from '../record/notice.ts';
import type { Look, Watch } from './watch.ts';

/** How far back ends of outages are looked for: longer than a server is away. */
const LOOKBACK_MS = 7 * 86_400_000;
const PAGE = 1_000;
const CONDITIONS = new Set(CAUSES.map(conditionCode));

/** Outages that last, and that are over, as incidents restate them and terms count them. Silence is no outage until somebody says so. */
export const outageWatch: Watch = {
  name: 'outages',
  everyMs: 30_000,
  async *look(look) {
    const { context, nowMs, sinceMs } = look;
    const fromMs = Math.max(sinceMs, nowMs - LOOKBACK_MS);
    for (let after: { vm: string; s: number } | undefined, more = true; more;) {
      const request = { fromMs, toMs: nowMs, conditions: CONDITIONS, incidents: 'applied' as const, limit: PAGE, after };
      const page = await fleetOutagePage({ ...context, termsLibrary: context.termsLibrary }, request);
      yield page.rows.flatMap((outage) => noticesOf(look, outage));
      after = page.next;
      more = after !== undefined;
    }
  },
};

function noticesOf({ context, sinceMs, outageMs }: Look, { vm, startMs, endMs, condition }: FleetOutage): NoticeDraft[] {
  const account = context.catalog.vm(vm)?.body.account;
  const cause = CAUSES.find((each) => conditionCode(each) === condition);
  if (account === undefined || cause === undefined || startMs < sinceMs) return [];
  const knownToMs = endMs ?? context.watermarkMs(vm) ?? startMs;
  if (knownToMs - startMs < outageMs) return [];
  const data = { vm, cause, from: formatInstant(startMs) };
  const begun = draftOf('outage.begun', [vm, startMs], { account, atMs: startMs, data });
  if (endMs === null) return [begun];
  const over = { ...data, to: formatInstant(endMs), duration_ms: endMs - startMs };
  return [begun, draftOf('outage.ended', [vm, startMs], { account, atMs: endMs, data: over })];
}
