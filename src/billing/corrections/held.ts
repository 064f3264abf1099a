import { formatAmount, parseAmount, signedNanos } from '../../domain/money.ts';
import { ProblemError } from '../../problems/problem.ts';
import { exact, roundedToMinor } from '../../rating/exact.ts';
import { taxedAs } from '../../rating/tax.ts';
import { lineIdOf } from '../line-ids.ts';
import { isDebit, type IssuedLine } from './corrections.ts';

/** What is given back of a line, by its index. */
export interface Given {
  readonly line: number;
  readonly nanos: bigint;
}

type Credited = ReadonlyMap<number, bigint>;

/**
 * What a line still holds, net: what it charged less what credit notes took back, and never more than what all lines of its VM come to, for those below
 * zero (credits, a maximum) are taken from the others.
 */
export function heldNanos(lines: readonly IssuedLine[], credited: Credited, index: number): bigint {
  const holds = (line: IssuedLine, i: number): bigint => signedNanos(line.amount) - (credited.get(i) ?? 0n);
  const line = lines[index];
  if (line === undefined) return 0n;
  const ofVm = lines.reduce((sum, each, i) => (each.vm === line.vm && each.kind !== 'tax' ? sum + holds(each, i) : sum), 0n);
  return notBelow0(least(holds(line, index), ofVm));
}

/** Throws `line_holds_less` for the first line of which more is given than it holds, the lines of a VM together. */
export function refuseMoreThanHeld(
  lines: readonly IssuedLine[],
  credited: Credited,
  given: readonly Given[],
  currency: string,
): void {
  const so = new Map(credited);
  for (const { line, nanos } of given) {
    const held = heldNanos(lines, so, line);
    if (nanos > held) {
      const holds = formatAmount(held, currency);
      const detail = `line ${lineIdOf(line)} still holds ${holds} ${currency}, not ${formatAmount(nanos, currency)}`;
      throw new ProblemError('line_holds_less', detail, { line: lineIdOf(line), holds });
    }
    so.set(line, (so.get(line) ?? 0n) + nanos);
  }
}

/**
 * What is given back with its tax: of each tax line its rate of the lines given that it is on, rounded once, never more than it holds; all of it where
 * nothing is left that it is on. What an earlier invoice lacked was taxed by a line of its own.
 */
export function withTax(lines: readonly IssuedLine[], credited: Credited, given: readonly Given[], currency: string): Given[] {
  const after = new Map(credited);
  for (const { line, nanos } of given) after.set(line, (after.get(line) ?? 0n) + nanos);
  const percent = lines.find((line) => line.kind === 'tax' && line.detail.percent !== undefined)?.detail.percent;
  const taxes = lines.flatMap((tax, index): Given[] => {
    if (tax.kind !== 'tax') return [];
    const isOn = (each: IssuedLine | undefined): boolean => each !== undefined && each.kind !== 'tax' && taxedBy(tax, each);
    const net = given.reduce((sum, { line, nanos }) => (isOn(lines[line]) ? sum + nanos : sum), 0n);
    if (net === 0n) return [];
    const left = lines.reduce((sum, each, i) => sum + amountOn(tax, each) - (isOn(each) ? (after.get(i) ?? 0n) : 0n), 0n);
    const held = notBelow0(signedNanos(tax.amount) - (credited.get(index) ?? 0n));
    const rate = parseAmount(tax.detail.percent ?? percent ?? '0') ?? 0n;
    const nanos = left <= 0n ? held : least(held, roundedToMinor(exact(net * rate, 100n * 1_000_000_000n), currency));
    return nanos === 0n ? [] : [{ line: index, nanos }];
  });
  return [...given, ...taxes];
}

/** Whether a tax line is on a line: what an earlier invoice lacked has its own; of several rates each says its kinds. */
function taxedBy(tax: IssuedLine, line: IssuedLine): boolean {
  if (tax.detail['debit'] !== line.detail['debit']) return false;
  // So have charges by hand with a rate of their own.
  const own = line.detail['tax_percent'] === undefined ? undefined : line.detail['charge'];
  const charges = tax.detail['charges'];
  if (Array.isArray(charges) || own !== undefined) return Array.isArray(charges) && charges.includes(own);
  const kinds = tax.detail['kinds'];
  return !Array.isArray(kinds) || kinds.includes(taxedAs(line.kind));
}

/** How much of a line a tax is on: of a discount what it takes off the kinds that the tax is on. */
function amountOn(tax: IssuedLine, line: IssuedLine): bigint {
  if (line.kind === 'tax') return 0n;
  const kinds = tax.detail['kinds'];
  const { parts } = line.detail;
  if (parts === undefined || !Array.isArray(kinds) || isDebit(tax)) return taxedBy(tax, line) ? signedNanos(line.amount) : 0n;
  return parts.filter(({ kind }) => kinds.includes(kind)).reduce((sum, { amount }) => sum + signedNanos(amount), 0n);
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const notBelow0 = (value: bigint): bigint => (value < 0n ? 0n : value);
