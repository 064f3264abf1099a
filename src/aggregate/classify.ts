/**
 * Samples that the live path put aside, before anything is repaired: which of them are new, which repeat what is there, which contradict it. The
 * new ones are archived at once; what they do to rows is the backlog's.
 */
import type { Kernel } from '../kernel/kernel.ts';
import type { Store } from '../store/store.ts';
import { versionsOf } from './archive.ts';
import type { Backlog } from './backlog.ts';
import type { LateSample } from './late.ts';
import { STRUCTURES, type StoredSample, chainKey, conflictRow, sameContent, sampleRow } from './tables.ts';
import { lastTsMs, release } from './vm-state.ts';

export interface Classified {
  readonly duplicates: number;
  readonly conflicts: number;
}

/** Archives what is new among the late samples of a step, and has their VMs wait for repair. @param upTo the step's end */
export async function takeInLate(
  { live, store, backlog }: { readonly live: Kernel; readonly store: Store; readonly backlog: Backlog },
  late: readonly LateSample[],
  upTo: bigint,
): Promise<Classified> {
  const { fresh, conflicts, duplicates } = classify(late, await versionsOf(store, inOrder(late), upTo));
  await store.insertRowBinary('samples', STRUCTURES.full, fresh.map(sampleRow));
  await store.insertRowBinary(
    'anomalies',
    STRUCTURES.anomalies,
    conflicts.map(([replaced, by]) => conflictRow(replaced, by)),
  );
  for (const sample of fresh) backlog.add(sample, lastTsMs(live, sample.vmSlot) ?? sample.tsMs);
  for (const { vm, vmSlot } of late) if (!backlog.has(vm)) release(live, vmSlot);
  return { duplicates, conflicts: conflicts.length };
}

/** By VM, as the archive lies. */
export function inOrder<T extends { readonly vm: string }>(some: readonly T[]): T[] {
  return [...some].sort((a, b) => (a.vm < b.vm ? -1 : Number(a.vm > b.vm)));
}

/** In the order of the log: a duplicate changes nothing, other content for the same identity replaces what was there. */
function classify(late: readonly LateSample[], archived: readonly StoredSample[]) {
  const key = (s: StoredSample): string => `${s.vm}\n${chainKey(s)}\n${s.tsMs}`;
  const versions = new Map<string, StoredSample[]>();
  for (const version of archived) versions.set(key(version), [...(versions.get(key(version)) ?? []), version]);
  const inForce = new Map<string, StoredSample>();
  const fresh: LateSample[] = [];
  const conflicts: [StoredSample, StoredSample][] = [];
  let duplicates = 0;
  for (const sample of late) {
    const id = key(sample);
    const before = inForce.get(id) ?? versions.get(id)?.findLast((version) => version.pos < sample.pos);
    if (before !== undefined && sameContent(before, sample)) {
      duplicates++;
      continue;
    }
    if (before !== undefined) conflicts.push([before, sample]);
    fresh.push(sample);
    inForce.set(id, sample);
  }
  return { fresh, conflicts, duplicates };
}
