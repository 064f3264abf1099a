import type { Store } from '../store/store.ts';
import { type JobName, RUN_KIND, type RunBody, runBody, type RunOutcome } from './run.ts';

export interface RunFilter {
  readonly job: JobName | undefined;
  readonly outcome: RunOutcome | undefined;
  readonly zone: string | undefined;
  /** Only runs whose newest entry is before this one. */
  readonly beforeSeq: bigint | undefined;
}

export interface StoredRun {
  readonly id: string;
  /** Of the newest entry about it. */
  readonly seq: bigint;
  readonly recordedAtMs: number;
  readonly run: RunBody;
}

/** Runs as they stand, those that something was recorded about last first. */
export async function storedRuns(store: Store, filter: RunFilter, limit: number): Promise<StoredRun[]> {
  const { job, outcome, zone, beforeSeq } = filter;
  const rows = await store.rows<{ id: string; last: string; at: string; latest: string }>(
    `SELECT id, toString(max(seq)) AS last, toUnixTimestamp64Milli(argMax(recorded_at, seq)) AS at, argMax(body, seq) AS latest
     FROM catalog WHERE kind = {kind:String} AND startsWith(id, {job:String})
     GROUP BY id
     HAVING max(seq) < {before:UInt64}
       AND ({outcome:String} = '' OR JSONExtractString(latest, 'outcome') = {outcome:String})
       AND ({zone:String} = '' OR JSONExtractString(latest, 'zone') = {zone:String})
     ORDER BY max(seq) DESC LIMIT {limit:UInt32}`,
    {
      ...{ kind: RUN_KIND, job: job === undefined ? '' : `${job}/`, outcome: outcome ?? '', zone: zone ?? '', limit },
      before: (beforeSeq ?? 2n ** 64n - 1n).toString(),
    },
  );
  return rows.map(({ id, last, at, latest }) => ({
    id,
    seq: BigInt(last),
    recordedAtMs: Number(at),
    run: runBody.parse(JSON.parse(latest)),
  }));
}
