import type { Page, QueryContext } from './context.ts';

export interface VmSeen {
  vm: string;
  /** Its earliest and latest raw sample; null where none is stored (never posted, or past the retention). */
  firstSampleMs: number | null;
  lastSampleMs: number | null;
  /** Its stored samples, replaced versions among them. */
  samples: number;
  /** The start of its earliest stored minute row; unlike samples, rows are kept for good. */
  firstMinuteMs: number | null;
}

/** A page of all VMs that the catalog, a raw sample or a stored row names, by name. */
export async function vmPage(
  context: QueryContext,
  request: { after: string; limit: number },
): Promise<Page<VmSeen, { vm: string }>> {
  const params = { after: request.after, limit: request.limit + 1 };
  // Read in the order of the key, no more than the page's VMs are.
  const inOrder = 'SETTINGS optimize_aggregation_in_order = 1';
  const samples = await context.store.rows<{ vm: string; firstMs: string; lastMs: string; n: string }>(
    `SELECT vm, toUnixTimestamp64Milli(min(ts)) AS firstMs, toUnixTimestamp64Milli(max(ts)) AS lastMs, count() AS n FROM samples
     WHERE vm > {after:String} GROUP BY vm ORDER BY vm LIMIT {limit:UInt32} ${inOrder}`,
    params,
  );
  const minutes = await context.store.rows<{ vm: string; firstSecond: number }>(
    `SELECT vm, toUnixTimestamp(min(minute)) AS firstSecond FROM uptime
     WHERE vm > {after:String} GROUP BY vm ORDER BY vm LIMIT {limit:UInt32} ${inOrder}`,
    params,
  );
  // rows of a kind that nothing else of the VM is of are no work of ours: verifying is to see them
  const others = await context.store.rows<{ vm: string }>(
    ['traffic', 'outages', 'anomalies']
      .map(
        (table) =>
          `SELECT vm FROM (SELECT vm FROM ${table} WHERE vm > {after:String} GROUP BY vm ORDER BY vm LIMIT {limit:UInt32})`,
      )
      .join(' UNION ALL '),
    params,
  );
  const { seen, entry } = seenMap();
  for (const { vm, firstMs, lastMs, n } of samples)
    Object.assign(entry(vm), { firstSampleMs: Number(firstMs), lastSampleMs: Number(lastMs), samples: Number(n) });
  for (const { vm, firstSecond } of minutes) entry(vm).firstMinuteMs = firstSecond * 1000;
  for (const { vm } of others) entry(vm);
  for (const vm of context.catalog.vmIds()) if (vm > request.after) entry(vm);
  // Each list holds the first of its own after `after`, so the first of all of them together are among these.
  const rows = [...seen.values()].sort((a, b) => (a.vm < b.vm ? -1 : 1));
  const more = rows.length > request.limit;
  if (more) rows.length = request.limit;
  const last = rows.at(-1);
  return { rows, next: more && last !== undefined ? { vm: last.vm } : undefined };
}

/** What was seen of VMs that are named, in their order; of one that never was, nothing. */
export async function vmsSeen(context: QueryContext, vms: readonly string[]): Promise<VmSeen[]> {
  const { entry } = seenMap();
  const params = { vms };
  const samples = await context.store.rows<{ vm: string; firstMs: string; lastMs: string; n: string }>(
    `SELECT vm, toUnixTimestamp64Milli(min(ts)) AS firstMs, toUnixTimestamp64Milli(max(ts)) AS lastMs, count() AS n FROM samples
     WHERE vm IN {vms:Array(String)} GROUP BY vm`,
    params,
  );
  const minutes = await context.store.rows<{ vm: string; firstSecond: number }>(
    'SELECT vm, toUnixTimestamp(min(minute)) AS firstSecond FROM uptime WHERE vm IN {vms:Array(String)} GROUP BY vm',
    params,
  );
  for (const { vm, firstMs, lastMs, n } of samples)
    Object.assign(entry(vm), { firstSampleMs: Number(firstMs), lastSampleMs: Number(lastMs), samples: Number(n) });
  for (const { vm, firstSecond } of minutes) entry(vm).firstMinuteMs = firstSecond * 1000;
  return vms.map(entry);
}

function seenMap(): { seen: Map<string, VmSeen>; entry: (vm: string) => VmSeen } {
  const seen = new Map<string, VmSeen>();
  return {
    seen,
    entry: (vm) => {
      const made = seen.get(vm) ?? { vm, firstSampleMs: null, lastSampleMs: null, samples: 0, firstMinuteMs: null };
      seen.set(vm, made);
      return made;
    },
  };
}
