import { describe, expect, it } from 'vitest';
import { formatInstant, parseInstant } from '../../src/domain/instant.ts';
import { formatAmount, isCurrency, minorDigits, parseAmount, roundToMinor } from '../../src/domain/money.ts';

describe('money', () => {
  it.each([
    ['0', 0n],
    ['300.00', 300_000_000_000n],
    ['0.000000001', 1n],
    ['12.3', 12_300_000_000n],
    ['9007199254740993', undefined],
    ['900719925474099', 900_719_925_474_099_000_000_000n],
    ['-1', undefined],
    ['01', undefined],
    ['1.', undefined],
    ['.5', undefined],
    ['1e3', undefined],
    ['1.0000000001', undefined],
    ['', undefined],
    [' 1', undefined],
  ])('reads %j as %s nanos', (text, nanos) => {
    expect(parseAmount(text)).toBe(nanos);
  });

  it.each([
    [12_300_000_000n, 'CNY', '12.30'],
    [-5_000_000n + 0n, 'KWD', '-0.005'],
    [-50_000_000n, 'USD', '-0.05'],
    [7_000_000_000n, 'JPY', '7'],
    [0n, 'TWD', '0.00'],
  ])('writes %s nanos of %s as %s', (nanos, currency, text) => {
    expect(formatAmount(nanos, currency)).toBe(text);
  });

  it('never drops a part of an amount silently', () => {
    expect(() => formatAmount(1n, 'CNY')).toThrow('no whole minor units');
  });

  // half to even, on both sides of zero
  it.each([
    [5_000_000n, 'CNY', 0n],
    [15_000_000n, 'CNY', 20_000_000n],
    [15_000_001n, 'CNY', 20_000_000n],
    [14_999_999n, 'CNY', 10_000_000n],
    [-5_000_000n, 'CNY', 0n],
    [-15_000_000n, 'CNY', -20_000_000n],
    [500_000_000n, 'JPY', 0n],
    [1_500_000_000n, 'JPY', 2_000_000_000n],
  ])('rounds %s nanos of %s to %s', (nanos, currency, rounded) => {
    expect(roundToMinor(nanos, currency)).toBe(rounded);
  });

  it('knows currencies and their minor digits as ISO 4217 has them', () => {
    expect(['JPY', 'TWD', 'CNY', 'USD', 'EUR', 'KWD', 'IQD', 'CLF', 'HUF'].map(minorDigits)).toEqual([0, 2, 2, 2, 2, 3, 3, 4, 2]);
    expect(['CNY', 'XYZ', 'cny', ''].map(isCurrency)).toEqual([true, false, false, false]);
  });
});

describe('instants', () => {
  it.each([
    ['2026-03-01T00:00:00Z', 1_772_323_200_000],
    ['2026-03-01t00:00:00z', 1_772_323_200_000],
    ['2026-03-01T08:00:00+08:00', 1_772_323_200_000],
    ['2026-02-28T19:30:00.1239-04:30', 1_772_323_200_123],
    ['1772323200000', 1_772_323_200_000],
    [1_772_323_200_000, 1_772_323_200_000],
    ['2024-02-29T00:00:00Z', 1_709_164_800_000],
    ['2026-02-29T00:00:00Z', undefined],
    ['2026-04-31T00:00:00Z', undefined],
    ['2026-03-01T24:00:00Z', undefined],
    ['2026-03-01T23:59:60Z', undefined],
    ['2026-03-01 00:00:00Z', undefined],
    ['2026-03-01T00:00:00', undefined],
    ['2026-03-01', undefined],
    ['2026-03-01T00:00:00+24:00', undefined],
    ['1969-12-31T23:59:59Z', undefined],
    ['2100-01-01T00:00:00Z', undefined],
    [1.5, undefined],
    [-1, undefined],
    ['01', undefined],
  ])('reads %j as %s', (given, ms) => {
    expect(parseInstant(given)).toBe(ms);
  });

  it('writes milliseconds only when there are some', () => {
    expect([1_772_323_200_000, 1_772_323_200_005].map(formatInstant)).toEqual([
      '2026-03-01T00:00:00Z',
      '2026-03-01T00:00:00.005Z',
    ]);
  });
});
