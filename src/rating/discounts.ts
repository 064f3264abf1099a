import type { Fraction } from '../domain/credit-policy.ts';
import { dayCharge, unitSum } from '../domain/credit.ts';
import { type ClauseText, DISCOUNTED, type Discounted } from '../domain/discounted.ts';
import { formatInstant } from '../domain/instant.ts';
import { formatAmount, signedNanos } from '../domain/money.ts';
import type { PlanBody } from '../domain/plan.ts';
import { dayEnd, localDay, MINUTE_MS, type Zone } from '../domain/zone.ts';
import { type AddOn, addOnSegments } from './add-ons.ts';
import type { DiscountDetail } from './detail.ts';
import { decimalText, exact, exactText, isLess, least, negated, plus, priceText, roundedToMinor, times, ZERO } from './exact.ts';
import type { FeeEvent } from './fees.ts';
import { isDebited, type PricedAs, type RatedLine } from './line.ts';
import type { FormulaSay } from './say.ts';
import { clipSegments, minuteFrom, type Segment, servedDays } from './served.ts';
import type { Setup } from './sums.ts';

/** Something that is taken off, as it was agreed (SPEC §6a). */
export interface Discount {
  readonly name: string;
  readonly reason: string | null;
  readonly clause: ClauseText | null;
  /** null: all but fees. */
  readonly kinds: readonly Discounted[] | null;
  readonly fromMs: number;
  /** null: for good. */
  readonly untilMs: number | null;
  readonly off:
    | { readonly percentNanos: bigint }
    /** A sum by the time, spread as a price is. */
    | { readonly nanos: bigint; readonly per: PlanBody['price']['per'] };
}

/** What an account has off what its VMs come to; `zone` is the one whose days and months sums are spread over. */
export interface AccountDiscounts {
  readonly zone: Zone;
  readonly list: readonly Discount[];
}

/** The lines of a VM by now, and what they are made of, cut to the period. */
export interface VmLines {
  readonly vm: string;
  readonly service: readonly Segment[];
  readonly setups: readonly Setup[];
  readonly addOns: readonly AddOn[];
  readonly fees: readonly FeeEvent[];
  readonly lines: readonly RatedLine[];
}

type Parts = ReadonlyMap<Discounted, Fraction>;

/** What a line of a VM counts as where something is taken off; undefined: nothing is taken off it. */
export function discountedAs(kind: RatedLine['kind']): Discounted | undefined {
  if (kind === 'minimum' || kind === 'maximum' || kind === 'credit') return 'service';
  return DISCOUNTED.find((each) => each === kind);
}

/**
 * A percentage of a VM's lines as they are charged, rounded, as far as they are of time within the discount; a sum of money is spread over the
 * served minutes. Never more than these lines hold after what was taken off before. Undefined where nothing is.
 */
export function priceDiscount(discount: Discount, of: VmLines, currency: string): PricedAs<'discount'> | undefined {
  const { off } = discount;
  const held = holdsOf(of, discount);
  const holds = mostOf(held, of);
  if (!isLess(ZERO, holds)) return undefined;
  if ('percentNanos' in off) {
    const base = partsWithin(discount, of);
    const asked = times(sumOf(base), exact(off.percentNanos, 100n * 1_000_000_000n));
    if (!isLess(ZERO, asked)) return undefined;
    const taken = least(asked, holds);
    return lineOf(
      discount,
      of,
      inProportion(base, taken),
      { taken, isCapped: isLess(holds, asked), base: sumOf(base) },
      currency,
    );
  }
  const asked = exact(
    withinOf(discount, of.service).reduce(
      (sum, { plan, fromMinute, toMinute }) => sum + spread(plan.zone, off, fromMinute, toMinute),
      0n,
    ),
  );
  if (asked.num === 0n) return undefined;
  const taken = least(asked, holds);
  return lineOf(discount, of, inProportion(above0(held), taken), { taken, isCapped: isLess(holds, asked) }, currency);
}

/** A sum off all VMs of an account: of each in proportion to what its lines hold, all together to the sum, rounded. */
export function priceAccountSum(
  discount: Discount,
  zone: Zone,
  { fromMinute, toMinute }: { readonly fromMinute: number; readonly toMinute: number },
  vms: readonly VmLines[],
  currency: string,
): PricedAs<'discount'>[] {
  if (!('nanos' in discount.off)) return [];
  const [from, to] = [Math.max(fromMinute, minuteFrom(discount.fromMs)), Math.min(toMinute, untilOf(discount))];
  const asked = exact(from < to ? spread(zone, discount.off, from, to) : 0n);
  const held = vms.flatMap((of) => {
    const parts = holdsOf(of, discount);
    const most = mostOf(parts, of);
    return isLess(ZERO, most) ? [{ of, parts, most }] : [];
  });
  const holds = held.reduce((sum, { most }) => plus(sum, most), ZERO);
  if (asked.num === 0n || held.length === 0) return [];
  const isCapped = isLess(holds, asked);
  const shares = wholeShares(held.map(({ most }) => most), least(asked, holds), currency); // prettier-ignore
  return held.flatMap(({ of, parts }, i) => {
    const taken = exact(shares[i] ?? 0n);
    return taken.num === 0n ? [] : [lineOf(discount, of, inProportion(above0(parts), taken), { taken, isCapped }, currency)];
  });
}

interface Taken {
  readonly taken: Fraction;
  readonly isCapped: boolean;
  /** Of a percentage: what it is of. */
  readonly base?: Fraction;
}

function lineOf(
  { name, reason, clause, off, ...discount }: Discount,
  { vm, service }: VmLines,
  parts: Parts,
  { taken, isCapped, base }: Taken,
  currency: string,
): PricedAs<'discount'> {
  const percent = 'percentNanos' in off ? decimalText(exact(off.percentNanos, 1_000_000_000n)) : undefined;
  const within = withinOf(discount, service);
  const [first, last] = [within[0] ?? service[0], within.at(-1) ?? service.at(-1)];
  const total = negated(taken);
  const kinds = [...parts.keys()];
  const whole = wholeShares([...parts.values()], exact(roundedToMinor(taken, currency)), currency);
  const formula: FormulaSay[] = [
    { code: percent === undefined ? 'discount_sum' : 'discount_percent' },
    ...(isCapped ? [{ code: 'discount_most' } as const] : []),
  ];
  const agreed: Pick<DiscountDetail, 'percent' | 'sum' | 'per'> =
    'percentNanos' in off ? { percent: percent ?? '' } : { sum: priceText(exact(off.nanos), currency), per: off.per };
  return {
    kind: 'discount',
    vm,
    say: {
      about: { code: 'discount', name, ...(percent === undefined ? {} : { percent }) },
      formula,
      unit: { code: 'piece' },
    },
    quantity: '1',
    unitPrice: priceText(total, currency),
    exactNanos: total,
    detail: {
      discount: name,
      ...agreed,
      ...(reason === null ? {} : { why: reason }),
      ...(clause === null ? {} : { clause }),
      from: formatInstant((first?.fromMinute ?? 0) * MINUTE_MS),
      to: formatInstant((last?.toMinute ?? 0) * MINUTE_MS),
      ...(base === undefined ? {} : { base: priceText(base, currency) }),
      parts: kinds.map((kind, i) => ({ kind, amount: formatAmount(-(whole[i] ?? 0n), currency) })),
      exact_nanos: exactText(total),
    },
  };
}

/** At most what the lines hold that a discount is on, and no more than all of the VM do: a maximum takes of several kinds. */
function mostOf(held: Parts, of: VmLines): Fraction {
  return least(sumOf(held), sumOf(holdsOf(of)));
}

/** What lines hold by kind, after what was taken off before; with a discount, of the kinds that it is on. */
function holdsOf({ lines }: VmLines, discount?: Pick<Discount, 'kinds'>): Parts {
  const held = new Map<Discounted, Fraction>();
  for (const [kind, nanos] of lines.flatMap(partsOfLine)) {
    if (discount === undefined || isOn(discount, kind)) held.set(kind, plus(held.get(kind) ?? ZERO, exact(nanos)));
  }
  return ordered(held);
}

/** What of a line is of which kind: of a discount what it takes off each. */
function partsOfLine(line: RatedLine): [Discounted, bigint][] {
  if (isDebited(line)) return [];
  if (line.kind === 'discount') return line.detail.parts.map(({ kind, amount }) => [kind, signedNanos(amount)]);
  const kind = discountedAs(line.kind);
  return kind === undefined ? [] : [[kind, line.amountNanos]];
}

/** What lines come to by kind, as far as they are of time within a discount. */
function partsWithin(discount: Discount, of: VmLines): Parts {
  const parts = new Map<Discounted, Fraction>();
  for (const line of of.lines) {
    const kind = discountedAs(line.kind);
    if (kind === undefined || !isOn(discount, kind)) continue;
    const within = times(exact(line.amountNanos), shareWithin(discount, of, line));
    parts.set(kind, plus(parts.get(kind) ?? ZERO, within));
  }
  return ordered(parts);
}

/** Which part of a line is of time within a discount: of what is charged by the minute by what that costs, of sums of a period by the minutes. */
function shareWithin(discount: Discount, { service, addOns, setups, fees }: VmLines, line: RatedLine): Fraction {
  const isWithin = (atMs: number): boolean => atMs >= discount.fromMs && atMs < (discount.untilMs ?? Infinity);
  if (isDebited(line)) return ZERO;
  switch (line.kind) {
    case 'service':
    case 'credit': {
      const plan = line.kind === 'service' ? line.detail.plan : undefined;
      const own = service.filter((each) => plan === undefined || each.plan.id === plan);
      return ratio(chargeOf(withinOf(discount, own)), chargeOf(own));
    }
    case 'traffic':
    case 'flat':
    case 'minimum':
    case 'maximum': {
      const { plan } = line.detail;
      const own = service.filter((each) => each.plan.id === plan);
      return ratio(minutesOf(withinOf(discount, own)), minutesOf(own));
    }
    case 'add_on': {
      const addOn = addOns.find(({ id }) => id === line.detail.add_on);
      const own = addOn === undefined ? [] : addOnSegments(addOn, service);
      return ratio(chargeOf(withinOf(discount, own)), chargeOf(own));
    }
    case 'setup': {
      const setup = setups.find(({ plan }) => plan === line.detail.plan);
      return setup !== undefined && isWithin(setup.atMs) ? exact(1n) : ZERO;
    }
    case 'fee': {
      const { about } = line.say;
      const own = fees.filter(({ kind }) => about.code === 'fee' && kind === about.event);
      const sum = (list: readonly FeeEvent[]): bigint => list.reduce((all, { feeNanos }) => all + feeNanos, 0n);
      return ratio(sum(own.filter(({ atMs }) => isWithin(atMs))), sum(own));
    }
    default:
      return ZERO;
  }
}

function isOn({ kinds }: Pick<Discount, 'kinds'>, kind: Discounted): boolean {
  return kinds === null ? kind !== 'fee' : kinds.includes(kind);
}

function untilOf({ untilMs }: Pick<Discount, 'untilMs'>): number {
  return untilMs === null ? Infinity : minuteFrom(untilMs);
}

function withinOf(discount: Pick<Discount, 'fromMs' | 'untilMs'>, segments: readonly Segment[]): Segment[] {
  return clipSegments(segments, minuteFrom(discount.fromMs), untilOf(discount));
}

function chargeOf(segments: readonly Segment[]): bigint {
  return servedDays(segments).reduce((sum, day) => sum + day.chargeNanos, 0n);
}

function minutesOf(segments: readonly Segment[]): bigint {
  return segments.reduce((sum, { fromMinute, toMinute }) => sum + BigInt(toMinute - fromMinute), 0n);
}

function ratio(part: bigint, of: bigint): Fraction {
  return of === 0n ? ZERO : exact(part, of);
}

/** A sum by the time over UTC minutes, as a price of it is. */
function spread(
  zone: Zone,
  price: { nanos: bigint; per: PlanBody['price']['per'] },
  fromMinute: number,
  toMinute: number,
): bigint {
  let sum = 0n;
  for (let at = fromMinute; at < toMinute;) {
    const day = localDay(zone, at);
    const until = Math.min(dayEnd(day), toMinute);
    const charge = dayCharge({ priceNanos: price.nanos, per: price.per }, day);
    sum += unitSum(charge, day.minutes, at - day.startMinute, until - day.startMinute);
    at = until;
  }
  return sum;
}

function sumOf(parts: Parts): Fraction {
  return [...parts.values()].reduce(plus, ZERO);
}

function above0(parts: Parts): Parts {
  return new Map([...parts].filter(([, nanos]) => isLess(ZERO, nanos)));
}

function inProportion(parts: Parts, taken: Fraction): Parts {
  const of = sumOf(parts);
  const one = { num: taken.num * of.den, den: taken.den * of.num };
  return new Map(Array.from(parts, ([kind, nanos]) => [kind, times(nanos, one)]));
}

function ordered(parts: Parts): Parts {
  return new Map(DISCOUNTED.flatMap((kind) => (parts.has(kind) ? [[kind, parts.get(kind) ?? ZERO]] : [])));
}

/** A sum divided in proportion into whole minor units that come to it, rounded: each from where the one before ended. */
function wholeShares(parts: readonly Fraction[], sum: Fraction, currency: string): bigint[] {
  const of = parts.reduce(plus, ZERO);
  let seen = ZERO;
  let before = 0n;
  return parts.map((part) => {
    seen = plus(seen, part);
    const to = roundedToMinor({ num: sum.num * seen.num * of.den, den: sum.den * seen.den * of.num }, currency);
    const share = to - before;
    before = to;
    return share;
  });
}
