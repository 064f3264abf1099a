import { describe, expect, it } from 'vitest';
import { conditionCode } from '../../src/domain/condition.ts';
import { type CreditPolicy, defaultCreditPolicy } from '../../src/domain/credit-policy.ts';
import { DISCOUNTED } from '../../src/domain/discounted.ts';
import { signedNanos } from '../../src/domain/money.ts';
import type { Plan } from '../../src/domain/plan.ts';
import { MINUTE_MS } from '../../src/domain/zone.ts';
import type { Discount } from '../../src/rating/discounts.ts';
import { type InvoiceFacts, rateInvoice, type VmFacts } from '../../src/rating/order.ts';
import { segmentsOf } from '../../src/rating/served.ts';
import type { ModelPlan } from '../../src/verify/model/credit.ts';
import type { ModelDiscount, ModelInvoice, ModelSums, ModelVm } from '../../src/verify/model/invoice-facts.ts';
import { modelInvoice } from '../../src/verify/model/invoice.ts';
import { below, pick, type Random, randomOf } from '../support/random.ts';
import { zone } from '../support/zone.ts';

/** Discounts of random invoices, by the product's pricers and by the model, which share no arithmetic. */
const ZONES = ['UTC', 'Asia/Taipei', 'Europe/Berlin', 'Australia/Lord_Howe'] as const;
const DAY = 86_400_000;
const FROM = Date.parse('2026-03-01T00:00:00Z');
const DAYS = 31;
const MINOR = { JPY: 1_000_000_000n, CNY: 10_000_000n, KWD: 1_000_000n } as const;
const PERS = ['month', 'day', 'hour'] as const;

const nanos = (random: Random): bigint => BigInt(below(random, 10 ** 6)) * pick(random, [100_000n, 999_983n, 10_000_000n]);
const sometime = (random: Random): number => FROM + pick(random, [0, 0, below(random, DAYS * DAY), below(random, DAYS) * DAY]);

function discountOf(random: Random, name: string): { product: Discount; model: ModelDiscount } {
  const fromMs = pick(random, [FROM - DAY, sometime(random)]);
  const untilMs = pick(random, [null, fromMs + 1 + below(random, 20 * DAY)]);
  const kinds = pick(random, [null, DISCOUNTED.filter(() => below(random, 2) === 0)]);
  const on = kinds !== null && kinds.length === 0 ? null : kinds;
  const base = { name, kinds: on, fromMs, untilMs };
  const agreed = { reason: null, clause: null };
  if (below(random, 3) > 0) {
    const percentNanos = pick(random, [100n, BigInt(1 + below(random, 99)), 50n]) * 10n ** 9n;
    const percent = { num: percentNanos, den: 10n ** 11n };
    return { product: { ...base, ...agreed, off: { percentNanos } }, model: { ...base, percent, amount: null } };
  }
  const [amountNanos, per] = [1n + nanos(random) / pick(random, [1n, 100n]), pick(random, PERS)];
  return {
    product: { ...base, ...agreed, off: { nanos: amountNanos, per } },
    model: { ...base, percent: null, amount: { amountNanos, per } },
  };
}

const several = <T>(random: Random, most: number, make: (i: number) => T): T[] => Array.from({ length: below(random, most + 1) }, (_, i) => make(i)); // prettier-ignore

function vmOf(random: Random, vm: string): { product: VmFacts; model: ModelVm } {
  const startsAtMs = pick(random, [null, sometime(random)]);
  const timeZone = pick(random, ZONES);
  const priced = (id: string): { product: Plan; model: ModelPlan } => {
    const price = { amountNanos: nanos(random) * 100n, per: pick(random, PERS) };
    const creditable = ['provider'] as const;
    return {
      product: { id, currency: 'CNY', zone: zone(timeZone), priceNanos: price.amountNanos, per: price.per, creditable: new Set(creditable.map(conditionCode)) },
      model: { timeZone, price, creditable: [...creditable] },
    }; // prettier-ignore
  };
  const first = priced('p0');
  const second = priced('p1');
  const changesAtMs = sometime(random);
  const phases = [{ fromMs: 0, id: 'p0', ...first }, ...(below(random, 2) === 0 ? [{ fromMs: changesAtMs, id: 'p1', ...second }] : [])]; // prettier-ignore
  const policyOf = (plan: Plan): CreditPolicy => defaultCreditPolicy(plan);
  const terms = {
    startsAtMs,
    endsAtMs: null,
    plans: phases.map((each) => ({ fromMs: each.fromMs, plan: each.product })),
    policyOf,
  };
  const outages = several(random, 2, () => {
    const startMs = sometime(random);
    return { startMs, endMs: startMs + below(random, DAY) };
  })
    .sort((a, b) => a.startMs - b.startMs)
    .slice(0, 1);
  const sums = new Map<string, ModelSums>(phases.map(({ id }) => [id, { minimum: pick(random, [null, nanos(random) * 10n]), maximum: null, flat: pick(random, [null, nanos(random)]), setup: null }])); // prettier-ignore
  for (const [id, own] of sums)
    if (own.minimum === null) sums.set(id, { ...own, maximum: pick(random, [null, nanos(random) * 50n]) });
  const addOns = several(random, 2, (i) => {
    const fromMs = sometime(random);
    return { id: `a${i}`, per: pick(random, PERS), priceNanos: nanos(random), quantity: 1 + below(random, 3), fromMs, untilMs: pick(random, [null, fromMs + below(random, 9 * DAY)]) };
  }); // prettier-ignore
  const fees = several(random, 3, () => ({ kind: pick(random, ['ip_replaced', 'ip_blocked'] as const), atMs: sometime(random), feeNanos: pick(random, [0n, nanos(random)]) })); // prettier-ignore
  const discounts = several(random, 3, (i) => discountOf(random, `d${i}`));
  const ofSums = ({ minimum, maximum, flat }: ModelSums) => ({
    ...(minimum === null ? {} : { minimumNanos: minimum }),
    ...(maximum === null ? {} : { maximumNanos: maximum }),
    ...(flat === null ? {} : { flatNanos: flat }),
  });
  return {
    product: {
      vm,
      service: segmentsOf(terms, FROM / MINUTE_MS - 1440, (FROM + (DAYS + 1) * DAY) / MINUTE_MS),
      outages: outages.map((each) => ({ ...each, condition: conditionCode('provider') })),
      traffic: [],
      sums: new Map(Array.from(sums, ([id, own]) => [id, ofSums(own)])),
      addOns: addOns.map((each) => ({ ...each, name: each.id })),
      fees: fees.map((each, i) => ({ ...each, id: i.toString(), clause: 'c', reason: 'r' })),
      discounts: discounts.map(({ product }) => product),
    },
    model: {
      ...{ vm, startsAtMs, endsAtMs: null, traffic: [], claims: [], sums },
      outages: outages.map((each) => ({ ...each, cause: 'provider' as const })),
      agreements: phases.map(({ fromMs, id, model }) => ({
        ...{ fromMs, planId: id, plan: model },
        policy: {
          ...{ creditable: model.creditable, unsure: [], minimumSpellMs: 0, claimWithinDays: null },
          credit: { kind: 'time' as const, rounding: 'minute' as const, multiplier: { num: 1n, den: 1n }, dayCap: { num: 1n, den: 1n } },
        },
      })),
      addOns: addOns.map(({ id, per, priceNanos, quantity, fromMs, untilMs }) => ({ id, price: { amountNanos: priceNanos, per }, quantity: BigInt(quantity), fromMs, untilMs })),
      fees: fees.map(({ kind, atMs, feeNanos }) => ({ kind, atMs, nanos: feeNanos })),
      discounts: discounts.map(({ model }) => model),
    },
  }; // prettier-ignore
}

function invoiceOf(random: Random): { product: InvoiceFacts; model: ModelInvoice } {
  const currency = pick(random, ['JPY', 'CNY', 'KWD'] as const);
  const toMs = FROM + (1 + below(random, DAYS)) * DAY;
  const vms = [vmOf(random, 'v0'), ...several(random, 2, (i) => vmOf(random, `v${i + 1}`))];
  const ofAccount = several(random, 2, (i) => discountOf(random, `account ${i}`));
  const timeZone = pick(random, ZONES);
  return {
    product: {
      ...{ currency, taxPercent: '7', fromMs: FROM, toMs, overdue: [], charges: [] },
      vms: vms.map(({ product }) => product),
      discounts: { zone: zone(timeZone), list: ofAccount.map(({ product }) => product) },
    },
    model: {
      ...{ minorNanos: MINOR[currency], taxPercentNanos: 7n * 10n ** 9n, fromMs: FROM, toMs, fromTheirDay: true, overdue: [], charges: [] }, // prettier-ignore
      ...{ monthsFromMs: FROM - DAY, monthsToMs: FROM + (DAYS + 1) * DAY },
      vms: vms.map(({ model }) => model),
      discounts: { timeZone, list: ofAccount.map(({ model }) => model) },
    },
  };
}

describe('discounts', () => {
  it('the product and the model take off the same of random invoices, to the nano, and of which kinds', () => {
    const random = randomOf(20_261_201);
    let taken = 0;
    for (let round = 0; round < 150; round += 1) {
      const { product, model } = invoiceOf(random);
      const rated = rateInvoice(product).map((line) => [line.kind, line.vm, line.amountNanos, line.kind === 'discount' && 'parts' in line.detail ? line.detail.parts.map(({ kind, amount }) => `${kind} ${signedNanos(amount)}`).filter((part) => !part.endsWith(' 0')) : []]); // prettier-ignore
      const derived = modelInvoice(model).map((line) => [line.kind, line.vm, line.nanos, Array.from(line.parts ?? [], ([kind, of]) => `${kind} ${of}`).filter((part) => !part.endsWith(' 0'))]); // prettier-ignore
      expect(rated, `case ${round}`).toEqual(derived);
      taken += rated.filter(([kind]) => kind === 'discount').length;
    }
    expect(taken).toBeGreaterThan(200);
  });

  it('never more is taken off a VM than its lines hold, and its parts come to the line', () => {
    const random = randomOf(7);
    for (let round = 0; round < 300; round += 1) {
      const { product } = invoiceOf(random);
      const lines = rateInvoice(product);
      for (const { vm } of product.vms) {
        const own = lines.filter((line) => line.vm === vm);
        const discounts = own.filter((line) => line.kind === 'discount');
        const before = own.filter((line) => line.kind !== 'discount').reduce((sum, line) => sum + line.amountNanos, 0n);
        const off = discounts.reduce((sum, line) => sum + line.amountNanos, 0n);
        expect(off <= 0n && -off <= (before < 0n ? 0n : before), `case ${round}`).toBe(true);
        for (const { detail, amountNanos } of discounts)
          if ('parts' in detail)
            expect(detail.parts.reduce((sum, { amount }) => sum + signedNanos(amount), 0n)).toBe(amountNanos);
      }
    }
  });
});
