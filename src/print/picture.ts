import type { ShownDays, ShownVmDays } from './invoice-shape.ts';
import { type Ink, type Strip, type StripSize, stripOf, total, unmeteredOf, type VmFigures } from './strip.ts';
import type { Labels } from './words/labels.ts';
import type { Words } from './words/words.ts';

/** VMs that are drawn singly at most: more would be read by nobody. */
export const STRIPS_MAX = 60;
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

export interface Picture {
  account: Strip;
  vms: readonly Strip[];
  /** What was left out, in words. */
  note: string | null;
}

/** The pictures of an invoice's days; null where it has none. */
export function pictureOf(
  days: ShownDays | undefined,
  sizes: { account: StripSize; vm: StripSize },
  words: Words,
): Picture | null {
  if (days === undefined || days.vms.length === 0 || days.dates.length === 0) return null;
  const { dates, vms } = days;
  const name = words.labels.allVms(vms.length);
  const account = stripOf({ name, days: sumOf(vms, dates.length), vms: vms.length, dates }, sizes.account, words);
  const [only] = vms;
  if (vms.length === 1 && only !== undefined) return { account: { ...account, name: only.vm }, vms: [], note: null };
  const shown = vms.length <= STRIPS_MAX ? vms : worst(vms);
  return {
    account,
    vms: shown.map((vm) => stripOf({ name: vm.vm, days: vm, vms: 1, dates }, sizes.vm, words)),
    note: shown.length < vms.length ? words.labels.some(shown.length, vms.length) : null,
  };
}

function worst(vms: readonly ShownVmDays[]): readonly ShownVmDays[] {
  const ranked = vms
    .map((vm) => ({ vm, notUp: notUpMs(vm), bytes: total(vm.rx_bytes) + total(vm.tx_bytes) }))
    .sort((a, b) => b.notUp - a.notUp || b.bytes - a.bytes || (a.vm.vm < b.vm.vm ? -1 : 1));
  const chosen = new Set(ranked.slice(0, STRIPS_MAX).map(({ vm }) => vm));
  return vms.filter((vm) => chosen.has(vm));
}

/** What was not up, or not known to be. */
function notUpMs(vm: ShownVmDays): number {
  const unmetered = vm.up_ms.reduce((sum, _, day) => sum + unmeteredOf(vm, day), 0);
  return Object.values(vm.not_up_ms).reduce((sum, column) => sum + total(column), unmetered);
}

function sumOf(vms: readonly ShownVmDays[], days: number): VmFigures {
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
