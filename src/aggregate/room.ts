/** How many VMs and interfaces a kernel has room for, and how many names in frames it has not seen: asked only when the room is nearly used up. */
import { frameBytes, frameNames, frameView } from '../kernel/frames.ts';
import type { Capacity, Kernel } from '../kernel/kernel.ts';
import { findVm } from './pricing.ts';
import { chainKey } from './tables.ts';
import { nicsOf } from './vm-state.ts';

const PLANS_MAX = 10_000;

export function capacityOf(vmsMax: number, nicsMax: number): Capacity {
  return {
    vms: vmsMax,
    nics: nicsMax,
    plans: PLANS_MAX,
    phases: 4 * vmsMax + 1000,
    inputBytes: 17 * 1024 * 1024,
    framesBytes: 64,
    outputBytes: 8 * 1024 * 1024,
  };
}

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
    const { vm, ...chain } = frameNames(view, at);
    const key = chainKey(chain);
    if (!known.has(vm)) {
      const slot = findVm(kernel, vm);
      known.set(vm, slot === undefined ? undefined : new Set(nicsOf(kernel, slot).map((each) => each.key)));
    }
    const own = known.get(vm);
    if (own === undefined) vms.add(vm);
    if (own?.has(key) === true) continue;
    nics.add(`${vm} ${key}`);
    // what tells the host or half has a place of its own
    if (key !== chain.nic) nics.add(`${vm} ${key} `);
  }
}
