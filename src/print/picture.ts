import type { Labels } from './labels.ts';
import type { DocumentLanguage } from './labels.ts';
import type { ShownDays, ShownVmDays } from './invoice-shape.ts';
import { bytesText, causeText, durationText, shortDate } from './phrases.ts';

/** VMs that are drawn singly at most: more would be read by nobody. */
export const STRIPS_MAX = 60;
const DAY_MS = 86_400_000;
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

/** What each ink stands for, in the order of the legend. */
export function legendOf(labels: Labels): readonly [Ink, string][] {
  return [
    ['up', labels.up],
    ['provider', labels.provider],
    ['other', labels.otherCause],
    ['silent', labels.silent],
    ['received', labels.received],
    ['sent', labels.sent],
  ];
}

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

export interface Picture {
  account: Strip;
  vms: readonly Strip[];
  /** What was left out, in words. */
  note: string | null;
}

export interface StripSize {
  width: number;
  uptime: number;
  gap: number;
  traffic: number;
}

/** The pictures of an invoice's days; null where it has none. */
export function pictureOf(
  days: ShownDays | undefined,
  sizes: { account: StripSize; vm: StripSize },
  labels: Labels,
  language: DocumentLanguage,
): Picture | null {
  if (days === undefined || days.vms.length === 0 || days.dates.length === 0) return null;
  const { dates, vms } = days;
  const account = stripOf(
    labels.allVms(vms.length),
    sumOf(vms, dates.length),
    vms.length,
    dates,
    sizes.account,
    labels,
    language,
  );
  const [only] = vms;
  if (vms.length === 1 && only !== undefined) return { account: { ...account, name: only.vm }, vms: [], note: null };
  const shown = vms.length <= STRIPS_MAX ? vms : worst(vms);
  return {
    account,
    vms: shown.map((vm) => stripOf(vm.vm, vm, 1, dates, sizes.vm, labels, language)),
    note: shown.length < vms.length ? labels.some(shown.length, vms.length) : null,
  };
}

function worst(vms: readonly ShownVmDays[]): readonly ShownVmDays[] {
  const ranked = vms
    .map((vm) => ({ vm, notUp: notUpMs(vm), bytes: total(vm.rx_bytes) + total(vm.tx_bytes) }))
    .sort((a, b) => b.notUp - a.notUp || b.bytes - a.bytes || (a.vm.vm < b.vm.vm ? -1 : 1));
  const chosen = new Set(ranked.slice(0, STRIPS_MAX).map(({ vm }) => vm));
  return vms.filter((vm) => chosen.has(vm));
}

function total(column: readonly number[]): number {
  return column.reduce((sum, n) => sum + n, 0);
}

/** What was not up, or not known to be. */
function notUpMs(vm: ShownVmDays): number {
  const unmetered = vm.up_ms.reduce((sum, _, day) => sum + unmeteredOf(vm, day), 0);
  return Object.values(vm.not_up_ms).reduce((sum, column) => sum + total(column), unmetered);
}

function sumOf(vms: readonly ShownVmDays[], days: number): Omit<ShownVmDays, 'vm'> {
  const zeros = (): number[] => new Array<number>(days).fill(0);
  const served = zeros();
  const isServedKnown = vms.every((vm) => vm.served_ms !== undefined);
  const sum = {
    ...(isServedKnown ? { served_ms: served } : {}),
    up_ms: zeros(),
    not_up_ms: {} as Record<string, number[]>,
    rx_bytes: zeros(),
    tx_bytes: zeros(),
  };
  const add = (into: number[], column: readonly number[]): void => {
    for (let i = 0; i < days; i += 1) into[i] = (into[i] ?? 0) + (column[i] ?? 0);
  };
  for (const vm of vms) {
    add(served, vm.served_ms ?? []);
    add(sum.up_ms, vm.up_ms);
    add(sum.rx_bytes, vm.rx_bytes);
    add(sum.tx_bytes, vm.tx_bytes);
    for (const [cause, column] of Object.entries(vm.not_up_ms)) add((sum.not_up_ms[cause] ??= zeros()), column);
  }
  return sum;
}

function stripOf(
  name: string,
  figures: Omit<ShownVmDays, 'vm'>,
  vms: number,
  dates: readonly string[],
  size: StripSize,
  labels: Labels,
  language: DocumentLanguage,
): Strip {
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
    summary: summaryOf(figures, vms, most, labels, language),
    width: size.width,
    height: size.uptime + size.gap + size.traffic,
    boxes: merged(boxes),
    ticks: ticksOf(dates, step, language),
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
function unmeteredOf({ served_ms: served, up_ms: up, not_up_ms: notUp }: Omit<ShownVmDays, 'vm'>, day: number): number {
  const metered = Object.values(notUp).reduce((sum, column) => sum + (column[day] ?? 0), up[day] ?? 0);
  return Math.max(0, (served?.[day] ?? metered) - metered);
}

function summaryOf(
  figures: Omit<ShownVmDays, 'vm'>,
  vms: number,
  most: number,
  labels: Labels,
  language: DocumentLanguage,
): string {
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
  const each = causes.map(({ cause, ms }) => `${causeText(cause, language)} ${durationText(ms, language)}`).join(', ');
  const moved = total(figures.rx_bytes) + total(figures.tx_bytes);
  return [
    ...(notUp > 0
      ? [`${labels.notUp(durationText(notUp, language))} (${each})`]
      : measured === 0
        ? [labels.unmetered]
        : [isWhole ? labels.alwaysUp : labels.upAsMeasured]),
    ...(measured > 0 && notMeasured > 0 ? [labels.notMeasured(durationText(notMeasured, language))] : []),
    ...(moved === 0
      ? []
      : [
          labels.traffic(bytesText(total(figures.rx_bytes), language), bytesText(total(figures.tx_bytes), language)),
          labels.perDay(bytesText(most, language)),
        ]),
  ].join(' · ');
}

/** Dates under a strip, at most eight, the first among them. */
function ticksOf(dates: readonly string[], step: number, language: DocumentLanguage): Strip['ticks'] {
  const every = Math.max(1, Math.ceil(dates.length / 8));
  return dates.flatMap((date, i) => (i % every === 0 ? [{ x: i * step, text: shortDate(date, language) }] : []));
}
