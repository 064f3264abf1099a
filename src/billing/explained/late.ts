import { formatInstant, parseInstant } from '../../domain/instant.ts';
import { DAY_MS } from '../../domain/zone.ts';
import type { LateChargesDetail, LateFeeDetail } from '../../rating/detail.ts';
import { decimalText, exact, roundedTo } from '../../rating/exact.ts';
import { fineText } from './parts.ts';

/** Days on which the same was owed. */
export interface LateRun {
  /** The start of the first day, and the end of the last. */
  from: string;
  to: string;
  days: number;
  owed: string;
  /** The date of the charge that was late, of a prepaid balance; null: an invoice's. */
  charge: string | null;
}

/** What a late fee was computed from, in words that add up: so many days, so much owed, such a rate. */
export interface LateExplained {
  percent_per_day: string;
  due_at: string | null;
  runs: LateRun[];
  /** Whose shares alone it is computed from; left out: all. */
  vms?: string[];
}

/** The days of a late fee. */
export function lateOf(detail: LateFeeDetail | LateChargesDetail, currency: string): LateExplained {
  const [num = '0', den = '1'] = detail.rate.split('/');
  const runs: (LateRun & { toMs: number; nanos: bigint })[] = [];
  const open = new Map<string | null, number>();
  for (const day of detail.days) {
    const startMs = parseInstant(day.start) ?? 0;
    const charge = 'charge' in day ? day.charge : null;
    const nanos = day.share === undefined ? day.owed_nanos : roundedTo(exact(day.owed_nanos * day.share.nanos, day.share.of), 1n);
    const index = open.get(charge);
    const before = index === undefined ? undefined : runs[index];
    if (before !== undefined && before.toMs === startMs && before.nanos === nanos) {
      before.toMs += DAY_MS;
      before.to = formatInstant(before.toMs);
      before.days += 1;
      continue;
    }
    const toMs = startMs + DAY_MS;
    open.set(charge, runs.length);
    const owed = fineText(nanos, currency);
    runs.push({ from: day.start, to: formatInstant(toMs), days: 1, owed, charge, toMs, nanos });
  }
  return {
    percent_per_day: decimalText(exact(BigInt(num) * 100n, BigInt(den))),
    due_at: 'due_at' in detail ? detail.due_at : null,
    runs: runs.map(({ from, to, days, owed, charge }) => ({ from, to, days, owed, charge })),
    ...(detail.vms === undefined ? {} : { vms: [...detail.vms] }),
  };
}
