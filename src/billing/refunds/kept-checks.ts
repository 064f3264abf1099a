import type { Store } from '../../store/store.ts';

/** A refund check as lists have it. */
export interface KeptCheck {
  /** Its place in the journal. */
  readonly seq: bigint;
  readonly id: string;
  readonly vm: string;
  readonly atMs: number;
  readonly terms: string;
  readonly whatIf: boolean;
  readonly decision: string;
  readonly ground: string | null;
  readonly amount: string | null;
  readonly currency: string;
  readonly recordedAtMs: number;
  readonly recordedBy: string;
}

/** Read of one statement. */
const ROWS_A_STATEMENT = 2_000;

/**
 * The checks recorded after a place in the journal that somebody asks for, in their order, `rows` at most: read in pieces, since which of them are asked
 * for hangs on what the catalog says of their VMs.
 */
export async function keptChecks(
  store: Store,
  asked: {
    readonly after: bigint;
    readonly rows: number;
    readonly vm?: string | undefined;
    readonly decision?: string | undefined;
  },
  takes: (check: KeptCheck) => boolean,
): Promise<KeptCheck[]> {
  const found: KeptCheck[] = [];
  for (let after = asked.after; found.length < asked.rows;) {
    const read = await checksAfter(store, after, asked.vm ?? '', asked.decision ?? '');
    found.push(...read.filter(takes));
    const last = read.at(-1);
    if (last === undefined || read.length < ROWS_A_STATEMENT) break;
    after = last.seq;
  }
  return found.slice(0, asked.rows);
}

async function checksAfter(store: Store, after: bigint, ofVm: string, ofDecision: string): Promise<KeptCheck[]> {
  const rows = await store.rows<{
    place: string;
    id: string;
    ofVm: string;
    at: string;
    terms: string;
    whatIf: number;
    decided: string;
    ground: string | null;
    amount: string | null;
    currency: string;
    recorded: string;
    by: string;
  }>(
    `SELECT toString(seq) AS place, id, JSONExtractString(body, 'vm') AS ofVm, JSONExtractString(body, 'at') AS at,
            JSONExtractString(body, 'terms') AS terms, JSONExtractBool(body, 'what_if') AS whatIf, JSONExtractString(body, 'decision') AS decided,
            JSONExtract(body, 'ground', 'Nullable(String)') AS ground, JSONExtract(body, 'amount', 'Nullable(String)') AS amount,
            JSONExtractString(body, 'currency') AS currency, toString(toUnixTimestamp64Milli(recorded_at)) AS recorded,
            JSONExtractString(body, 'recorded_by') AS by
     FROM catalog
     WHERE kind = 'refund_check' AND seq > {after:UInt64} AND ({vm:String} = '' OR ofVm = {vm:String})
       AND ({decision:String} = '' OR decided = {decision:String})
     ORDER BY seq LIMIT 1 BY id LIMIT {max:UInt32}`,
    { after: after.toString(), vm: ofVm, decision: ofDecision, max: ROWS_A_STATEMENT },
  );
  return rows.map(({ place, id, ofVm: vm, at, terms, whatIf, decided: decision, ground, amount, currency, recorded, by }) => ({
    ...{ seq: BigInt(place), id, vm, atMs: Date.parse(at), terms, whatIf: Boolean(whatIf), decision, ground, amount, currency },
    ...{ recordedAtMs: Number(recorded), recordedBy: by },
  }));
}
