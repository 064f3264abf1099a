/** Work on many VMs in groups, a few at once. */
import { MINUTE_MS } from './model/timeline.ts';
import type { VmSeen } from './answers.ts';
import type { RowStream } from './reader.ts';

/** The most that one request may name. */
const GROUP_VMS_MAX = 40;

/** VMs by name, in groups of which no table has more rows than a page; a VM that alone has more is a group of its own. */
export async function* groupsOf(
  seen: RowStream<VmSeen>,
  picks: ((vm: string) => boolean) | null,
  stableMs: number,
  pageRows: number,
  fromMs = 0,
): AsyncGenerator<VmSeen[]> {
  let group: VmSeen[] = [];
  let groupRows = 0;
  for (let each = await seen.next(); each !== undefined; each = await seen.next()) {
    if (picks?.(each.vm) === false) continue;
    const rows = rowsOf(each, stableMs) * shareFrom(each, stableMs, fromMs);
    if (group.length > 0 && (group.length === GROUP_VMS_MAX || groupRows + rows > pageRows)) {
      yield group;
      group = [];
      groupRows = 0;
    }
    group.push(each);
    groupRows += rows;
  }
  if (group.length > 0) yield group;
}

/** When the first of what is stored of a VM is of; Infinity if nothing is. */
export function firstOf({ first_sample, first_minute }: VmSeen): number {
  return Math.min(first_sample ?? Infinity, first_minute ?? Infinity);
}

/** About how many rows the largest table has of a VM. */
export function rowsOf(seen: VmSeen, stableMs: number): number {
  const minutes = (Math.max(seen.last_sample ?? 0, stableMs) - firstOf(seen)) / MINUTE_MS;
  return Math.max(0, seen.samples, minutes);
}

/** Which part of a VM's rows lies after an instant, as if they were spread evenly. */
function shareFrom(seen: VmSeen, stableMs: number, fromMs: number): number {
  const [firstMs, endMs] = [firstOf(seen), Math.max(seen.last_sample ?? 0, stableMs)];
  return fromMs <= firstMs ? 1 : Math.max(0, Math.min(1, (endMs - fromMs) / (endMs - firstMs)));
}

/**
 * Does the work for each of the items, for so many at once, and gives the results in their order. Where nobody wants the rest any more,
 * `signal` ends what has been begun.
 */
export async function* inTurn<Item, Result>(
  items: AsyncIterable<Item>,
  atOnce: number,
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
): AsyncGenerator<Result> {
  const ended = new AbortController();
  const begun: Promise<Result>[] = [];
  try {
    for await (const item of items) {
      const result = work(item, ended.signal);
      // A failure is thrown when its turn comes.
      result.catch(() => undefined);
      begun.push(result);
      const first = begun.length < atOnce ? undefined : begun.shift();
      if (first !== undefined) yield await first;
    }
    for (const result of begun) yield await result;
  } finally {
    ended.abort();
    await Promise.allSettled(begun);
  }
}
