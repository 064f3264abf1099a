import type { Books } from '../../books/books.ts';
import type { DebitPart } from '../../books/debits.ts';
import { formatAmount } from '../../domain/money.ts';
import { aboutText } from '../../print/words/content.ts';
import type { Correction } from './corrections.ts';
import { standingNanos } from '../../books/debit-lines.ts';

/** A line of an invoice that a credit note takes from, and why. */
export interface Credited {
  line: number;
  nanos: bigint;
  correction: Correction;
}

/** One entry that brings an invoice's position nearer to what its period rates to now. Each stands by itself: a crash between two leaves a smaller rest. */
export type Step =
  /** A debit that no invoice has charged yet is lowered; parts by their index. */
  | { kind: 'lower'; debit: string; parts: ReadonlyMap<number, { nanos: bigint; correction: Correction }> }
  /** A credit note on the invoice, or on one that charged a debit of it. */
  | { kind: 'credit'; invoice: string; lines: readonly Credited[] }
  /** What is lacking, for the next invoice. */
  | { kind: 'debit'; parts: readonly DebitPart[] };

/**
 * How the corrections of an invoice are carried out. What is too high is taken from debits first, newest first: from those
 * not charged yet by lowering them, from the others by a credit note on the invoice that charged them; then from the line
 * itself. So never more is credited on a line than it charged.
 */
export function planSteps(books: Books, invoice: string, corrections: readonly Correction[], currency: string): Step[] {
  const lowered = new Map<string, Map<number, { nanos: bigint; correction: Correction }>>();
  const credited = new Map<string, Credited[]>();
  const lacking: DebitPart[] = [];
  const debits = books.debitsOn(invoice).toReversed();
  for (const correction of corrections) {
    const tooHigh = correction.beforeNanos - correction.afterNanos;
    let rest = least(tooHigh, correction.holdsNanos);
    if (tooHigh < 0n) rest = tooHigh;
    if (rest < 0n) {
      lacking.push(partOf(correction, -rest, currency));
      continue;
    }
    for (const charged of [false, true]) {
      for (const debit of debits.filter((each) => (each.on !== null) === charged)) {
        for (const [i, part] of debit.head.parts.entries()) {
          if (part.key !== correction.key || rest === 0n) continue;
          const standing = standingNanos(books, debit, i);
          const taken = standing < rest ? standing : rest;
          if (taken === 0n) continue;
          rest -= taken;
          const line = debit.on?.lines.find((each) => each.id === debit.id && each.part === i)?.line;
          if (debit.on === null || line === undefined) {
            const parts = lowered.get(debit.id) ?? new Map<number, { nanos: bigint; correction: Correction }>();
            lowered.set(debit.id, parts.set(i, { nanos: BigInt(part.nanos) - taken, correction }));
          } else push(credited, debit.on.invoice, { line, nanos: taken, correction });
        }
      }
    }
    if (rest === 0n) continue;
    if (correction.line === null) throw new Error(`invoice ${invoice} has no line of ${correction.key} to credit`);
    for (const { line, nanos } of overLines(correction, rest)) push(credited, invoice, { line, nanos, correction });
  }
  return [
    ...Array.from(lowered, ([debit, parts]): Step => ({ kind: 'lower', debit, parts })),
    ...Array.from(credited, ([on, lines]): Step => ({ kind: 'credit', invoice: on, lines })),
    ...(lacking.length === 0 ? [] : [{ kind: 'debit', parts: lacking } as const]),
  ];
}

/**
 * The lines that an amount is taken from: of several first those that are more than their plans rate to now, by as much; what is left is
 * credit for unavailability, and taken from those that still hold something.
 */
function overLines({ line: only, lines }: Correction, nanos: bigint): { line: number; nanos: bigint }[] {
  if (lines.length < 2) return only === null ? [] : [{ line: only, nanos }];
  const taken = new Map<number, bigint>();
  let rest = nanos;
  for (const most of ['excessNanos', 'holdsNanos'] as const) {
    for (const each of lines) {
      const before = taken.get(each.line) ?? 0n;
      const room = least(each[most], each.holdsNanos) - before;
      const more = least(room, rest);
      if (more <= 0n) continue;
      taken.set(each.line, before + more);
      rest -= more;
    }
  }
  return Array.from(taken, ([line, amount]) => ({ line, nanos: amount }));
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function push(credited: Map<string, Credited[]>, invoice: string, line: Credited): void {
  credited.set(invoice, [...(credited.get(invoice) ?? []), line]);
}

function partOf({ line, key, kind, vm, item, tax, ...rest }: Correction, nanos: bigint, currency: string): DebitPart {
  return {
    line,
    key,
    kind,
    vm,
    description: aboutText(item),
    say: item,
    nanos: nanos.toString(),
    before: formatAmount(rest.beforeNanos, currency),
    after: formatAmount(rest.afterNanos, currency),
    minutes: rest.minutes,
    days: rest.days,
    ...(tax === undefined ? {} : { tax: { ...tax, kinds: [...(tax.kinds ?? [])] } }),
  };
}
