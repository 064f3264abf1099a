/**
 * A copy of the kernel's state: the stretches in use, one after the other, in the order and with the lengths that the header tells. The
 * tables of names are left out: they follow from the records. Loading wants a kernel of the same layout and capacity.
 */
import type { Kernel } from './kernel.ts';
import { LAYOUT as L } from './layout.ts';

/** The stretches of memory that hold state, as the header now says. */
function stretches(kernel: Kernel): [start: number, length: number][] {
  const u32 = (field: number): number => kernel.u32(field);
  return [
    [L.HEADER, L.HEADER_SIZE],
    [u32(L.H_VM_RECORDS), u32(L.H_VMS) * L.VM_SIZE],
    [u32(L.H_VM_COLD), u32(L.H_VMS) * L.COLD_SIZE],
    [u32(L.H_NIC_RECORDS), u32(L.H_NICS) * L.NIC_SIZE],
    [u32(L.H_NAMES), u32(L.H_NAMES_END) - u32(L.H_NAMES)],
    [u32(L.H_PLANS), kernel.capacity.plans * L.PLAN_SIZE],
    [u32(L.H_ZONES), u32(L.H_ZONES_END) - u32(L.H_ZONES)],
    [u32(L.H_PHASES), u32(L.H_PHASES_USED) * L.PHASE_SIZE],
  ];
}

/** The state in one piece. Take it between steps: outputs drained, nothing half done. */
export function takeSnapshot(kernel: Kernel): Uint8Array {
  const parts = stretches(kernel);
  const snapshot = new Uint8Array(parts.reduce((sum, [, length]) => sum + length, 0));
  let at = 0;
  for (const [start, length] of parts) {
    snapshot.set(kernel.bytes.subarray(start, start + length), at);
    at += length;
  }
  return snapshot;
}

/**
 * Puts a snapshot into a fresh kernel.
 * @returns false, with the kernel as it was, when the snapshot is of another capacity or does not add up
 */
export function loadSnapshot(kernel: Kernel, snapshot: Uint8Array): boolean {
  if (snapshot.length < L.HEADER_SIZE) return false;
  const own = new Uint8Array(kernel.bytes.subarray(L.HEADER, L.HEADER + L.HEADER_SIZE));
  kernel.bytes.set(snapshot.subarray(0, L.HEADER_SIZE), L.HEADER);
  // buffers hold no state: where they are is this kernel's own, which may have more of them than the one that wrote the snapshot
  for (const [from, until] of BUFFERS) kernel.bytes.set(own.subarray(from - L.HEADER, until - L.HEADER), from);
  const placesAgree = PLACES.every((field) => kernel.u32(field) === new DataView(own.buffer).getUint32(field - L.HEADER, true));
  const parts = placesAgree ? stretches(kernel) : [];
  if (parts.reduce((sum, [, length]) => sum + length, 0) !== snapshot.length) {
    kernel.bytes.set(own, L.HEADER);
    return false;
  }
  let at = 0;
  for (const [start, length] of parts) {
    kernel.bytes.set(snapshot.subarray(at, at + length), start);
    at += length;
  }
  kernel.exports.reindex();
  return true;
}

/** Where the header says where buffers are. */
const BUFFERS: readonly (readonly [number, number])[] = [
  [L.H_INPUT, L.H_TABLE + 4],
  [L.H_OUT, L.H_ACCEPTED],
];

const PLACES = [
  L.H_MAX_VMS,
  L.H_MAX_NICS,
  L.H_VM_RECORDS,
  L.H_VM_COLD,
  L.H_NIC_RECORDS,
  L.H_VM_TABLE,
  L.H_NIC_TABLE,
  L.H_NAMES,
  L.H_PLANS,
  L.H_ZONES,
  L.H_PHASES,
  L.H_TOUCHED,
  L.H_STATE_END,
];
