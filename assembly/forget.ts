/**
 * Giving back the slots of VMs. Those that stay move together and keep their order, so that slots are still those of first appearance
 * among what is known. Called between steps: nothing is half done, and the list of touched VMs is empty (its memory is used here).
 */
import {
  CHAIN_HOST,
  CHAIN_HOST_LENGTH,
  CHAIN_PART,
  COLD_FIRST_TS,
  COLD_NAME,
  COLD_SIZE,
  FLAG_FORGOTTEN,
  FLAG_UNTOLD,
  H_NAMES,
  H_NAMES_END,
  H_NICS,
  H_NIC_MASK,
  H_NIC_TABLE,
  H_TOUCHED,
  H_VMS,
  H_VMS_SEEN,
  H_VM_MASK,
  H_VM_TABLE,
  NIC_HASH,
  NIC_NAME,
  NIC_NEXT,
  NIC_PLACE,
  NIC_SIZE,
  NIC_VM,
  VM_FLAGS,
  VM_INLINE_MAX,
  VM_NAME_LENGTH,
  VM_NIC,
  VM_SIZE,
} from './layout';
import { NEVER, chainHash, coldOf, isTold, nicAt, nicHash, nicNameLength, reindex, tellingOf, vmAt } from './intern';

/** In place of a new slot: there is none. */
const GONE: u32 = u32.MAX_VALUE;

/** Where the new slot of a VM is kept meanwhile. */
// @ts-ignore: decorator
@inline
function newSlotOf(slot: u32): usize {
  return <usize>load<u32>(H_TOUCHED) + (<usize>slot << 2);
}

/** Writes only where something is: pages of a table that were never touched stay so. */
function clear(table: usize, entries: usize): void {
  for (let at = table, end = table + (entries << 3); at < end; at += 8) if (load<u64>(at) != 0) store<u64>(at, 0);
}

/** The new slot + 1 of an interface that stays; 0 of none. */
// @ts-ignore: decorator
@inline
function moved(link: u32): u32 {
  return link == 0 ? 0 : load<u32>(nicAt(link - 1) + NIC_PLACE) + 1;
}

/** For the host: gives back the slots of every VM whose flags say FLAG_FORGOTTEN, with those of its interfaces. */
export function forgetFlagged(): void {
  const vms = load<u32>(H_VMS);
  const nics = load<u32>(H_NICS);
  clear(<usize>load<u32>(H_VM_TABLE), <usize>load<u32>(H_VM_MASK) + 1);
  clear(<usize>load<u32>(H_NIC_TABLE), <usize>load<u32>(H_NIC_MASK) + 1);

  let vmsLeft: u32 = 0;
  for (let slot: u32 = 0; slot < vms; slot++) {
    const isGone = (load<u8>(vmAt(slot) + VM_FLAGS) & FLAG_FORGOTTEN) != 0;
    store<u32>(newSlotOf(slot), isGone ? GONE : vmsLeft);
    if (!isGone) vmsLeft++;
  }
  // interfaces know their new slots before anything moves, so that links can be followed
  let nicsLeft: u32 = 0;
  for (let slot: u32 = 0; slot < nics; slot++) {
    const nic = nicAt(slot);
    const isGone = load<u32>(newSlotOf(load<u32>(nic + NIC_VM))) == GONE;
    store<u32>(nic + NIC_PLACE, isGone ? GONE : nicsLeft);
    if (!isGone) nicsLeft++;
  }
  for (let slot: u32 = 0; slot < nics; slot++) {
    const nic = nicAt(slot);
    if (load<u32>(nic + NIC_PLACE) != GONE) store<u32>(nic + NIC_NEXT, moved(load<u32>(nic + NIC_NEXT)));
  }
  moveVms(vms);
  for (let slot: u32 = 0; slot < nics; slot++) {
    const nic = nicAt(slot);
    const place = load<u32>(nic + NIC_PLACE);
    if (place == GONE) continue;
    const vmSlot = load<u32>(newSlotOf(load<u32>(nic + NIC_VM)));
    store<u32>(nic + NIC_VM, vmSlot);
    if (load<u32>(nic + NIC_HASH) != 0) store<u32>(nic + NIC_HASH, hashOf(nic, vmSlot));
    if (place != slot) memory.copy(nicAt(place), nic, NIC_SIZE);
  }
  memory.fill(vmAt(vmsLeft), 0, <usize>(vms - vmsLeft) * VM_SIZE);
  memory.fill(coldOf(vmAt(vmsLeft)), 0, <usize>(vms - vmsLeft) * COLD_SIZE);
  memory.fill(nicAt(nicsLeft), 0, <usize>(nics - nicsLeft) * NIC_SIZE);
  store<u32>(H_VMS, vmsLeft);
  store<u32>(H_NICS, nicsLeft);
  reindex();
}

function hashOf(nic: usize, vmSlot: u32): u32 {
  const length = nicNameLength(nic);
  if (!isTold(nic)) return nicHash(nic + NIC_NAME, length, vmSlot);
  const telling = tellingOf(nic);
  const hostLength = load<u8>(telling + CHAIN_HOST_LENGTH);
  return chainHash(nic + NIC_NAME, length, telling + CHAIN_HOST, hostLength, load<u8>(telling + CHAIN_PART), vmSlot);
}

/** VMs, what is seldom asked of them, and names that are not in their records: each to its new place, which is never a later one. */
function moveVms(vms: u32): void {
  let names = load<u32>(H_NAMES);
  let seen: u32 = 0;
  for (let slot: u32 = 0; slot < vms; slot++) {
    const newSlot = load<u32>(newSlotOf(slot));
    if (newSlot == GONE) continue;
    const vm = vmAt(slot);
    const cold = coldOf(vm);
    store<u32>(vm + VM_NIC, moved(load<u32>(vm + VM_NIC)));
    if (load<u8>(vm + VM_NAME_LENGTH) > <u8>VM_INLINE_MAX) {
      const name = load<u32>(cold + COLD_NAME);
      if (name != names) memory.copy(names, name, 64);
      store<u32>(cold + COLD_NAME, names);
      names += 64;
    }
    if (load<i64>(cold + COLD_FIRST_TS) != NEVER || (load<u8>(vm + VM_FLAGS) & FLAG_UNTOLD) != 0) seen++;
    if (newSlot == slot) continue;
    memory.copy(coldOf(vmAt(newSlot)), cold, COLD_SIZE);
    memory.copy(vmAt(newSlot), vm, VM_SIZE);
  }
  store<u32>(H_NAMES_END, names);
  store<u32>(H_VMS_SEEN, seen);
}
