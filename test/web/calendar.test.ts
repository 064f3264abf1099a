/** The calendar's days and hours against clocks that change, months of every length, and VMs that start and end. */
import { describe, expect, it } from 'vitest';
import { type Cell, lookOf, monthAt, monthOf, spanOfMonth, sumOf, type UptimeRow } from '../../web/shared/calendar/month.ts';

const HOUR_MS = 3_600_000;
const cellsOf = (zone: string, name: string, rows: readonly UptimeRow[] = []) => monthOf(zone, name, rows)?.days ?? [];
const clocks = (cells: readonly Cell[] | undefined): string[] => (cells ?? []).map(({ clock }) => clock);

describe('days of a month', () => {
  it.each([
    ['2026-01', 31],
    ['2026-02', 28],
    ['2028-02', 29],
    ['2026-04', 30],
    ['2100-02', undefined],
    ['2026-13', undefined],
    ['now', undefined],
  ])('%s has %s of them', (name, days) => {
    expect(monthOf('Asia/Taipei', name, [])?.days.length).toBe(days);
  });

  it('follow each other without gap or overlap, as do their hours, in zones of every kind', () => {
    for (const zone of [
      'UTC',
      'Asia/Taipei',
      'Europe/Berlin',
      'America/New_York',
      'Asia/Kathmandu',
      'Australia/Lord_Howe',
      'Africa/Casablanca',
    ])
      for (let month = 1; month <= 12; month += 1) {
        const found = monthOf(zone, `2026-${String(month).padStart(2, '0')}`, []);
        const cells = (found?.days ?? []).flatMap((day) => day.cells);
        let at = found?.fromMs;
        for (const { fromMs, toMs } of cells) {
          expect(fromMs).toBe(at);
          at = toMs;
        }
        expect(at, `${zone} ${month}`).toBe(found?.toMs);
        expect(found?.after).toBe(month === 12 ? '2027-01' : `2026-${String(month + 1).padStart(2, '0')}`);
      }
  });

  it('has 23 hours where the clock goes forward, and none of the hour that is left out', () => {
    const day = cellsOf('Europe/Berlin', '2026-03')[28];
    expect([day?.date, day?.cells.length]).toEqual(['2026-03-29', 23]);
    expect(clocks(day?.cells).slice(0, 4)).toEqual(['00:00', '01:00', '03:00', '04:00']);
    expect(day?.cells.some(({ hour }) => hour === 2)).toBe(false);
  });

  it('has 25 hours where it goes back, and two under one hour of the clock', () => {
    const day = cellsOf('Europe/Berlin', '2026-10')[24];
    expect([day?.date, day?.cells.length]).toEqual(['2026-10-25', 25]);
    const twice = day?.cells.filter(({ hour }) => hour === 2) ?? [];
    expect(twice.map(({ fromMs }) => new Date(fromMs).toISOString())).toEqual([
      '2026-10-25T00:00:00.000Z',
      '2026-10-25T01:00:00.000Z',
    ]);
  });

  it('has an hour of 30 and one of 90 minutes where the clock changes by half an hour', () => {
    const lengths = (name: string, i: number) =>
      (cellsOf('Australia/Lord_Howe', name)[i]?.cells ?? [])
        .map(({ fromMs, toMs }) => (toMs - fromMs) / 60_000)
        .filter((minutes) => minutes !== 60);
    expect(lengths('2026-04', 4)).toEqual([90]);
    expect(lengths('2026-10', 3)).toEqual([30]);
  });

  it("belong to the zone's month, not to UTC's", () => {
    expect(monthAt('Asia/Taipei', Date.UTC(2026, 1, 28, 16))).toBe('2026-03');
    expect(monthAt('America/New_York', Date.UTC(2026, 2, 1, 4))).toBe('2026-02');
    expect(spanOfMonth('Asia/Taipei', '2026-03')).toEqual({ fromMs: Date.UTC(2026, 1, 28, 16), toMs: Date.UTC(2026, 2, 31, 16) });
  });
});

describe('cells', () => {
  const row = (start: number, change: Partial<UptimeRow> = {}): UptimeRow => ({
    ...{
      start: new Date(start).toISOString(),
      up_ms: HOUR_MS,
      down_ms: {},
      silent_ms: 0,
      unavailable_minutes: 0,
      credit_nanos: 0,
    },
    ...change,
  });

  it('are blank before the service and after its end, never up', () => {
    const from = Date.UTC(2026, 2, 10, 4);
    const rows = Array.from({ length: 12 }, (_, i) => row(from + i * HOUR_MS));
    const cells = cellsOf('UTC', '2026-03', rows).flatMap((day) => day.cells);
    const up = cells.filter((cell) => lookOf(cell.row).look === 'up');
    expect(up.map(({ fromMs }) => fromMs)).toEqual(rows.map(({ start }) => Date.parse(start)));
    expect(cells.filter((cell) => lookOf(cell.row).look === 'blank')).toHaveLength(31 * 24 - 12);
  });

  it('have the rows of both hours that the clock shows as one', () => {
    const rows = [row(Date.UTC(2026, 9, 25, 0)), row(Date.UTC(2026, 9, 25, 1), { up_ms: 0, down_ms: { provider: HOUR_MS } })];
    const day = cellsOf('Europe/Berlin', '2026-10', rows)[24];
    expect(day?.cells.filter(({ hour }) => hour === 2).map((cell) => lookOf(cell.row).look)).toEqual(['up', 'uncredited']);
  });

  it.each([
    [{ down_ms: { provider: 60_000, customer: 600_000 }, credit_nanos: 5 }, 'credited', 'provider'],
    [{ down_ms: { customer: 600_000 } }, 'uncredited', 'customer'],
    [{ down_ms: { maintenance: 600_000 } }, 'maintenance', 'maintenance'],
    [{ silent_ms: 60_000, down_ms: { maintenance: 60_000 } }, 'silent', 'silent'],
    [{ down_ms: { brought_by_a_newer_server: 60_000 } }, 'uncredited', 'brought_by_a_newer_server'],
    [{}, 'up', undefined],
  ] as const)('%j looks %s', (change, look, cause) => {
    expect(lookOf(row(0, change))).toMatchObject({ look, cause });
  });

  it('add up exactly, beyond what a float holds', () => {
    const rows = [
      row(0, { credit_nanos: 9_007_199_254_740_993n }),
      undefined,
      row(1, { credit_nanos: 2n, unavailable_minutes: 3, silent_ms: 5 }),
    ];
    expect(sumOf(rows)).toEqual({
      upMs: 2 * HOUR_MS,
      countedMs: 2 * HOUR_MS + 5,
      unavailableMinutes: 3,
      credit: 9_007_199_254_740_995n,
    });
  });
});
