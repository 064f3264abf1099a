/** The names in a request's frames, by the partition that their VM belongs to. */
import { frameBytes, frameHash, frameNames, frameView } from '../../kernel/frames.ts';
import { partitionOf } from '../../samples/vm-hash.ts';
import type { Names } from '../names/names.ts';

/** At most so many names, by partition: as if every sample named a VM and an interface of its own. */
export function namesAtMost(frames: Uint8Array, partitions: number): Map<number, Names> {
  const view = frameView(frames);
  const counts = new Map<number, number>();
  for (let at = 0; at < view.length; at += frameBytes(view, at)) {
    const partition = partitionOf(frameHash(view, at), partitions);
    counts.set(partition, (counts.get(partition) ?? 0) + 1);
  }
  return new Map([...counts].map(([partition, n]) => [partition, { vms: n, nics: 2 * n }]));
}

/** The interfaces of each VM. */
export type Named = Map<string, Set<string>>;

export function namesIn(frames: Uint8Array, partitions: number): Map<number, Named> {
  const view = frameView(frames);
  const byPartition = new Map<number, Named>();
  for (let at = 0; at < view.length; at += frameBytes(view, at)) {
    const partition = partitionOf(frameHash(view, at), partitions);
    const { vm, ...chain } = frameNames(view, at);
    const named: Named = byPartition.get(partition) ?? new Map<string, Set<string>>();
    byPartition.set(partition, named);
    const nics = named.get(vm) ?? new Set<string>();
    named.set(vm, nics);
    for (const name of chainNames(chain)) nics.add(name);
  }
  return byPartition;
}

/** The names that take a place: that of an interface, or two of what counts by host or half, which has a place for telling them. */
export function chainNames({
  nic,
  host,
  part,
}: {
  readonly nic: string;
  readonly host: string;
  readonly part: number;
}): string[] {
  if (host === '' && part === 0) return [nic];
  const name = `${nic} ${host} ${part}`;
  return [name, `${name} `];
}

/** What an interface is called among names: no name holds a blank. */
export function nicKey(vm: string, nic: string): string {
  return `${vm} ${nic}`;
}
