import type { Store } from '../store/store.ts';
import type { Entry } from './entry.ts';

/** Entries that come next, whole and in their order. */
export interface EntryPage {
  /** Those of the kinds that were asked for. */
  readonly entries: readonly Entry[];
  /** The last entry that the page is about, whatever its kind: the next page goes on after it. */
  readonly toSeq: bigint;
}

/** Numbers looked at for one page, and how much of bodies one holds unless a single one is larger: memory stays flat over any journal. */
const PAGE_ENTRIES_MAX = 10_000n;
const PAGE_BYTES_MAX = 8 * 1024 * 1024;

/**
 * The page after an entry, up to another; undefined where there is none. Of an id every version comes, not the latest alone. Numbers have no gap, so a page ends
 * before the first one that cannot be seen yet: it comes later, and nothing after it comes before it. Throws where the very next one is not there.
 */
export async function nextPage(
  store: Store,
  kinds: readonly string[] | undefined,
  afterSeq: bigint,
  upToSeq: bigint,
  entriesMax = PAGE_ENTRIES_MAX,
): Promise<EntryPage | undefined> {
  if (afterSeq >= upToSeq) return undefined;
  const lastSeq = afterSeq + entriesMax < upToSeq ? afterSeq + entriesMax : upToSeq;
  const sizes = await store.rows<{ n: string; kind: string; size: string }>(
    `SELECT toString(seq) AS n, any(kind) AS kind, any(length(body)) AS size FROM catalog
     WHERE seq > {after:UInt64} AND seq <= {upTo:UInt64} GROUP BY seq ORDER BY seq`,
    { after: afterSeq.toString(), upTo: lastSeq.toString() },
  );
  const wanted = (kind: string): boolean => kinds?.includes(kind) ?? true;
  let toSeq = afterSeq;
  let bytes = 0;
  let found = 0;
  for (const { n, kind, size } of sizes) {
    if (BigInt(n) !== toSeq + 1n) break;
    if (wanted(kind)) {
      if (found > 0 && bytes + Number(size) > PAGE_BYTES_MAX) break;
      bytes += Number(size);
      found += 1;
    }
    toSeq = BigInt(n);
  }
  if (toSeq === afterSeq) throw new Error(`entry ${afterSeq + 1n} of the journal cannot be read, though there are later ones`);
  return { entries: found === 0 ? [] : await entriesBetween(store, kinds, afterSeq, toSeq), toSeq };
}

async function entriesBetween(
  store: Store,
  kinds: readonly string[] | undefined,
  afterSeq: bigint,
  toSeq: bigint,
): Promise<Entry[]> {
  const rows = await store.rows<{ kind: string; id: string; n: string; at: string; by: string; body: string }>(
    `SELECT kind, id, toString(catalog.seq) AS n, toUnixTimestamp64Milli(recorded_at) AS at, recorded_by AS by, body FROM catalog
     WHERE catalog.seq > {after:UInt64} AND catalog.seq <= {upTo:UInt64}
       ${kinds === undefined ? '' : 'AND kind IN {kinds:Array(String)}'} ORDER BY catalog.seq LIMIT 1 BY catalog.seq`,
    { after: afterSeq.toString(), upTo: toSeq.toString(), ...(kinds === undefined ? {} : { kinds }) },
  );
  return rows.map(({ kind, id, n, at, by, body }) => ({
    kind,
    id,
    seq: BigInt(n),
    recordedAtMs: Number(at),
    recordedBy: by,
    body,
  }));
}
