import { DAY_MS } from '../domain/zone.ts';
import type { ShownVmDays } from './invoice-shape.ts';
import { bytesText, durationText, shortDateText } from './numbers.ts';
import { causeText } from './words/causes.ts';
import type { Words } from './words/words.ts';

const HOUR_MS = 3_600_000;
/** So high is the least that was not up: a minute of a day must be seen. */
const LEAST_VISIBLE = 1.5;

/** Inks of different lightness: they stay apart without colour. */
export const INKS = {
  up: '#d5e8d8',
  silent: '#b4b8be',
  other: '#c98a1b',
  provider: '#8e1b1b',
  received: '#2f5d8a',
  sent: '#8db9e0',
  axis: '#9aa1a9',
} as const;
export type Ink = keyof typeof INKS;

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
  ink: Ink;
}

/** One strip: uptime of each day above, its traffic below, as boxes from the upper left corner. */
export interface Strip {
  name: string;
  /** What it shows, in words. */
  summary: string;
  width: number;
  height: number;
  boxes: readonly Box[];
  ticks: readonly { x: number; text: string }[];
}

export interface StripSize {
  width: number;
  uptime: number;
  gap: number;
  traffic: number;
}

/** What a strip is drawn from: the days of one VM, or the sums of several. */
export interface Figures {
  readonly name: string;
  readonly days: VmFigures;
  readonly vms: number;
  readonly dates: readonly string[];
}

export type VmFigures = Omit<ShownVmDays, 'vm'>;

export function stripOf({ name, days: figures, vms, dates }: Figures, size: StripSize, words: Words): Strip {
  const { provider, silent, ...others } = figures.not_up_ms;
  const step = size.width / dates.length;
  const most = Math.max(1, ...figures.rx_bytes, ...figures.tx_bytes);
  const middle = size.uptime + size.gap + size.traffic / 2;
  const boxes: Box[] = [];
  for (const day of dates.keys()) {
    const x = day * step;
    const up = figures.up_ms[day] ?? 0;
    const parts = [
      { ink: 'provider', ms: provider?.[day] ?? 0 },
      { ink: 'other', ms: Object.values(others).reduce((sum, column) => sum + (column[day] ?? 0), 0) },
      { ink: 'silent', ms: (silent?.[day] ?? 0) + unmeteredOf(figures, day) },
    ] as const;
    const metered = parts.reduce((sum, part) => sum + part.ms, up);
    const scale = size.uptime / Math.max(DAY_MS * vms, metered);
    let y = size.uptime - metered * scale;
    for (const { ink, ms } of parts) {
      if (ms === 0) continue;
      const h = Math.max(LEAST_VISIBLE, ms * scale);
      boxes.push({ x, y, w: step, h, ink });
      y += h;
    }
    if (up > 0 && y < size.uptime) boxes.push({ x, y, w: step, h: size.uptime - y, ink: 'up' });
    const bar = (bytes: number): number => ((bytes / most) * size.traffic) / 2;
    const received = bar(figures.rx_bytes[day] ?? 0);
    const sent = bar(figures.tx_bytes[day] ?? 0);
    const inset = Math.min(1, step * 0.15);
    if (received > 0) boxes.push({ x: x + inset, y: middle - received, w: step - 2 * inset, h: received, ink: 'received' });
    if (sent > 0) boxes.push({ x: x + inset, y: middle, w: step - 2 * inset, h: sent, ink: 'sent' });
  }
  boxes.push(
    { x: 0, y: size.uptime, w: size.width, h: 0.4, ink: 'axis' },
    { x: 0, y: middle - 0.2, w: size.width, h: 0.4, ink: 'axis' },
  );
  return {
    name,
    summary: summaryOf(figures, vms, most, words),
    width: size.width,
    height: size.uptime + size.gap + size.traffic,
    boxes: merged(boxes),
    ticks: ticksOf(dates, step, words),
  };
}

/** Boxes of one ink and height side by side are one box. */
function merged(boxes: readonly Box[]): Box[] {
  const open = new Map<Ink, Box>();
  const list: Box[] = [];
  for (const box of boxes) {
    const before = open.get(box.ink);
    if (before?.y === box.y && before.h === box.h && Math.abs(before.x + before.w - box.x) < 0.01) {
      before.w += box.w;
      continue;
    }
    const own = { ...box };
    open.set(box.ink, own);
    list.push(own);
  }
  return list;
}

/** Served time of a day that lies before the first sample or after the last. */
export function unmeteredOf({ served_ms: served, up_ms: up, not_up_ms: notUp }: VmFigures, day: number): number {
  const metered = Object.values(notUp).reduce((sum, column) => sum + (column[day] ?? 0), up[day] ?? 0);
  return Math.max(0, (served?.[day] ?? metered) - metered);
}

function summaryOf(figures: VmFigures, vms: number, most: number, words: Words): string {
  const { labels } = words;
  const causes = Object.entries(figures.not_up_ms)
    .filter(([cause]) => cause !== 'silent')
    .map(([cause, column]) => ({ cause, ms: total(column) }));
  const notUp = causes.reduce((sum, { ms }) => sum + ms, 0);
  const measured = total(figures.up_ms) + notUp;
  const silent = total(figures.not_up_ms['silent'] ?? []);
  const notMeasured = silent + figures.up_ms.reduce((sum, _, day) => sum + unmeteredOf(figures, day), 0);
  // Documents of before it was told how long a VM was served leave open what was not measured.
  const isWhole =
    notMeasured === 0 && (figures.served_ms !== undefined || measured >= vms * (figures.up_ms.length * DAY_MS - HOUR_MS));
  const each = causes.map(({ cause, ms }) => `${causeText(cause, words)} ${durationText(ms, words)}`).join(', ');
  const moved = total(figures.rx_bytes) + total(figures.tx_bytes);
  return [
    ...(notUp > 0
      ? [`${labels.notUp(durationText(notUp, words))} (${each})`]
      : measured === 0
        ? [labels.unmetered]
        : [isWhole ? labels.alwaysUp : labels.upAsMeasured]),
    ...(measured > 0 && notMeasured > 0 ? [labels.notMeasured(durationText(notMeasured, words))] : []),
    ...(moved === 0
      ? []
      : [
          labels.traffic(bytesText(total(figures.rx_bytes), words), bytesText(total(figures.tx_bytes), words)),
          labels.perDay(bytesText(most, words)),
        ]),
  ].join(' · ');
}

/** Dates under a strip, at most eight, the first among them. */
function ticksOf(dates: readonly string[], step: number, words: Words): Strip['ticks'] {
  const every = Math.max(1, Math.ceil(dates.length / 8));
  return dates.flatMap((date, i) => (i % every === 0 ? [{ x: i * step, text: shortDateText(date, words) }] : []));
}

/** The sum of a column. */
export function total(column: readonly number[]): number {
  return column.reduce((sum, n) => sum + n, 0);
}
