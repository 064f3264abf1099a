/** What is taken off (SPEC §6a): percentages of lines as far as they are of the discount's time, and sums by the time. */
import { unitNanos } from './credit.ts';
import type { ModelDiscount, ModelInvoice, ModelLine, ModelVm } from './invoice-facts.ts';
import { addOnNanos, firstServedMs } from './invoice-sums.ts';
import { halfEven, type Ratio, sumOf } from './rater.ts';
import { chargeOf, MINUTE, type Served } from './served.ts';

const ZERO: Ratio = { num: 0n, den: 1n };
const KINDS = ['service', 'traffic', 'flat', 'setup', 'add_on', 'fee'];
/** What a service comes to is what these make of it. */
const OF_SERVICE = ['minimum', 'maximum', 'credit'];

/** How much is taken off which kind, below zero. */
export type Taken = ReadonlyMap<string, bigint>;

/** A VM's minutes of the period, and its lines by now. */
export interface VmSoFar {
  readonly vm: ModelVm;
  readonly period: readonly Served[];
  readonly lines: readonly ModelLine[];
}

/** What a discount takes off the lines of a VM; null: nothing. */
export function takenOffVm(discount: ModelDiscount, so: VmSoFar, minorNanos: bigint): Taken | null {
  const held = heldBy(so.lines).filter(([kind]) => isOn(discount, kind));
  const most = { num: mostOf(held, so), den: 1n };
  if (discount.percent !== null) {
    const base = KINDS.filter((kind) => isOn(discount, kind)).map((kind) => [kind, baseOf(kind, discount, so)] as const);
    const { num, den } = sumOf(base.map(([, nanos]) => nanos));
    const asked = { num: num * discount.percent.num, den: den * discount.percent.den };
    return divided(base, smaller(asked, most), minorNanos);
  }
  const price = discount.amount;
  if (price === null) return null;
  const nanos = within(discount, so.period).reduce(
    (sum, { atMs, agreement }) => sum + unitNanos({ ...agreement.plan, price }, atMs),
    0n,
  );
  return divided(positive(held), smaller({ num: nanos, den: 1n }, most), minorNanos);
}

/** What a sum off an account takes off each of its VMs, in their order; null: nothing. */
export function takenOffAll(
  discount: ModelDiscount,
  timeZone: string,
  { fromMs, toMs, minorNanos }: ModelInvoice,
  all: readonly VmSoFar[],
): (Taken | null)[] {
  const price = discount.amount;
  if (price === null) return all.map(() => null);
  let asked = 0n;
  for (let atMs = fromMs; atMs < toMs; atMs += MINUTE)
    if (atMs >= discount.fromMs && (discount.untilMs === null || atMs < discount.untilMs))
      asked += unitNanos({ timeZone, price, creditable: [] }, atMs);
  const held = all.map(({ lines }) => heldBy(lines).filter(([kind]) => isOn(discount, kind)));
  const holds = all.map((so, i) => mostOf(held[i] ?? [], so)).map((nanos) => (nanos > 0n ? nanos : 0n));
  const of = holds.reduce((a, b) => a + b, 0n);
  if (of === 0n) return all.map(() => null);
  const sum = asked < of ? asked : of;
  let seen = 0n;
  return held.map((own, i) => {
    const before = halfEven({ num: sum * seen, den: of }, minorNanos);
    seen += holds[i] ?? 0n;
    const nanos = halfEven({ num: sum * seen, den: of }, minorNanos) - before;
    return divided(positive(own), { num: nanos, den: 1n }, minorNanos);
  });
}

/** What is taken, in parts that are to each other as the given, each up to where the sum of those before it is rounded. */
function divided(parts: readonly (readonly [string, Ratio])[], taken: Ratio, minorNanos: bigint): Taken | null {
  if (taken.num <= 0n) return null;
  const whole = halfEven(taken, minorNanos);
  const all = sumOf(parts.map(([, nanos]) => nanos));
  const made = new Map<string, bigint>();
  let before = 0n;
  parts.forEach(([kind], i) => {
    const upTo = sumOf(parts.slice(0, i + 1).map(([, nanos]) => nanos));
    const now = halfEven({ num: whole * upTo.num * all.den, den: upTo.den * all.num }, minorNanos);
    made.set(kind, before - now);
    before = now;
  });
  return made;
}

/** Of the lines that it is on no more than they hold, nor more than all do. */
function mostOf(held: readonly (readonly [string, bigint])[], { lines }: VmSoFar): bigint {
  const [own, all] = [held, heldBy(lines)].map((list) => list.reduce((sum, [, nanos]) => sum + nanos, 0n));
  return (own ?? 0n) < (all ?? 0n) ? (own ?? 0n) : (all ?? 0n);
}

/** What lines come to by kind, less what was taken off. */
function heldBy(lines: readonly ModelLine[]): (readonly [string, bigint])[] {
  return KINDS.map((kind) => [kind, lines.reduce((sum, line) => sum + ofKind(line, kind), 0n)] as const);
}

/** What of a line counts as a kind. */
export function ofKind(line: ModelLine, kind: string): bigint {
  if (line.parts !== undefined) return line.parts.get(kind) ?? 0n;
  return line.kind === kind || (kind === 'service' && OF_SERVICE.includes(line.kind)) ? line.nanos : 0n;
}

/** What the lines of a kind come to, as far as they are of the time within a discount. */
function baseOf(kind: string, discount: ModelDiscount, { vm, period, lines }: VmSoFar): Ratio {
  const inTime = (atMs: number): boolean => within(discount, [{ atMs }]).length > 0;
  const parts = lines.flatMap((line): Ratio[] => {
    const nanos = line.parts === undefined ? ofKind(line, kind) : 0n;
    if (nanos === 0n) return [];
    const share = (some: bigint, all: bigint): Ratio[] => (all === 0n ? [] : [{ num: nanos * some, den: all }]);
    const ofPlan = period.filter(({ agreement }) => agreement.planId === line.about);
    switch (line.kind) {
      case 'service':
        return share(chargeOf(within(discount, ofPlan)), chargeOf(ofPlan));
      case 'credit':
        return share(chargeOf(within(discount, period)), chargeOf(period));
      case 'add_on': {
        const addOn = vm.addOns.find(({ id }) => id === line.about);
        if (addOn === undefined) return [];
        return share(addOnNanos(addOn, within(discount, period)) ?? 0n, addOnNanos(addOn, period) ?? 0n);
      }
      case 'setup':
        return inTime(firstServedMs(vm, line.about ?? '') ?? -1) ? share(1n, 1n) : [];
      case 'fee': {
        const fees = vm.fees.filter((fee) => fee.kind === line.about);
        const sum = (list: typeof fees): bigint => list.reduce((all, fee) => all + fee.nanos, 0n);
        return share(sum(fees.filter(({ atMs }) => inTime(atMs))), sum(fees));
      }
      default:
        return share(BigInt(within(discount, ofPlan).length), BigInt(ofPlan.length));
    }
  });
  return parts.length === 0 ? ZERO : sumOf(parts);
}

function within<T extends { readonly atMs: number }>({ fromMs, untilMs }: ModelDiscount, list: readonly T[]): T[] {
  return list.filter(({ atMs }) => atMs >= fromMs && (untilMs === null || atMs < untilMs));
}

function isOn({ kinds }: ModelDiscount, kind: string): boolean {
  return kinds === null ? kind !== 'fee' : kinds.includes(kind);
}

function positive(held: readonly (readonly [string, bigint])[]): (readonly [string, Ratio])[] {
  return held.filter(([, nanos]) => nanos > 0n).map(([kind, nanos]) => [kind, { num: nanos, den: 1n }]);
}

function smaller(a: Ratio, b: Ratio): Ratio {
  return a.num * b.den <= b.num * a.den ? a : b;
}
