import type { BillingContext } from '../billing/context.ts';
import { MINUTE_MS } from '../domain/zone.ts';
import { type Finding, LOOKBACK_MS, serviceOf, type Source, vmsAfter, WORTH_TELLING_MS } from './finding.ts';

/** VMs of a call: their minutes are looked up by the key of the table, a few blocks each. */
const VMS_A_PART = 500;

/** VMs of the catalog that are served and not metered: never, not now, or not from their beginning. */
export const metering: Source = {
  kinds: ['vm_never_metered', 'vm_not_metered_now', 'vm_metered_late'],
  async part(context, asked, after) {
    const { ids, done } = vmsAfter(context, asked, after, VMS_A_PART);
    const nowMs = context.businessNow();
    const quietMs = Math.max(WORTH_TELLING_MS, context.stalenessMs) + 10 * MINUTE_MS;
    const served = ids.flatMap((id) => {
      const service = serviceOf(context, id);
      const isOfInterest =
        service?.hasPlan === true && service.fromMs <= nowMs - WORTH_TELLING_MS && service.toMs > nowMs - LOOKBACK_MS;
      return isOfInterest ? [{ id, ...service }] : [];
    });
    const recent = await meteredSince(context, served.map((vm) => vm.id), nowMs - quietMs); // prettier-ignore
    const isNew = (vm: { fromMs: number }): boolean => vm.fromMs >= nowMs - LOOKBACK_MS;
    const ends = await meteredEnds(context, served.filter((vm) => !recent.has(vm.id) || isNew(vm)).map((vm) => vm.id)); // prettier-ignore
    const findings = served.flatMap((vm) => {
      const found = findingOf(vm, ends.get(vm.id), recent.has(vm.id), nowMs - quietMs);
      return found === undefined || !asked.kinds.has(found.kind) ? [] : [{ ...found, key: vm.id }];
    });
    return { findings, through: ids.at(-1) ?? after, done };
  },
};

function findingOf(
  { id, account, fromMs, toMs }: { id: string; account: string; fromMs: number; toMs: number },
  ends: { firstMs: number; lastMs: number } | undefined,
  isRecent: boolean,
  quietSinceMs: number,
): Finding | undefined {
  const base = { vm: id, account };
  if (ends === undefined) {
    if (isRecent) return undefined;
    return {
      ...base,
      kind: 'vm_never_metered',
      sinceMs: fromMs === 0 ? null : fromMs,
      untilMs: toMs === Infinity ? null : toMs,
      words: `VM ${id} is served and was never metered: its uptime and traffic are not known, and traffic is billed as 0`,
      whatToDo: 'see whether an agent meters it under another name (vm_not_in_catalog), and whether one runs on its host',
    };
  }
  if (!isRecent && toMs > quietSinceMs)
    return {
      ...base,
      kind: 'vm_not_metered_now',
      sinceMs: ends.lastMs,
      untilMs: null,
      words: `no sample says anything of VM ${id} since then`,
      whatToDo: 'see to the agent on its host; if the VM is gone, end its service (ends_at)',
    };
  if (ends.firstMs < fromMs + WORTH_TELLING_MS) return undefined;
  return {
    ...base,
    kind: 'vm_metered_late',
    sinceMs: fromMs,
    untilMs: ends.firstMs,
    words: `VM ${id} was served before its first sample: what it moved and whether it was up until then is not known`,
    whatToDo: 'send what was recorded of it, or let its service begin (starts_at) when it did',
  };
}

/** Those of some VMs that were metered since an instant. */
async function meteredSince({ store }: BillingContext, vms: readonly string[], sinceMs: number): Promise<Set<string>> {
  if (vms.length === 0) return new Set();
  const rows = await store.rows<{ vm: string }>(
    `SELECT DISTINCT vm FROM uptime WHERE vm IN {vms:Array(String)} AND minute >= toDateTime({since:UInt32}, 'UTC')`,
    { vms: [...vms], since: Math.max(0, Math.floor(sinceMs / 1000)) },
  );
  return new Set(rows.map((row) => row.vm));
}

/** The first and the last metered minute of those of some VMs that have any. */
async function meteredEnds(
  { store }: BillingContext,
  vms: readonly string[],
): Promise<Map<string, { firstMs: number; lastMs: number }>> {
  if (vms.length === 0) return new Map();
  const rows = await store.rows<{ vm: string; firstSecond: number; lastSecond: number }>(
    `SELECT vm, toUnixTimestamp(min(minute)) AS firstSecond, toUnixTimestamp(max(minute)) AS lastSecond
     FROM uptime WHERE vm IN {vms:Array(String)} GROUP BY vm`,
    { vms: [...vms] },
  );
  return new Map(
    rows.map(({ vm, firstSecond, lastSecond }) => [vm, { firstMs: firstSecond * 1000, lastMs: lastSecond * 1000 + MINUTE_MS }]),
  );
}
