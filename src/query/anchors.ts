/**
 * What says of the whole that nothing was taken away or put in: numbers that only hold together while every entry of the catalog is there, the
 * keys of whoever could post, and how far rows may reach.
 */
import type { Store } from '../store/store.ts';

export interface Anchors {
  /** Entries of the catalog, each counted once; numbered from 1 without a gap, so as many as `lastSeq`. */
  readonly entries: bigint;
  readonly lastSeq: bigint;
  /** The highest number of an entry that the log has told an aggregator of: entries up to it were there. */
  readonly markedSeq: bigint;
  /** Keys that there are or were, by name: their roles, and of agents the patterns of VMs that they may post for. */
  readonly keys: readonly { readonly name: string; readonly role: string; readonly vms: readonly string[] }[];
  /** The latest instants of stored rows, read before that of the raw samples, null without any. */
  readonly latestMs: Readonly<Record<'minutes' | 'traffic' | 'outages' | 'samples', number | null>>;
}

export async function readAnchors(store: Store): Promise<Anchors> {
  const [catalog] = await store.rows<{ entries: string; last: string; keys: [name: string, role: string, vms: string[]][] }>(
    `SELECT uniqExact(seq) AS entries, max(seq) AS last,
            arraySort(groupUniqArrayIf((JSONExtractString(body, 'name'), JSONExtractString(body, 'role'), JSONExtract(body, 'vms', 'Array(String)')), kind = 'key')) AS keys
     FROM catalog`,
  );
  // after the catalog's: what is marked was there before
  const [marked] = await store.rows<{ marked: string }>('SELECT max(catalog_seq) AS marked FROM progress');
  const [rows] = await store.rows<{ minutes: string; traffic: string; outages: string }>(
    `SELECT (SELECT toUnixTimestamp(max(minute)) * 1000 FROM uptime) AS minutes, (SELECT toUnixTimestamp(max(minute)) * 1000 FROM traffic) AS traffic,
            (SELECT toUnixTimestamp64Milli(max(start_at)) FROM outages) AS outages`,
  );
  const [samples] = await store.rows<{ samples: string }>('SELECT toUnixTimestamp64Milli(max(ts)) AS samples FROM samples');
  const instant = (text: string | undefined): number | null => (Number(text ?? 0) === 0 ? null : Number(text));
  return {
    entries: BigInt(catalog?.entries ?? 0),
    lastSeq: BigInt(catalog?.last ?? 0),
    markedSeq: BigInt(marked?.marked ?? 0),
    keys: (catalog?.keys ?? []).map(([name, role, vms]) => ({ name, role, vms })),
    latestMs: {
      minutes: instant(rows?.minutes),
      traffic: instant(rows?.traffic),
      outages: instant(rows?.outages),
      samples: instant(samples?.samples),
    },
  };
}
