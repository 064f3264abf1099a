/** An entry as far as money that lapses is concerned. */
export interface LotEntry {
  readonly id: string;
  readonly atMs: number;
  readonly amountNanos: bigint;
  readonly expiresAtMs: number | null;
  /** Of a lapse: the entry that lapsed. */
  readonly lapsedId: string | null;
}

/** The same with the number of the row that recorded it. */
export type Lot = LotEntry & { readonly seq: bigint };

/** Since when a sum has been below a threshold without a break; null: it is not below. `levels` ascend by instant. */
export function belowSince(
  levels: readonly { readonly atMs: number; readonly nanos: bigint }[],
  thresholdNanos: bigint,
  untilMs: number,
): number | null {
  let sinceMs: number | null = null;
  for (const { atMs, nanos } of levels) {
    if (atMs > untilMs) break;
    if (nanos >= thresholdNanos) sinceMs = null;
    else sinceMs ??= atMs;
  }
  return sinceMs;
}

/**
 * What is left of entries that lapse, at their instants: whatever took money from the balance by then took of what lapses
 * first, of what was there: of one instant, what was recorded before. `entries` are in the order they were recorded. Only entries whose instant has come and that have not lapsed before are named.
 */
export function lapsesOf(entries: readonly LotEntry[], nowMs: number): { id: string; atMs: number; nanos: bigint }[] {
  const numbered = entries.map((each, nth) => ({ ...each, nth }));
  const lots = numbered
    .filter((each) => each.expiresAtMs !== null && each.amountNanos > 0n)
    .map(({ id, nth, ...each }) => ({ id, nth, fromMs: each.atMs, atMs: each.expiresAtMs ?? 0, left: each.amountNanos }))
    .sort((a, b) => a.atMs - b.atMs);
  const gone = new Set(entries.flatMap((each) => each.lapsedId ?? []));
  for (const take of numbered.filter((each) => each.amountNanos < 0n).toSorted((a, b) => a.atMs - b.atMs)) {
    let rest = -take.amountNanos;
    if (take.lapsedId !== null) {
      const lot = lots.find((each) => each.id === take.lapsedId);
      if (lot !== undefined) lot.left = 0n;
      continue;
    }
    for (const lot of lots) {
      const wasThere = lot.fromMs < take.atMs || (lot.fromMs === take.atMs && lot.nth < take.nth);
      if (take.atMs >= lot.atMs || !wasThere) continue;
      const taken = lot.left < rest ? lot.left : rest;
      lot.left -= taken;
      rest -= taken;
    }
  }
  return lots
    .filter((lot) => lot.atMs <= nowMs && lot.left > 0n && !gone.has(lot.id))
    .map(({ id, atMs, left }) => ({ id, atMs, nanos: left }));
}
