/** What a kernel knows of one VM and its interfaces, read from and written to its records. */
import { MINUTE_MS } from '../domain/zone.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { FLAG_AHEAD, FLAG_DOUBTS, FLAG_HOLDS, FLAG_REPAIR, FLAG_SILENT, FLAG_UNTOLD, LAYOUT as L } from '../kernel/layout.ts';
import { writeName } from './pricing.ts';
import { type Chain, chainKey } from './tables.ts';

export interface NicState extends Chain {
  readonly address: number;
  /** `chainKey` */
  readonly key: string;
  readonly firstTsMs: number;
  /** the last sample with counters; undefined before the first */
  readonly baseTsMs: number | undefined;
}

const NEVER = -(2n ** 63n);

/** The address of a VM's record. */
export function vmAddress(kernel: Kernel, slot: number): number {
  return kernel.u32(L.H_VM_RECORDS) + slot * L.VM_SIZE;
}

/** The address of what is seldom asked of a VM. */
export function coldAddress(kernel: Kernel, slot: number): number {
  return kernel.u32(L.H_VM_COLD) + slot * L.COLD_SIZE;
}

function instant(kernel: Kernel, address: number): number | undefined {
  const value = kernel.i64(address);
  return value === NEVER ? undefined : Number(value);
}

/** The VM's first sample that says a state; undefined before it. */
export function firstTsMs(kernel: Kernel, slot: number): number | undefined {
  return instant(kernel, coldAddress(kernel, slot) + L.COLD_FIRST_TS);
}

/** The name of the VM in a slot. */
export function vmName(kernel: Kernel, slot: number): string {
  const vm = vmAddress(kernel, slot);
  const length = kernel.bytes[vm + L.VM_NAME_LENGTH] ?? 0;
  const at = length <= L.VM_INLINE_MAX ? vm + L.VM_NAMES : kernel.u32(coldAddress(kernel, slot) + L.COLD_NAME);
  return kernel.bytes.toString('latin1', at, at + length);
}

/** The VM's chains. */
export function nicsOf(kernel: Kernel, slot: number): NicState[] {
  const nics: NicState[] = [];
  let next = kernel.u32(vmAddress(kernel, slot) + L.VM_NIC);
  while (next !== 0) {
    const address = kernel.u32(L.H_NIC_RECORDS) + (next - 1) * L.NIC_SIZE;
    const chain = chainAt(kernel, address);
    nics.push({
      address,
      ...chain,
      key: chainKey(chain),
      firstTsMs: Number(kernel.i64(address + L.NIC_FIRST_TS)),
      baseTsMs: instant(kernel, address + L.NIC_BASE_TS),
    });
    next = kernel.u32(address + L.NIC_NEXT);
  }
  return nics;
}

/** Has an interface of the VM several chains? */
export function hasSiblings(kernel: Kernel, slot: number): boolean {
  const nics = nicsOf(kernel, slot).map(({ nic }) => nic);
  return new Set(nics).size < nics.length;
}

function chainAt(kernel: Kernel, address: number): Chain {
  const text = (at: number, length: number): string => kernel.bytes.toString('latin1', at, at + length);
  const told = kernel.bytes[address + L.NIC_NAME_LENGTH] ?? 0;
  const nic = text(address + L.NIC_NAME, told & ~L.NIC_TOLD);
  if ((told & L.NIC_TOLD) === 0) return { nic, host: '', part: 0 };
  const telling = address + L.NIC_SIZE;
  const host = text(telling + L.CHAIN_HOST, kernel.bytes[telling + L.CHAIN_HOST_LENGTH] ?? 0);
  return { nic, host, part: kernel.bytes[telling + L.CHAIN_PART] ?? 0 };
}

/** Has a chain of the VM jumped and fallen, so that some of its samples may be slips? */
export function mayHaveSlips(kernel: Kernel, slot: number): boolean {
  return nicsOf(kernel, slot).some(({ address }) => hasSwung(kernel.bytes[address + L.NIC_JUMPED]));
}

function hasSwung(jumped = 0): boolean {
  return (jumped & L.NIC_HAS_JUMPED) !== 0 && (jumped & L.NIC_HAS_FALLEN) !== 0;
}

/** Takes in what a repair saw of jumps and falls. Whether a chain may have slips of which nothing was known. */
export function seeJumps(live: Kernel, slot: number, repaired: Kernel, repairedSlot: number): boolean {
  let isNews = false;
  for (const nic of nicsOf(repaired, repairedSlot)) {
    const seen = repaired.bytes[nic.address + L.NIC_JUMPED] ?? 0;
    if (seen === 0) continue;
    const at = internChain(live, slot, nic) + L.NIC_JUMPED;
    const before = live.bytes[at] ?? 0;
    isNews ||= hasSwung(before | seen) && !hasSwung(before);
    setJumped(live, slot, at, before | seen);
  }
  return isNews;
}

/** A chain, if the kernel knows it, has jumped, and may have fallen. */
export function mayHaveSwung(live: Kernel, slot: number, chain: Chain): void {
  const key = chainKey(chain);
  for (const nic of nicsOf(live, slot))
    if (nic.key === key) setJumped(live, slot, nic.address + L.NIC_JUMPED, L.NIC_HAS_JUMPED | L.NIC_HAS_FALLEN);
}

function setJumped(live: Kernel, slot: number, at: number, jumped: number): void {
  live.bytes[at] = jumped;
  if ((jumped & L.NIC_HAS_JUMPED) === 0) return;
  const flags = vmAddress(live, slot) + L.VM_FLAGS;
  live.bytes[flags] = (live.bytes[flags] ?? 0) | FLAG_DOUBTS;
}

/** The address of a chain's record, made if it is new. */
function internChain(kernel: Kernel, slot: number, { nic, host, part }: Chain): number {
  return kernel.exports.internNic(slot, writeName(kernel, nic + host), nic.length, host.length, part) >>> 0;
}

/** The newest sample of the VM that says a state and has been taken in; undefined before the first. */
export function lastTsMs(kernel: Kernel, slot: number): number | undefined {
  return instant(kernel, vmAddress(kernel, slot) + L.VM_LAST_TS);
}

/** Has a sample of the VM said how long its state holds, or that it says none? */
export function holdsOtherwise(kernel: Kernel, slot: number): boolean {
  return ((kernel.bytes[vmAddress(kernel, slot) + L.VM_FLAGS] ?? 0) & FLAG_HOLDS) !== 0;
}

/** Of the VM's traffic the earliest minute that is not written out; Infinity: none. */
export function unwrittenMs(kernel: Kernel, slot: number): number {
  const open = nicsOf(kernel, slot).filter(({ address }) => kernel.bytes[address + L.NIC_DIRTY] === 1);
  return Math.min(Infinity, ...open.map(({ address }) => kernel.u32(address + L.NIC_SUM_MINUTE) * MINUTE_MS));
}

/** How long the newest state of the VM holds, in ms. */
export function holdMs(kernel: Kernel, slot: number, stalenessMs: number): number {
  if (!holdsOtherwise(kernel, slot)) return stalenessMs;
  const seconds = kernel.view.getUint16(coldAddress(kernel, slot) + L.COLD_HOLD, true);
  return seconds === 0 ? stalenessMs : seconds * 1000;
}

/** A VM's samples are put aside from now on. */
export function hold(kernel: Kernel, slot: number): void {
  const at = vmAddress(kernel, slot) + L.VM_FLAGS;
  kernel.bytes[at] = (kernel.bytes[at] ?? 0) | FLAG_REPAIR;
}

/** A VM that waits for repair but needs none (every sample that waited was a duplicate) goes on as it was. */
export function release(kernel: Kernel, slot: number): void {
  const at = vmAddress(kernel, slot) + L.VM_FLAGS;
  kernel.bytes[at] = (kernel.bytes[at] ?? 0) & ~FLAG_REPAIR;
}

/**
 * Copies what a repair found out about a VM into the live kernel; the next settling publishes for it.
 * @param readFromMs from where on the repair has read every sample of the VM
 */
export function install(live: Kernel, slot: number, repaired: Kernel, repairedSlot: number, readFromMs: number): void {
  const to = vmAddress(live, slot);
  const from = vmAddress(repaired, repairedSlot);
  const first = firstTsMs(live, slot);
  const before = live.bytes[to + L.VM_FLAGS] ?? 0;
  const found = (repaired.bytes[from + L.VM_FLAGS] ?? 0) & (FLAG_AHEAD | FLAG_HOLDS | FLAG_UNTOLD);
  const flags = (before & ~(FLAG_REPAIR | FLAG_SILENT | FLAG_AHEAD | FLAG_UNTOLD)) | found;
  for (const [start, end] of DYNAMIC_VM) live.bytes.set(repaired.bytes.subarray(from + start, from + end), to + start);
  live.bytes[to + L.VM_FLAGS] = flags;
  if (first === undefined && (before & FLAG_UNTOLD) === 0) live.setU32(L.H_VMS_SEEN, live.u32(L.H_VMS_SEEN) + 1);
  const repairedFirst = firstTsMs(repaired, repairedSlot);
  const earliest = Math.min(first ?? Infinity, repairedFirst ?? Infinity);
  if (earliest !== Infinity) live.setI64(coldAddress(live, slot) + L.COLD_FIRST_TS, BigInt(earliest));
  const hold = coldAddress(repaired, repairedSlot) + L.COLD_HOLD;
  live.bytes.set(repaired.bytes.subarray(hold, hold + 4), coldAddress(live, slot) + L.COLD_HOLD);
  for (const nic of nicsOf(repaired, repairedSlot)) {
    const target = internChain(live, slot, nic);
    // one of which no counters were read again but those that it has keeps what it is, if they are from before; else a conflict took them away
    const baseTsMs = instant(live, target + L.NIC_BASE_TS);
    const keeps = baseTsMs !== undefined && baseTsMs < readFromMs && (nic.baseTsMs === undefined || nic.baseTsMs === baseTsMs);
    const fields = keeps ? LAST_OF_NIC : ALL_OF_NIC;
    for (const [start, end] of fields)
      live.bytes.set(repaired.bytes.subarray(nic.address + start, nic.address + end), target + start);
    if (nic.host !== '' || nic.part !== 0) installTelling(live, target, repaired, nic.address);
    if (repaired.bytes[nic.address + L.NIC_BORN] === 1)
      born(live, slot, target, repaired.i64(nic.address + L.NIC_SIZE + L.CHAIN_BORN_TS));
    const firstMs = Math.min(Number(live.i64(target + L.NIC_FIRST_TS)), nic.firstTsMs);
    live.setI64(target + L.NIC_FIRST_TS, BigInt(firstMs));
  }
  live.exports.touch(slot);
}

function installTelling(live: Kernel, to: number, repaired: Kernel, from: number): void {
  const at = L.NIC_SIZE + L.CHAIN_LAST_MORE;
  live.bytes.set(repaired.bytes.subarray(from + at, from + at + L.FRAME_MORE), to + at);
}

/** The first counters of the chain at this address said when they began. */
function born(live: Kernel, slot: number, address: number, ts: bigint): void {
  live.bytes[address + L.NIC_BORN] = 1;
  if (((live.bytes[address + L.NIC_NAME_LENGTH] ?? 0) & L.NIC_TOLD) !== 0)
    live.setI64(address + L.NIC_SIZE + L.CHAIN_BORN_TS, ts);
  const flags = vmAddress(live, slot) + L.VM_FLAGS;
  live.bytes[flags] = (live.bytes[flags] ?? 0) | FLAG_DOUBTS;
}

/** Takes in when a chain was first heard of. Whether its first counters said when they began is not read again: it is as if they were its last. */
export function beganAt(
  live: Kernel,
  slot: number,
  { firstMs, firstStateMs, ...chain }: Chain & { readonly firstMs: number; readonly firstStateMs: number | undefined },
): void {
  const target = internChain(live, slot, chain);
  const baseTs = live.i64(target + L.NIC_BASE_TS);
  if (baseTs !== NEVER && (chain.host !== '' || chain.part !== 0)) born(live, slot, target, baseTs);
  const earliest = (address: number, ms: number): void => {
    if (live.i64(address) > BigInt(ms)) live.setI64(address, BigInt(ms));
  };
  earliest(target + L.NIC_FIRST_TS, firstMs);
  if (firstStateMs !== undefined) earliest(coldAddress(live, slot) + L.COLD_FIRST_TS, firstStateMs);
}

// the stretches of a VM's record that say where it stands (assembly/layout.ts draws them); name, interfaces and plans stay
const DYNAMIC_VM: readonly (readonly [number, number])[] = [
  [L.VM_LAST_TS, L.VM_LAST_TS + 8],
  [L.VM_RUN_START, L.VM_RUN_START + 8],
  [L.VM_MINUTE, L.VM_MINUTE + 4],
  [L.VM_CONDITION, L.VM_CONDITION + 1],
  [L.VM_PARTS, L.VM_PARTS + 18],
  [L.VM_PREVIOUS_CONDITION, L.VM_PREVIOUS_CONDITION + 1],
  [L.VM_PUBLISHED, L.VM_PUBLISHED + 4],
  [L.VM_PREVIOUS_TS, L.VM_PREVIOUS_TS + 8],
  [L.VM_PREVIOUS_RUN, L.VM_PREVIOUS_RUN + 8],
];

const LAST_OF_NIC: readonly (readonly [number, number])[] = [
  [0, 8], // last ts
  [56, 62], // epoch, condition and counters of the last sample
];
const ALL_OF_NIC: readonly (readonly [number, number])[] = [
  [0, 63], // and base, sums, dirty
  [104, 105], // condition of the base
];
