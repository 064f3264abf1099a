import { describe, expect, it } from 'vitest';
import type { CreditMethod, CreditPolicy } from '../../src/domain/credit-policy.ts';
import { conditionCode } from '../../src/domain/condition.ts';
import type { Plan } from '../../src/domain/plan.ts';
import { dayEnd, localDay, MINUTE_MS, monthEnd, monthStart } from '../../src/domain/zone.ts';
import { exactText, plus, ZERO } from '../../src/rating/exact.ts';
import type { LineKind } from '../../src/rating/line.ts';
import { type PlanTraffic, rateInvoice, type VmFacts } from '../../src/rating/order.ts';
import { type Segment, segmentsOf } from '../../src/rating/served.ts';
import { below, pick, type Random, randomOf } from '../support/random.ts';
import { zone } from '../support/zone.ts';

/**
 * The invoice of a month is the sum of its parts' before lines are rounded (SPEC §6a), whatever plans, terms and prices began within
 * it: by days, and cut at any day. What only a whole period decides is left out here: what is included, tiers of traffic, started units,
 * the larger direction and percentiles.
 */
const ZONES = ['UTC', 'Asia/Taipei', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'];
const MONTHS = ['2026-03-10', '2026-10-10', '2026-04-10', '2024-02-10', '2026-12-10'];
const CAUSES = ['provider', 'third_party', 'silent'] as const;

const percent = (n: number) => ({ num: BigInt(n), den: 10_000n });

function methodOf(random: Random): CreditMethod {
  const minimumSpellMs = pick(random, [0, 0, 120_000, 3_600_000]);
  switch (below(random, 5)) {
    case 0:
      return { kind: 'none' };
    case 1:
      return { kind: 'percent_per_minute', minimumSpellMs, base: 'day', perMinute: percent(1 + below(random, 50)), cap: percent(1 + below(random, 9_999)) }; // prettier-ignore
    case 2:
      return { kind: 'percent_per_minute', minimumSpellMs, base: 'month', perMinute: percent(1 + below(random, 9)), cap: percent(1 + below(random, 3_000)) }; // prettier-ignore
    case 3:
      return { kind: 'monthly_tiers', minimumSpellMs, tiers: [{ below: percent(9_990), credit: percent(1_000) }, { below: percent(9_000), credit: percent(5_000) }] }; // prettier-ignore
    default:
      return { kind: 'time', minimumSpellMs, rounding: pick(random, ['minute', 'outage', 'slot5', 'hour'] as const), multiplier: percent(10_000 * (1 + below(random, 3))), dayCap: percent(1_000 + below(random, 9_000)) }; // prettier-ignore
  }
}

const policyOf = (random: Random): CreditPolicy => ({
  clause: null,
  creditable: new Set([pick(random, CAUSES), pick(random, CAUSES)].map(conditionCode)),
  method: methodOf(random),
  unsure: new Set(),
  claimWithinDays: null,
  expiresAfterDays: null,
});

interface Traffic {
  minute: number;
  rx: bigint;
  tx: bigint;
}

interface Case {
  vm: VmFacts;
  traffic: readonly Traffic[];
  rules: ReadonlyMap<string, PlanTraffic['rules']>;
  fromMinute: number;
  toMinute: number;
  /** Where the month's days end, its own end among them. */
  ends: readonly number[];
}

function caseOf(random: Random): Case {
  const own = zone(pick(random, ZONES));
  const middle = Date.parse(`${pick(random, MONTHS)}T12:00:00Z`) / MINUTE_MS;
  const [fromMinute, toMinute] = [monthStart(own, localDay(own, middle)), monthEnd(own, localDay(own, middle))];
  const minute = (): number => fromMinute + below(random, toMinute - fromMinute);
  const plans = Array.from({ length: 1 + below(random, 3) }, (_, i): Plan => ({
    id: `p${i}`,
    currency: 'CNY',
    zone: own,
    priceNanos: BigInt(1 + below(random, 10 ** 9)) * 97n,
    per: pick(random, ['day', 'hour', 'month'] as const),
    creditable: new Set([conditionCode('provider')]),
  }));
  const rules = new Map(
    plans.map(({ id }) => [
      id,
      {
        counting: pick(random, ['sum', 'in', 'out'] as const),
        included_bytes: 0,
        unit_bytes: 1 + below(random, 10 ** 9),
        round_up: false,
        mode: pick(random, ['graduated', 'volume'] as const),
        tiers: [{ up_to: null, price: `0.${1 + below(random, 999)}` }],
      },
    ]),
  );
  // Plans and terms begin at any millisecond, and a plan may come back.
  const instants = [(fromMinute - 100) * MINUTE_MS, ...Array.from({ length: below(random, 7) }, () => minute() * MINUTE_MS + below(random, MINUTE_MS))]; // prettier-ignore
  const dated = [...new Set(instants)].sort((a, b) => a - b).map((fromMs) => ({ fromMs, plan: pick(random, plans) }));
  const policies = new Map(dated.map(({ fromMs }) => [fromMs, policyOf(random)]));
  const service: Segment[] = segmentsOf(
    {
      startsAtMs: random() < 0.3 ? minute() * MINUTE_MS + 1 : null,
      endsAtMs: random() < 0.3 ? (toMinute - below(random, 5_000)) * MINUTE_MS : null,
      plans: dated,
      policyOf: (_, fromMs) => policies.get(fromMs) ?? policyOf(random),
    },
    fromMinute,
    toMinute,
  );
  const outages: VmFacts['outages'][number][] = [];
  for (let at = fromMinute * MINUTE_MS; at < toMinute * MINUTE_MS && outages.length < 25;) {
    const startMs = at + below(random, 200_000_000);
    const endMs = startMs + 1 + below(random, pick(random, [50_000, 3_600_000, 200_000_000]));
    outages.push({ startMs, endMs, condition: conditionCode(pick(random, CAUSES)) });
    at = endMs;
  }
  const events = Array.from({ length: below(random, 6) }, (_, i) => ({
    ...{ id: `e${i}`, kind: 'ip_replaced' as const, atMs: minute() * MINUTE_MS, clause: '', reason: '' },
    feeNanos: BigInt(below(random, 10 ** 9)),
  }));
  const ends: number[] = [];
  for (let at = fromMinute; at < toMinute; at = ends.at(-1) ?? toMinute) ends.push(dayEnd(localDay(own, at)));
  const traffic = Array.from({ length: below(random, 200) }, () => ({ minute: minute(), rx: BigInt(below(random, 10 ** 9)), tx: BigInt(below(random, 10 ** 9)) })); // prettier-ignore
  return { vm: { vm: 'v', service, outages, traffic: [], fees: events }, traffic, rules, fromMinute, toMinute, ends };
}

/** Nanos by kind of line of some minutes, as `gatherFacts` would hand them over. */
function sumsOf({ vm, traffic, rules }: Case, fromMinute: number, toMinute: number): Map<LineKind, string> {
  const byPlan = new Map<string, { rxBytes: bigint; txBytes: bigint }>();
  for (const segment of vm.service) {
    const [from, to] = [Math.max(segment.fromMinute, fromMinute), Math.min(segment.toMinute, toMinute)];
    if (from >= to) continue;
    const bytes = byPlan.get(segment.plan.id) ?? { rxBytes: 0n, txBytes: 0n };
    byPlan.set(segment.plan.id, bytes);
    for (const each of traffic) {
      if (each.minute < from || each.minute >= to) continue;
      bytes.rxBytes += each.rx;
      bytes.txBytes += each.tx;
    }
  }
  const lines = rateInvoice({
    ...{ currency: 'CNY', taxPercent: '0', overdue: [], charges: [] },
    fromMs: fromMinute * MINUTE_MS,
    toMs: toMinute * MINUTE_MS,
    vms: [
      {
        ...vm,
        fees: vm.fees.filter(({ atMs }) => atMs >= fromMinute * MINUTE_MS && atMs < toMinute * MINUTE_MS),
        traffic: Array.from(byPlan, ([plan, bytes]) => {
          const found = rules.get(plan);
          if (found === undefined) throw new Error(`no rules of ${plan}`);
          return { plan, rules: found, bytes, slots: [] };
        }),
      },
    ],
  });
  const sums = new Map(lines.map(({ kind }) => [kind, ZERO]));
  for (const { kind, exactNanos } of lines) sums.set(kind, plus(sums.get(kind) ?? ZERO, exactNanos));
  return new Map([...sums].map(([kind, sum]) => [kind, exactText(sum)]));
}

function added(parts: readonly Map<LineKind, string>[]): Map<LineKind, string> {
  const sums = new Map<LineKind, { num: bigint; den: bigint }>();
  for (const part of parts)
    for (const [kind, text] of part) {
      const [num = '0', den = '1'] = text.split('/');
      sums.set(kind, plus(sums.get(kind) ?? ZERO, { num: BigInt(num), den: BigInt(den) }));
    }
  return new Map([...sums].map(([kind, sum]) => [kind, exactText(sum)]));
}

const withoutZero = (sums: Map<LineKind, string>): Record<string, string> =>
  Object.fromEntries([...sums].filter(([, text]) => text !== '0').sort(([a], [b]) => (a < b ? -1 : 1)));

describe('the invoice of a month is the sum', () => {
  it('of its days, in 150 months of random plans and terms', () => {
    const random = randomOf(11);
    for (let i = 0; i < 150; i += 1) {
      const given = caseOf(random);
      const days = given.ends.map((end, day) => sumsOf(given, given.ends[day - 1] ?? given.fromMinute, end));
      expect(withoutZero(added(days)), `case ${i}`).toEqual(withoutZero(sumsOf(given, given.fromMinute, given.toMinute)));
    }
  });

  it('of its two parts, wherever it is cut, in 600 months', () => {
    const random = randomOf(12);
    for (let i = 0; i < 600; i += 1) {
      const given = caseOf(random);
      const cut = pick(random, given.ends);
      const parts = [sumsOf(given, given.fromMinute, cut), sumsOf(given, cut, given.toMinute)];
      expect(withoutZero(added(parts)), `case ${i}`).toEqual(withoutZero(sumsOf(given, given.fromMinute, given.toMinute)));
    }
  });
});
