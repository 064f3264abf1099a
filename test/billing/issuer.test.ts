import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { dayEdges, usageDays } from '../../src/billing/days.ts';
import { loadIssuer } from '../../src/billing/issuer.ts';
import { zoneOf } from '../../src/domain/zone.ts';

describe('issuer.json', () => {
  const folder = mkdtempSync(join(tmpdir(), 'uptally-issuer-'));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  const load = (text: string) => {
    writeFileSync(join(folder, 'issuer.json'), text);
    return loadIssuer(folder);
  };

  it('is optional, and only its name is required', () => {
    expect(loadIssuer(join(folder, 'nowhere'))).toBeUndefined();
    expect(load('{"name":"台北雲端","api_url":"https://m.example/"}')).toEqual({
      name: '台北雲端',
      api_url: 'https://m.example',
    });
  });

  it.each([
    ['{', /no JSON/],
    ['{"address":"x"}', /name/],
    ['{"name":"x","tax":"1"}', /tax/],
    ['{"name":"x","api_url":"javascript:alert(1)"}', /api_url/],
    ['{"name":"two\\nlines"}', /name/],
  ])('%s is refused at start', (text, fault) => {
    expect(() => load(text)).toThrow(fault);
  });
});

describe('days of an invoice', () => {
  it('a day of 23 hours is its own length; what was down is not up, what was not metered is neither', () => {
    const zone = zoneOf('Europe/Berlin');
    if (zone === undefined) throw new Error('no zone');
    const minute = (text: string): number => Date.parse(text) / 60_000;
    const edges = dayEdges(zone, minute('2026-03-28T00:00:00+01:00'), minute('2026-03-31T00:00:00+02:00'));
    expect(edges.slice(1).map((edge, i) => edge - (edges[i] ?? 0))).toEqual([1440, 1380, 1440]);
    const served = { fromMinute: edges[0] ?? 0, toMinute: edges[3] ?? 0 };
    const facts = {
      vm: 'v',
      // Its plan is not looked at.
      service: [served] as never,
      outages: [
        { startMs: Date.parse('2026-03-28T23:00:00+01:00'), endMs: Date.parse('2026-03-29T04:00:00+02:00'), condition: 1 },
      ],
      traffic: [],
      fees: [],
      span: { firstMs: Date.parse('2026-03-28T12:00:00+01:00'), horizonMs: Date.parse('2026-03-30T06:00:00+02:00') },
    };
    const days = usageDays(zone, edges, [facts], new Map([['v', [{ rxBytes: 5n, txBytes: 7n }]]]));
    const hours = (column: readonly number[] | undefined) => column?.map((ms) => ms / 3_600_000);
    expect(days.dates).toEqual(['2026-03-28', '2026-03-29', '2026-03-30']);
    expect(hours(days.vms[0]?.up_ms)).toEqual([11, 20, 6]);
    expect(hours(days.vms[0]?.not_up_ms['provider'])).toEqual([1, 3, 0]);
    expect(days.vms[0]).toMatchObject({ rx_bytes: [5n, 0n, 0n], tx_bytes: [7n, 0n, 0n] });
  });
});
