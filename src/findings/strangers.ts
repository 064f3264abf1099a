import { MINUTE_MS } from '../domain/zone.ts';
import { type Source, LOOKBACK_MS, serviceOf, vmsAfter, WORTH_TELLING_MS } from './finding.ts';

/** Samples that nobody is billed for: of VMs in no catalog, and of VMs whose service has ended. */

const STRANGERS_A_PART = 500;
const VMS_A_PART = 500;

/** VMs that are metered and in no catalog: of the rows of VMs that are in it, the key of the table leaves most out. GLOBAL: not every shard has it. */
export const notInCatalog: Source = {
  kinds: ['vm_not_in_catalog'],
  async part({ store, businessNow }, { vm, account }, after) {
    if (account !== undefined) return { findings: [], through: after, done: true };
    const rows = await store.rows<{ vm: string; firstSecond: number; lastSecond: number; n: string }>(
      `SELECT vm, toUnixTimestamp(min(minute)) AS firstSecond, toUnixTimestamp(max(minute)) AS lastSecond, uniqExact(minute) AS n FROM uptime
       WHERE vm > {after:String} AND minute >= toDateTime({since:UInt32}, 'UTC') AND vm GLOBAL NOT IN (SELECT id FROM catalog WHERE kind = 'vm')
       ${vm === undefined ? '' : 'AND vm = {vm:String}'}
       GROUP BY vm ORDER BY vm LIMIT {limit:UInt32}`,
      {
        after,
        since: Math.max(0, Math.floor((businessNow() - LOOKBACK_MS) / 1000)),
        limit: STRANGERS_A_PART,
        ...(vm === undefined ? {} : { vm }),
      },
    );
    const findings = rows.map((row) => ({
      key: row.vm,
      kind: 'vm_not_in_catalog' as const,
      vm: row.vm,
      account: null,
      sinceMs: row.firstSecond * 1000,
      untilMs: row.lastSecond * 1000 + MINUTE_MS,
      words: `VM ${row.vm} is metered (${row.n} minutes in the last 40 days) and in no account: nobody is billed for it`,
      whatToDo: `PUT /v1/vms/${row.vm} with its account and plans, or give the agent the name that the catalog has`,
    }));
    return { findings, through: rows.at(-1)?.vm ?? after, done: rows.length < STRANGERS_A_PART };
  },
};

/** Samples of a VM after its end: it runs on, or its name was given to another. They are kept. */
export const afterEnd: Source = {
  kinds: ['samples_after_end'],
  async part(context, asked, after) {
    const { ids, done } = vmsAfter(context, asked, after, VMS_A_PART);
    const ended = ids.flatMap((id) => {
      const service = serviceOf(context, id);
      return service === undefined || service.toMs === Infinity ? [] : [{ id, ...service }];
    });
    const through = ids.at(-1) ?? after;
    if (ended.length === 0) return { findings: [], through, done };
    const rows = await context.store.rows<{ vm: string; firstMs: string; lastMs: string; n: string }>(
      `SELECT vm, toUnixTimestamp64Milli(min(ts)) AS firstMs, toUnixTimestamp64Milli(max(ts)) AS lastMs, count() AS n FROM samples
       WHERE vm IN {vms:Array(String)} AND toUnixTimestamp64Milli(ts) >= arrayElement({ends:Array(Int64)}, indexOf({vms:Array(String)}, vm))
       GROUP BY vm ORDER BY vm`,
      { vms: ended.map((vm) => vm.id), ends: ended.map((vm) => vm.toMs + WORTH_TELLING_MS) },
    );
    const byVm = new Map(ended.map((vm) => [vm.id, vm]));
    const findings = rows.map((row) => ({
      key: row.vm,
      kind: 'samples_after_end' as const,
      vm: row.vm,
      account: byVm.get(row.vm)?.account ?? null,
      sinceMs: Number(row.firstMs),
      untilMs: Number(row.lastMs),
      words: `${row.n} samples of VM ${row.vm} are of time after its service ended: they are kept, nobody is billed for them, and whose they are is not known`,
      whatToDo:
        'if it runs on, take back ends_at; if its name was given to another VM, name that one otherwise (a generation in its name) and start it under the new name',
    }));
    return { findings, through, done };
  },
};
