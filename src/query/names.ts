/** Names that samples or rows bear and that are in no catalog: VMs of which nobody has told what they are. */
import type { GoneName } from '../aggregate/forgotten.ts';
import { type Page, VMS_A_STATEMENT } from './context.ts';
import type { Store } from '../store/store.ts';

export interface StrayName {
  readonly vm: string;
  /** Stored raw samples, those among them that a conflict replaced. */
  readonly samples: number;
  /** null where no raw sample is stored any more */
  readonly firstMs: number | null;
  readonly lastMs: number | null;
  readonly nics: number;
  /** Names of the keys that posted them, at most 16. */
  readonly agents: readonly string[];
}

export interface NamesAsked {
  /** Names after this one. */
  readonly after: string;
  readonly limit: number;
  /** With * for any characters; undefined: all. */
  readonly pattern: string | undefined;
  /** Only those whose newest stored sample is older; undefined: all. */
  readonly beforeMs: number | undefined;
}

interface SampleRow {
  vm: string;
  n: string;
  first: string;
  last: string;
  nics: string;
  agents: string[];
}

/**
 * Names in order: of tables that are read in the order of their keys no more than is shown. GLOBAL: the catalog is read where the statement is sent, which without
 * replicas is the one node that has it.
 */
export async function namePage(
  store: Store,
  { after, limit, pattern, beforeMs }: NamesAsked,
): Promise<Page<StrayName, { vm: string }>> {
  const where = `vm > {after:String} AND vm GLOBAL NOT IN (SELECT id FROM catalog WHERE kind = 'vm')${pattern === undefined ? '' : ' AND match(vm, {match:String})'}`;
  const params = {
    after,
    limit: limit + 1,
    ...(pattern === undefined ? {} : { match: regexOf(pattern) }),
  };
  const samples = await store.rows<SampleRow>(
    `SELECT vm, uniqExact(pos) AS n, toUnixTimestamp64Milli(min(ts)) AS first, toUnixTimestamp64Milli(max(ts)) AS last,
            uniqExact(nic) AS nics, arraySort(groupUniqArray(16)(agent)) AS agents
     FROM samples WHERE ${where} GROUP BY vm ${beforeMs === undefined ? '' : 'HAVING max(ts) < fromUnixTimestamp64Milli({before:Int64})'}
     ORDER BY vm LIMIT {limit:UInt32}`,
    beforeMs === undefined ? params : { ...params, before: beforeMs },
  );
  // minute rows are kept when raw samples have expired
  const minutes = await store.rows<{ vm: string }>(
    `SELECT vm FROM uptime WHERE ${where} AND vm NOT IN (SELECT DISTINCT vm FROM samples WHERE ${where})
     GROUP BY vm ORDER BY vm LIMIT {limit:UInt32}`,
    params,
  );
  const rows = [
    ...samples.map(shown),
    ...minutes.map(({ vm }) => ({ vm, samples: 0, firstMs: null, lastMs: null, nics: 0, agents: [] })),
  ];
  rows.sort((a, b) => (a.vm < b.vm ? -1 : 1));
  const more = rows.length > limit;
  if (more) rows.length = limit;
  const last = rows.at(-1);
  return { rows, next: more && last !== undefined ? { vm: last.vm } : undefined };
}

/** What is stored of these names, whether or not the catalog has them; those of which nothing is are left out. */
export async function namesAmong(store: Store, vms: readonly string[]): Promise<StrayName[]> {
  const found: StrayName[] = [];
  for (let at = 0; at < vms.length; at += VMS_A_STATEMENT) {
    const rows = await store.rows<SampleRow>(
      `SELECT vm, uniqExact(pos) AS n, toUnixTimestamp64Milli(min(ts)) AS first, toUnixTimestamp64Milli(max(ts)) AS last,
              uniqExact(nic) AS nics, arraySort(groupUniqArray(16)(agent)) AS agents
       FROM samples WHERE vm IN {vms:Array(String)} GROUP BY vm ORDER BY vm`,
      { vms: vms.slice(at, at + VMS_A_STATEMENT) },
    );
    found.push(...rows.map(shown));
  }
  return found;
}

function shown({ vm, n, first, last, nics, agents }: SampleRow): StrayName {
  return { vm, samples: Number(n), firstMs: Number(first), lastMs: Number(last), nics: Number(nics), agents };
}

function regexOf(pattern: string): string {
  return `^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`;
}

/** A name that was forgotten, as it is on record. */
export interface ForgottenName extends GoneName {
  readonly seq: bigint;
  readonly atMs: number;
  readonly by: string;
}

/** What was ever forgotten, in the order of the forgettings, then by name. */
export async function forgottenPage(
  store: Store,
  after: { readonly seq: string; readonly vm: string },
  limit: number,
): Promise<Page<ForgottenName, { seq: string; vm: string }>> {
  const found = await store.rows<{
    s: string;
    vm: string;
    n: string;
    replaced: string;
    gone: number;
    times: [string, string];
    keys: string[];
    at: string;
    by: string;
  }>(
    `SELECT toString(f.seq) AS s, f.vm AS vm, f.n AS n, f.replaced AS replaced, f.gone AS gone, f.times AS times, f.keys AS keys,
            toUnixTimestamp64Milli(c.recorded_at) AS at, c.recorded_by AS by
     FROM (SELECT seq, vm, max(samples) AS n, argMax(conflicts, samples) AS replaced, max(expired) AS gone,
                  argMax((first_ts, last_ts), samples) AS times, argMax(agents, samples) AS keys
           FROM names_forgotten WHERE (seq, vm) > ({seq:UInt64}, {vm:String}) GROUP BY seq, vm ORDER BY seq, vm LIMIT {limit:UInt32}) AS f
     LEFT JOIN (SELECT seq, recorded_at, recorded_by FROM catalog WHERE kind = 'forgetting') AS c ON c.seq = f.seq
     ORDER BY f.seq, f.vm`,
    { seq: after.seq, vm: after.vm, limit: limit + 1 },
  );
  const rows = found.slice(0, limit).map((row): ForgottenName => {
    const some = Number(row.n) > 0;
    return {
      seq: BigInt(row.s),
      vm: row.vm,
      atMs: Number(row.at),
      by: row.by,
      samples: Number(row.n),
      conflicts: Number(row.replaced),
      expired: row.gone === 1,
      firstMs: some ? Number(row.times[0]) : null,
      lastMs: some ? Number(row.times[1]) : null,
      agents: row.keys,
    };
  });
  const last = rows.at(-1);
  return { rows, next: found.length > limit && last !== undefined ? { seq: last.seq.toString(), vm: last.vm } : undefined };
}
