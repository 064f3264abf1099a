/** How many names in a request's frames the kernel has not seen: asked only when the capacity is nearly used up. */
import type { Kernel } from '../kernel/kernel.ts';
import { LAYOUT as L } from '../kernel/layout.ts';
import { findVm } from './pricing.ts';
import { nicsOf } from './vm-state.ts';

export interface NewNames {
  readonly vms: number;
  readonly nics: number;
}

export function countNew(kernel: Kernel, frames: Uint8Array): NewNames {
  const view = Buffer.from(frames.buffer, frames.byteOffset, frames.byteLength);
  const vms = new Set<string>();
  const nics = new Set<string>();
  const known = new Map<string, ReadonlySet<string> | undefined>();
  for (let at = 0; at < view.length; at += view.readUInt16LE(at)) {
    const vmLength = view.readUInt8(at + L.FRAME_VM_LENGTH);
    const names = at + L.FRAME_HEAD;
    const vm = view.toString('latin1', names, names + vmLength);
    const nic = view.toString('latin1', names + vmLength, names + vmLength + view.readUInt8(at + L.FRAME_NIC_LENGTH));
    if (!known.has(vm)) {
      const slot = findVm(kernel, vm);
      known.set(vm, slot === undefined ? undefined : new Set(nicsOf(kernel, slot).map((each) => each.name)));
    }
    const own = known.get(vm);
    if (own === undefined) vms.add(vm);
    if (own?.has(nic) !== true) nics.add(`${vm} ${nic}`);
  }
  return { vms: vms.size, nics: nics.size };
}
