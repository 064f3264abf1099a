import { parseAmount } from '../domain/money.ts';
import type { LineKind, RatedLine } from '../rating/line.ts';

/** A line as an invoice has it. */
export interface IssuedLine {
  kind: LineKind;
  vm: string | null;
  description: string;
  quantity: string;
  amount: string;
  detail: Record<string, unknown>;
}

/** What a line of a final invoice should be, against what it is after its credit notes. */
export interface Correction {
  /** The index of the line; null: the invoice has none that this could be set against. */
  line: number | null;
  kind: LineKind;
  vm: string | null;
  description: string;
  beforeNanos: bigint;
  afterNanos: bigint;
  /** Unavailable minutes, where credits are what changed. */
  minutes: { before: number; after: number };
}

interface Bucket {
  kind: LineKind;
  vm: string | null;
  description: string;
  line: number | null;
  lineNanos: bigint;
  before: bigint;
  after: bigint;
  minutesBefore: number;
  minutesAfter: number;
}

/**
 * The lines of an invoice that differ from what the same period rates to now. A credit for unavailability is part of the
 * service line it takes from, so a restated cause is set against that line. `credited` is by index, what notes took back.
 */
export function correctionsOf(
  issued: readonly IssuedLine[],
  credited: ReadonlyMap<number, bigint>,
  rated: readonly RatedLine[],
): Correction[] {
  const buckets = new Map<string, Bucket>();
  const bucketOf = (line: Pick<IssuedLine, 'kind' | 'vm' | 'description' | 'detail'>): Bucket => {
    const kind = line.kind === 'credit' ? 'service' : line.kind;
    const about = kind === 'traffic' ? line.detail['plan'] : kind === 'late_fee' ? line.detail['invoice'] : undefined;
    const key = [kind, line.vm, about, kind === 'fee' ? line.description : ''].map(String).join(' ');
    const { vm, description } = line;
    const bucket = buckets.get(key) ?? {
      kind,
      vm,
      description,
      line: null,
      lineNanos: 0n,
      before: 0n,
      after: 0n,
      minutesBefore: 0,
      minutesAfter: 0,
    };
    buckets.set(key, bucket);
    return bucket;
  };
  for (const [i, line] of issued.entries()) {
    const bucket = bucketOf(line);
    const nanos = nanosOf(line.amount);
    bucket.before += nanos - (credited.get(i) ?? 0n);
    if (line.kind === 'credit') bucket.minutesBefore += Number(line.quantity);
    else {
      bucket.line = i;
      bucket.lineNanos = nanos;
    }
  }
  for (const line of rated) {
    const bucket = bucketOf(line);
    bucket.after += line.amountNanos;
    if (line.kind === 'credit') bucket.minutesAfter += Number(line.quantity);
  }
  return [...buckets.values()]
    .filter((bucket) => bucket.before !== bucket.after)
    .map(({ line, kind, vm, description, before, after, minutesBefore, minutesAfter }) => ({
      line,
      kind,
      vm,
      description,
      beforeNanos: before,
      afterNanos: after,
      minutes: { before: minutesBefore, after: minutesAfter },
    }));
}

/** The nanos of an amount as invoices write it, with its sign. */
export function nanosOf(amount: string): bigint {
  const negative = amount.startsWith('-');
  const nanos = parseAmount(negative ? amount.slice(1) : amount);
  if (nanos === undefined) throw new Error(`an invoice holds the amount ${amount}`);
  return negative ? -nanos : nanos;
}
