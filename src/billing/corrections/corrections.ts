import type { Corrected } from '../../books/debit-lines.ts';
import { signedNanos } from '../../domain/money.ts';
import { shownItem, type ShownLine } from '../../print/invoice-shape.ts';
import { aboutText } from '../../print/words/content.ts';
import type { LineKind, RatedLine } from '../../rating/line.ts';
import { itemOf, type ItemSay } from '../../rating/say.ts';

/** A line as an invoice has it. */
export type IssuedLine = Pick<ShownLine, 'kind' | 'vm' | 'description' | 'amount' | 'detail' | 'say'>;

/** What a line of a final invoice should be, against what it comes to after its credit notes and debits. */
export interface Correction {
  /** What tells the line from others of the invoice. */
  key: string;
  /** The index of the line; null: the invoice has none that this could be set against. */
  line: number | null;
  /** The kinds of lines that it is the sum of, where that is more than one and its credits. */
  kinds?: readonly LineKind[];
  /** Its lines, where it is made of several: the service of a VM is a line a plan. */
  lines: readonly PartOfLine[];
  kind: LineKind;
  vm: string | null;
  /** What the line is for. */
  item: ItemSay;
  beforeNanos: bigint;
  afterNanos: bigint;
  /** How much there is to be taken back: what was given back by hand is not there a second time. */
  holdsNanos: bigint;
  /** Unavailable minutes, where credits are what changed. */
  minutes: { before: number; after: number };
  /** The local days, or months, whose unavailable minutes changed. */
  days: { date: string; before: number; after: number }[];
  /** Of a tax: which. */
  tax?: CorrectedTax;
  /** The clauses that the unavailable time is credited by now. */
  clauses?: readonly string[];
}

/** Which tax a correction is of. */
export interface CorrectedTax {
  percent: string | undefined;
  name: string | undefined;
  kinds: readonly string[] | undefined;
}

/** Which tax a line is; nothing where it is none, or is one on all lines. */
function taxOf({ kind, detail }: { kind: LineKind; detail: object }): { tax?: CorrectedTax } {
  const kinds = memberOf(detail, 'kinds');
  if (kind !== 'tax' || !Array.isArray(kinds)) return {};
  const text = (name: string): string | undefined => {
    const found = memberOf(detail, name);
    return typeof found === 'string' ? found : undefined;
  };
  return { tax: { percent: text('percent'), name: text('name'), kinds: kinds.map(String) } };
}

/** A line of several: what it still holds, and by how much that is more than its plan rates to now. */
export interface PartOfLine {
  line: number;
  holdsNanos: bigint;
  excessNanos: bigint;
}

/**
 * What tells a line from others of its invoice: a line rated now is held against the issued one of the same key. A credit for
 * unavailability is part of the service line it takes from, so a restated cause is set against that line.
 */
export function lineKey({
  kind,
  vm,
  item,
  detail,
}: {
  kind: LineKind;
  vm: string | null;
  item: ItemSay;
  detail: object;
}): string {
  const member = TOLD_BY[kind];
  const named = member === undefined ? undefined : memberOf(detail, member);
  const classed = kind === 'traffic' ? memberOf(detail, 'class') : undefined;
  const about = typeof classed === 'string' ? `${String(named)} class ${classed}` : named;
  // Keys are kept with debits and credit notes, fees by the text that they have always had.
  const keyed = kind === 'credit' ? 'service' : kind;
  return [keyed, vm, about, kind === 'fee' ? aboutText(item) : ''].map(String).join(' ');
}

/** Lines that lower others of their VM, and those that they may lower. */
const LOWERED: ReadonlyMap<LineKind, readonly LineKind[]> = new Map([
  ['maximum', ['service', 'traffic', 'flat', 'minimum', 'maximum', 'credit']],
  ['discount', ['service', 'traffic', 'flat', 'minimum', 'maximum', 'credit', 'setup', 'add_on', 'fee', 'discount']],
]);

/** What tells a line from others of one bucket. */
function toldBy(line: Parameters<typeof lineKey>[0]): string {
  // Of a late fee a line a clause: each VM's share goes by its own.
  return `${lineKey(line)} ${String(memberOf(line.detail, line.kind === 'late_fee' ? 'clause' : 'plan'))}`;
}

/** Of kinds of which a VM or an account may have several lines, the member of the detail that tells them apart. */
const TOLD_BY: Partial<Record<LineKind, string>> = {
  traffic: 'plan',
  flat: 'plan',
  setup: 'plan',
  minimum: 'plan',
  maximum: 'plan',
  add_on: 'add_on',
  discount: 'discount',
  charge: 'charge',
  tax: 'kinds',
  late_fee: 'invoice',
};

function memberOf(detail: object, name: string): unknown {
  return Object.entries(detail).find(([each]) => each === name)?.[1];
}

interface Bucket extends Omit<Correction, 'days' | 'minutes' | 'lines'> {
  /** By the index of the line, what tells it from others of the bucket, and what it still holds. */
  own: Map<number, { told: string; nanos: bigint; given: bigint }>;
  /** What each line rates to now, by what tells it. */
  rated: Map<string, bigint>;
  daysBefore: Map<string, number>;
  daysAfter: Map<string, number>;
}

/** The lines of an invoice that differ from what the same period rates to now. Debits of other invoices that it charges are not its own. */
export function correctionsOf(issued: readonly IssuedLine[], corrected: Corrected, rated: readonly RatedLine[]): Correction[] {
  const buckets = new Map<string, Bucket>();
  const lowered = new Map<string | null, readonly LineKind[]>();
  for (const { kind, vm } of [...issued, ...rated]) {
    const kinds = LOWERED.get(kind) ?? [];
    if (kinds.length > (lowered.get(vm)?.length ?? 0)) lowered.set(vm, kinds);
  }
  const isLowered = ({ kind, vm }: { kind: LineKind; vm: string | null }): boolean => lowered.get(vm)?.includes(kind) === true;
  /** What a maximum or a discount lowers is one with it: neither is corrected by itself, for a line below zero takes no credit. */
  const keyOf = (line: Parameters<typeof lineKey>[0]): string =>
    isLowered(line) ? lineKey({ ...line, kind: 'service', detail: {} }) : lineKey(line);
  const bucketOf = (line: Pick<Correction, 'kind' | 'vm' | 'item'> & { detail?: object }, key: string): Bucket => {
    const bucket = buckets.get(key) ?? {
      key,
      kind: line.kind === 'credit' ? 'service' : line.kind,
      vm: line.vm,
      item: line.item,
      line: null,
      beforeNanos: 0n,
      afterNanos: 0n,
      holdsNanos: 0n,
      ...(isLowered(line) ? { kinds: [...(lowered.get(line.vm) ?? [])] } : {}),
      ...taxOf({ detail: {}, ...line }),
      own: new Map(),
      rated: new Map(),
      daysBefore: new Map(),
      daysAfter: new Map(),
    };
    buckets.set(key, bucket);
    return bucket;
  };
  for (const [i, line] of issued.entries()) {
    if (isDebit(line)) continue;
    const identified = { ...line, item: shownItem(line) };
    const bucket = bucketOf(identified, keyOf(identified));
    const nanos = signedNanos(line.amount) - (corrected.credited.get(i) ?? 0n);
    const given = corrected.given.get(i) ?? 0n;
    bucket.beforeNanos += nanos;
    bucket.holdsNanos += nanos - given;
    if (line.kind === 'credit') bucket.daysBefore = daysOf(line.detail.days ?? []);
    else {
      bucket.line ??= i;
      bucket.own.set(i, { told: toldBy(identified), nanos, given });
    }
  }
  for (const line of rated) {
    const identified = { ...line, item: itemOf(line.say) };
    const bucket = bucketOf(identified, keyOf(identified));
    bucket.afterNanos += line.amountNanos;
    if (line.kind !== 'credit') bucket.rated.set(toldBy(identified), line.amountNanos);
    else {
      bucket.daysAfter = daysOf(line.detail.days);
      if ('clauses' in line.detail) bucket.clauses = line.detail.clauses;
    }
  }
  for (const [key, { nanos, givenNanos, part }] of corrected.debited) {
    const bucket = bucketOf({ ...part, item: part.say ?? { code: 'as_written', text: part.description } }, key);
    bucket.beforeNanos += nanos;
    bucket.holdsNanos += nanos - givenNanos;
  }
  for (const { key, days } of corrected.minutes)
    for (const { date, after } of days) buckets.get(key)?.daysBefore.set(date, after);
  return [...buckets.values()]
    .filter(
      ({ beforeNanos, afterNanos, holdsNanos }) => beforeNanos < afterNanos || (beforeNanos > afterNanos && holdsNanos > 0n),
    )
    .map(({ daysBefore, daysAfter, own, rated: now, ...bucket }) => ({
      ...bucket,
      lines: Array.from(own, ([line, { told, nanos, given }]) => ({
        line,
        holdsNanos: nanos - given,
        excessNanos: nanos - (now.get(told) ?? 0n),
      })),
      minutes: { before: minutesIn(daysBefore), after: minutesIn(daysAfter) },
      days: changedDays(daysBefore, daysAfter),
    }));
}

/** Whether a line charges what an earlier invoice lacked. */
export function isDebit(line: Pick<IssuedLine, 'detail'>): boolean {
  return typeof line.detail['debit'] === 'string';
}

/** The minutes that a credit line lists, by local day or month. */
function daysOf(
  list: readonly { date?: string | undefined; month?: string | undefined; minutes?: number | undefined }[],
): Map<string, number> {
  const days = new Map<string, number>();
  for (const { date, month, minutes = 0 } of list) {
    const name = date ?? month ?? '';
    days.set(name, (days.get(name) ?? 0) + minutes);
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
