/**
 * What a prepaid balance covers. Money pays what fell due first; of a charge the part without late fees first. Only
 * integers, only entries: the same entries give the same answer at any time.
 */
export interface LedgerEntry {
  readonly id: string;
  readonly atMs: number;
  readonly amountNanos: bigint;
  /** null: it does not wait to be covered. */
  readonly dueAtMs: number | null;
  /** The part of a charge that bears no late fee, positive. */
  readonly lateFeeNanos: bigint;
}

/** A charge and how it was covered. */
export interface Debt {
  readonly id: string;
  readonly dueAtMs: number;
  readonly chargeNanos: bigint;
  /** What bears a late fee while it is unpaid. */
  readonly principalNanos: bigint;
  readonly unpaidNanos: bigint;
  /** When how much of the principal was covered; negative where money was taken away again. */
  readonly payments: readonly { readonly atMs: number; readonly amountNanos: bigint }[];
}

export function balanceOf(entries: readonly Pick<LedgerEntry, 'amountNanos'>[]): bigint {
  return entries.reduce((sum, each) => sum + each.amountNanos, 0n);
}

/** The charges in the order in which they fall due, each with what covered it by `untilMs` (infinity: by all entries). */
export function debtsOf(entries: readonly LedgerEntry[], untilMs = Infinity): Debt[] {
  const charges = entries.filter(isDebt).toSorted((a, b) => a.dueAtMs - b.dueAtMs);
  const moves = entries.filter((each) => !isDebt(each) && each.atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs);
  let below = 0n;
  return charges.map((charge) => {
    const chargeNanos = -charge.amountNanos;
    const feeNanos = clamp(charge.lateFeeNanos, chargeNanos);
    const principalNanos = chargeNanos - feeNanos;
    const payments: { atMs: number; amountNanos: bigint }[] = [];
    let paid = 0n;
    let covered = 0n;
    for (const move of moves) {
      paid += move.amountNanos;
      const now = clamp(paid - below, principalNanos);
      if (now !== covered) payments.push({ atMs: move.atMs, amountNanos: now - covered });
      covered = now;
    }
    const unpaidNanos = chargeNanos - clamp(paid - below, chargeNanos);
    below += chargeNanos;
    return { id: charge.id, dueAtMs: charge.dueAtMs, chargeNanos, principalNanos, unpaidNanos, payments };
  });
}

function isDebt(entry: LedgerEntry): entry is LedgerEntry & { dueAtMs: number } {
  return entry.dueAtMs !== null && entry.amountNanos < 0n;
}

function clamp(value: bigint, most: bigint): bigint {
  return value < 0n ? 0n : value > most ? most : value;
}

/** Since when the balance has been below a threshold without a break, by when entries count; null: it is not below. */
export function belowSince(entries: readonly LedgerEntry[], thresholdNanos: bigint, untilMs: number): number | null {
  let balance = 0n;
  let since: number | null = null;
  for (const { atMs, amountNanos } of entries.toSorted((a, b) => a.atMs - b.atMs)) {
    if (atMs > untilMs) break;
    balance += amountNanos;
    if (balance >= thresholdNanos) since = null;
    else since ??= atMs;
  }
  return since;
}

/**
 * What is left of entries that lapse, at their instants: whatever took money from the balance by then took of what lapses
 * first, of what was there: of one instant, what was recorded before. `entries` are in the order they were recorded. Only entries whose instant has come and that have not lapsed before are named.
 */
export function lapsesOf(
  entries: readonly (LedgerEntry & { readonly expiresAtMs: number | null; readonly lapsedId: string | null })[],
  nowMs: number,
): { id: string; atMs: number; nanos: bigint }[] {
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
