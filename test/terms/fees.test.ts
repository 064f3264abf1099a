import { describe, expect, it } from 'vitest';
import { eventFees, lateFeeRuleOf } from '../../src/terms/fees.ts';
import { loadTerms, shippedTermsFolder } from '../../src/terms/library.ts';
import type { TermsSheet } from '../../src/terms/sheet.ts';

const library = loadTerms([shippedTermsFolder()]);
const sheetOf = (id: string): TermsSheet => {
  const found = library.inForce(id, Date.UTC(2026, 2, 1));
  if (found === undefined) throw new Error(`${id} is not loaded`);
  return found.sheet;
};
const START = Date.UTC(2026, 2, 1);
const H = 3_600_000;
const UNIT = 1_000_000_000n;

describe('fees of recorded events', () => {
  it.each([
    [
      'cstserver-2022',
      'each replacement costs 15 CNY',
      [
        ['ip_replaced', 5],
        ['ip_replaced', 40],
      ],
      [15n, 15n],
    ],
    [
      'cstserver-2022',
      'still blocked, exactly 24 h after: free',
      [
        ['ip_replaced', 0],
        ['ip_blocked', 1],
        ['ip_replaced', 24],
      ],
      [15n, 0n],
    ],
    [
      'cstserver-2022',
      'still blocked, reported 24 h and 1 min after: not free',
      [
        ['ip_replaced', 0],
        ['ip_blocked', 24 + 1 / 60],
        ['ip_replaced', 25],
      ],
      [15n, 15n],
    ],
    [
      'cstserver-2022',
      'B16: still blocked, reported in time, replaced the day after: free',
      [
        ['ip_replaced', 0],
        ['ip_blocked', 2],
        ['ip_replaced', 28],
      ],
      [15n, 0n],
    ],
    [
      'cstserver-2022',
      'nobody reported it: not free, however soon',
      [
        ['ip_replaced', 0],
        ['ip_replaced', 1],
      ],
      [15n, 15n],
    ],
    [
      'cmivps-2019',
      'B4: one report frees one replacement: the later ones cost',
      [
        ['ip_unusable', 3],
        ['ip_replaced', 5],
        ['ip_replaced', 240],
        ['ip_replaced', 480],
      ],
      [0n, 5n, 5n],
    ],
    [
      'cmivps-2019',
      'two reports in time free two, one of them asked again later frees no third',
      [
        ['ip_unusable', 1],
        ['ip_unusable', 2],
        ['ip_replaced', 5],
        ['ip_replaced', 6],
        ['ip_unusable', 7],
        ['ip_replaced', 8],
      ],
      [0n, 0n, 5n],
    ],
    [
      'cstserver-2022',
      'blocked only before the first: not free',
      [
        ['ip_blocked', 0],
        ['ip_replaced', 1],
        ['ip_replaced', 2],
      ],
      [15n, 15n],
    ],
    [
      'cstserver-2022',
      'the third: free again if blocked again',
      [
        ['ip_replaced', 0],
        ['ip_blocked', 1],
        ['ip_replaced', 2],
        ['ip_blocked', 3],
        ['ip_replaced', 4],
      ],
      [15n, 0n, 0n],
    ],
    ['cmivps-2019', 'within 4 h of the start: free', [['ip_replaced', 4]], [0n]],
    ['cmivps-2019', '4 h and 1 min after the start: 5 USD', [['ip_replaced', 4 + 1 / 60]], [5n]],
    [
      'cmivps-2019',
      'asked in time, replaced later: free',
      [
        ['ip_unusable', 3],
        ['ip_replaced', 9],
      ],
      [0n],
    ],
    [
      'cmivps-2019',
      'asked too late: 5 USD',
      [
        ['ip_unusable', 5],
        ['ip_replaced', 9],
      ],
      [5n],
    ],
    ['ipcats', 'no fees', [['ip_replaced', 1]], []],
  ] as const)('%s: %s', (id, _, events, expected) => {
    const given = events.map(([kind, hours], i) => ({ id: `e${i}`, kind, atMs: START + hours * H }));
    const fees = eventFees(() => sheetOf(id), given.toReversed(), START);
    expect(fees.map((fee) => fee.feeNanos)).toEqual(expected.map((units) => units * UNIT));
    for (const fee of fees) expect(fee.reason.startsWith('free')).toBe(fee.feeNanos === 0n);
  });

  it('a start that nobody recorded makes nothing free', () => {
    expect(eventFees(() => sheetOf('cmivps-2019'), [{ id: 'e', kind: 'ip_replaced', atMs: START }], null)).toMatchObject([
      { feeNanos: 5n * UNIT, currency: 'USD', clause: expect.stringMatching(/^ip-unusable: /) as string },
    ]);
  });

  it('internet-service: 0.3 % a started day, 24 h after it fell due; the others have no late fee', () => {
    expect(lateFeeRuleOf(sheetOf('internet-service'))).toMatchObject({ perDay: { num: 3n, den: 1000n }, graceMs: 24 * H });
    for (const id of ['ipcats', 'cmivps-2019', 'cstserver-2022', 'cloud-server-zh'])
      expect(lateFeeRuleOf(sheetOf(id))).toBeUndefined();
  });
});
