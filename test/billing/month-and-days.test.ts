import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BillingContext } from '../../src/billing/context.ts';
import { gatherFacts } from '../../src/billing/facts.ts';
import { conditionCode } from '../../src/domain/condition.ts';
import { parseAmount } from '../../src/domain/money.ts';
import { dayEnd, localDay, MINUTE_MS, monthEnd, monthStart } from '../../src/domain/zone.ts';
import { exact, exactText, negated, plus, ZERO } from '../../src/rating/exact.ts';
import type { RatedLine } from '../../src/rating/line.ts';
import { type InvoiceFacts, type PlanTraffic, rateInvoice } from '../../src/rating/order.ts';
import { modelP95, modelTraffic, type Ratio } from '../../src/verify/model/rater.ts';
import { doneOf, openCatalog, serverOn } from '../support/api.ts';
import { libraryWith } from '../support/own-terms.ts';
import { below, pick, type Random, randomOf } from '../support/random.ts';
import { recordsOf } from '../support/records.ts';
import { billingOn } from '../support/scheduler.ts';
import { seeds } from '../support/seeds.ts';
import { openTestStore, type TestStore } from '../support/store.ts';
import { zone } from '../support/zone.ts';

/**
 * A month's invoice is the sum of its days', before lines are rounded, for random dated plans, prices, terms, versions of sheets, add-ons, starts and ends
 * (SPEC §6a), from the catalog and the stored rows on. What only a whole period decides comes out of what its days measured: what is included, tiers,
 * started units and the larger direction, a flat sum, a minimum and a maximum, each by the plan's share of the served minutes; a percentile by the
 * slots of all days. `test/rating/parts.test.ts` has the pricers alone. UPTALLY_TEST_SEEDS=100-140 chooses which months.
 */
const ADDITIVE = ['service', 'setup', 'add_on', 'fee', 'credit', 'late_fee'] as const;
const MONTHS = [
  ['UTC', '2026-03-10'],
  ['Europe/Berlin', '2026-03-10'],
  ['America/New_York', '2026-11-10'],
  ['Australia/Lord_Howe', '2026-04-10'],
  ['Asia/Taipei', '2026-02-10'],
  ['Europe/Berlin', '2026-10-10'],
  ['Pacific/Apia', '2026-05-10'],
  ['America/New_York', '2026-03-10'],
] as const;
const SHEETS = ['s0', 's1', 's2', 's3'] as const;
const CAUSES = ['provider', 'third_party', 'maintenance', 'silent'] as const;
const VMS = 3;
const DAY_MINUTES = 1_440;

const percent = (random: Random, most: number): string => `${below(random, most)}.${below(random, 10)}`;

/** A sheet in versions that begin at any instant of the months: each credits, charges and bears late fees otherwise. */
function versionsOf(random: Random, id: string): { id: string }[] {
  const months = [...new Set(MONTHS.map(([, day]) => Date.parse(`${day}T12:00:00Z`)))].sort((a, b) => a - b);
  const begins = months.map((ms) => ms + (below(random, 28) - 10) * 86_400_000 + below(random, 86_400_000));
  return [0, ...begins].map((begin, nth) => {
    const creditable = [...new Set([pick(random, CAUSES), pick(random, CAUSES)])];
    const minimum = pick(random, ['0ms', '0ms', '120s', '1h']);
    const share = { clause: 'c', creditable, minimum_spell: minimum };
    const credit = pick(random, [
      { kind: 'none', clause: 'c' },
      { kind: 'time', ...share, rounding: pick(random, ['minute', 'outage', 'slot5', 'hour']), multiplier: `${1 + below(random, 3)}`, day_cap_percent: percent(random, 99) },
      { kind: 'percent_per_minute', ...share, base: pick(random, ['day', 'month']), percent_per_minute: `0.${1 + below(random, 9)}`, cap_percent: percent(random, 99) },
      { kind: 'monthly_tiers', ...share, tiers: [{ below_percent: '99.9', credit_percent: '10' }, { below_percent: '90', credit_percent: '50' }] },
    ]);
    return {
      ...{ id, version: nth + 1, effective_from: begin, credit },
      fees: [{ id: 'f', clause: 'c', event: 'ip_replaced', amount: `${below(random, 30)}.37`, currency: 'CNY' }],
      billing: { clause: 'c', prepaid: false, late_fee: { clause: 'c', percent_per_day: `0.${1 + below(random, 9)}`, after: `${below(random, 3)}d` } },
    };
  });
} // prettier-ignore

function trafficOf(random: Random): object | null {
  const metered = (): object => ({
    ...{ counting: pick(random, ['sum', 'in', 'out', 'max']), included_bytes: below(random, 3) * 10 ** 10, round_up: random() < 0.3 },
    ...{ unit_bytes: pick(random, [10 ** 9, 2 ** 30, 7_000_003]), mode: pick(random, ['graduated', 'volume']) },
    tiers: [{ up_to: 1 + below(random, 50), price: '0.317' }, { up_to: null, price: '0.0903' }],
  }); // prettier-ignore
  const p95 = (): object => ({ counting: 'p95', direction: pick(random, ['sum', 'max']), price_per_mbps: '8.123' });
  const classes = [{ name: 'private', nics: ['priv*'], ...(random() < 0.5 ? metered() : p95()) }];
  const all = random() < 0.6 ? metered() : p95();
  return pick(random, [null, all, { ...all, classes }]);
}

const kindsOf = (lines: readonly RatedLine[]): Map<string, ReturnType<typeof exact>> => {
  const sums = new Map(ADDITIVE.map((kind) => [kind as string, ZERO]));
  for (const { kind, exactNanos } of lines) {
    const before = sums.get(kind);
    if (before !== undefined) sums.set(kind, plus(before, exactNanos));
  }
  return sums;
};
const textsOf = (sums: Map<string, ReturnType<typeof exact>>) =>
  Object.fromEntries([...sums].map(([kind, sum]) => [kind, exactText(sum)]));

/** A number of a line's detail. */
const numberOf = (line: RatedLine, name: string): bigint => {
  const found = (line.detail as unknown as Readonly<Record<string, unknown>>)[name];
  return typeof found === 'bigint' ? found : BigInt(found as number);
};
const planOf = (line: RatedLine): unknown => (line.detail as { plan?: unknown }).plan;

interface Rated {
  readonly facts: InvoiceFacts;
  readonly lines: readonly RatedLine[];
}

describe('an invoice of a month', () => {
  const chosen = seeds(4);
  const random = randomOf(1_000 + (chosen[0] ?? 0));
  let test: TestStore;
  let app: FastifyInstance;
  let context: BillingContext;
  const clock = { nowMs: 0 };
  const done = doneOf(() => app);
  const months: { account: string; zone: string; whole: Rated; days: Rated[]; cut: [Rated, Rated] }[] = [];

  const iso = (minute: number): string => new Date(minute * MINUTE_MS).toISOString();
  const sql = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').replace('Z', '');

  /** An account with VMs that anything happened to in the month from one UTC minute to another. */
  async function open(account: string, zoneName: string, from: number, to: number): Promise<void> {
    const minute = (): number => from + below(random, to - from);
    const instant = (): string => new Date(minute() * MINUTE_MS + pick(random, [0, 0, below(random, MINUTE_MS)])).toISOString();
    await done('PUT', `/v1/accounts/${account}`, { name: account, currency: 'CNY', tax_percent: '6' });
    const plans = [0, 1, 2].map((nth) => `${account}-p${nth}`);
    const sums = [{ minimum: '900.00' }, { maximum: '5.00', flat: '3.01' }, pick(random, [{}, { flat: '6.20' }])];
    for (const [nth, plan] of plans.entries())
      await done('PUT', `/v1/plans/${plan}`, {
        ...{ currency: 'CNY', time_zone: zoneName, terms: pick(random, [null, ...SHEETS]), traffic: trafficOf(random) },
        price: { amount: `${1 + below(random, 300)}.${below(random, 90) + 10}7`, per: pick(random, ['month', 'day', 'hour']) },
        ...sums[nth],
        ...pick(random, [{}, { setup: '25.00' }]),
      });
    for (let n = 0; n < VMS; n += 1) {
      const vm = `${account}-${n}`;
      const starts = random() < 0.4 ? minute() : from - 40 * DAY_MINUTES;
      const ends = random() < 0.3 ? Math.max(starts + 5, to - below(random, 9_000)) : null;
      const dated = (of: () => object): object[] =>
        [...new Set(Array.from({ length: below(random, 4) }, instant))].sort().map((at) => ({ ...of(), from: at }));
      const own = dated(() => ({ sheet: pick(random, [null, ...SHEETS]) }));
      await done('PUT', `/v1/vms/${vm}`, {
        ...{ account, starts_at: iso(starts), ends_at: ends === null ? null : iso(ends) },
        plans: [{ plan: pick(random, plans), from: iso(from - 40 * DAY_MINUTES) }, ...dated(() => ({ plan: pick(random, plans) }))],
        terms: pick(random, [null, pick(random, SHEETS), own.length === 0 ? null : own]),
        add_ons: dated(() => ({ name: 'more', price: { amount: '3.17', per: pick(random, ['month', 'day', 'hour']) }, quantity: 1 + below(random, 3) }))
          .map((each, i) => ({ id: `a${i}`, ...each, until: random() < 0.5 ? null : iso(to + below(random, 9_000)) })),
      }); // prettier-ignore
      for (let i = below(random, 5); i > 0; i -= 1) await done('POST', `/v1/vms/${vm}/events`, { kind: 'ip_replaced', at: instant() }); // prettier-ignore
      for (const at of [Math.min(starts, from - 40 * DAY_MINUTES), to + 2 * DAY_MINUTES])
        await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${vm}', '${sql(at * MINUTE_MS).slice(0, 19)}', 60000, 1)`); // prettier-ignore
      const outages: string[] = [];
      for (let at = from * MINUTE_MS - 9_000_000; at < to * MINUTE_MS && outages.length < 25;) {
        const start = at + below(random, 200_000_000);
        at = start + 1 + below(random, pick(random, [50_000, 3_600_000, 200_000_000]));
        outages.push(`('${vm}', '${sql(start)}', '${sql(at)}', ${conditionCode(pick(random, CAUSES))}, 0, 1)`);
      }
      await test.store.command(`INSERT INTO outages (vm, start_at, end_at, condition, withdrawn, version) VALUES ${outages.join(', ')}`); // prettier-ignore
      const rows = Array.from({ length: 400 }, () => [minute(), pick(random, ['eth0', 'eth1', 'priv0'])] as const);
      const bytes = (): number => below(random, 10 ** 9);
      await test.store.command(
        `INSERT INTO traffic (vm, nic, minute, rx_bytes, tx_bytes, version) VALUES ${[
          ...new Map(rows.map((row) => [row.join(), row])).values(),
        ]
          .map(([at, nic]) => `('${vm}', '${nic}', '${sql(at * MINUTE_MS).slice(0, 19)}', ${bytes()}, ${bytes()}, 1)`)
          .join(', ')}`,
      );
    }
    const at = instant();
    const scope = { vms: [`${account}-0`] };
    await done('POST', '/v1/incidents', { scope, from: at, to: new Date(Date.parse(at) + 90_000_000).toISOString(), cause: 'third_party', asserts_down: random() < 0.5 }); // prettier-ignore
  }

  /** The month before becomes an invoice that is overdue in the month, and is paid in part. */
  async function overdue(account: string, zoneName: string, from: number, to: number): Promise<void> {
    const before = monthStart(zone(zoneName), localDay(zone(zoneName), from - 1));
    const draft = await done<{ id: string; total: string }>('POST', '/v1/invoices', { account, from: iso(before), to: iso(from), mode: 'draft' }); // prettier-ignore
    if (Number(draft.total) <= 2) return;
    await done('POST', `/v1/invoices/${draft.id}/finalize`);
    // Money of the month: what was owed changes within a day.
    clock.nowMs = to * MINUTE_MS;
    for (const amount of ['0.71', '1.13'])
      await done('POST', `/v1/invoices/${draft.id}/payments`, { amount, at: iso(from + below(random, 20 * DAY_MINUTES)) });
  }

  async function rated(account: string, from: number, to: number): Promise<Rated> {
    const { facts } = await gatherFacts(context, account, from * MINUTE_MS, to * MINUTE_MS);
    return { facts, lines: rateInvoice(facts) };
  }

  beforeAll(async () => {
    test = await openTestStore();
    const catalog = await openCatalog(test.store, () => clock.nowMs);
    const termsLibrary = libraryWith(SHEETS.flatMap((id) => versionsOf(random, id)));
    const issuer = { name: 'Example Hosting' };
    const now = (): number => clock.nowMs;
    app = await serverOn(test.store, catalog, { now, issuer, termsLibrary });
    context = billingOn(recordsOf(catalog), clock, { termsLibrary, issuer });
    for (const seed of chosen) {
      const [zoneName, middle] = MONTHS[seed % MONTHS.length] ?? MONTHS[0];
      const own = zone(zoneName);
      const noon = Date.parse(`${middle}T12:00:00Z`) / MINUTE_MS;
      const [from, to] = [monthStart(own, localDay(own, noon)), monthEnd(own, localDay(own, noon))];
      const account = `m${seed}`;
      // The invoice of the month before is issued as soon as that is over.
      clock.nowMs = (from + 3) * MINUTE_MS;
      await open(account, zoneName, from, to);
      await overdue(account, zoneName, from, to);
      clock.nowMs = (to + 3 * DAY_MINUTES) * MINUTE_MS;
      const ends: number[] = [];
      for (let at = from; at < to; at = ends.at(-1) ?? to) ends.push(dayEnd(localDay(own, at)));
      const days: Rated[] = [];
      for (const [day, end] of ends.entries()) days.push(await rated(account, ends[day - 1] ?? from, end));
      const cut = pick(random, ends.slice(0, -1));
      const parts: [Rated, Rated] = [await rated(account, from, cut), await rated(account, cut, to)];
      months.push({ account, zone: zoneName, whole: await rated(account, from, to), days, cut: parts });
    }
  }, 300_000);
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  const added = (parts: readonly Rated[]): Map<string, ReturnType<typeof exact>> => {
    const sums = kindsOf([]);
    for (const { lines } of parts) for (const [kind, sum] of kindsOf(lines)) sums.set(kind, plus(sums.get(kind) ?? ZERO, sum));
    return sums;
  };

  it('is the sum of its days, and of its two parts wherever it is cut: service, setups, add-ons, fees, credits and late fees, to the nano', () => {
    for (const { account, whole, days, cut } of months) {
      expect(textsOf(added(days)), `${account} by days`).toEqual(textsOf(kindsOf(whole.lines)));
      expect(textsOf(added(cut)), `${account} in two`).toEqual(textsOf(kindsOf(whole.lines)));
    }
    // There was something of each kind.
    if (months.length < 4) return;
    const all = months.flatMap(({ whole }) => whole.lines);
    for (const kind of [...ADDITIVE, 'traffic', 'flat', 'minimum', 'maximum']) expect(all.filter((line) => line.kind === kind).length, kind).toBeGreaterThan(0); // prettier-ignore
  });

  /** Minutes that a VM was served on each plan, as the days say. */
  const minutesOf = (days: readonly Rated[], vm: string): Map<unknown, bigint> => {
    const minutes = new Map<unknown, bigint>();
    for (const line of days.flatMap(({ lines }) => lines))
      if (line.kind === 'service' && line.vm === vm)
        minutes.set(planOf(line), (minutes.get(planOf(line)) ?? 0n) + numberOf(line, 'served_minutes'));
    return minutes;
  };

  it('has the traffic that its days measured: what is included, tiers and started units by the month, percentiles by the slots of all days', () => {
    let priced = 0;
    for (const { account, whole, days } of months)
      for (const { vm, traffic } of whole.facts.vms) {
        const minutes = minutesOf(days, vm);
        const of = [...minutes.values()].reduce((a, b) => a + b, 0n);
        const lines = whole.lines.filter((line) => line.vm === vm && line.kind === 'traffic');
        expect(lines.length).toBe(traffic.length);
        for (const [nth, { plan, rules, ...rest }] of traffic.entries()) {
          const isSame = (each: PlanTraffic): boolean => each.plan === plan && each.class === rest.class;
          const own = days.flatMap(({ facts }) =>
            facts.vms.flatMap((each) => (each.vm === vm ? each.traffic.filter(isSame) : [])),
          );
          const sum = (direction: 'rxBytes' | 'txBytes'): bigint => own.reduce((all, { bytes }) => all + bytes[direction], 0n);
          const line = lines[nth];
          if (line === undefined) throw new Error('no line');
          let wanted: Ratio;
          if (rules.counting === 'p95') {
            const dayLines = days.flatMap((day) => day.lines.filter((each) => each.vm === vm && each.kind === 'traffic' && planOf(each) === plan && (each.detail as { class?: string }).class === rest.class)); // prettier-ignore
            const slotCount = dayLines.reduce((all, each) => all + Number(numberOf(each, 'slots')), 0);
            const slots = own.flatMap((each) => each.slots.map(({ rxBytes, txBytes }) => (rules.direction === 'sum' ? rxBytes + txBytes : rxBytes > txBytes ? rxBytes : txBytes))); // prettier-ignore
            wanted = modelP95(slots, slotCount, nanos(rules.price_per_mbps));
          } else
            wanted = modelTraffic(
              {
                ...{ counting: rules.counting, included: BigInt(rules.included_bytes), unitBytes: BigInt(rules.unit_bytes) },
                ...{ roundUp: rules.round_up, mode: rules.mode },
                tiers: rules.tiers.map(({ up_to, price }) => ({ upTo: up_to === null ? null : BigInt(up_to), priceNanos: nanos(price) })), // prettier-ignore
              },
              sum('rxBytes'),
              sum('txBytes'),
              minutes.get(plan) ?? 0n,
              of,
            );
          expect(exactText(line.exactNanos), `${account}: ${vm} ${plan} ${rest.class ?? ''}`).toBe(exactText(exact(wanted.num, wanted.den))); // prettier-ignore
          priced += 1;
        }
      }
    expect(priced).toBeGreaterThan(0);
  });

  it('has flat sums, minimum and maximum of the whole month, each by its share of the minutes that the days served', () => {
    let found = 0;
    for (const { account, whole, days } of months)
      for (const { vm, sums = new Map<string, object>() } of whole.facts.vms) {
        const minutes = minutesOf(days, vm);
        const of = [...minutes.values()].reduce((a, b) => a + b, 0n);
        for (const [plan, own] of minutes) {
          const bounds = sums.get(String(plan)) as
            { minimumNanos?: bigint; maximumNanos?: bigint; flatNanos?: bigint } | undefined;
          const lines = whole.lines.filter((line) => line.vm === vm && planOf(line) === plan);
          const share = (nanosOf: bigint) => exact(nanosOf * own, of);
          const flat = lines.find(({ kind }) => kind === 'flat');
          const name = `${account}: ${vm} ${String(plan)}`;
          expect(flat === undefined ? undefined : exactText(flat.exactNanos), name).toBe(bounds?.flatNanos === undefined ? undefined : exactText(share(bounds.flatNanos))); // prettier-ignore
          const charged = lines.filter(({ kind }) => kind === 'service' || kind === 'traffic' || kind === 'flat').reduce((sum, { amountNanos }) => sum + amountNanos, 0n); // prettier-ignore
          const bound = lines.find(({ kind }) => kind === 'minimum' || kind === 'maximum')?.exactNanos ?? ZERO;
          const after = plus(exact(charged), bound);
          const isAtLeast = (a: typeof after, b: typeof after): boolean => plus(a, negated(b)).num >= 0n;
          const [least, most] = [bounds?.minimumNanos, bounds?.maximumNanos];
          if (least !== undefined)
            expect(exactText(after), name).toBe(exactText(isAtLeast(exact(charged), share(least)) ? exact(charged) : share(least))); // prettier-ignore
          else if (most !== undefined)
            expect(exactText(after), name).toBe(exactText(isAtLeast(share(most), exact(charged)) ? exact(charged) : share(most))); // prettier-ignore
          else expect(exactText(bound), name).toBe('0');
          found += least === undefined && most === undefined && flat === undefined ? 0 : 1;
        }
      }
    expect(found).toBeGreaterThan(0);
  });
});

function nanos(price: string): bigint {
  const found = parseAmount(price);
  if (found === undefined) throw new Error(price);
  return found;
}
