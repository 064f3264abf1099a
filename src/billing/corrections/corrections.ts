import type { Corrected } from '../../books/debit-lines.ts';
import { parseAmount } from '../../domain/money.ts';
import type { LineKind, RatedLine } from '../../rating/line.ts';

/** A line as an invoice has it. */
export interface IssuedLine {
  kind: LineKind;
  vm: string | null;
  description: string;
  quantity: string;
  amount: string;
  detail: Record<string, unknown>;
}

/** What a line of a final invoice should be, against what it comes to after its credit notes and debits. */
export interface Correction {
  /** What tells the line from others of the invoice. */
  key: string;
  /** The index of the line; null: the invoice has none that this could be set against. */
  line: number | null;
  kind: LineKind;
  vm: string | null;
  description: string;
  beforeNanos: bigint;
  afterNanos: bigint;
  /** Unavailable minutes, where credits are what changed. */
  minutes: { before: number; after: number };
  /** The local days, or months, whose unavailable minutes changed. */
  days: { date: string; before: number; after: number }[];
}

/**
 * What tells a line from others of its invoice: a line rated now is held against the issued one of the same key. A credit for
 * unavailability is part of the service line it takes from, so a restated cause is set against that line.
 */
export function lineKey(line: Pick<IssuedLine, 'kind' | 'vm' | 'description' | 'detail'>): string {
  const kind = line.kind === 'credit' ? 'service' : line.kind;
  const about = kind === 'traffic' ? line.detail['plan'] : kind === 'late_fee' ? line.detail['invoice'] : undefined;
  return [kind, line.vm, about, kind === 'fee' ? line.description : ''].map(String).join(' ');
}

interface Bucket extends Omit<Correction, 'days' | 'minutes'> {
  daysBefore: Map<string, number>;
  daysAfter: Map<string, number>;
}

/** The lines of an invoice that differ from what the same period rates to now. Debits of other invoices that it charges are not its own. */
export function correctionsOf(issued: readonly IssuedLine[], corrected: Corrected, rated: readonly RatedLine[]): Correction[] {
  const buckets = new Map<string, Bucket>();
  const bucketOf = (line: Pick<IssuedLine, 'kind' | 'vm' | 'description'>, key: string): Bucket => {
    const bucket = buckets.get(key) ?? {
      key,
      kind: line.kind === 'credit' ? 'service' : line.kind,
      vm: line.vm,
      description: line.description,
      line: null,
      beforeNanos: 0n,
      afterNanos: 0n,
      daysBefore: new Map(),
      daysAfter: new Map(),
    };
    buckets.set(key, bucket);
    return bucket;
  };
  for (const [i, line] of issued.entries()) {
    if (isDebit(line)) continue;
    const bucket = bucketOf(line, lineKey(line));
    bucket.beforeNanos += nanosOf(line.amount) - (corrected.credited.get(i) ?? 0n);
    if (line.kind === 'credit') bucket.daysBefore = daysOf(line.detail);
    else bucket.line = i;
  }
  for (const line of rated) {
    const bucket = bucketOf(line, lineKey(line));
    bucket.afterNanos += line.amountNanos;
    if (line.kind === 'credit') bucket.daysAfter = daysOf(line.detail);
  }
  for (const [key, { nanos, part }] of corrected.debited) bucketOf(part, key).beforeNanos += nanos;
  for (const { key, days } of corrected.minutes)
    for (const { date, after } of days) buckets.get(key)?.daysBefore.set(date, after);
  return [...buckets.values()]
    .filter((bucket) => bucket.beforeNanos !== bucket.afterNanos)
    .map(({ daysBefore, daysAfter, ...bucket }) => ({
      ...bucket,
      minutes: { before: minutesIn(daysBefore), after: minutesIn(daysAfter) },
      days: changedDays(daysBefore, daysAfter),
    }));
}

/** Whether a line charges what an earlier invoice lacked. */
export function isDebit(line: Pick<IssuedLine, 'detail'>): boolean {
  return typeof line.detail['debit'] === 'string';
}

/** The minutes that a credit line lists, by local day or month. */
function daysOf(detail: Record<string, unknown>): Map<string, number> {
  const days = new Map<string, number>();
  for (const day of (detail['days'] ?? []) as readonly { date?: string; month?: string; minutes: number }[]) {
    const date = day.date ?? day.month ?? '';
    days.set(date, (days.get(date) ?? 0) + day.minutes);
  }
  return days;
}

function minutesIn(days: ReadonlyMap<string, number>): number {
  return [...days.values()].reduce((sum, minutes) => sum + minutes, 0);
}

function changedDays(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): Correction['days'] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .map((date) => ({ date, before: before.get(date) ?? 0, after: after.get(date) ?? 0 }))
    .filter((day) => day.before !== day.after);
}

/** The nanos of an amount as invoices write it, with its sign. */
export function nanosOf(amount: string): bigint {
  const negative = amount.startsWith('-');
  const nanos = parseAmount(negative ? amount.slice(1) : amount);
  if (nanos === undefined) throw new Error(`an invoice holds the amount ${amount}`);
  return negative ? -nanos : nanos;
}
