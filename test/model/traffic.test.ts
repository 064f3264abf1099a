import { describe, expect, it } from 'vitest';
import { runModel, type ModelCatalog } from './fleet.ts';
import type { LoggedSample } from '../../src/verify/model/inforce.ts';
import { optionsAt, sample, T0_MS } from './literal.ts';

const ENDED_AT_90S: ModelCatalog = { plans: new Map(), vms: new Map([['v', { endsAtMs: T0_MS + 90_000, plans: [] }]]) };
const FAR_MS = 86_400_000;
const MAX = 2n ** 64n - 1n;
const counted = (ms: number, rx: bigint, tx: bigint, rest: Partial<LoggedSample> = {}): LoggedSample => ({
  ...sample(ms, { bytes: [rx, tx] }),
  ...rest,
});

interface Case {
  readonly claim: string;
  readonly log: readonly LoggedSample[];
  readonly watermark?: number | null;
  readonly catalog?: ModelCatalog;
  /** [nic, minute, rx, tx] */
  readonly rows: [string, number, bigint, bigint][];
  /** [nic, a, b] after T0; a null: a first sample alone */
  readonly quarantined?: [string, number | null, number][];
}

const CASES: readonly Case[] = [
  { claim: 'the first sample bills nothing', log: [counted(0, 5n, 5n)], rows: [] },
  {
    claim: 'an increase inside a minute is its own',
    log: [counted(1_000, 5n, 7n), counted(60_000, 105n, 8n)],
    rows: [['', 0, 100n, 1n]],
  },
  {
    // cum(30 s) = ⌊10·30/90⌋ = 3, cum(90 s) = 10; tx: ⌊2·30/90⌋ = 0, then 2.
    claim: 'an increase over two minutes is split by time, rounding down first',
    log: [counted(30_000, 0n, 0n), counted(120_000, 10n, 2n)],
    rows: [
      ['', 0, 3n, 0n],
      ['', 1, 7n, 2n],
    ],
  },
  {
    // cum at 60, 120, 180, 181 s of 181: ⌊1·t/181⌋ = 0, 0, 0, 1.
    claim: 'a single byte goes to the minute in which it is complete, and empty minutes have no row',
    log: [counted(0, 0n, 0n), counted(181_000, 1n, 0n)],
    rows: [['', 3, 1n, 0n]],
  },
  {
    claim: 'shares of several increases in one minute add up',
    log: [counted(0, 0n, 0n), counted(20_000, 1n, 1n), counted(40_000, 3n, 1n), counted(80_000, 7n, 2n)],
    rows: [
      ['', 0, 1n + 2n + 2n, 1n + 0n + 0n],
      ['', 1, 2n, 1n],
    ],
  },
  {
    // a jump of 4 TB within a second (a 32-bit sign), two samples on from it, and back: 30 bytes in three minutes, as if the jump had not been
    claim: 'a fall that goes back behind a jump that was too fast takes back what was billed since; the anomaly stays',
    log: [
      counted(0, 100n, 100n),
      counted(60_000, 4_000_000_000_100n, 100n),
      counted(120_000, 4_000_000_009_100n, 150n),
      counted(180_000, 130n, 103n),
      counted(240_000, 140n, 103n),
    ],
    rows: [
      ['', 0, 10n, 1n],
      ['', 1, 10n, 1n],
      ['', 2, 10n, 1n],
      ['', 3, 10n, 0n],
    ],
    quarantined: [['', 0, 60_000]],
  },
  {
    claim: 'a fall that ends below what was before the jump is judged by itself: here it is a reset',
    log: [counted(0, 100n, 100n), counted(60_000, 4_000_000_000_100n, 100n), counted(120_000, 130n, 99n)],
    rows: [['', 1, 130n, 99n]],
    quarantined: [['', 0, 60_000]],
  },
  {
    claim: 'a reset after the jump leaves nothing to go back behind',
    log: [
      counted(0, 100n, 100n),
      counted(60_000, 4_000_000_000_100n, 100n),
      counted(120_000, 700n, 10n),
      counted(180_000, 200n, 100n),
    ],
    rows: [
      ['', 1, 700n, 10n],
      ['', 2, 200n, 100n],
    ],
    quarantined: [['', 0, 60_000]],
  },
  {
    claim: 'another epoch, in the slips or after them, is another counter',
    log: [
      counted(0, 100n, 100n),
      counted(60_000, 4_000_000_000_100n, 100n),
      counted(120_000, 130n, 100n, { epoch: 1 }),
      counted(180_000, 140n, 100n, { epoch: 1 }),
    ],
    rows: [
      ['', 1, 130n, 100n],
      ['', 2, 10n, 0n],
    ],
    quarantined: [['', 0, 60_000]],
  },
  {
    claim: 'a counter that says it began after the jump has not gone back behind it',
    log: [
      counted(0, 100n, 100n),
      counted(60_000, 4_000_000_000_100n, 100n),
      counted(120_000, 130n, 100n, { startedAtMs: T0_MS + 60_000 }),
    ],
    rows: [['', 1, 130n, 100n]],
    quarantined: [['', 0, 60_000]],
  },
  {
    claim: 'what was not billed among slips stays on record, too',
    log: [
      counted(0, 100n, 100n),
      counted(60_000, 4_000_000_000_100n, 100n),
      counted(120_000, 3_000_000_000_100n, 100n),
      counted(180_000, 100n, 100n),
    ],
    rows: [],
    quarantined: [
      ['', 0, 60_000],
      ['', 60_000, 120_000],
    ],
  },
  {
    claim: 'a jump that a fall went back behind is over: another fall is judged by itself',
    log: [
      counted(0, 100n, 100n),
      counted(60_000, 4_000_000_000_100n, 100n),
      counted(120_000, 160n, 100n),
      counted(180_000, 130n, 100n),
    ],
    rows: [
      ['', 0, 30n, 0n],
      ['', 1, 30n, 0n],
    ],
    quarantined: [
      ['', 0, 60_000],
      ['', 120_000, 180_000],
    ],
  },
  {
    claim: 'a counter that fell to less than half is a reset of both: the new values count',
    log: [counted(0, 1_000n, 1_000n), counted(60_000, 1_500n, 30n)],
    rows: [['', 0, 1_500n, 30n]],
  },
  {
    claim: 'another epoch is a reset though the counters rose; equal counters are none',
    log: [counted(0, 10n, 10n), counted(60_000, 11n, 11n, { epoch: 1 }), counted(120_000, 11n, 11n, { epoch: 1 })],
    rows: [['', 0, 11n, 11n]],
  },
  {
    claim: 'a state-only sample breaks no chain, whatever its epoch; silence bills all the same',
    log: [counted(0, 0n, 0n), sample(59_000, { epoch: 9, condition: 'attack' }), counted(240_000, 400n, 4n)],
    rows: [0, 1, 2, 3].map((minute) => ['', minute, 100n, 1n]),
  },
  {
    claim: 'interfaces have their own chains',
    log: [
      counted(0, 5n, 5n, { nic: 'b' }),
      counted(0, 0n, 0n, { nic: 'a' }),
      counted(60_000, 6n, 6n, { nic: 'b' }),
      counted(60_000, 2n, 3n, { nic: 'a' }),
    ],
    rows: [
      ['a', 0, 2n, 3n],
      ['b', 0, 1n, 1n],
    ],
  },
  {
    claim: 'minutes not yet published are not shown',
    log: [counted(0, 0n, 0n), counted(90_000, 900n, 0n)],
    watermark: null,
    rows: [['', 0, 600n, 0n]],
  },
  {
    // 100 Gbit/s over 60 s are 750,000,000,000 bytes.
    claim: 'an increase at the link limit is billed, one byte more in either direction is quarantined and bills neither',
    log: [counted(0, 0n, 0n), counted(60_000, 750_000_000_000n, 1n), counted(120_000, 750_000_000_001n, 750_000_000_002n)],
    rows: [['', 0, 750_000_000_000n, 1n]],
    quarantined: [['', 60_000, 120_000]],
  },
  {
    claim: 'the chain goes on after a quarantined increase, from its second sample',
    log: [counted(0, 0n, 0n), counted(60_000, MAX - 1n, 0n), counted(120_000, MAX, 0n)],
    rows: [['', 1, 1n, 0n]],
    quarantined: [['', 0, 60_000]],
  },
  {
    claim: 'the new values of a reset have a limit too',
    log: [counted(0, MAX, MAX), counted(60_000, MAX, 0n)],
    rows: [],
    quarantined: [['', 0, 60_000]],
  },
  {
    claim: 'a fall to half or more is nobody’s restart: it bills nothing, and the chain goes on from there',
    log: [counted(0, 1_000n, 10n), counted(60_000, 500n, 20n), counted(120_000, 507n, 21n)],
    rows: [['', 1, 7n, 1n]],
    quarantined: [['', 0, 60_000]],
  },
  {
    claim: 'T4: two readers of one counter, interleaved, bill no byte twice',
    log: [counted(0, 1_000n, 0n), counted(15_000, 1_200n, 0n), counted(16_000, 1_190n, 0n), counted(30_000, 1_400n, 0n)],
    rows: [['', 0, 200n + 210n, 0n]],
    quarantined: [['', 15_000, 16_000]],
  },
  {
    // the first increase ends in the minute of 90 s; the second one lies wholly after it
    claim: 'the minute in which the service ends keeps its traffic, and is the last',
    log: [counted(0, 0n, 0n), counted(120_000, 100n, 1n), counted(180_000, 200n, 2n)],
    catalog: ENDED_AT_90S,
    rows: [
      ['', 0, 50n, 0n],
      ['', 1, 50n, 1n],
    ],
  },
];

describe('the traffic of a VM, worked by hand', () => {
  it.each(CASES)('$claim', ({ log, watermark, catalog, rows, quarantined }) => {
    const result = runModel(log, optionsAt(watermark === undefined ? FAR_MS : watermark), catalog);
    expect(result.traffic.map((row) => [row.nic, (row.minuteMs - T0_MS) / 60_000, row.rxBytes, row.txBytes])).toEqual(rows);
    expect(result.quarantined.map(({ nic, a, b }) => [nic, a === null ? null : a.tsMs - T0_MS, b.tsMs - T0_MS])).toEqual(
      quarantined ?? [],
    );
  });
});
