/**
 * The lines of an invoice straight from SPEC §4 to §6, out of its own evidence: minute by minute, a VM at a time. Uses nothing
 * of the product but names of conditions.
 */
import { halfEven, modelP95, modelTax, modelTraffic, type Ratio, sumOf } from './rater.ts';
import { type Taken, takenOffAll, takenOffVm } from './discounts.ts';
import type { ModelInvoice, ModelLine, ModelVm, ModelVmTraffic } from './invoice-facts.ts';
import { modelLateFees } from './late.ts';
import { isWaived, MINUTE, type Served, minutesServed, chargeOf } from './served.ts';
import { creditsOf, groupsBy } from './invoice-credits.ts';
import { addOnNanos, firstServedMs, sumsOfPeriod } from './invoice-sums.ts';

export function modelInvoice(facts: ModelInvoice): ModelLine[] {
  const { fromMs, toMs, minorNanos } = facts;
  const lines: ModelLine[] = [];
  const add = (line: Omit<ModelLine, 'nanos'>, exact: Ratio): void => {
    lines.push({ ...line, nanos: halfEven(exact, minorNanos) });
  };
  const ofAccount = facts.discounts?.list ?? [];
  const vms: { vm: ModelVm; period: readonly Served[] }[] = [];
  const addTaken = (vm: string, about: string, parts: Taken | null): void => {
    if (parts === null) return;
    const nanos = [...parts.values()].reduce((sum, each) => sum + each, 0n);
    lines.push({ kind: 'discount', vm, about, quantity: 1, nanos, parts });
  };
  const ofVm = (vm: string): ModelLine[] => lines.filter((line) => line.vm === vm);
  for (const vm of facts.vms) {
    const months = minutesServed(vm, facts.monthsFromMs, facts.monthsToMs);
    const period = months.filter((each) => each.atMs >= fromMs && each.atMs < toMs);
    const { fromTheirDay } = facts;
    // Once all plans of a VM were one line, and traffic of each as if it had been on all the time.
    for (const part of fromTheirDay ? groupsBy(period, (each) => each.agreement.planId) : [period]) {
      const [first] = part;
      if (first === undefined) continue;
      const days = new Map<string, { served: number; whole: number }>();
      for (const { dayKey, dayMinutes } of part) {
        const day = days.get(dayKey) ?? { served: 0, whole: dayMinutes };
        day.served += 1;
        days.set(dayKey, day);
      }
      const isWhole = [...days.values()].every((day) => day.served === day.whole);
      const quantity = isWhole ? days.size : part.length;
      const about = fromTheirDay ? first.agreement.planId : null;
      add({ kind: 'service', vm: vm.vm, about, quantity }, { num: chargeOf(part), den: 1n });
    }
    for (const traffic of vm.traffic) {
      const own = period.filter((each) => each.agreement.planId === traffic.plan);
      const exact = fromTheirDay ? priceTraffic(traffic, own, period) : priceWholeTraffic(traffic, fromMs, toMs);
      add({ kind: 'traffic', vm: vm.vm, about: traffic.plan, quantity: null }, exact);
    }
    for (const [planId, sums] of vm.sums) {
      const own = BigInt(period.filter((each) => each.agreement.planId === planId).length);
      const charged = (): bigint =>
        lines.filter((each) => each.vm === vm.vm && each.about === planId).reduce((sum, each) => sum + each.nanos, 0n);
      for (const { kind, exact } of sumsOfPeriod(sums, own, BigInt(period.length), charged))
        add({ kind, vm: vm.vm, about: planId, quantity: 1 }, exact);
    }
    for (const [planId, sums] of vm.sums) {
      const first = firstServedMs(vm, planId);
      if (sums.setup === null || first === null || first < fromMs || first >= toMs || isWaived(vm, first)) continue;
      add({ kind: 'setup', vm: vm.vm, about: planId, quantity: 1 }, { num: sums.setup, den: 1n });
    }
    for (const addOn of vm.addOns) {
      const nanos = addOnNanos(addOn, period);
      const line = { kind: 'add_on', vm: vm.vm, about: addOn.id, quantity: Number(addOn.quantity) } as const;
      if (nanos !== null) add(line, { num: nanos, den: 1n });
    }
    for (const kind of new Set(vm.fees.map((fee) => fee.kind))) {
      const charged = vm.fees.filter((fee) => fee.kind === kind && fee.nanos > 0n);
      const nanos = charged.reduce((sum, fee) => sum + fee.nanos, 0n);
      if (charged.length > 0) add({ kind: 'fee', vm: vm.vm, about: kind, quantity: charged.length }, { num: nanos, den: 1n });
    }
    const credits = creditsOf(vm, months, facts).filter((each) => each.nanos.num > 0n);
    if (credits.length > 0) {
      const sum = sumOf(credits.map((each) => each.nanos));
      const quantity = credits.reduce((minutes, each) => minutes + each.minutes, 0);
      add({ kind: 'credit', vm: vm.vm, about: null, quantity }, { num: -sum.num, den: sum.den });
    }
    for (const discount of [...(vm.discounts ?? []), ...ofAccount.filter(({ percent }) => percent !== null)])
      addTaken(vm.vm, discount.name, takenOffVm(discount, { vm, period, lines: ofVm(vm.vm) }, minorNanos));
    vms.push({ vm, period });
  }
  for (const discount of ofAccount) {
    const so = vms.map((each) => ({ ...each, lines: ofVm(each.vm.vm) }));
    const taken = takenOffAll(discount, facts.discounts?.timeZone ?? 'UTC', facts, so);
    for (const [i, { vm }] of vms.entries()) addTaken(vm.vm, discount.name, taken[i] ?? null);
  }
  for (const { charge, vm, nanos } of facts.byHand ?? [])
    add({ kind: 'charge', vm, about: charge, quantity: 1 }, { num: nanos, den: 1n });
  for (const owed of facts.overdue)
    for (const fee of modelLateFees([owed], fromMs, toMs))
      add({ kind: 'late_fee', vm: null, about: owed.invoice, quantity: null }, fee);
  for (const fee of modelLateFees(facts.charges, fromMs, toMs))
    add({ kind: 'late_fee', vm: null, about: null, quantity: null }, fee);
  // A rate of its own is taken of the charges that have it, and the account's of all other lines.
  const rates = new Map((facts.byHand ?? []).map(({ charge, taxPercentNanos }) => [charge, taxPercentNanos]));
  const rateOf = ({ kind, about }: ModelLine): bigint | null => (kind === 'charge' ? (rates.get(about ?? '') ?? null) : null);
  const own = [...new Set(lines.map(rateOf))].filter((rate) => rate !== null);
  const taxed = new Map([null, ...own].map((rate) => [rate, lines.filter((line) => rateOf(line) === rate)]));
  for (const { name, percentNanos, kinds } of facts.taxes ?? []) {
    const on = (taxed.get(null) ?? []).flatMap((line) => kinds.flatMap((kind) => taxedPart(line, kind)));
    const isToldOf = name !== null || percentNanos > 0n;
    const line = { kind: 'tax', vm: null, about: kinds.join(' '), quantity: null } as const;
    if (on.length > 0 && isToldOf) add(line, modelTax(on, percentNanos));
  }
  if (facts.taxes !== undefined) taxed.delete(null);
  for (const [rate, on] of taxed) {
    const percent = rate ?? facts.taxPercentNanos;
    if (percent === 0n || on.length === 0) continue;
    add({ kind: 'tax', vm: null, about: null, quantity: null }, modelTax(on.map((line) => line.nanos), percent)); // prettier-ignore
  }
  return lines;
}

/** What of a line is taxed as a kind; nothing where it has no such part. */
function taxedPart(line: ModelLine, kind: string): bigint[] {
  const as = ['minimum', 'maximum', 'credit'].includes(line.kind) ? 'service' : line.kind;
  if (line.parts === undefined) return as === kind ? [line.nanos] : [];
  const part = line.parts.get(kind);
  return part === undefined ? [] : [part];
}

const FIVE = 5 * MINUTE;

/** The traffic of a plan by itself: its share of the served minutes, and the slots of 5 minutes in which any of its own lies. */
function priceTraffic({ rules, rx, tx, slots }: ModelVmTraffic, own: readonly Served[], period: readonly Served[]): Ratio {
  if (rules.counting !== 'p95') return modelTraffic(rules, rx, tx, BigInt(own.length), BigInt(period.length));
  const n = new Set(own.map((each) => Math.floor(each.atMs / FIVE))).size;
  return modelP95(slots.map(slotBytes(rules.direction)), n, rules.pricePerMbpsNanos);
}

function priceWholeTraffic({ rules, rx, tx, slots }: ModelVmTraffic, fromMs: number, toMs: number): Ratio {
  if (rules.counting !== 'p95') return modelTraffic(rules, rx, tx);
  const n = Math.ceil(toMs / FIVE) - Math.floor(fromMs / FIVE);
  return modelP95(slots.map(slotBytes(rules.direction)), n, rules.pricePerMbpsNanos);
}

function slotBytes(direction: 'sum' | 'max'): (slot: readonly [bigint, bigint]) => bigint {
  return ([a, b]) => (direction === 'sum' ? a + b : a > b ? a : b);
}
