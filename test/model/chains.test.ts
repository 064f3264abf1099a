import { describe, expect, it } from 'vitest';
import type { LoggedSample } from '../../src/verify/model/inforce.ts';
import { runModel } from './fleet.ts';
import { optionsAt, sample, T0_MS } from './literal.ts';

/** What stock senders need of the contract (SPEC §1 and §2), worked by hand: chains, halves, holds, and samples without a state. */
type Rest = Partial<LoggedSample>;

const GIB = 1_073_741_824n;
const both = (ms: number, rx: bigint, tx: bigint, rest: Rest = {}): LoggedSample => ({
  ...sample(ms, { bytes: [rx, tx] }),
  ...rest,
});
const half = (part: 'rx' | 'tx', ms: number, bytes: bigint, rest: Rest = {}): LoggedSample =>
  both(ms, part === 'rx' ? bytes : 0n, part === 'tx' ? bytes : 0n, { part, saysNoState: true, ...rest });

interface Case {
  readonly claim: string;
  readonly log: readonly LoggedSample[];
  /** [minute, rx, tx] of nic '' */
  readonly rows?: [number, bigint, bigint][];
  /** [start, end, cause] in seconds after T0 */
  readonly outages?: [number, number | null, string][];
  /** [a, b] in seconds after T0; a null: a first sample alone */
  readonly quarantined?: [number | null, number][];
  readonly conflicts?: number;
  /** ms after T0 */
  readonly watermark?: number;
}

const UP = [0, 60_000, 120_000].map((ms) => sample(ms));

const CASES: readonly Case[] = [
  {
    claim: 'G1: rx and tx in samples of their own, one of them twice, come to the rows of one sample',
    log: [
      ...UP,
      half('tx', 60_000, 7n),
      half('rx', 0, 10n),
      half('rx', 60_000, 110n),
      half('tx', 0, 5n),
      half('rx', 60_000, 110n),
    ],
    rows: [[0, 100n, 2n]],
  },
  {
    claim: 'a half and a whole of one instant are no conflict: they are two chains',
    log: [...UP, both(60_000, 9n, 9n, { nic: '' }), half('rx', 60_000, 9n)],
    rows: [],
    conflicts: 1,
  },
  {
    claim:
      'G3, T1: a migration from A to B and back, both telling for 40 s, bills no counter whole and loses an interval each time',
    log: [
      both(0, 10n * GIB, 0n, { host: 'A' }),
      both(20_000, 10n * GIB + 200n, 0n, { host: 'A' }),
      both(20_000, 0n, 0n, { host: 'B', saysNoState: true }),
      both(40_000, 10n * GIB + 200n, 0n, { host: 'A', saysNoState: true }),
      both(40_000, 300n, 0n, { host: 'B' }),
      both(60_000, 500n, 0n, { host: 'B' }),
      both(80_000, 500n, 0n, { host: 'B', saysNoState: true }),
      both(80_000, 10n * GIB + 200n, 0n, { host: 'A' }),
      both(100_000, 10n * GIB + 900n, 0n, { host: 'A' }),
    ],
    // A 200, B 300 and 200, then A's 700 after its return
    rows: [
      [0, 200n + 300n + 200n, 0n],
      [1, 700n, 0n],
    ],
  },
  {
    claim: 'a counter that began on B after the last word of A is new from its first byte, spread over its own time',
    log: [
      both(0, 5n, 5n, { host: 'A' }),
      both(30_000, 15n, 5n, { host: 'A' }),
      both(120_000, 60n, 30n, { host: 'B', startedAtMs: T0_MS + 60_000 }),
    ],
    rows: [
      [0, 10n, 0n],
      [1, 60n, 30n],
    ],
  },
  {
    claim: 'one that began before the last word of A is a baseline, and so is the very first of an interface',
    log: [both(0, 5n, 5n, { host: 'A', startedAtMs: T0_MS - 60_000 }), both(60_000, 60n, 30n, { host: 'B', startedAtMs: T0_MS })],
    rows: [],
  },
  {
    claim: 'a first sample that is too fast since its beginning is an anomaly alone',
    log: [both(0, 0n, 0n, { host: 'A' }), both(60_000, GIB, 0n, { host: 'B', startedAtMs: T0_MS + 59_999 })],
    rows: [],
    quarantined: [[null, 60]],
  },
  {
    claim: 'T10: counters that began after the sample before are new, though they rose; what is spread begins there',
    log: [both(0, 10n, 0n), both(120_000, 60n, 0n, { startedAtMs: T0_MS + 60_000 })],
    rows: [[1, 60n, 0n]],
  },
  {
    claim: 'T10: a start that jitters before the sample before says nothing new',
    log: [
      both(0, 10n, 0n),
      both(60_000, 60n, 0n, { startedAtMs: T0_MS - 1 }),
      both(120_000, 70n, 0n, { startedAtMs: T0_MS - 3 }),
    ],
    rows: [
      [0, 50n, 0n],
      [1, 10n, 0n],
    ],
  },
  {
    claim: 'G7, T5: an interface of a sum is unplugged: nothing is billed, one anomaly, and the sum goes on',
    log: [both(0, 900n, 0n, { isSum: true }), both(60_000, 100n, 0n, { isSum: true }), both(120_000, 130n, 0n, { isSum: true })],
    rows: [[1, 30n, 0n]],
    quarantined: [[0, 60]],
  },
  {
    claim: 'T5: a sum that began again says so by its start',
    log: [both(0, 900n, 0n, { isSum: true }), both(60_000, 100n, 0n, { isSum: true, startedAtMs: T0_MS + 1 })],
    rows: [[0, 100n, 0n]],
  },
  {
    // 10 Gbit/s over 15 s are 18,750,000,000 bytes
    claim: 'T4: the limit of the link is the sample’s own where it says one',
    log: [
      both(0, 0n, 0n),
      both(15_000, 18_750_000_000n, 0n, { linkMbps: 10_000 }),
      both(30_000, 37_500_000_001n, 0n, { linkMbps: 10_000 }),
    ],
    rows: [[0, 18_750_000_000n, 0n]],
    quarantined: [[15, 30]],
  },
  {
    claim: 'T11: a state holds as long as its source says, longer than the staleness or shorter',
    log: [sample(0, { condition: 'up' }), sample(300_000), sample(330_000)].map((each, i) =>
      Object.assign(each, i === 0 ? { holdMs: 300_000 } : i === 1 ? { holdMs: 10_000 } : {}),
    ),
    outages: [
      [310, 330, 'silent'],
      [420, null, 'silent'],
    ],
  },
  {
    claim: 'T2: a sample that says no state ends no outage, begins none, and keeps no silence away',
    log: [
      sample(0, { condition: 'provider' }),
      both(30_000, 1n, 1n, { saysNoState: true }),
      both(200_000, 1n, 1n, { saysNoState: true, condition: 'attack' }),
      sample(300_000),
    ],
    outages: [
      [0, 90, 'provider'],
      [90, 300, 'silent'],
    ],
    watermark: 300_000,
  },
  {
    claim: 'a VM of which nobody says a state has traffic, and neither minutes nor outages',
    log: [half('rx', 0, 0n), half('rx', 60_000, 6n)],
    rows: [[0, 6n, 0n]],
    outages: [],
  },
];

describe('chains, halves, holds and samples without a state', () => {
  it.each(CASES)('$claim', ({ log, rows, outages, quarantined, conflicts, watermark }) => {
    const result = runModel(log, optionsAt(watermark ?? 86_400_000));
    const seconds = (ms: number): number => (ms - T0_MS) / 1000;
    if (rows !== undefined)
      expect(result.traffic.map((row) => [(row.minuteMs - T0_MS) / 60_000, row.rxBytes, row.txBytes])).toEqual(rows);
    if (outages !== undefined)
      expect(result.outages.map((o) => [seconds(o.startMs), o.endMs === null ? null : seconds(o.endMs), o.cause])).toEqual(
        outages,
      );
    expect(result.quarantined.map(({ a, b }) => [a === null ? null : seconds(a.tsMs), seconds(b.tsMs)])).toEqual(
      quarantined ?? [],
    );
    expect(result.counts.conflict).toBe(conflicts ?? 0);
  });

  it('come to the same in any order of the log', () => {
    for (const { log, conflicts } of CASES) {
      if (conflicts !== undefined) continue;
      const run = (some: readonly LoggedSample[]): unknown => {
        const { traffic, outages, uptime, quarantined } = runModel(some, optionsAt(86_400_000));
        return { traffic, outages, uptime, quarantined: quarantined.map(({ a, b }) => [a?.tsMs, b.tsMs]) };
      };
      expect(run(log.toReversed())).toEqual(run(log));
    }
  });
});
