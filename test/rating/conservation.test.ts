import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conditionCode } from '../../src/domain/condition.ts';
import { type CreditPolicy, defaultCreditPolicy } from '../../src/domain/credit-policy.ts';
import { type DatedPlan, type Plan } from '../../src/domain/plan.ts';
import { MINUTE_MS, zoneOf } from '../../src/domain/zone.ts';
import { priceCredits } from '../../src/rating/credits.ts';
import { clipSegments, type Segment, segmentsOf, servedDays } from '../../src/rating/served.ts';
import { priceService } from '../../src/rating/service.ts';

/** What is charged and credited stays the same however time is cut into periods; no minute counts twice. */
const ZONES = ['Asia/Taipei', 'America/New_York', 'Europe/Berlin', 'Australia/Lord_Howe', 'UTC'];
const START = Date.parse('2026-03-01T00:00:00Z') / MINUTE_MS;
const DAYS = 40;

const planArb = fc.record({
  zone: fc.constantFrom(...ZONES),
  priceNanos: fc.bigInt(0n, 10n ** 13n),
  per: fc.constantFrom('day' as const, 'month' as const, 'hour' as const),
});
const serviceArb = fc
  .record({
    plans: fc.array(fc.tuple(planArb, fc.integer({ min: 0, max: DAYS * 1440 })), { minLength: 1, maxLength: 4 }),
    starts: fc.integer({ min: -1440, max: 20 * 1440 }),
    minutes: fc.integer({ min: 1, max: DAYS * 1440 }),
  })
  .map(({ plans, starts, minutes }): Segment[] => {
    const dated = plans
      .map(([{ zone, priceNanos, per }, offset], i): DatedPlan => {
        const found = zoneOf(zone);
        if (found === undefined) throw new Error(zone);
        const plan: Plan = { id: `p${i}`, currency: 'CNY', zone: found, priceNanos, per, creditable: new Set([conditionCode('provider')]) }; // prettier-ignore
        return { fromMs: (START + offset) * MINUTE_MS, plan };
      })
      .sort((a, b) => a.fromMs - b.fromMs);
    const policyOf = (plan: Plan): CreditPolicy => defaultCreditPolicy(plan);
    const startsAtMs = (START + starts) * MINUTE_MS;
    return segmentsOf(
      { startsAtMs, endsAtMs: startsAtMs + minutes * MINUTE_MS, plans: dated, policyOf },
      START,
      START + DAYS * 1440,
    );
  });
const cutsArb = fc.uniqueArray(fc.integer({ min: 1, max: DAYS * 1440 - 1 }), { maxLength: 6 }).map((cuts) => {
  const edges = [0, ...cuts.toSorted((a, b) => a - b), DAYS * 1440].map((offset) => START + offset);
  return edges.slice(1).map((to, i) => [edges[i] ?? START, to] as const);
});

const chargeOf = (segments: readonly Segment[]): bigint => servedDays(segments).reduce((sum, day) => sum + day.chargeNanos, 0n);
const minutesOf = (segments: readonly Segment[]): number =>
  servedDays(segments).reduce((sum, day) => sum + day.parts.reduce((all, part) => all + part.toMinute - part.fromMinute, 0), 0);

describe('conservation', () => {
  it('every minute of service is charged once: any cut of time into parts charges the same minutes and the same nanos', () => {
    fc.assert(
      fc.property(serviceArb, cutsArb, (service, periods) => {
        const parts = periods.map(([from, to]) => clipSegments(service, from, to));
        expect(parts.reduce((sum, part) => sum + minutesOf(part), 0)).toBe(minutesOf(service));
        expect(parts.reduce((sum, part) => sum + chargeOf(part), 0n)).toBe(chargeOf(service));
        const taken = service.flatMap(({ fromMinute, toMinute }) => [fromMinute, toMinute]);
        expect(taken).toEqual(taken.toSorted((a, b) => a - b));
      }),
      { numRuns: 300 },
    );
  });

  it('no minute is credited twice, none outside the service, and no more than was charged', () => {
    const outagesArb = fc
      .array(fc.tuple(fc.integer({ min: 0, max: DAYS * 86_400 }), fc.integer({ min: 1, max: 200_000 })), { maxLength: 12 })
      .map((list) => {
        // As timelines have them: in order, none overlapping another; some touch, some share a minute.
        let free = START * MINUTE_MS;
        return list
          .map(([at, seconds]) => [START * MINUTE_MS + at * 1000, seconds * 1000] as const)
          .sort(([a], [b]) => a - b)
          .flatMap(([at, ms]) => {
            const startMs = Math.max(at, free);
            free = startMs + ms;
            return [{ startMs, endMs: free, condition: conditionCode('provider') }];
          });
      });
    fc.assert(
      fc.property(serviceArb, outagesArb, (service, outages) => {
        const served = new Set<number>();
        for (const { fromMinute, toMinute } of service) for (let m = fromMinute; m < toMinute; m += 1) served.add(m);
        const unavailable = new Set<number>();
        for (const { startMs, endMs } of outages)
          for (let m = Math.floor(startMs / MINUTE_MS); m * MINUTE_MS < endMs; m += 1) if (served.has(m)) unavailable.add(m);
        const credit = priceCredits({
          vm: 'v',
          service,
          outages,
          fromMinute: START,
          toMinute: START + DAYS * 1440,
          currency: 'CNY',
        });
        const charge = priceService('v', service, 'CNY');
        // Free service earns nothing to credit; else exactly the touched minutes, each once.
        const free = service.filter(({ plan }) => plan.priceNanos > 0n && plan.priceNanos < 100_000n);
        fc.pre(free.length === 0);
        const paid = [...unavailable].filter((m) =>
          service.some(({ plan, fromMinute, toMinute }) => plan.priceNanos > 0n && m >= fromMinute && m < toMinute),
        );
        expect(Number(credit?.quantity ?? 0)).toBe(paid.length);
        const credited = credit === undefined ? 0n : -credit.exactNanos.num;
        expect(credited <= (charge?.exactNanos.num ?? 0n) * (credit?.exactNanos.den ?? 1n)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});
