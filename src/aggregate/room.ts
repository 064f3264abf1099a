/** How many names in a request's frames the kernel has not seen: asked only when the capacity is nearly used up. */
import { frameBytes, frameNames, frameView } from '../kernel/frames.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { findVm } from './pricing.ts';
import { nicsOf } from './vm-state.ts';

export interface NewNames {
  readonly vms: number;
  readonly nics: number;
}

export function countNew(kernel: Kernel, ...requests: readonly Uint8Array[]): NewNames {
  const names: Names = { vms: new Set(), nics: new Set(), known: new Map() };
  for (const frames of requests) addNew(kernel, frames, names);
  return { vms: names.vms.size, nics: names.nics.size };
}

interface Names {
  readonly vms: Set<string>;
  readonly nics: Set<string>;
  readonly known: Map<string, ReadonlySet<string> | undefined>;
}

function addNew(kernel: Kernel, frames: Uint8Array, { vms, nics, known }: Names): void {
  const view = frameView(frames);
  for (let at = 0; at < view.length; at += frameBytes(view, at)) {
    const { vm, nic } = frameNames(view, at);
    if (!known.has(vm)) {
      const slot = findVm(kernel, vm);
      known.set(vm, slot === undefined ? undefined : new Set(nicsOf(kernel, slot).map((each) => each.name)));
    }
    const own = known.get(vm);
    if (own === undefined) vms.add(vm);
    if (own?.has(nic) !== true) nics.add(`${vm} ${nic}`);
  }
}
