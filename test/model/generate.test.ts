import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CONDITIONS, type Condition } from '../../src/domain/condition.ts';
import { localDay, unitNanos } from '../../src/verify/model/credit.ts';
import { runModel } from './fleet.ts';
import { fleetArbitrary, lineOf, seededFleet, type Fleet } from './generate.ts';
import { chainOf, compareText, type Counted, type InForce, type LoggedSample } from '../../src/verify/model/inforce.ts';
import { judge } from './sample.ts';
import { without } from './without.ts';
import { increaseOf } from '../../src/verify/model/traffic.ts';

const RUNS = { numRuns: 150 };
const run = ({ log, options, catalog }: Fleet): ReturnType<typeof runModel> => runModel(log, options, catalog);

/** The same fleet without what the contract leaves to the order of the log: conflicts, and disagreements at one instant. */
function orderless(fleet: Fleet): Fleet {
  const content = new Map<string, LoggedSample>();
  const said = new Map<string, LoggedSample>();
  const log = fleet.log.map((sample) => {
    const instant = JSON.stringify([sample.vm, sample.tsMs]);
    const identity = JSON.stringify([sample.vm, sample.tsMs, chainOf(sample)]);
    const known = content.get(identity);
    if (known !== undefined) return known;
    if (sample.saysNoState !== true && !said.has(instant)) said.set(instant, sample);
    const first = sample.saysNoState === true ? sample : agreeing(sample, said.get(instant) ?? sample);
    content.set(identity, first);
    return first;
  });
  return { ...fleet, log };
}

/** The sample with what another says of the state. */
function agreeing(sample: LoggedSample, { condition, holdMs }: LoggedSample): LoggedSample {
  return { ...without(sample, 'holdMs'), condition, ...(holdMs === undefined ? {} : { holdMs }) };
}

/** SPEC §2, word for word, at one instant. */
function conditionAt(samples: readonly InForce[], atMs: number, stalenessMs: number): Condition | null {
  const before = samples.filter((sample) => sample.saysNoState !== true && sample.tsMs <= atMs);
  const lastMs = Math.max(...before.map((sample) => sample.tsMs));
  if (before.length === 0) return null;
  const last = before.filter((sample) => sample.tsMs === lastMs).reduce((a, b) => (a.logIndex > b.logIndex ? a : b));
  return atMs >= lastMs + (last.holdMs ?? stalenessMs) ? 'silent' : last.condition;
}

function later(a: Counted | null, b: Counted): Counted {
  return a === null || b.tsMs > a.tsMs ? b : a;
}

describe('the model, on random fleets', () => {
  it('does not see the order of the log, except in conflicts and disagreements', () => {
    const withOrder = fleetArbitrary()
      .map(orderless)
      .chain((fleet) => fc.tuple(fc.constant(fleet), fc.shuffledSubarray([...fleet.log], { minLength: fleet.log.length })));
    fc.assert(
      fc.property(withOrder, ([fleet, shuffled]) => {
        const placeless = ({ inForce, quarantined, ...rest }: ReturnType<typeof runModel>): unknown => ({
          ...rest,
          inForce: inForce.map((sample) => ({ ...sample, logIndex: 0, agent: '' })),
          quarantined: quarantined.map(({ vm, nic, a, b }) => [vm, nic, a?.tsMs, b.tsMs]),
        });
        expect(placeless(run({ ...fleet, log: shuffled }))).toEqual(placeless(run(fleet)));
      }),
      RUNS,
    );
  });

  it('does not see a log repeated after itself, except as duplicates', () => {
    fc.assert(
      fc.property(fleetArbitrary().map(orderless), (fleet) => {
        const { counts, ...once } = run(fleet);
        const { counts: twiceCounts, ...twice } = run({ ...fleet, log: [...fleet.log, ...fleet.log] });
        expect(twice).toEqual(once);
        expect(twiceCounts.duplicate).toBe(counts.duplicate + counts.accepted);
      }),
      RUNS,
    );
  });

  it('gives each row the conditions that §2 names at every instant, outages likewise', () => {
    const probes = fc.array(fc.nat(59_999), { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(fleetArbitrary(), probes, (fleet, offsets) => {
        const { uptime, outages, inForce } = run(fleet);
        const edges = inForce.flatMap(({ tsMs }) => [
          tsMs - 1,
          tsMs,
          tsMs + fleet.options.stalenessMs - 1,
          tsMs + fleet.options.stalenessMs,
        ]);
        for (const { vm, minuteMs, partsMs } of uptime) {
          const samples = inForce.filter((sample) => sample.vm === vm);
          const endsAtMs = fleet.catalog.vms.get(vm)?.endsAtMs ?? Infinity;
          const inside = edges.filter((ms) => ms >= minuteMs && ms < minuteMs + 60_000);
          for (const atMs of [...offsets.map((ms) => minuteMs + ms), ...inside]) {
            if (atMs >= endsAtMs) continue;
            const condition = conditionAt(samples, atMs, fleet.options.stalenessMs);
            if (condition !== null) expect(partsMs[CONDITIONS.indexOf(condition)]).toBeGreaterThan(0);
            const during = outages.filter((row) => row.vm === vm && row.startMs <= atMs && atMs < (row.endMs ?? Infinity));
            expect(during.map((row) => row.cause)).toEqual(condition === null || condition === 'up' ? [] : [condition]);
          }
        }
      }),
      RUNS,
    );
  });

  it('fills every row to a minute, except the first and the one in which the service ends, without holes', () => {
    fc.assert(
      fc.property(fleetArbitrary(), (fleet) => {
        const { uptime, published } = run(fleet);
        for (const { vm, fromMs, toMs } of published) {
          const rows = uptime.filter((row) => row.vm === vm);
          expect(rows.flatMap((row) => row.partsMs).reduce((a, b) => a + b, 0)).toBe(toMs - fromMs);
          for (const [index, { minuteMs, partsMs }] of rows.entries()) {
            const held = Math.min(minuteMs + 60_000, toMs) - Math.max(minuteMs, fromMs);
            expect(partsMs.reduce((a, b) => a + b, 0)).toBe(held);
            expect(minuteMs).toBe((rows[0]?.minuteMs ?? 0) + index * 60_000);
          }
        }
      }),
      RUNS,
    );
  });

  it('bills every byte of every increase that is not quarantined, once all is published', () => {
    fc.assert(
      fc.property(fleetArbitrary(), (fleet) => {
        const catalog = { plans: new Map(), vms: new Map() };
        const options = { ...fleet.options, clock: 'wall' as const, clockMs: (fleet.options.clockMs ?? 0) + 86_400_000 };
        const { inForce, traffic, quarantined } = runModel(fleet.log, options, catalog);
        let expected = 0n;
        const counted = inForce.flatMap((sample) => (sample.counters === null ? [] : [{ ...sample, counters: sample.counters }]));
        // slips are worked by hand in traffic.test.ts: here nothing falls after it has jumped
        const jumped = quarantined.flatMap(({ vm, b }) => ({ vm, chain: chainOf(b), tsMs: b.tsMs }));
        fc.pre(
          !counted.some((c) =>
            jumped.some(({ vm, chain, tsMs }) => {
              if (vm !== c.vm || chain !== chainOf(c) || tsMs >= c.tsMs) return false;
              const before = counted.filter((each) => each.vm === vm && chainOf(each) === chain && each.tsMs < c.tsMs);
              const a = before.reduce(later, null);
              return a !== null && (c.counters.rx < a.counters.rx || c.counters.tx < a.counters.tx);
            }),
          ),
        );
        for (const b of counted) {
          if (quarantined.some((row) => row.b.logIndex === b.logIndex)) continue;
          const before = counted.filter(({ vm, nic, tsMs }) => vm === b.vm && nic === b.nic && tsMs < b.tsMs);
          const a = before.filter((sample) => chainOf(sample) === chainOf(b)).reduce(later, null);
          // the first of a chain bills what it says where it began after all that was counted of the interface
          const isNew = before.length > 0 && before.every(({ tsMs }) => tsMs < (b.startedAtMs ?? -Infinity));
          const increase = a === null && !isNew ? null : increaseOf({ nic: b.nic, a, b });
          expected += (increase?.rx ?? 0n) + (increase?.tx ?? 0n);
        }
        expect(traffic.reduce((sum, row) => sum + row.rxBytes + row.txBytes, 0n)).toBe(expected);
      }),
      RUNS,
    );
  });

  it('values a minute as the plan does, and lists everything in the order of its key', () => {
    fc.assert(
      fc.property(fleetArbitrary(), (fleet) => {
        const { uptime, traffic, counts, inForce } = run(fleet);
        expect(counts.accepted).toBe(counts.applied + counts.duplicate + counts.conflict);
        expect(counts.applied).toBe(inForce.length);
        for (const { vm, minuteMs, unavailable, creditNanos } of uptime) {
          const dated = fleet.catalog.vms.get(vm)?.plans.filter(({ fromMs }) => fromMs <= minuteMs) ?? [];
          const worths = dated
            .flatMap(({ plan }) => fleet.catalog.plans.get(plan) ?? [])
            .map((plan) => unitNanos(plan, minuteMs));
          expect(unavailable && worths.length > 0 ? worths : [0n]).toContain(creditNanos);
        }
        const keys = traffic.map(({ vm, nic, minuteMs }) => `${vm} ${nic} ${minuteMs}`);
        expect(keys).toEqual([...new Set(keys)].sort(compareText));
      }),
      RUNS,
    );
  });
});

describe('the generator of fleets', () => {
  it('brings every kind of trouble', () => {
    const seen = new Map<string, number>();
    const see = (what: string, really: boolean): void => {
      if (really) seen.set(what, (seen.get(what) ?? 0) + 1);
    };
    for (let seed = 1; seed <= 300; seed += 1) {
      const fleet = seededFleet(seed);
      const { counts, outages, traffic, quarantined, uptime, inForce } = run(fleet);
      see('duplicate', counts.duplicate > 0);
      see('conflict', counts.conflict > 0);
      see(
        'disorder',
        fleet.log.some((sample, index) => sample.tsMs < (fleet.log[index - 1]?.tsMs ?? 0)),
      );
      see('quarantine', quarantined.length > 0);
      see('traffic', traffic.length > 0);
      see(
        'credit',
        uptime.some((row) => row.creditNanos > 0n),
      );
      see(
        'wholly silent minute',
        uptime.some((row) => row.partsMs[8] === 60_000),
      );
      see(
        'open silence',
        outages.some((row) => row.endMs === null && row.cause === 'silent'),
      );
      see(
        'open outage',
        outages.some((row) => row.endMs === null && row.cause !== 'silent'),
      );
      see(
        'closed silence',
        outages.some((row) => row.endMs !== null && row.cause === 'silent'),
      );
      see(
        'near 2^64',
        inForce.some((sample) => (sample.counters?.rx ?? 0n) > 2n ** 63n),
      );
      see(
        'state only',
        inForce.some((sample) => sample.counters === null),
      );
      see(
        'epoch',
        inForce.some((sample) => sample.epoch > 0),
      );
      see(
        'on a minute',
        inForce.some((sample) => sample.tsMs % 60_000 === 0),
      );
      see(
        'end of service cuts a row',
        uptime.some((row) => fleet.catalog.vms.get(row.vm)?.endsAtMs === row.minuteMs + 60_000),
      );
      see(
        'disagreement',
        inForce.some((a) => inForce.some((b) => a.vm === b.vm && a.tsMs === b.tsMs && a.condition !== b.condition)),
      );
      const zones = [...fleet.catalog.plans.values()].map((plan) => plan.timeZone);
      const lengths = zones.flatMap((zone) => uptime.slice(0, 1).map((row) => localDay(zone, row.minuteMs)));
      see(
        'day of other than 24 h',
        lengths.some(({ fromMs, toMs }) => toMs - fromMs !== 86_400_000),
      );
    }
    expect(
      [...seen]
        .filter(([, times]) => times >= 5)
        .map(([what]) => what)
        .sort(),
    ).toHaveLength(17);
  });

  it('gives the same fleet for the same seed', () => {
    expect(seededFleet(42)).toEqual(seededFleet(42));
  });

  it('writes lines that are judged to be the samples they were written from', () => {
    fc.assert(
      fc.property(fleetArbitrary(), ({ log }) => {
        for (const { agent, ...sample } of log) {
          const verdict = judge(lineOf({ ...sample, agent }), { nowMs: sample.tsMs, retentionMs: null });
          expect(verdict).toEqual({ ok: true, sample });
        }
      }),
      { numRuns: 100 },
    );
  });
});
