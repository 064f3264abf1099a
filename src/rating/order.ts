import type { PlanBody } from '../domain/plan.ts';
import type { Interval } from '../domain/intervals.ts';
import { MINUTE_MS } from '../domain/zone.ts';
import { type ByHand, priceByHand } from './by-hand.ts';
import type { CreditClaim } from './credit-claims.ts';
import { priceCredits } from './credits.ts';
import { type AddOn, priceAddOn } from './add-ons.ts';
import { type AccountDiscounts, type Discount, priceAccountSum, priceDiscount, type VmLines } from './discounts.ts';
import { type FeeEvent, priceFees } from './fees.ts';
import { type LateFeeRule, type OverdueInvoice, priceLateCharges, priceLateFee } from './late-fee.ts';
import { type Priced, rounded, type RatedLine } from './line.ts';
import { pricePercentile, slotsOf } from './percentile.ts';
import { clipSegments, partsOf, type Segment } from './served.ts';
import { priceService } from './service.ts';
import { type PlanSums, priceBound, priceFlat, priceSetup, type Setup } from './sums.ts';
import { ownRateOf, priceOwnTaxes, priceTax, priceTaxes, type TaxRate } from './tax.ts';
import { type Bytes, priceTraffic } from './traffic.ts';
import type { ClosedOutage } from './unavailable.ts';

/** All that the lines of one VM are computed from. */
export interface VmFacts {
  readonly vm: string;
  /** Its service over whole calendar months around the period; the period's own part is cut out of it. */
  readonly service: readonly Segment[];
  /** Whole, in order, causes after incidents. */
  readonly outages: readonly ClosedOutage[];
  /** Traffic of the period's minutes by the plan they were on, in the order of the plans. */
  readonly traffic: readonly PlanTraffic[];
  /** By plan. */
  readonly sums?: ReadonlyMap<string, PlanSums>;
  /** Of the period. */
  readonly setups?: readonly Setup[];
  readonly addOns?: readonly AddOn[];
  /** What is taken off its lines. */
  readonly discounts?: readonly Discount[];
  readonly fees: readonly FeeEvent[];
  /** What was claimed, where the terms want that. */
  readonly claims?: readonly CreditClaim[];
  /** Time whose silence is on record as nobody's outage. */
  readonly judged?: readonly Interval[];
}

/** Traffic under one plan: its totals, and its slots of 5 minutes where the plan asks for them. */
export interface PlanTraffic {
  readonly plan: string;
  /** Of some interfaces alone; left out: of all that no class names. */
  readonly class?: string;
  readonly rules: NonNullable<PlanBody['traffic']>;
  readonly bytes: Bytes;
  readonly slots: readonly Bytes[];
}

/** All that an invoice is computed from: the same facts give the same lines, to the nano. */
export interface InvoiceFacts {
  readonly currency: string;
  readonly taxPercent: string;
  /** By the kind of line; left out: one tax on all, at that rate. */
  readonly taxes?: readonly TaxRate[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly vms: readonly VmFacts[];
  /** What is taken off the lines of all VMs. */
  readonly discounts?: AccountDiscounts;
  /** What the account is charged by hand. */
  readonly byHand?: readonly ByHand[];
  readonly overdue: readonly { readonly invoice: OverdueInvoice; readonly rule: LateFeeRule }[];
  /** Charges of a prepaid balance, as far as they are under a rule, by rule. */
  readonly charges: readonly { readonly list: readonly OverdueInvoice[]; readonly rule: LateFeeRule }[];
}

/**
 * The lines of an invoice. This is the one place where their order stands (SPEC §6): for each VM service and traffic,
 * a line a plan; flat sums and what brings a plan to its minimum or maximum; setups, add-ons, fees, credits, discounts; then sums off the
 * account; then what is charged by hand; then late fees; then tax on the sum of the rounded lines before.
 */
export function rateInvoice(facts: InvoiceFacts): RatedLine[] {
  const { currency, fromMs, toMs } = facts;
  const lines: RatedLine[] = [];
  const add = (priced: Priced | undefined): void => {
    if (priced !== undefined) lines.push(rounded(priced, currency));
  };
  const fromMinute = fromMs / MINUTE_MS;
  const toMinute = toMs / MINUTE_MS;
  const offAccount = facts.discounts?.list ?? [];
  const ofVms: VmLines[] = [];
  for (const vm of facts.vms) {
    const before = lines.length;
    const parts = partsOf(clipSegments(vm.service, fromMinute, toMinute));
    for (const { segments } of parts) add(priceService(vm.vm, segments, currency));
    for (const { rules, ...traffic } of vm.traffic) {
      const part = parts.find(({ plan }) => plan === traffic.plan);
      const given = { vm: vm.vm, ...traffic, currency };
      if (rules.counting === 'p95') add(pricePercentile({ ...given, rules, slotCount: slotsOf(part?.segments ?? []) }));
      else add(priceTraffic({ ...given, rules, ...(part === undefined ? {} : { share: part.share }) }));
    }
    for (const part of parts) {
      const sums = vm.sums?.get(part.plan);
      if (sums === undefined) continue;
      const given = { ...part, vm: vm.vm, currency };
      if (sums.flatNanos !== undefined) add(priceFlat(given, sums.flatNanos));
      const own = lines.slice(before).filter((line) => 'plan' in line.detail && line.detail.plan === part.plan);
      add(priceBound(given, sums, own));
    }
    for (const setup of vm.setups ?? []) add(priceSetup(vm.vm, setup, currency));
    const service = clipSegments(vm.service, fromMinute, toMinute);
    for (const addOn of vm.addOns ?? []) add(priceAddOn(vm.vm, addOn, service, currency));
    for (const fee of priceFees(vm.vm, vm.fees, currency)) add(fee);
    add(priceCredits({ ...vm, fromMinute, toMinute, currency }));
    const { vm: name, setups = [], addOns = [], fees } = vm;
    const linesNow = (): VmLines => ({ vm: name, service, setups, addOns, fees, lines: lines.slice(before) });
    const percentages = offAccount.filter(({ off }) => 'percentNanos' in off);
    for (const discount of [...(vm.discounts ?? []), ...percentages]) add(priceDiscount(discount, linesNow(), currency));
    if (offAccount.length > 0) ofVms.push(linesNow());
  }
  const vmLines = lines.length;
  for (const discount of offAccount) {
    if (facts.discounts === undefined) break;
    const now = ofVms.map((of) => ({ ...of, lines: [...of.lines, ...lines.slice(vmLines).filter(({ vm }) => vm === of.vm)] }));
    for (const each of priceAccountSum(discount, facts.discounts.zone, { fromMinute, toMinute }, now, currency)) add(each);
  }
  for (const charge of facts.byHand ?? []) add(priceByHand(charge, currency));
  const late = { fromMs, toMs, currency };
  for (const { invoice, rule } of facts.overdue) add(priceLateFee(invoice, { ...late, rule }));
  for (const { list, rule } of facts.charges) add(priceLateCharges(list, { ...late, rule }));
  // No tax on nothing: a line of it alone would make an invoice of an account that has none.
  const taxed = lines.filter((line) => ownRateOf(line) === undefined);
  const own = priceOwnTaxes(lines, currency);
  if (facts.taxes !== undefined) for (const tax of priceTaxes(facts.taxes, lines, currency)) add(tax);
  else if (taxed.length > 0) add(priceTax(facts.taxPercent, taxed, currency));
  for (const tax of own) add(tax);
  return lines;
}
