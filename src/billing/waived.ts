import type { Catalog } from '../catalog/catalog.ts';
import { minuteFrom, type Segment } from '../rating/served.ts';

/**
 * A service without the time of which all that was paid went back: that is not charged. The event of the refund says which time, also where somebody
 * withdrew it: what was granted stands.
 */
export function withoutWaived(catalog: Catalog, vm: string, segments: readonly Segment[]): Segment[] {
  let left = [...segments];
  for (const { fromMs, toMs } of waivedOf(catalog, vm)) {
    const [from, to] = [minuteFrom(fromMs), minuteFrom(toMs)];
    left = left.flatMap((segment) => {
      const before = { ...segment, toMinute: Math.min(segment.toMinute, from) };
      const after = { ...segment, fromMinute: Math.max(segment.fromMinute, to) };
      return [before, after].filter((each) => each.fromMinute < each.toMinute);
    });
  }
  return left;
}

/** Time of a VM that is not charged. */
export function waivedOf(catalog: Catalog, vm: string): { fromMs: number; toMs: number }[] {
  return catalog.events
    .allOf(vm)
    .flatMap(({ body: { kind, from, to } }) =>
      kind !== 'refund' || from === undefined || to === undefined ? [] : [{ fromMs: from, toMs: to }],
    );
}

/** Whether a VM's service at an instant is not charged. */
export function isWaived(catalog: Catalog, vm: string, atMs: number): boolean {
  return waivedOf(catalog, vm).some(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs);
}
