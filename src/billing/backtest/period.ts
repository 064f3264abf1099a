import { type Calendar, periodOf } from '../run-period.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { DAY_MS } from '../../domain/zone.ts';

/** Local days, the last one included; every account's in its own time zone, as its invoices are. */
export interface BacktestPeriod {
  readonly first: Calendar & { readonly day: number };
  readonly last: Calendar & { readonly day: number };
}

/** Calendar months of a backtest at most: what is asked about is a season's terms, not an archive. */
export const MONTHS_MAX = 13;

/** The days [from, to), each `2026-03-05`, or `2026-03` for the first of a month; undefined where that is no day or nothing. */
export function backtestPeriod(from: string, to: string): BacktestPeriod | undefined {
  const fromMs = dayMs(from);
  const toMs = dayMs(to);
  if (fromMs === undefined || toMs === undefined || fromMs >= toMs) return undefined;
  const period = { first: dayOf(fromMs), last: dayOf(toMs - DAY_MS) };
  return monthsOf(period).length > MONTHS_MAX ? undefined : period;
}

/**
 * The parts of the period that an account's monthly invoices would cover: calendar months, the first and the last cut to the days
 * asked for. Throws as `periodOf` does.
 */
export function partsOf(catalog: Catalog, account: string, period: BacktestPeriod): { fromMs: number; toMs: number }[] {
  return monthsOf(period).map(({ year, month }) => {
    const whole = periodOf(catalog, account, { year, month, day: null });
    const is = (day: Calendar): boolean => day.year === year && day.month === month;
    const fromMs = is(period.first) ? periodOf(catalog, account, period.first).fromMs : whole.fromMs;
    return { fromMs, toMs: is(period.last) ? periodOf(catalog, account, period.last).toMs : whole.toMs };
  });
}

export function monthsOf({ first, last }: BacktestPeriod): { year: number; month: number }[] {
  const months: { year: number; month: number }[] = [];
  for (let at = first.year * 12 + first.month - 1; at <= last.year * 12 + last.month - 1; at += 1)
    months.push({ year: Math.floor(at / 12), month: (at % 12) + 1 });
  return months;
}

function dayMs(text: string): number | undefined {
  const whole = /^(19[7-9]\d|20\d\d)-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?$/.exec(text);
  if (whole === null) return undefined;
  const ms = Date.parse(`${whole[3] === undefined ? `${text}-01` : text}T00:00:00Z`);
  // The 30th of February is read as a day of March.
  return whole[4] !== undefined && new Date(ms).getUTCDate() !== Number(whole[4]) ? undefined : ms;
}

function dayOf(ms: number): BacktestPeriod['first'] {
  const date = new Date(ms);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}
