import { describe, expect, it } from 'vitest';
import { applyIncidents, type Incident, minutesThatDiffer } from '../../src/domain/incidents.ts';
import type { OutageInterval } from '../../src/domain/timeline.ts';
import { modelIncidents } from '../../src/verify/model/incidents.ts';
import { below, randomOf } from '../support/random.ts';

const MINUTE = 60_000;
const outage = (startMs: number, endMs: number | null, condition: number): OutageInterval => ({ startMs, endMs, condition });
const incident = (
  fromMs: number,
  toMs: number,
  condition: number,
  assertsDown = false,
  withdrawn = false,
  announcedBeforeMs: number | null = null,
): Incident => ({
  fromMs,
  toMs,
  condition,
  assertsDown,
  withdrawn,
  announcedBeforeMs,
});
const timeline = (...outages: OutageInterval[]) => ({ firstMs: 0, horizonMs: 100, outages });

describe('incidents', () => {
  it.each([
    ['restate the part of an outage that lies inside', [outage(10, 30, 1)], [incident(20, 50, 3)], [outage(10, 20, 1), outage(20, 30, 3)]],
    ['restate silence', [outage(10, 30, 8)], [incident(0, 99, 2)], [outage(10, 30, 2)]],
    ['leave up time alone', [], [incident(20, 50, 3)], []],
    ['make up time down when they assert it', [outage(30, 40, 1)], [incident(20, 50, 3, true)], [outage(20, 50, 3)]],
    ['make one outage of two causes', [outage(10, 20, 1), outage(20, 30, 8)], [incident(0, 99, 1)], [outage(10, 30, 1)]],
    ['the one recorded later counts', [outage(10, 40, 1)], [incident(10, 30, 2), incident(20, 40, 3)], [outage(10, 20, 2), outage(20, 40, 3)]],
    ['alone: what an earlier one asserted is gone', [], [incident(10, 30, 2, true), incident(20, 40, 3)], [outage(10, 20, 2)]],
    ['withdrawn ones do not count', [outage(10, 40, 1)], [incident(0, 99, 2), incident(0, 99, 3, true, true)], [outage(10, 40, 2)]],
    ['an open outage stays open', [outage(10, null, 1)], [incident(0, 50, 2)], [outage(10, 50, 2), outage(50, null, 1)]],
    ['nothing before the first sample or past the horizon', [], [incident(-50, 500, 3, true)], [outage(0, 100, 3)]],
  ] as const)('%s', (_, outages, incidents, expected) => {
    expect(applyIncidents(timeline(...outages), incidents)).toEqual(expected);
  }); // prettier-ignore

  it.each([
    ['announced in time it is maintenance', [incident(10, 30, 3, false, false, 5)], [outage(10, 30, 3)]],
    ['announced too late it is the provider’s', [incident(10, 30, 3, false, false, 4)], [outage(10, 30, 1)]],
    ['announced after it began, likewise', [incident(10, 30, 3, false, false, -1)], [outage(10, 30, 1)]],
    ['never announced, likewise', [incident(10, 30, 3)], [outage(10, 30, 1)]],
    ['reported by an agent, with no incident at all, likewise', [], [outage(10, 30, 1)]],
    ['another cause needs no announcement', [incident(10, 30, 5)], [outage(10, 30, 5)]],
    ['only its own time', [incident(10, 20, 3, false, false, 9)], [outage(10, 20, 3), outage(20, 30, 1)]],
  ] as const)('maintenance where terms ask for notice: %s', (_, incidents, expected) => {
    expect(applyIncidents(timeline(outage(10, 30, 3)), incidents, [{ fromMs: 0, noticeMs: 5 }])).toEqual(expected);
  });

  it('maintenance joins the provider’s outage beside it, from the instant on at which terms ask', () => {
    const outages = [outage(10, 20, 1), outage(20, 40, 3)];
    expect(applyIncidents(timeline(...outages), [], [{ fromMs: 0, noticeMs: 0 }])).toEqual([outage(10, 40, 1)]);
    expect(applyIncidents(timeline(...outages), [], [{ fromMs: 30, noticeMs: 0 }])).toEqual([
      outage(10, 20, 1),
      outage(20, 30, 3),
      outage(30, 40, 1),
    ]);
    expect(applyIncidents(timeline(...outages), [], [{ fromMs: 0, noticeMs: null }])).toEqual(outages);
  });

  it('agree with the model in 20,000 random cases', () => {
    const random = randomOf(11);
    for (let i = 0; i < 20_000; i += 1) {
      const ticks = 1 + below(random, 40);
      let condition = 0;
      const reported = Array.from({ length: ticks }, () => (condition = random() < 0.7 ? condition : below(random, 4)));
      const incidents = Array.from({ length: below(random, 5) }, () => {
        const from = below(random, 50) - 5;
        const announcedBefore = random() < 0.4 ? null : below(random, 6) - 1;
        return { from, to: from + below(random, 25), cause: 1 + below(random, 4), assertsDown: random() < 0.3, withdrawn: random() < 0.2, announcedBefore };
      });
      const notices = [0, 10, 30].flatMap((fromMs) => (random() < 0.4 ? [] : [{ fromMs, noticeMs: random() < 0.3 ? null : below(random, 4) }]));
      const got = applyIncidents(
        { firstMs: 0, horizonMs: ticks, outages: runsOf(reported) },
        incidents.map((each) => incident(each.from, each.to, each.cause, each.assertsDown, each.withdrawn, each.announcedBefore)),
        notices,
      );
      const noticeAt = (tick: number): number | null => notices.filter((each) => each.fromMs <= tick).at(-1)?.noticeMs ?? null;
      const expected = runsOf(modelIncidents(reported, incidents, noticeAt));
      if (JSON.stringify(got) !== JSON.stringify(expected)) expect({ got, reported, incidents }).toEqual({ got: expected, reported, incidents });
    }
  }); // prettier-ignore

  it('count the minutes that they change once each', () => {
    const before = { firstMs: 0, horizonMs: 10 * MINUTE, outages: [outage(30_000, 90_000, 1), outage(100_000, 110_000, 1)] };
    const after = applyIncidents(before, [incident(80_000, 105_000, 3)]);
    expect(minutesThatDiffer(before, after)).toBe(1);
    expect(minutesThatDiffer(before, before.outages)).toBe(0);
    expect(minutesThatDiffer(before, applyIncidents(before, [incident(0, 1e9, 3, true)]))).toBe(10);
  });
});

/** Ticks as outages. */
function runsOf(ticks: readonly number[]): OutageInterval[] {
  const runs: { startMs: number; endMs: number; condition: number }[] = [];
  ticks.forEach((condition, tick) => {
    const before = runs.at(-1);
    if (before?.condition === condition && before.endMs === tick) before.endMs = tick + 1;
    else if (condition !== 0) runs.push({ startMs: tick, endMs: tick + 1, condition });
  });
  return runs;
}
