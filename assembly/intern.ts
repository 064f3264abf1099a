/**
 * Names → slots. Two open-addressing tables of (u32 hash, u32 slot + 1), at most half full, linear probing. Slots are given in the
 * order of first appearance, and given back together when names are forgotten (`forget`). A full table is a broken invariant: the door asks for room before it lets names in.
 */
import {
  CHAIN_BORN_TS,
  CHAIN_HOST,
  CHAIN_HOST_LENGTH,
  CHAIN_PART,
  COLD_FIRST_TS,
  COLD_NAME,
  COLD_SIZE,
  FRAME_HEAD,
  FRAME_MORE,
  FRAME_MORE_HOST,
  FRAME_MORE_SAYS,
  FRAME_NIC_LENGTH,
  FRAME_SIZE,
  FRAME_VM_LENGTH,
  H_MAX_NICS,
  H_MAX_VMS,
  H_NAMES_END,
  H_NICS,
  H_NIC_MASK,
  H_NIC_RECORDS,
  H_NIC_TABLE,
  H_VMS,
  H_VM_COLD,
  H_VM_MASK,
  H_VM_RECORDS,
  H_VM_TABLE,
  NIC_BASE_TS,
  NIC_FIRST_TS,
  NIC_HASH,
  NIC_LAST_TS,
  NIC_NAME,
  NIC_NAME_LENGTH,
  NIC_NEXT,
  NIC_PLACE,
  NIC_SIZE,
  NIC_TOLD,
  NIC_VM,
  VM_HASH,
  VM_HEAD,
  VM_INLINE_MAX,
  VM_LAST_TS,
  VM_NAMES,
  VM_NAME_LENGTH,
  VM_NIC,
  VM_NIC_COUNT,
  VM_NIC_LENGTH,
  VM_PREVIOUS_TS,
  VM_SIZE,
} from './layout';
import { hashName } from './text';

/** No instant yet. */
export const NEVER: i64 = i64.MIN_VALUE;

/** Do two names of one length agree? Sixteen bytes at a time; what follows a name is looked at and does not count. */
// @ts-ignore: decorator
@inline
function sameName(a: usize, b: usize, length: u32): bool {
  while (true) {
    let different = i8x16.bitmask(i8x16.eq(v128.load(a), v128.load(b))) ^ 0xffff;
    if (length < 16) different &= (1 << length) - 1;
    if (different != 0) return false;
    if (length <= 16) return true;
    a += 16;
    b += 16;
    length -= 16;
  }
}

// @ts-ignore: decorator
@inline
export function nameOfVm(vm: usize): usize {
  return load<u8>(vm + VM_NAME_LENGTH) <= <u8>VM_INLINE_MAX ? vm + VM_NAMES : <usize>load<u32>(coldOf(vm) + COLD_NAME);
}

/** What is seldom asked of a VM lies apart. */
// @ts-ignore: decorator
@inline
export function coldOf(vm: usize): usize {
  return <usize>load<u32>(H_VM_COLD) + (vm - <usize>load<u32>(H_VM_RECORDS)) / VM_SIZE * COLD_SIZE;
}

// @ts-ignore: decorator
@inline
export function vmAt(slot: u32): usize {
  return <usize>load<u32>(H_VM_RECORDS) + <usize>slot * VM_SIZE;
}

// @ts-ignore: decorator
@inline
export function nicAt(slot: u32): usize {
  return <usize>load<u32>(H_NIC_RECORDS) + <usize>slot * NIC_SIZE;
}

// @ts-ignore: decorator
@inline
export function slotOfVm(vm: usize): u32 {
  return <u32>((vm - <usize>load<u32>(H_VM_RECORDS)) / VM_SIZE);
}

/** The record of a VM, 0 if it is not known; `place` is then where its entry goes. */
let place: usize = 0;

/** Where the search for a VM begins. The lowest bit of a hash is always set and says nothing. */
// @ts-ignore: decorator
@inline
export function firstPlaceOfVm(hash: u32): u32 {
  return hash >> 1 & load<u32>(H_VM_MASK);
}

// @ts-ignore: decorator
@inline
function lookUp(name: usize, length: u32, hash: u32): usize {
  const table = <usize>load<u32>(H_VM_TABLE);
  const mask = load<u32>(H_VM_MASK);
  let i = firstPlaceOfVm(hash);
  while (true) {
    place = table + (<usize>i << 3);
    const entry = load<u64>(place);
    if (entry == 0) return 0;
    if (<u32>entry == hash) {
      const vm = vmAt(<u32>(entry >> 32) - 1);
      if (load<u8>(vm + VM_NAME_LENGTH) == <u8>length && sameName(nameOfVm(vm), name, length)) return vm;
    }
    i = (i + 1) & mask;
  }
}

/**
 * The record of a VM, made if it is new. Agents send their VMs in one order every time, so the one after the last is looked at first: a hit
 * spares the table, whose entries lie scattered. (Past the last record there are zeros, and no hash is zero.)
 */
// @ts-ignore: decorator
@inline
export function vmAfter(previous: usize, name: usize, length: u32, hash: u32): usize {
  const next = previous + VM_SIZE;
  if (load<u32>(next + VM_HASH) == hash && load<u8>(next + VM_NAME_LENGTH) == <u8>length && sameName(nameOfVm(next), name, length)) {
    return next;
  }
  return vmOf(name, length, hash);
}

/** The record of a VM, made if it is new. */
export function vmOf(name: usize, length: u32, hash: u32): usize {
  const known = lookUp(name, length, hash);
  return known != 0 ? known : newVm(name, length, hash);
}

function newVm(name: usize, length: u32, hash: u32): usize {
  const slot = load<u32>(H_VMS);
  if (slot == load<u32>(H_MAX_VMS)) unreachable();
  store<u32>(H_VMS, slot + 1);
  store<u64>(place, <u64>hash | <u64>(slot + 1) << 32);
  const vm = vmAt(slot);
  store<u32>(vm + VM_HASH, hash);
  store<u8>(vm + VM_NAME_LENGTH, <u8>length);
  if (length <= VM_INLINE_MAX) memory.copy(vm + VM_NAMES, name, length);
  else {
    const at = load<u32>(H_NAMES_END);
    memory.copy(at, name, length);
    store<u32>(coldOf(vm) + COLD_NAME, at);
    store<u32>(H_NAMES_END, at + 64);
  }
  store<i64>(vm + VM_LAST_TS, NEVER);
  store<i64>(coldOf(vm) + COLD_FIRST_TS, NEVER);
  store<i64>(vm + VM_PREVIOUS_TS, NEVER);
  return vm;
}

/** The record of an interface of a VM, made if it is new. Most VMs have one, and it is looked at first. */
// @ts-ignore: decorator
@inline
export function nicOf(vm: usize, name: usize, length: u32): usize {
  const newest = load<u32>(vm + VM_NIC);
  if (newest != 0) {
    const nic = nicAt(newest - 1);
    if (load<u8>(nic + NIC_NAME_LENGTH) == <u8>length && sameName(nic + NIC_NAME, name, length)) return nic;
  }
  return otherNic(vm, name, length);
}

// @ts-ignore: decorator
@inline
function firstPlaceOfNic(hash: u32): u32 {
  return (hash ^ hash >> 15) & load<u32>(H_NIC_MASK);
}

/** What the table of interfaces goes by: the name, and the slot of the VM. */
// @ts-ignore: decorator
@inline
export function nicHash(name: usize, length: u32, vmSlot: u32): u32 {
  return (hashName(name, length) ^ (vmSlot * 0x9e3779b1)) | 1;
}

function otherNic(vm: usize, name: usize, length: u32): usize {
  const vmSlot = slotOfVm(vm);
  const hash = nicHash(name, length, vmSlot);
  const table = <usize>load<u32>(H_NIC_TABLE);
  const mask = load<u32>(H_NIC_MASK);
  let i = firstPlaceOfNic(hash);
  let at: usize;
  while (true) {
    at = table + (<usize>i << 3);
    const entry = load<u64>(at);
    if (entry == 0) break;
    if (<u32>entry == hash) {
      const nic = nicAt(<u32>(entry >> 32) - 1);
      if (load<u32>(nic + NIC_VM) == vmSlot && load<u8>(nic + NIC_NAME_LENGTH) == <u8>length && sameName(nic + NIC_NAME, name, length))
        return nic;
    }
    i = (i + 1) & mask;
  }
  const nic = newNic(vm, vmSlot, name, length, hash, at, 1);
  pair(vm, name, length);
  return nic;
}

/** The slot after that of a chain of a host or half. */
// @ts-ignore: decorator
@inline
export function tellingOf(nic: usize): usize {
  return nic + NIC_SIZE;
}

/** Is it a chain of a host or half, and not the interface as such? */
// @ts-ignore: decorator
@inline
export function isTold(nic: usize): bool {
  return (load<u8>(nic + NIC_NAME_LENGTH) & NIC_TOLD) != 0;
}

/** The length of the interface's name. */
// @ts-ignore: decorator
@inline
export function nicNameLength(nic: usize): u32 {
  return load<u8>(nic + NIC_NAME_LENGTH) & ~NIC_TOLD;
}

/** Are both of one interface of one VM, or the same? */
export function isSibling(nic: usize, other: usize): bool {
  const length = nicNameLength(nic);
  return length == nicNameLength(other) && sameName(nic + NIC_NAME, other + NIC_NAME, length);
}

/** What the table of interfaces goes by for a chain of a host or half. */
export function chainHash(name: usize, length: u32, host: usize, hostLength: u32, part: u32, vmSlot: u32): u32 {
  return nicHash(name, length, vmSlot) ^ (hashName(host, hostLength) * 0x85ebca6b) ^ (part * 0xc2b2ae35 & 0xfffffffe) | 1;
}

function isChain(nic: usize, name: usize, length: u32, host: usize, hostLength: u32, part: u32): bool {
  if (load<u8>(nic + NIC_NAME_LENGTH) != <u8>(length | NIC_TOLD) || !sameName(nic + NIC_NAME, name, length)) return false;
  const telling = tellingOf(nic);
  if (load<u8>(telling + CHAIN_PART) != <u8>part || load<u8>(telling + CHAIN_HOST_LENGTH) != <u8>hostLength) return false;
  return sameName(telling + CHAIN_HOST, host, hostLength);
}

/** The record of what a frame that says more counts, made if it is new. */
export function chainOf(vm: usize, frame: usize): usize {
  const more = frame + load<u16>(frame + FRAME_SIZE) - FRAME_MORE;
  const name = frame + FRAME_HEAD + load<u8>(frame + FRAME_VM_LENGTH);
  const length = <u32>load<u8>(frame + FRAME_NIC_LENGTH);
  const part = <u32>load<u8>(more + FRAME_MORE_SAYS) >> 1 & 3;
  const hostLength = <u32>load<u8>(more + FRAME_MORE_HOST);
  return chainNamed(vm, name, length, name + length, hostLength, part);
}

function chainNamed(vm: usize, name: usize, length: u32, host: usize, hostLength: u32, part: u32): usize {
  if ((part | hostLength) == 0) return nicOf(vm, name, length);
  const newest = load<u32>(vm + VM_NIC);
  if (newest != 0) {
    const nic = nicAt(newest - 1);
    if (isChain(nic, name, length, host, hostLength, part)) return nic;
  }
  const vmSlot = slotOfVm(vm);
  const hash = chainHash(name, length, host, hostLength, part, vmSlot);
  const table = <usize>load<u32>(H_NIC_TABLE);
  const mask = load<u32>(H_NIC_MASK);
  let i = firstPlaceOfNic(hash);
  let at: usize;
  while (true) {
    at = table + (<usize>i << 3);
    const entry = load<u64>(at);
    if (entry == 0) break;
    if (<u32>entry == hash) {
      const nic = nicAt(<u32>(entry >> 32) - 1);
      if (load<u32>(nic + NIC_VM) == vmSlot && isChain(nic, name, length, host, hostLength, part)) return nic;
    }
    i = (i + 1) & mask;
  }
  const nic = newNic(vm, vmSlot, name, length, hash, at, 2);
  store<u8>(nic + NIC_NAME_LENGTH, <u8>(length | NIC_TOLD));
  const telling = tellingOf(nic);
  store<u32>(telling + NIC_VM, vmSlot);
  memory.copy(telling + CHAIN_HOST, host, hostLength);
  store<u8>(telling + CHAIN_HOST_LENGTH, <u8>hostLength);
  store<u8>(telling + CHAIN_PART, <u8>part);
  store<i64>(telling + CHAIN_BORN_TS, NEVER);
  // its samples are no usual ones
  store<u16>(vm + VM_HEAD, 0);
  return nic;
}

/** A new record at the end, of one slot or two, with its entry in the table. */
function newNic(vm: usize, vmSlot: u32, name: usize, length: u32, hash: u32, place: usize, slots: u32): usize {
  const slot = load<u32>(H_NICS);
  if (slot + slots > load<u32>(H_MAX_NICS)) unreachable();
  store<u32>(H_NICS, slot + slots);
  store<u64>(place, <u64>hash | <u64>(slot + 1) << 32);
  const nic = nicAt(slot);
  store<u8>(nic + NIC_NAME_LENGTH, <u8>length);
  memory.copy(nic + NIC_NAME, name, length);
  store<u32>(nic + NIC_VM, vmSlot);
  store<u32>(nic + NIC_HASH, hash);
  store<u32>(nic + NIC_PLACE, <u32>place);
  store<u32>(nic + NIC_NEXT, load<u32>(vm + VM_NIC));
  store<i64>(nic + NIC_LAST_TS, NEVER);
  store<i64>(nic + NIC_BASE_TS, NEVER);
  store<i64>(nic + NIC_FIRST_TS, i64.MAX_VALUE);
  store<u32>(vm + VM_NIC, slot + 1);
  const nics = load<u16>(vm + VM_NIC_COUNT);
  if (nics != 0xffff) store<u16>(vm + VM_NIC_COUNT, nics + 1);
  return nic;
}

/** Puts the newest interface's name beside the VM's, for `takeUsual`. */
function pair(vm: usize, nicName: usize, nicLength: u32): void {
  const vmLength = <u32>load<u8>(vm + VM_NAME_LENGTH);
  store<u16>(vm + VM_HEAD, 0);
  if (vmLength + nicLength > VM_INLINE_MAX) return;
  const end = vm + VM_NAMES + VM_INLINE_MAX;
  const at = vm + VM_NAMES + vmLength;
  memory.copy(at, nicName, nicLength);
  memory.fill(at + nicLength, 0, end - at - nicLength);
  store<u8>(vm + VM_NIC_LENGTH, <u8>nicLength);
  store<u16>(vm + VM_HEAD, <u16>((<u32>FRAME_HEAD + vmLength + nicLength + 7) & ~7));
}

/** For the host: slot + 1 of the VM whose name is in memory, 0 if it is not known. */
export function findVm(name: u32, length: u32): u32 {
  const vm = lookUp(name, length, hashName(name, length));
  return vm == 0 ? 0 : slotOfVm(vm) + 1;
}

/** For the host: the slot of a VM, made if it is new. */
export function internVm(name: u32, length: u32): u32 {
  return slotOfVm(vmOf(name, length, hashName(name, length)));
}

/** For the host: the address of the record of an interface, or of a chain of it, made if it is new. The host's name follows the interface's. */
export function internNic(vmSlot: u32, name: u32, length: u32, hostLength: u32, part: u32): u32 {
  return <u32>chainNamed(vmAt(vmSlot), name, length, name + length, hostLength, part);
}

/** Forgets every VM and interface: how a repair starts. The work is in proportion to their number and the room for VMs. */
export function forgetAll(): void {
  const nics = load<u32>(H_NICS);
  for (let i: u32 = 0; i < nics; i++) {
    // the slot after a chain's has no place
    if (load<u32>(nicAt(i) + NIC_HASH) != 0) store<u64>(<usize>load<u32>(nicAt(i) + NIC_PLACE), 0);
  }
  memory.fill(<usize>load<u32>(H_VM_TABLE), 0, (<usize>load<u32>(H_VM_MASK) + 1) << 3);
  memory.fill(<usize>load<u32>(H_VM_RECORDS), 0, <usize>load<u32>(H_VMS) * VM_SIZE);
  memory.fill(<usize>load<u32>(H_VM_COLD), 0, <usize>load<u32>(H_VMS) * COLD_SIZE);
  memory.fill(<usize>load<u32>(H_NIC_RECORDS), 0, <usize>nics * NIC_SIZE);
  store<u32>(H_VMS, 0);
  store<u32>(H_NICS, 0);
}

/** Fills the (empty) tables from the records: a snapshot leaves them out. */
export function reindex(): void {
  const vmTable = <usize>load<u32>(H_VM_TABLE);
  const vmMask = load<u32>(H_VM_MASK);
  const vms = load<u32>(H_VMS);
  for (let slot: u32 = 0; slot < vms; slot++) {
    const hash = load<u32>(vmAt(slot) + VM_HASH);
    let i = firstPlaceOfVm(hash);
    while (load<u64>(vmTable + (<usize>i << 3)) != 0) i = (i + 1) & vmMask;
    store<u64>(vmTable + (<usize>i << 3), <u64>hash | <u64>(slot + 1) << 32);
  }
  const nicTable = <usize>load<u32>(H_NIC_TABLE);
  const nicMask = load<u32>(H_NIC_MASK);
  const nics = load<u32>(H_NICS);
  for (let slot: u32 = 0; slot < nics; slot++) {
    const nic = nicAt(slot);
    const hash = load<u32>(nic + NIC_HASH);
    if (hash == 0) continue;
    let i = firstPlaceOfNic(hash);
    while (load<u64>(nicTable + (<usize>i << 3)) != 0) i = (i + 1) & nicMask;
    const at = nicTable + (<usize>i << 3);
    store<u64>(at, <u64>hash | <u64>(slot + 1) << 32);
    store<u32>(nic + NIC_PLACE, <u32>at);
  }
}
