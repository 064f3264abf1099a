import { describe, expect, it } from 'vitest';
import { CONDITIONS, type Condition } from '../../src/domain/condition.ts';
import { runModel, type FleetResult, type ModelCatalog } from './fleet.ts';
import type { LoggedSample } from '../../src/verify/model/inforce.ts';
import { optionsAt, sample, T0_MS } from './literal.ts';

type Parts = Partial<Record<Condition, number>>;
const at = (ms: number | null): number | null => (ms === null ? null : ms - T0_MS);

/** [minute, parts] with the parts named and zeros left out. */
function minutes(result: FleetResult): [number, Parts][] {
  return result.uptime.map(({ minuteMs, partsMs }) => {
    const parts = CONDITIONS.map((name, code) => [name, partsMs[code] ?? 0] as const).filter(([, ms]) => ms > 0);
    return [(minuteMs - T0_MS) / 60_000, Object.fromEntries(parts)];
  });
}
const outages = (result: FleetResult): [number | null, number | null, string][] =>
  result.outages.map(({ startMs, endMs, cause }) => [at(startMs), at(endMs), cause]);
const endingAt = (ms: number): ModelCatalog => ({
  plans: new Map(),
  vms: new Map([['v', { endsAtMs: T0_MS + ms, plans: [] }]]),
});
const down = (ms: number, condition: Condition = 'provider', nic = ''): LoggedSample => sample(ms, { condition, nic });

interface Case {
  readonly claim: string;
  readonly log: readonly LoggedSample[];
  /** After T0. */
  readonly watermark: number | null;
  readonly endsAt?: number;
  readonly minutes: [number, Parts][];
  readonly outages: [number, number | null, string][];
}

const CASES: readonly Case[] = [
  {
    claim: 'nothing is published before its time',
    log: [sample(10_000), sample(59_999)],
    watermark: 149_999,
    minutes: [],
    outages: [],
  },
  {
    claim: 'a sample at the very end of a minute publishes it',
    log: [sample(10_000), sample(60_000)],
    watermark: null,
    minutes: [[0, { up: 50_000 }]],
    outages: [],
  },
  {
    claim: 'the watermark publishes a minute one staleness after its end',
    log: [sample(0)],
    watermark: 150_000,
    minutes: [[0, { up: 60_000 }]],
    outages: [[90_000, null, 'silent']],
  },
  {
    claim: 'a state holds for the staleness, not a millisecond longer',
    log: [sample(0), sample(90_000), sample(180_001), sample(240_000)],
    watermark: null,
    minutes: [
      [0, { up: 60_000 }],
      [1, { up: 60_000 }],
      [2, { up: 60_000 }],
      [3, { up: 59_999, silent: 1 }],
    ],
    outages: [[180_000, 180_001, 'silent']],
  },
  {
    claim: 'after the last sample: its state, then silence without end, wholly silent minutes included',
    log: [down(30_000, 'attack')],
    watermark: 330_000,
    minutes: [
      [0, { attack: 30_000 }],
      [1, { attack: 60_000 }],
      [2, { silent: 60_000 }],
      [3, { silent: 60_000 }],
    ],
    outages: [
      [30_000, 120_000, 'attack'],
      [120_000, null, 'silent'],
    ],
  },
  {
    claim: 'at the watermark of staleness itself, the last outage still holds',
    log: [down(0)],
    watermark: 90_000,
    minutes: [],
    outages: [[0, null, 'provider']],
  },
  {
    claim: 'samples repeat a condition without cutting the outage; another cause cuts it; silence between two is its own',
    log: [down(0), down(50_000), down(60_000, 'attack'), sample(70_000), down(100_000), down(200_000), sample(240_000)],
    watermark: null,
    minutes: [
      [0, { provider: 60_000 }],
      [1, { attack: 10_000, up: 30_000, provider: 20_000 }],
      [2, { provider: 60_000 }],
      [3, { provider: 10_000 + 40_000, silent: 10_000 }],
    ],
    outages: [
      [0, 60_000, 'provider'],
      [60_000, 70_000, 'attack'],
      [100_000, 190_000, 'provider'],
      [190_000, 200_000, 'silent'],
      [200_000, 240_000, 'provider'],
    ],
  },
  {
    claim: 'of interfaces that disagree at one instant, the one later in the log decides',
    log: [
      down(0, 'attack', 'b'),
      sample(0, { nic: 'a' }),
      sample(30_000, { nic: 'b' }),
      down(30_000, 'customer', 'a'),
      sample(60_000),
    ],
    watermark: null,
    minutes: [[0, { up: 30_000, customer: 30_000 }]],
    outages: [[30_000, 60_000, 'customer']],
  },
  {
    claim: 'a duplicate keeps the place of the first, a conflict takes its own',
    log: [
      sample(0, { nic: 'a' }),
      down(0, 'provider', 'b'),
      sample(0, { nic: 'a' }), // a duplicate: b still decides
      down(30_000, 'attack', 'a'),
      sample(30_000, { nic: 'b' }),
      down(30_000, 'arrears', 'a'), // a conflict: a decides now
      sample(60_000),
    ],
    watermark: null,
    minutes: [[0, { provider: 30_000, arrears: 30_000 }]],
    outages: [
      [0, 30_000, 'provider'],
      [30_000, 60_000, 'arrears'],
    ],
  },
  {
    claim: 'after the end of service there are no rows, and its minute is cut',
    log: [sample(50_000), down(70_000), sample(130_000), down(140_000)],
    watermark: null,
    endsAt: 80_000,
    minutes: [
      [0, { up: 10_000 }],
      [1, { up: 10_000, provider: 10_000 }],
    ],
    outages: [[70_000, 80_000, 'provider']],
  },
  {
    claim: 'a service that ends on a minute has no row for that minute, one that ended before the first sample none at all',
    log: [sample(0), sample(70_000), sample(180_000)],
    watermark: null,
    endsAt: 60_000,
    minutes: [[0, { up: 60_000 }]],
    outages: [],
  },
  {
    claim: 'a service over before its first sample',
    log: [down(60_000), down(180_000)],
    watermark: 600_000,
    endsAt: 60_000,
    minutes: [],
    outages: [],
  },
  {
    claim: 'an open outage ends with the service, once that is past',
    log: [down(0)],
    watermark: 50_000,
    endsAt: 50_000,
    minutes: [],
    outages: [[0, 50_000, 'provider']],
  },
  {
    claim: 'and is open until then',
    log: [down(0)],
    watermark: 49_999,
    endsAt: 50_000,
    minutes: [],
    outages: [[0, null, 'provider']],
  },
];

describe('the timeline of a VM, worked by hand', () => {
  it.each(CASES)('$claim', ({ log, watermark, endsAt, ...expected }) => {
    const result = runModel(log, optionsAt(watermark), endsAt === undefined ? undefined : endingAt(endsAt));
    expect(minutes(result)).toEqual(expected.minutes);
    expect(outages(result)).toEqual(expected.outages);
  });
});

describe('the log', () => {
  it('counts duplicates and conflicts, and names both samples of a conflict', () => {
    const first = sample(0, { bytes: [1n, 2n] });
    const second = { ...first, epoch: 1 };
    const { counts, inForce, conflicts } = runModel([first, { ...first, agent: 'b' }, second, second, first], optionsAt(null));
    expect(counts).toEqual({ accepted: 5, applied: 1, duplicate: 2, conflict: 2 });
    expect(inForce).toEqual([{ ...first, logIndex: 4 }]);
    expect(conflicts).toEqual([
      { replaced: { ...first, logIndex: 0 }, by: { ...second, logIndex: 2 } },
      { replaced: { ...second, logIndex: 2 }, by: { ...first, logIndex: 4 } },
    ]);
  });

  it('with the clock of events, one VM can move the watermark of another', () => {
    const log = [sample(0), sample(270_000, { vm: 'w' })];
    const result = runModel(log, { ...optionsAt(null), clock: 'event' });
    expect(result.watermarkMs).toBe(T0_MS + 150_000);
    expect(result.uptime.map(({ vm, minuteMs }) => [vm, at(minuteMs)])).toEqual([['v', 0]]);
    expect(result.published).toEqual([{ vm: 'v', fromMs: T0_MS, toMs: T0_MS + 60_000 }]);
  });

  it('may be empty', () => {
    const nothing = { watermarkMs: null, uptime: [], outages: [], traffic: [], quarantined: [], inForce: [], published: [] };
    expect(runModel([], { ...optionsAt(null), clock: 'event' })).toMatchObject(nothing);
  });
});
